//! House rules on files: length, names, unwrap, and that the documents tell the truth about paths.

use std::{collections::BTreeSet, path::Path};

use crate::{Error, files, source::product};

const LONGEST: usize = 600;
const CODE: [&str; 9] = [".bb", ".css", ".html", ".js", ".mjs", ".py", ".rs", ".sh", ".ts"];
const NAMELESS: [&str; 8] = ["common", "core", "helper", "helpers", "manager", "misc", "util", "utils"];
const DOCUMENTS: [&str; 2] = ["ARCHITECTURE.md", "README.md"];
// Written in two halves, so that these lines are no findings themselves.
const UNWRAP: &str = concat!(".unw", "rap()");
/// A machine's own folder.
const WORKPLACE: &str = concat!("/wo", "rk/");

pub(crate) fn check(root: &Path) -> Result<Vec<String>, Error> {
    let files = files(root)?;
    let paths: BTreeSet<&str> =
        files.iter().flat_map(|(path, _)| Path::new(path).ancestors()).filter_map(Path::to_str).collect();
    let mut findings = Vec::new();
    for (path, text) in &files {
        findings.extend(length(path, text));
        findings.extend(name(path));
        findings.extend(workplace(path, text));
        if DOCUMENTS.contains(&path.as_str()) {
            findings.extend(missing_paths(path, text, &paths));
        }
    }
    findings.extend(unwraps(&files));
    Ok(findings)
}

fn length(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let code = CODE.iter().any(|ending| path.ends_with(ending)) || text.starts_with("#!");
    (code && lines > LONGEST).then(|| format!("{path}: {lines} lines, split it before {LONGEST}"))
}

fn name(path: &str) -> Option<String> {
    if !path.ends_with(".rs") && !path.ends_with(".ts") {
        return None;
    }
    let mut parts = path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    parts
        .find(|part| NAMELESS.contains(part))
        .map(|part| format!("{path}: `{part}` says nothing about its purpose"))
}

fn unwraps(files: &[(String, String)]) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, lines) in product(files) {
        let found = lines.filter(|(_, code)| code.contains(UNWRAP));
        findings.extend(found.map(|(line, _)| format!("{path}:{line}: {UNWRAP} outside tests")));
    }
    findings
}

fn workplace(path: &str, text: &str) -> Vec<String> {
    let absolute = |line: &str| {
        line.match_indices(WORKPLACE).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            before.is_none_or(|c| !c.is_ascii_alphanumeric() && !"._-/}*".contains(c))
        })
    };
    let lines = text.lines().zip(1..).filter(|(line, _)| absolute(line));
    lines.map(|(_, line)| format!("{path}:{line}: {WORKPLACE} is not part of the project")).collect()
}

/// Paths in backquotes that begin with one of our folders, and the targets of links, exist.
fn missing_paths(document: &str, text: &str, paths: &BTreeSet<&str>) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let quoted = line.split('`').skip(1).step_by(2).filter(|word| ours(word, paths));
        let linked = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let linked = linked.filter(|target| !target.contains("://") && !target.starts_with('#'));
        for word in quoted.chain(linked) {
            let path = word.split('#').next().unwrap_or(word).trim_start_matches("./").trim_end_matches('/');
            if !paths.contains(path) {
                findings.push(format!("{document}:{number}: {word} does not exist"));
            }
        }
    }
    findings
}

/// Whether a word in backquotes is meant as a path of this repository: plain, with a folder of ours in front.
fn ours(word: &str, paths: &BTreeSet<&str>) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let first = word.trim_start_matches("./").split_once('/').map(|(first, _)| first);
    plain && first.is_some_and(|first| !first.is_empty() && paths.contains(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_of_code_are_found() {
        let text = "x\n".repeat(601);
        assert_eq!(length("a/b.rs", &text).unwrap(), "a/b.rs: 601 lines, split it before 600");
        assert_eq!(length("a/b.rs", &text[2..]), None);
        assert_eq!(length("Cargo.lock", &text), None);
        assert!(length("tools/run", &format!("#!/bin/bash\n{text}")).is_some());
    }

    #[test]
    fn names_without_purpose_are_found() {
        assert!(name("firmware/a/src/utils.rs").is_some());
        assert!(name("firmware/a/src/core/x.rs").is_some());
        assert!(name("firmware/a/src/score.rs").is_none());
    }

    #[test]
    fn unwrap_is_found_outside_tests_only() {
        let text = format!("a(){UNWRAP};\n#[cfg(test)]\nmod tests {{\n    b(){UNWRAP};\n}}\n");
        let files = ["x/src/a.rs", "x/tests/a.rs"].map(|path| (path.to_owned(), text.clone()));
        assert_eq!(unwraps(&files), [format!("x/src/a.rs:1: {UNWRAP} outside tests")]);
    }

    #[test]
    fn the_workplace_is_found_but_not_a_folder_of_that_name() {
        let text = format!("tmp{WORKPLACE}x\n`{WORKPLACE}main`\n");
        assert_eq!(workplace("a.md", &text), [format!("a.md:2: {WORKPLACE} is not part of the project")]);
    }

    #[test]
    fn paths_in_documents_exist() {
        let paths = BTreeSet::from(["", "tools", "tools/run", "LICENSE"]);
        let text = "`tools/run` `tools/` `tools/rum` `video/mp4` [l](LICENSE) [m](MISSING) [w](https://x.org/)\n`tools/<id>`";
        let expected = ["README.md:1: tools/rum does not exist", "README.md:1: MISSING does not exist"];
        assert_eq!(missing_paths("README.md", text, &paths), expected);
    }
}
