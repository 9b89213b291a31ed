//! HTTP for the technician: the status API.
