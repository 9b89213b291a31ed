//! What names may look like.

use crate::Refusal;

/// The most characters of a program's, asset's or mark's name and of a description.
pub(crate) const LONGEST: usize = 256;

/// A name for people: of a program, an asset, a mark.
pub(crate) fn title(field: &str, name: &str) -> Result<(), Refusal> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == ' ';
    let ends = |c: char| c.is_ascii_alphanumeric();
    let fits = (1..=LONGEST).contains(&name.len())
        && name.chars().all(inside)
        && name.starts_with(ends)
        && name.ends_with(ends);
    check(
        fits,
        field,
        "1 to 256 letters (a to z), digits, `-` and spaces are allowed, with a letter or digit at both ends",
    )
}

/// A channel's name, which stands in its addresses.
pub(crate) fn channel(field: &str, name: &str) -> Result<(), Refusal> {
    let fits = (1..=32).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    check(fits, field, "1 to 32 letters (a to z), digits or `-` are allowed")
}

/// A piece of an address: a locator, a filter's name.
pub(crate) fn token(field: &str, name: &str) -> Result<(), Refusal> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let fits = (1..=64).contains(&name.len()) && name.chars().all(inside);
    check(fits, field, "1 to 64 letters (a to z), digits, `-` and `_` are allowed")
}

/// A description.
pub(crate) fn description(field: &str, text: &str) -> Result<(), Refusal> {
    check(text.chars().count() <= LONGEST, field, "at most 256 characters are allowed")
}

fn check(fits: bool, field: &str, allowed: &str) -> Result<(), Refusal> {
    if fits { Ok(()) } else { Err(invalid(field, allowed)) }
}

pub(crate) fn invalid(field: &str, problem: impl Into<String>) -> Refusal {
    Refusal::Invalid { field: field.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_for_people() {
        for good in ["a", "7", "Council 12-a", &"x".repeat(256)] {
            assert_eq!(title("name", good), Ok(()), "{good}");
        }
        for bad in ["", " ", "-a", "a-", " a", "a ", "a/b", "a_b", "<b>", "a\0b", "a\nb", "Köln", "\u{1f600}"]
        {
            assert!(matches!(title("name", bad), Err(Refusal::Invalid { .. })), "{bad}");
        }
        assert!(title("name", &"x".repeat(257)).is_err());
    }

    #[test]
    fn pieces_of_addresses_need_no_escape() {
        for good in ["a", "A-1", "-"] {
            assert_eq!((channel("name", good), token("locator", good)), (Ok(()), Ok(())), "{good}");
        }
        assert_eq!(token("locator", "a_b"), Ok(()));
        for bad in ["", ".", "..", "a b", "a/b", "a%2f", "ä", &"x".repeat(65)] {
            assert!(channel("name", bad).is_err() && token("locator", bad).is_err(), "{bad}");
        }
        assert!(channel("name", &"x".repeat(33)).is_err() && channel("name", "a_b").is_err());
    }

    #[test]
    fn descriptions_count_characters() {
        assert_eq!(description("description", &"ä".repeat(256)), Ok(()));
        assert!(description("description", &"ä".repeat(257)).is_err());
    }
}
