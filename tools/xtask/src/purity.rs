//! Pure crates name nothing of the standard library that reads a clock or does I/O.

use std::path::Path;

use crate::{Error, files, layers::PURE, source::product};

const IMPURE: [&str; 11] = [
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixStream",
    "println!",
];

pub(crate) fn check(root: &Path) -> Result<Vec<String>, Error> {
    Ok(findings(&files(root)?))
}

fn findings(files: &[(String, String)]) -> Vec<String> {
    let manifests = files.iter().filter_map(|(path, text)| Some((path.strip_suffix("/Cargo.toml")?, text)));
    let pure =
        manifests.filter(|(_, text)| PURE.iter().any(|name| text.contains(&format!("name = \"{name}\""))));
    let folders: Vec<_> = pure.map(|(folder, _)| format!("{folder}/src/")).collect();
    let mut findings = Vec::new();
    for (path, lines) in
        product(files).filter(|(path, _)| folders.iter().any(|folder| path.starts_with(folder)))
    {
        for (line, code) in lines {
            let named = IMPURE.iter().filter(|word| code.contains(**word));
            findings.extend(named.map(|word| format!("{path}:{line}: {word} in a pure crate")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_files_are_found_in_pure_crates_outside_tests() {
        let code = "fn a() { Instant::now(); }\n// std::fs\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        let files = [
            ("x/cmaf/Cargo.toml", "name = \"riser-cmaf\""),
            ("x/cmaf/src/a.rs", code),
            ("x/store/Cargo.toml", "name = \"riser-store\""),
            ("x/store/src/a.rs", code),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
        assert_eq!(findings(&files), ["x/cmaf/src/a.rs:1: Instant::now in a pure crate"]);
    }
}
