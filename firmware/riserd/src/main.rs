//! `riserd --config FILE [--board-configs DIR] [--web DIR] [--pipeline PROGRAM] [--sys DIR]`: the box's daemon. Wiring only: it reads settings and
//! board, gives each part its own configuration, starts everything, and on SIGTERM or SIGINT ends it in order.

mod alarms;
mod authority;
mod cameras;
mod content_keys;
mod crew;
mod daemon;
mod dispatch;
mod door;
mod endpoints;
mod engine;
mod entrance;
mod error;
mod facts;
mod house;
mod ledger;
mod line;
mod outgoing;
mod plan;
mod planner;
mod program;
mod pulse;
mod rehearsal;
mod report;
mod serve;
mod session;
mod show;
mod signals;
mod supervisor;
mod thermometer;
mod thumbnails;
mod tls;
mod token;

use std::{path::PathBuf, process::ExitCode};

use lexopt::{Arg, Parser, ValueExt};
use tracing_subscriber::EnvFilter;

use crate::daemon::Arguments;

/// Wrong usage or settings (sysexits.h): starting again does not help.
const EX_CONFIG: u8 = 78;
const EX_USAGE: u8 = 64;

const USAGE: &str =
    "usage: riserd --config FILE [--board-configs DIR] [--web DIR] [--pipeline PROGRAM] [--sys DIR]";

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("RISER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    let arguments = match arguments(Parser::from_env()) {
        Ok(Asked::Run(arguments)) => arguments,
        Ok(Asked::Tell(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("riserd: {error}\n{USAGE}");
            return ExitCode::from(EX_USAGE);
        }
    };
    match daemon::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("riserd: {error}");
            if error.is_lasting() { ExitCode::from(EX_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

/// What the command line asks for.
enum Asked {
    Run(Arguments),
    Tell(String),
}

fn arguments(mut parser: Parser) -> Result<Asked, lexopt::Error> {
    let mut config = None;
    let mut board_configs = PathBuf::from("/usr/share/riser/board-configs");
    let mut web = PathBuf::from("/usr/share/riser/web");
    let mut sys = PathBuf::from("/sys");
    let mut pipeline = std::env::current_exe()
        .map(|riserd| riserd.with_file_name("riser-pipeline"))
        .unwrap_or_else(|_| PathBuf::from("riser-pipeline"));
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("config") => config = Some(parser.value()?.parse()?),
            Arg::Long("board-configs") => board_configs = parser.value()?.parse()?,
            Arg::Long("web") => web = parser.value()?.parse()?,
            Arg::Long("pipeline") => pipeline = parser.value()?.parse()?,
            Arg::Long("sys") => sys = parser.value()?.parse()?,
            Arg::Long("help") | Arg::Short('h') => return Ok(Asked::Tell(USAGE.to_owned())),
            Arg::Long("version") => {
                return Ok(Asked::Tell(format!("riserd {}", env!("CARGO_PKG_VERSION"))));
            }
            other => return Err(other.unexpected()),
        }
    }
    let config = config.ok_or("--config is missing")?;
    Ok(Asked::Run(Arguments { config, board_configs, web, pipeline, sys }))
}
