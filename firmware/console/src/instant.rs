//! Times and durations in bodies: whole numbers for programs, RFC 3339 and `4h` for people.

use serde::{Deserialize, Deserializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, OneOfBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

/// Milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant(pub(crate) u64);

/// Whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) u64);

/// The last millisecond that RFC 3339 can write.
const LATEST: u64 = 253_402_300_799_999;

const DAY: u64 = 86_400;

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let allowed = "milliseconds since the epoch or a time such as \"2026-11-22T10:00:00Z\"";
        document::number_or_text(deserializer, allowed, instant).map(Self)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let allowed = "whole seconds or a duration such as \"4h\", \"90min\" or \"1h 30min\"";
        document::number_or_text(deserializer, allowed, seconds).map(Self)
    }
}

fn instant(text: &str) -> Option<u64> {
    number(text).or_else(|| rfc3339(text)).filter(|&ms| ms <= LATEST)
}

/// Digits only: `parse` would also take a sign.
fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// RFC 3339, 5.6. A leap second is the next minute's first one, as in Unix time; what is finer than a millisecond is
/// cut off.
fn rfc3339(text: &str) -> Option<u64> {
    let (date, time) = (text.get(..10)?, text.get(11..)?);
    if !matches!(text.as_bytes()[10], b'T' | b't' | b' ') {
        return None;
    }
    let (clock, rest) = (time.get(..8)?, time.get(8..)?);
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_epoch(year, month, day)?;
    let (millis, zone) = fraction(rest)?;
    let seconds = i64::try_from(days * DAY + hour * 3600 + minute * 60 + second).ok()? - offset(zone)?;
    Some(u64::try_from(seconds).ok()? * 1000 + millis)
}

/// Numbers of exactly these many digits between separators.
fn fields<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut pieces = text.split(separator);
    let mut values = [0; N];
    for (value, digits) in values.iter_mut().zip(digits) {
        *value = pieces.next().filter(|piece| piece.len() == digits).and_then(number)?;
    }
    if pieces.next().is_none() { Some(values) } else { None }
}

/// Days of the Gregorian calendar from 1970-01-01.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let length = |month| match month {
        2 => 28 + u64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if year < 1970 || !(1..=length(month)).contains(&day) {
        return None;
    }
    let leap_days = |until: u64| (until - 1) / 4 - (until - 1) / 100 + (until - 1) / 400;
    let years = (year - 1970) * 365 + leap_days(year) - leap_days(1970);
    Some(years + (1..month).map(length).sum::<u64>() + day - 1)
}

/// Milliseconds of `.123...`, where there is one, and what follows it.
fn fraction(text: &str) -> Option<(u64, &str)> {
    let Some(digits) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = digits.find(|c: char| !c.is_ascii_digit())?;
    let first: String = digits[..end].chars().chain("00".chars()).take(3).collect();
    Some((number(&first).filter(|_| end > 0)?, &digits[end..]))
}

/// Seconds by which a zone's clock is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next()? {
        'Z' | 'z' if zone.len() == 1 => return Some(0),
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let [hours, minutes] = fields(&zone[1..], ':', [2, 2])?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some(sign * i64::try_from(hours * 3600 + minutes * 60).ok()?)
}

fn seconds(text: &str) -> Option<u64> {
    if !text.is_empty() && number(text).is_some() {
        return number(text);
    }
    let mut rest = text.trim();
    let (mut total, mut above) = (0_u64, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let amount = number(&rest[..digits]).filter(|_| digits > 0)?;
        let tail = rest[digits..].trim_start();
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let unit = match &tail[..unit_end] {
            "d" => DAY,
            "h" => 3600,
            "min" | "m" => 60,
            "s" => 1,
            _ => return None,
        };
        if unit >= above {
            return None;
        }
        total = total.checked_add(amount.checked_mul(unit)?)?;
        (rest, above) = (tail[unit_end..].trim_start(), unit);
    }
    if above == u64::MAX { None } else { Some(total) }
}

/// A whole number, or a text of this format.
fn number_or_text(description: &str, text: ObjectBuilder) -> RefOr<Schema> {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    OneOfBuilder::new()
        .item(number.build())
        .item(text.schema_type(Type::String).build())
        .description(Some(description))
        .into()
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        number_or_text("Milliseconds since the epoch, or RFC 3339.", text)
    }
}

impl PartialSchema for Seconds {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .pattern(Some(r"^\s*(\d+\s*d)?\s*(\d+\s*h)?\s*(\d+\s*(min|m))?\s*(\d+\s*s)?\s*$"))
            .examples(["4h", "1h 30min"]);
        number_or_text("Seconds, or days, hours, minutes and seconds with their units.", text)
    }
}

impl ToSchema for Instant {}

impl ToSchema for Seconds {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_as_rfc_3339_says() {
        for (text, ms) in [
            ("0", 0),
            ("1795342800123", 1_795_342_800_123),
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:34:56Z", 951_827_696_000),
            ("2026-11-22T10:00:00Z", 1_795_341_600_000),
            ("2026-11-22t10:00:00.5z", 1_795_341_600_500),
            ("2026-11-22 11:30:00.123456+01:30", 1_795_341_600_123),
            ("2026-11-22T09:00:00-01:00", 1_795_341_600_000),
            ("1970-01-01T00:30:00+00:30", 0),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("2100-03-01T00:00:00Z", 4_107_542_400_000),
            ("9999-12-31T23:59:59.999Z", LATEST),
        ] {
            assert_eq!(instant(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "-1",
            "+1",
            "1.5",
            "1969-12-31T23:59:59Z",
            "2026-11-22",
            "2026-11-22T10:00Z",
            "2026-11-22T10:00:00",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:60:00Z",
            "2026-11-22T10:00:61Z",
            "2026-11-22T10:00:00.Z",
            "2026-11-22T10:00:00+1:00",
            "2026-11-22T10:00:00+24:00",
            "1970-01-01T00:00:00+00:01",
            "2026-11-22T10:00:00ZZ",
            "2026-11-22_10:00:00Z",
            "26-11-22T10:00:00Z",
            "2026-11-22T10:00:00.1",
            "253402300800000",
            "99999999999999999999",
            "now",
            "2026-11-2\u{e9}T10:00:00Z",
            "\u{1d7d9}",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
        // An empty text has no digits that could be wrong.
        assert_eq!(instant(""), None);
    }

    #[test]
    fn durations_may_have_units() {
        for (text, length) in [
            ("300", Some(300)),
            ("4h", Some(14_400)),
            ("90min", Some(5_400)),
            ("1h 30min", Some(5_400)),
            ("1h30m5s", Some(5_405)),
            ("7d", Some(604_800)),
            ("", None),
            ("h", None),
            ("4", Some(4)),
            ("4x", None),
            ("4h4h", None),
            ("5min1h", None),
            ("-4h", None),
            ("1.5h", None),
            ("4h5", None),
            ("99999999999999999999h", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(seconds(text), length, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,40}", near in "[0-9TtZz:+ .-]{0,32}") {
            for text in [text, near] {
                let _ = (instant(&text), seconds(&text));
            }
        }

        #[test]
        fn days_follow_each_other(day in 0_u64..2_932_896) {
            let mut found = None;
            let year = 1970 + day / 366;
            for year in year..=(1970 + day / 365) {
                for month in 1..=12 {
                    for of_month in 1..=31 {
                        if days_since_epoch(year, month, of_month) == Some(day) {
                            prop_assert!(found.replace((year, month, of_month)).is_none());
                        }
                    }
                }
            }
            prop_assert!(found.is_some());
        }
    }
}
