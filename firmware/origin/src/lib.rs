//! HTTP for viewers.
