//! How a field of a schema reads itself: the rule and the words for it together.

use std::{fmt, marker::PhantomData};

use serde::de::{
    Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor, value::MapAccessDeserializer,
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

/// Reads one table or a list of tables (`[name]` or `[[name]]`); true where it is a list.
///
/// # Errors
/// If the value is neither, and whatever the tables' fields find wrong.
pub fn tables<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<(Vec<T>, bool), D::Error> {
    deserializer.deserialize_any(Tables(PhantomData))
}

struct Tables<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Tables<T> {
    type Value = (Vec<T>, bool);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table or a list of tables")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(Vec<T>, bool), A::Error> {
        Ok((vec![T::deserialize(MapAccessDeserializer::new(map))?], false))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(Vec<T>, bool), A::Error> {
        let mut tables = Vec::new();
        while let Some(item) = list.next_element::<Item<T>>()? {
            tables.push(item.0);
        }
        Ok((tables, true))
    }
}

/// A table in a list.
struct Item<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Item<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        table(deserializer).map(Self)
    }
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

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        let converted = if self.numbers { (self.convert)(&number.to_string()) } else { None };
        converted.ok_or_else(|| E::invalid_type(Unexpected::Unsigned(number), &self))
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

    fn visit_u64<E: Error>(self, number: u64) -> Result<u32, E> {
        u32::try_from(number)
            .ok()
            .filter(|number| (self.min..=self.max).contains(number))
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }
}
