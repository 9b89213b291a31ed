//! Where in the text a field stands.

use toml::de::{DeTable, DeValue};

/// Byte offset of the field at `path`, or of the innermost part of the path that the text has.
pub(crate) fn offset(text: &str, path: &str) -> usize {
    let Ok(document) = DeTable::parse(text) else { return 0 };
    let mut table = document.get_ref();
    let mut offset = 0;
    for (name, indices) in path.split('.').map(indexed) {
        let Some((key, value)) = table.get_key_value(name) else { return offset };
        offset = key.span().start;
        let mut value = value;
        for index in indices {
            let DeValue::Array(items) = value.get_ref() else { return offset };
            let Some(item) = items.get(index) else { return offset };
            offset = item.span().start;
            value = item;
        }
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return offset,
        }
    }
    offset
}

/// `ladder[1]` is `ladder` and 1.
fn indexed(step: &str) -> (&str, Vec<usize>) {
    let (name, indices) = step.split_once('[').unwrap_or((step, ""));
    (name, indices.split(['[', ']']).filter_map(|index| index.parse().ok()).collect())
}
