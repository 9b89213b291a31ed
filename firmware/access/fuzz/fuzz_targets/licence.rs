//! Any request for a licence is judged.
#![no_main]

use access::{KeyId, clear_key::Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Some(request) = Request::parse(body) {
        let _ = request.names(KeyId([1; 16]));
    }
});
