//! What `tools/bench store` and `tools/bench dvr` measure below HTTP: one measurement per process, so that memory and
//! bytes written are its own. Each prints one line of JSON.

mod feed;
mod fill;
mod growth;
mod limits;
mod meter;
mod pace;
mod repeat;
mod ring;
mod scan;
mod swift;
mod values;
mod viewers;

use std::{env, path::Path, process::ExitCode};

use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const USAGE: &str = "usage: measure limits|ring|pace DIR, values|synced DIR SECONDS, fill DIR EXTENT SEGMENTS PARTS, widen DIR EXTENT EXTENTS, \
                     scan|growth DIR EXTENT, repeat FROM TO EXTENT MINUTES, viewers ADDRESS SECONDS CLIENTS PACED \
                     TRACK,... PATH FIRST LAST";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match measure(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(measured) => {
            println!("{measured}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("measure: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[&str]) -> Outcome<Value> {
    match arguments {
        ["limits", dir] => limits::measure(Path::new(dir)),
        ["ring", dir] => ring::measure(Path::new(dir)),
        ["values", dir, seconds] => values::measure(Path::new(dir), seconds.parse()?, false),
        ["synced", dir, seconds] => values::measure(Path::new(dir), seconds.parse()?, true),
        ["pace", dir] => pace::measure(Path::new(dir)),
        ["fill", dir, extent, segments, parts] => {
            fill::fill(Path::new(dir), extent.parse()?, segments.parse()?, parts.parse()?)
        }
        ["widen", dir, extent, extents] => fill::widen(Path::new(dir), extent.parse()?, extents.parse()?),
        ["scan", dir, extent] => scan::measure(Path::new(dir), extent.parse()?),
        ["growth", dir, extent] => growth::measure(Path::new(dir), extent.parse()?),
        ["repeat", from, to, extent, minutes] => {
            repeat::repeat(Path::new(from), Path::new(to), extent.parse()?, minutes.parse()?)
        }
        ["viewers", rest @ ..] => viewers::measure(rest),
        _ => Err(USAGE.into()),
    }
}
