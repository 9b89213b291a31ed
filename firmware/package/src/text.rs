//! How manifests write durations, instants and attribute values; integers only.

use std::fmt;

use media::NANOS;

/// Ticks as microseconds, rounded to the nearest.
pub(crate) fn micros(ticks: u64, timescale: u32) -> u64 {
    let timescale = u64::from(timescale);
    let (seconds, rest) = (ticks / timescale, ticks % timescale);
    seconds.saturating_mul(1_000_000).saturating_add((rest * 1_000_000 + timescale / 2) / timescale)
}

/// Ticks as microseconds, rounded up: a bound that no rounded duration exceeds.
pub(crate) fn micros_up(ticks: u64, timescale: u32) -> u64 {
    let micros = (u128::from(ticks) * 1_000_000).div_ceil(u128::from(timescale));
    u64::try_from(micros).unwrap_or(u64::MAX)
}

/// Appends a number, with zeros before it up to `width` digits. A playlist of a few hours has ten thousand of them
/// and the formatting machinery takes five times as long.
pub(crate) fn push_number(out: &mut String, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    while number > 0 {
        first -= 1;
        digits[first] += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
    let first = first.min(digits.len() - width);
    out.push_str(std::str::from_utf8(&digits[first..]).unwrap_or(""));
}

/// Appends microseconds as [`Seconds`] writes them.
pub(crate) fn push_seconds(out: &mut String, micros: u64) {
    push_number(out, micros / 1_000_000, 1);
    out.push('.');
    push_number(out, micros % 1_000_000, 6);
}

/// Microseconds as decimal seconds: `1.601600`.
pub(crate) struct Seconds(pub(crate) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// Nanoseconds as an `xs:duration`: `PT1.6016S`.
pub(crate) struct Duration(pub(crate) u64);

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, mut fraction) = (self.0 / NANOS, self.0 % NANOS);
        if fraction == 0 {
            return write!(f, "PT{seconds}S");
        }
        let mut digits = 9;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        write!(f, "PT{seconds}.{fraction:0digits$}S")
    }
}

/// Nanoseconds since the epoch as RFC 3339 in UTC, to the nearest millisecond: `2026-01-31T12:00:00.040Z`.
pub(crate) struct Utc(pub(crate) u64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0 / 1_000_000 + u64::from(self.0 % 1_000_000 >= 500_000);
        write!(f, "{}.{:03}Z", Second(millis / 1000), millis % 1000)
    }
}

/// Nanoseconds since the epoch as RFC 3339 in UTC, exact, with three digits after the point or more.
pub(crate) struct Exact(pub(crate) u64);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut fraction, mut digits) = (self.0 % NANOS, 9);
        while digits > 3 && fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        write!(f, "{}.{fraction:0digits$}Z", Second(self.0 / NANOS))
    }
}

/// Seconds since the epoch as a date and a time of day.
struct Second(u64);

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

/// Year, month and day (Gregorian) of a day counted from 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years that begin in March put the leap day last; the eras are 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// A quoted-string's content (RFC 8216bis, 4.2): without the characters that may not stand in it.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split(['"', '\n', '\r']).try_for_each(|piece| f.write_str(piece))
    }
}

/// Bytes as hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// The query that a URI in a playlist carries (RFC 3986, 3.4), with the `?` before it; nothing where there is none.
pub(crate) struct Query<'a>(pub(crate) &'a str);

impl fmt::Display for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() {
            f.write_str("?")?;
        }
        self.0.bytes().try_for_each(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => write!(f, "{}", char::from(byte)),
            _ if b"-._~!$&'()*+,;=:@/?%".contains(&byte) => write!(f, "{}", char::from(byte)),
            other => write!(f, "%{other:02X}"),
        })
    }
}

/// An XML attribute value for double quotes (XML 1.0, 2.4), without the characters XML cannot carry.
pub(crate) struct Attribute<'a>(pub(crate) &'a str);

impl fmt::Display for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\t' => f.write_str("&#9;"),
            '\n' => f.write_str("&#10;"),
            '\r' => f.write_str("&#13;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => Ok(()),
            other => write!(f, "{other}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_decimals() {
        assert_eq!(Seconds(micros(48_048, 30_000)).to_string(), "1.601600");
        assert_eq!(Seconds(micros(5 * 1001, 24_000)).to_string(), "0.208542");
        assert_eq!((micros(1, 3_000_000), micros_up(1, 3_000_000)), (0, 1));
        for micros in [0, 5, 999_999, 1_000_000, 1_601_600, u64::MAX] {
            let mut out = String::new();
            push_seconds(&mut out, micros);
            assert_eq!(out, Seconds(micros).to_string());
        }
        assert_eq!(Duration(1_601_600_000).to_string(), "PT1.6016S");
        assert_eq!(Duration(3_000_000_000).to_string(), "PT3S");
        assert_eq!(Duration(1).to_string(), "PT0.000000001S");
    }

    #[test]
    fn instants_follow_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (1_767_225_600, "2026-01-01T00:00:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Utc(seconds * NANOS).to_string(), text);
        }
        assert_eq!(Utc(1_999_500_000).to_string(), "1970-01-01T00:00:02.000Z");
        assert_eq!(Utc(40_400_000).to_string(), "1970-01-01T00:00:00.040Z");
        assert_eq!(Exact(40_400_000).to_string(), "1970-01-01T00:00:00.0404Z");
        assert_eq!(Exact(2 * NANOS + 1).to_string(), "1970-01-01T00:00:02.000000001Z");
        assert_eq!(Exact(1_767_225_600 * NANOS).to_string(), "2026-01-01T00:00:00.000Z");
    }

    #[test]
    fn values_cannot_leave_their_quotes() {
        assert_eq!(Quoted("a\"b\nc").to_string(), "abc");
        assert_eq!(Query("filter=A;b c\"é\n").to_string(), "?filter=A;b%20c%22%C3%A9%0A");
        assert_eq!(Query("").to_string(), "");
        assert_eq!(Attribute("a\"<&>\u{1}\n").to_string(), "a&quot;&lt;&amp;&gt;&#10;");
    }
}
