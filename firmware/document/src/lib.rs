//! TOML text to typed values, for people who write it by hand: every error names the field, the line and what
//! is allowed there.
//!
//! A schema is a serde structure with `deny_unknown_fields`. Its fields read themselves with [`text`],
//! [`number_or_text`], [`table`] and [`within`], so that the rule for a value and the words that explain it stand in one
//! place. Rules between fields are checked afterwards and reported with [`Error::at`].

mod locate;
mod read;

pub use read::{number_or_text, table, tables, text, within};

use serde::de::DeserializeOwned;

/// Why a document was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not TOML.
    #[error("line {line}: this is not TOML: {problem}")]
    Syntax {
        /// Line of the text, from 1.
        line: usize,
        /// What the TOML parser says.
        problem: String,
    },
    /// The text is not JSON.
    #[error("this is not JSON: {problem}")]
    NotJson {
        /// Line of the text, from 1.
        line: usize,
        /// What the JSON parser says.
        problem: String,
    },
    /// A field is unknown, missing or has a value that is not allowed.
    #[error("line {line}, `{path}`: {problem}")]
    Field {
        /// The field, such as `channel.ladder[1].height`.
        path: String,
        /// Line of the text, from 1; of the nearest table around it where the field itself is missing.
        line: usize,
        /// What is wrong and what is allowed.
        problem: String,
    },
}

impl Error {
    /// An error about the field at `path` (`channel.ladder[1].height`) of `text`.
    #[must_use]
    pub fn at(text: &str, path: &str, problem: impl Into<String>) -> Self {
        let line = line_of(text, locate::offset(text, path));
        Self::Field { path: path.to_owned(), line, problem: problem.into() }
    }

    /// Line of the text, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            Self::Syntax { line, .. } | Self::NotJson { line, .. } | Self::Field { line, .. } => *line,
        }
    }
}

/// Reads a whole document.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let document = toml::Deserializer::parse(text).map_err(|error| Error::Syntax {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        problem: error.message().to_owned(),
    })?;
    serde_path_to_error::deserialize(document)
        .map_err(|error| Error::at(text, &error.path().to_string(), plain(error.inner().message())))
}

/// Reads the same from JSON, as it comes over the management interface.
///
/// # Errors
/// As [`parse`]; text that is not JSON is [`Error::NotJson`].
pub fn parse_json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let mut document = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut document).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.inner());
        if !inner.is_data() {
            return Error::NotJson { line: inner.line(), problem: inner.to_string() };
        }
        let problem = inner.to_string();
        let problem = problem.rsplit_once(" at line ").map_or(problem.as_str(), |(problem, _)| problem);
        let path = if path == "." { String::new() } else { path };
        Error::Field { path, line: inner.line(), problem: plain(problem) }
    })?;
    document.end().map_err(|error| Error::NotJson { line: error.line(), problem: error.to_string() })?;
    Ok(value)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// Serde's wording in the words of somebody who writes settings.
fn plain(message: &str) -> String {
    if let Some((_, known)) = message.strip_prefix("unknown field ").and_then(|rest| rest.split_once(", ")) {
        return format!("there is no such setting; {known}");
    }
    let message = match message.split_once("expected struct ") {
        Some((found, _)) => format!("{found}expected a table"),
        None => message.to_owned(),
    };
    ["invalid type: ", "invalid value: ", "unknown variant "]
        .iter()
        .find_map(|form| message.strip_prefix(form).map(|rest| format!("found {rest}")))
        .unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Form {
        name: String,
        rungs: Vec<Rung>,
        #[serde(deserialize_with = "table")]
        best: Rung,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Rung {
        #[serde(deserialize_with = "within::<90, 2160, _>")]
        height: u32,
    }

    #[test]
    fn an_error_names_the_field_and_its_line() {
        for (text, message) in [
            ("\nname = 5", "line 2, `name`: found integer `5`, expected a string"),
            (
                "name = 'a'\n\n[[rungs]]\nheight = 90\n[[rungs]]\nheight = 89",
                "line 6, `rungs[1].height`: found integer `89`, expected a whole number from 90 to 2160",
            ),
            (
                "\n[[rungs]]\nwidth = 1",
                "line 3, `rungs[0].width`: there is no such setting; expected `height`",
            ),
            ("x.y = 1", "line 1, `x`: there is no such setting; expected one of `name`, `rungs`, `best`"),
            ("\n[[best]]", "line 2, `best`: found sequence, expected one table in single brackets"),
            ("best.x = 1", "line 1, `best.x`: there is no such setting; expected `height`"),
        ] {
            assert_eq!(parse::<Form>(text).unwrap_err().to_string(), message);
        }
        assert_eq!(parse::<Form>("a = 1\nb = ").unwrap_err().line(), 2);
    }

    #[test]
    fn a_field_that_is_not_there_is_placed_at_the_table_around_it() {
        let text = "name = 'a'\n\n[[rungs]]\n[[rungs]]\n";
        assert_eq!(Error::at(text, "rungs[1].height", "x").line(), 4);
        assert_eq!(Error::at(text, "rungs[7].height", "x").line(), 3);
        assert_eq!(Error::at(text, "elsewhere", "x").line(), 1);
    }

    proptest! {
        #[test]
        fn any_text_and_any_path_are_answered(text in "(?s).{0,80}", path in "[a-z\\[\\]0-9.]{0,20}") {
            if let Err(error) = parse::<Form>(&text) {
                prop_assert!(error.line() <= 1 + text.matches('\n').count());
            }
            prop_assert!(Error::at(&text, &path, "x").line() <= 1 + text.matches('\n').count());
        }
    }
}
