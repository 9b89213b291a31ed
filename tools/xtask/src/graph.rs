//! Which crate uses which, from `cargo metadata`. Uses in tests only are left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;

/// Crates by name; an arrow for each use in a normal or build dependency.
pub(crate) struct Graph {
    /// The crates of this workspace.
    pub(crate) members: BTreeSet<String>,
    /// What each crate uses directly.
    pub(crate) uses: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    pub(crate) fn read(metadata: &str) -> Result<Self, serde_json::Error> {
        let metadata: Metadata = serde_json::from_str(metadata)?;
        let names: BTreeMap<_, _> =
            metadata.packages.into_iter().map(|package| (package.id, package.name)).collect();
        let name = |id: &String| names.get(id).unwrap_or(id).clone();
        let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in metadata.resolve.nodes {
            let used = node
                .deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev")));
            uses.entry(name(&node.id)).or_default().extend(used.map(|dep| name(&dep.pkg)));
        }
        Ok(Self { members: metadata.workspace_members.iter().map(name).collect(), uses })
    }

    /// The crates that `name` uses directly.
    pub(crate) fn used_by(&self, name: &str) -> impl Iterator<Item = &str> {
        self.uses.get(name).into_iter().flatten().map(String::as_str)
    }

    /// A shortest way of arrows from one crate to another, both included.
    pub(crate) fn way<'a>(&'a self, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
        let mut ways = VecDeque::from([vec![from]]);
        let mut seen = BTreeSet::from([from]);
        while let Some(way) = ways.pop_front() {
            for next in self.used_by(way.last()?) {
                let mut longer = way.clone();
                longer.push(next);
                if next == to {
                    return Some(longer);
                }
                if seen.insert(next) {
                    ways.push_back(longer);
                }
            }
        }
        None
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dep>,
}

#[derive(Deserialize)]
struct Dep {
    pkg: String,
    dep_kinds: Vec<DepKind>,
}

#[derive(Deserialize)]
struct DepKind {
    kind: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_in_tests_are_no_arrows() {
        let graph = Graph::read(
            r#"{
            "packages": [{"id": "path#a", "name": "a"}, {"id": "path#b", "name": "b"}, {"id": "path#c", "name": "c"}],
            "workspace_members": ["path#a", "path#b"],
            "resolve": {"nodes": [
                {"id": "path#a", "deps": [
                    {"pkg": "path#b", "dep_kinds": [{"kind": "dev"}, {"kind": null}]},
                    {"pkg": "path#c", "dep_kinds": [{"kind": "dev"}]}]},
                {"id": "path#b", "deps": [{"pkg": "path#c", "dep_kinds": [{"kind": "build"}]}]},
                {"id": "path#c", "deps": []}]}}"#,
        )
        .unwrap();
        assert_eq!(graph.members.len(), 2);
        assert_eq!(graph.used_by("a").collect::<Vec<_>>(), ["b"]);
        assert_eq!(graph.way("a", "c"), Some(vec!["a", "b", "c"]));
        assert_eq!(graph.way("b", "a"), None);
    }
}
