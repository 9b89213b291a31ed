//! `riser-pipeline --socket PATH`: the worker of one channel, started by `riserd`.
//!
//! `riser-pipeline thumbnails ...` makes a recording's sprite sheets instead; its module says how.

mod thumbnails;

use std::{path::PathBuf, process::ExitCode};

use lexopt::{Arg, Parser, ValueExt};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    wait_for_lent_pictures();
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "thumbnails") {
        return thumbnails(Parser::from_args(words));
    }
    let filter = EnvFilter::try_from_env("RISER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    let socket = match socket(Parser::from_env()) {
        Ok(socket) => socket,
        Err(error) => {
            eprintln!("riser-pipeline: {error}\nusage: riser-pipeline --socket PATH");
            return ExitCode::from(64);
        }
    };
    match riser_pipeline::run(&socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "worker ends");
            ExitCode::FAILURE
        }
    }
}

/// Has `v4l2src` wait for the pictures it has lent before it frees their pool. The other way, to free what is still lent, loses
/// the pool in GStreamer 1.22: a handle of the camera, four sockets and the element with every capture.
#[expect(unsafe_code, reason = "GStreamer is told so by the environment only")]
fn wait_for_lent_pictures() {
    // SAFETY: no other thread has been started yet.
    unsafe { std::env::set_var("GST_V4L2_FORCE_DRAIN", "1") };
}

/// Without a log: whoever starts this reads one line if anything.
fn thumbnails(arguments: Parser) -> ExitCode {
    match thumbnails::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("riser-pipeline: thumbnails: {error}");
            ExitCode::FAILURE
        }
    }
}

fn socket(mut arguments: Parser) -> Result<PathBuf, lexopt::Error> {
    let mut socket = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("socket") => socket = Some(arguments.value()?.parse()?),
            other => return Err(other.unexpected()),
        }
    }
    socket.ok_or_else(|| "--socket is missing".into())
}
