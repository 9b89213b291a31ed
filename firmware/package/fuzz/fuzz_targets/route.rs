//! Any request target is judged, and what is a route has one spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use package::route::Route;

fuzz_target!(|target: &str| {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    if let Ok(route) = Route::parse(path, query) {
        let written = route.to_string();
        let (path, query) =
            written.split_once('?').map_or((&*written, None), |(path, query)| (path, Some(query)));
        assert_eq!(Route::parse(path, query), Ok(route));
    }
});
