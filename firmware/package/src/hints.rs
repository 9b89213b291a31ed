//! What a presentation's manifests say to players beside its media: data of the session, and who steers them.

use std::fmt::Write as _;

use crate::text::Quoted;

/// What the operator has players told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Data of the session, for pages that look for it (RFC 8216bis, 4.4.6.4).
    pub session_data: Vec<SessionData>,
    /// Where players ask which of several servers to take (RFC 8216bis, 7; ETSI TS 103 998): a URL.
    pub steering: Option<String>,
}

/// A value by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionData {
    /// In reverse domain order.
    pub id: String,
    /// The value.
    pub value: String,
    /// The language that it is in, where it is in one.
    pub language: Option<String>,
}

impl Hints {
    /// The lines of a Multivariant Playlist. All that it lists belongs to the pathway `.`.
    ///
    /// # Panics
    /// Never: a String takes any text.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut out = String::new();
        for SessionData { id, value, language } in &self.session_data {
            write!(out, "#EXT-X-SESSION-DATA:DATA-ID=\"{}\",VALUE=\"{}\"", Quoted(id), Quoted(value))
                .expect("a String takes any text");
            if let Some(language) = language {
                write!(out, ",LANGUAGE=\"{}\"", Quoted(language)).expect("a String takes any text");
            }
            out.push('\n');
        }
        if let Some(steering) = &self.steering {
            writeln!(out, "#EXT-X-CONTENT-STEERING:SERVER-URI=\"{}\"", Quoted(steering))
                .expect("a String takes any text");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_within_their_quotes() {
        let data = |language: Option<&str>| SessionData {
            id: "example.title".to_owned(),
            value: "The \"Hall\"".to_owned(),
            language: language.map(str::to_owned),
        };
        let hints = Hints {
            session_data: vec![data(None), data(Some("de"))],
            steering: Some("https://steer.example/a?b=1".to_owned()),
        };
        assert_eq!(
            hints.lines(),
            "#EXT-X-SESSION-DATA:DATA-ID=\"example.title\",VALUE=\"The Hall\"\n\
             #EXT-X-SESSION-DATA:DATA-ID=\"example.title\",VALUE=\"The Hall\",LANGUAGE=\"de\"\n\
             #EXT-X-CONTENT-STEERING:SERVER-URI=\"https://steer.example/a?b=1\"\n"
        );
        assert_eq!(Hints::default().lines(), "");
    }
}
