//! Which crate may know which: arrows only point down, nothing sideways within a row.

use std::path::Path;

use crate::{Error, graph::Graph, output, purity};

/// From the ground up. A crate may use crates of lower rows only.
const ROWS: [&[&str]; 8] = [
    &["riser-media", "riser-document", "riser-access"],
    &["riser-settings", "riser-board", "riser-cue"],
    &["riser-cmaf", "riser-store", "riser-link", "riser-clock"],
    &["riser-package", "riser-transmux", "riser-subtitle", "riser-protect", "riser-channel"],
    &["riser-control"],
    &[
        "riser-pipeline",
        "riser-origin",
        "riser-console",
        "riser-ingest",
        "riser-forward",
        "riser-agent",
        "riser-panel",
    ],
    &["riserd"],
    &["riser-tests", "xtask"],
];

/// Crates without I/O and clocks, tested and fuzzed as plain functions.
pub(crate) const PURE: [&str; 13] = [
    "riser-access",
    "riser-cue",
    "riser-media",
    "riser-document",
    "riser-settings",
    "riser-board",
    "riser-cmaf",
    "riser-link",
    "riser-package",
    "riser-transmux",
    "riser-subtitle",
    "riser-protect",
    "riser-channel",
];

/// What a pure crate must not reach, even through others.
const IMPURE: [&str; 10] =
    ["axum", "gstreamer", "hyper", "mio", "rustix", "sled", "socket2", "tempfile", "tokio", "v4l"];

/// Crates that must not reach each other, even through others.
const APART: [(&str, &str, &str); 2] = [
    ("riser-origin", "riser-control", "a viewer can never change the box"),
    ("riser-store", "riser-cmaf", "the store never parses media"),
];

/// Crates that only some may use directly.
const RESERVED: [(&str, &[&str], &str); 4] = [
    (
        "riser-settings",
        &["riserd", "riser-control"],
        "each part has a Config of its own, only riserd sees both",
    ),
    ("riser-board", &["riserd", "riser-control", "riser-panel"], "each part has a Config of its own"),
    ("riser-channel", &["riserd", "riser-pipeline", "riser-control"], "channels are reached through control"),
    ("gstreamer", &["riser-pipeline"], "GStreamer stays in the worker process"),
];

/// The top row may use everything: it tests and checks the house from outside.
const OUTSIDE: &[&str] = ROWS[ROWS.len() - 1];

pub(crate) fn check(root: &Path) -> Result<Vec<String>, Error> {
    let metadata = output(root, "cargo", &["metadata", "--format-version", "1", "--all-features"])?;
    let mut findings = findings(&Graph::read(&metadata)?);
    findings.extend(purity::check(root)?);
    Ok(findings)
}

fn findings(graph: &Graph) -> Vec<String> {
    let inside = || graph.members.iter().map(String::as_str).filter(|name| !OUTSIDE.contains(name));
    let mut findings = Vec::new();
    for name in &graph.members {
        if row(name).is_none() {
            findings.push(format!("{name}: has no row yet, give it one in tools/xtask/src/layers.rs"));
        }
    }
    for name in inside() {
        for used in graph.used_by(name).filter(|used| graph.members.contains(*used)) {
            match (row(name), row(used)) {
                (Some(above), Some(below)) if above < below => {
                    findings.push(format!("{name} -> {used}: this arrow points up"));
                }
                (Some(above), Some(below)) if above == below => {
                    findings.push(format!("{name} -> {used}: this arrow points sideways within a row"));
                }
                _ => {}
            }
        }
        for (reserved, users, why) in RESERVED {
            if !users.contains(&name) && graph.used_by(name).any(|used| used == reserved) {
                findings.push(format!("{name} -> {reserved}: only {} may use it: {why}", users.join(", ")));
            }
        }
    }
    let apart = APART.iter().map(|(from, to, why)| (*from, *to, *why));
    let impure =
        PURE.iter().flat_map(|pure| IMPURE.map(|to| (*pure, to, "pure crates have no I/O and no clocks")));
    for (from, to, why) in apart.chain(impure) {
        if let Some(way) = graph.way(from, to) {
            findings.push(format!("{}: {why}", way.join(" -> ")));
        }
    }
    findings
}

fn row(name: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of all crates named, with these arrows; crates outside the table are dependencies.
    fn graph(arrows: &[(&str, &str)]) -> Graph {
        let mut graph = Graph { members: Default::default(), uses: Default::default() };
        for (from, to) in arrows {
            let ours = |name: &&&str| name.starts_with("riser") || **name == "xtask";
            graph
                .members
                .extend([from, to].iter().filter(|name| ours(name)).map(|name| (**name).to_string()));
            graph.uses.entry((*from).into()).or_default().insert((*to).into());
        }
        graph
    }

    #[test]
    fn arrows_down_are_allowed() {
        let arrows = [
            ("riserd", "riser-origin"),
            ("riserd", "riser-settings"),
            ("riser-origin", "riser-store"),
            ("riser-origin", "axum"),
            ("riser-channel", "riser-cmaf"),
            ("riser-pipeline", "gstreamer"),
            ("riser-settings", "riser-media"),
            ("riser-tests", "riserd"),
            ("riser-tests", "riser-board"),
            ("xtask", "riser-board"),
        ];
        assert_eq!(findings(&graph(&arrows)), Vec::<String>::new());
    }

    #[test]
    fn every_other_arrow_is_a_finding() {
        for (arrows, finding) in [
            (&[("riser-cmaf", "riser-package")][..], "riser-cmaf -> riser-package: this arrow points up"),
            (
                &[("riser-channel", "riser-package")],
                "riser-channel -> riser-package: this arrow points sideways within a row",
            ),
            (
                &[("riser-novel", "riser-media")],
                "riser-novel: has no row yet, give it one in tools/xtask/src/layers.rs",
            ),
            (
                &[("riser-origin", "x"), ("x", "riser-control")],
                "riser-origin -> x -> riser-control: a viewer can never change the box",
            ),
            (
                &[("riser-cmaf", "mp4-atom"), ("mp4-atom", "tokio")],
                "riser-cmaf -> mp4-atom -> tokio: pure crates have no I/O and no clocks",
            ),
            (
                &[("riser-pipeline", "riser-settings")],
                "riser-pipeline -> riser-settings: only riserd, riser-control may use it: \
                 each part has a Config of its own, only riserd sees both",
            ),
            (
                &[("riserd", "gstreamer")],
                "riserd -> gstreamer: only riser-pipeline may use it: GStreamer stays in the worker process",
            ),
        ] {
            assert_eq!(findings(&graph(arrows)), [finding]);
        }
    }
}
