//! `riser-pipeline --socket PATH`: the worker of one channel, started by `riserd`.

use std::{path::PathBuf, process::ExitCode};

use lexopt::{Arg, Parser, ValueExt};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
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
