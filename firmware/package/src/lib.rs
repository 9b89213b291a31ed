//! From a window and a request to manifest text: HLS and DASH.
