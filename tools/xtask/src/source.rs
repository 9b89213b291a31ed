//! Which lines of a Rust file are the product's own code.

use std::collections::BTreeSet;

/// The Rust files among `(path, text)` that are not there for tests only: path and lines of code, counted from 1.
pub(crate) fn product(
    files: &[(String, String)],
) -> impl Iterator<Item = (&str, impl Iterator<Item = (usize, &str)>)> {
    let rust = || files.iter().filter(|(path, _)| path.ends_with(".rs"));
    let of_tests: BTreeSet<String> = rust().flat_map(|(path, text)| test_modules(path, text)).collect();
    let product = move |path: &str| {
        let module = path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        let folders = ["tests", "benches", "fuzz"];
        !path.split('/').any(|folder| folders.contains(&folder))
            && !of_tests.iter().any(|test| {
                module
                    .strip_prefix(test.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    };
    rust().filter(move |(path, _)| product(path)).map(|(path, text)| (path.as_str(), code_lines(text)))
}

/// The modules that a file declares for tests only, as paths without `.rs`.
fn test_modules(path: &str, text: &str) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or((".", path));
    let inner = match file {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ => format!("{folder}/{}", file.trim_end_matches(".rs")),
    };
    let declared = |line: &str| Some(line.trim().strip_suffix(';')?.split_once("mod ")?.1.to_owned());
    let pairs = text.lines().zip(text.lines().skip(1));
    let marked = pairs.filter(|(attribute, _)| attribute.trim() == "#[cfg(test)]");
    marked.filter_map(|(_, line)| declared(line)).map(|name| format!("{inner}/{name}")).collect()
}

/// Lines that are neither comments nor part of a `#[cfg(test)]` item.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut test_item: Option<usize> = None;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if let Some(outer) = test_item {
            if indent == outer && (code.ends_with(';') || code.ends_with('}')) {
                test_item = None;
            }
            return None;
        }
        if code.starts_with("#[cfg(test)]") {
            test_item = Some(indent);
            return None;
        }
        (!code.starts_with("//")).then_some((number, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_items_and_comments_are_left_out() {
        let text = "a\n// b\n#[cfg(test)]\nmod tests;\nc\n#[cfg(test)]\nmod more {\n    d;\n    {}\n}\n    /// e\nf\n";
        assert_eq!(code_lines(text).collect::<Vec<_>>(), [(1, "a"), (5, "c"), (12, "f")]);
    }

    #[test]
    fn files_of_tests_are_left_out() {
        let text = |path: &str| match path {
            "a/src/lib.rs" => "mod b;\n#[cfg(test)]\nmod fixture;\n",
            "a/src/b.rs" => "#[cfg(test)]\nmod tests;\n",
            _ => "x\n",
        };
        let paths =
            ["a/src/lib.rs", "a/src/fixture.rs", "a/src/fixture/c.rs", "a/src/b.rs", "a/src/b/tests.rs"];
        let others = ["a/src/fixtures.rs", "tests/src/d.rs", "a/README.md"];
        let files: Vec<_> =
            paths.iter().chain(&others).map(|path| ((*path).to_owned(), text(path).to_owned())).collect();
        let product: Vec<_> = product(&files).map(|(path, _)| path).collect();
        assert_eq!(product, ["a/src/lib.rs", "a/src/b.rs", "a/src/fixtures.rs"]);
    }
}
