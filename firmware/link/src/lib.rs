//! Messages between riserd and a pipeline worker, and their wire form.
