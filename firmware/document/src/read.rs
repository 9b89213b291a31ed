//! How a field of a schema reads itself: the rule and the words for it together.

use std::{fmt, marker::PhantomData};

use serde::de::{
    Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer,
};

/// Reads a text that `convert` accepts; `allowed` ends the sentence "found ..., expected ...".
///
/// # Errors
/// If the value is not a text or `convert` gives nothing for it.
pub fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    allowed: &str,
    convert: impl Fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(Text { allowed, convert, numbers: false })
}

/// Like [`text`], with a whole number standing for its digits: `25` for `"25"`.
///
/// # Errors
/// If the value is neither or `convert` gives nothing for it.
pub fn number_or_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    allowed: &str,
    convert: impl Fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(Text { allowed, convert, numbers: true })
}

/// Reads a whole number from `MIN` to `MAX`.
///
/// # Errors
/// If the value is not a whole number or lies outside.
pub fn within<'de, const MIN: u32, const MAX: u32, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<u32, D::Error> {
    deserializer.deserialize_any(Within { min: MIN, max: MAX })
}

/// Reads one table; a list of tables (`[[name]]`) is refused, where serde would take its items for the fields.
///
/// # Errors
/// If the value is not a table, and whatever its fields find wrong.
pub fn table<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Table(PhantomData))
}

struct Text<'a, F> {
    allowed: &'a str,
    convert: F,
    numbers: bool,
}

impl<T, F: Fn(&str) -> Option<T>> Visitor<'_> for Text<'_, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.allowed)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.convert)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let converted = if self.numbers { (self.convert)(&number.to_string()) } else { None };
        converted.ok_or_else(|| E::invalid_type(Unexpected::Signed(number), &self))
    }
}

struct Table<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Table<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one table in single brackets")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

struct Within {
    min: u32,
    max: u32,
}

impl Visitor<'_> for Within {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {} to {}", self.min, self.max)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        u32::try_from(number)
            .ok()
            .filter(|number| (self.min..=self.max).contains(number))
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }
}
