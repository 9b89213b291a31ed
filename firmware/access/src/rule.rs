//! One rule.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

/// An address with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    address: IpAddr,
    prefix: u8,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not begin with an address.
    #[error("`{0}` is no address, nor one with a prefix (10.0.0.0/22) or a mask (10.0.0.0(255.255.252.0))")]
    Address(String),
    /// The prefix is no number, or longer than the address.
    #[error("the prefix of `{rule}` is not a number from 0 to {longest}")]
    Prefix {
        /// The rule.
        rule: String,
        /// The most bits it can have.
        longest: u8,
    },
    /// The mask is none, or not of IPv4, or has holes.
    #[error("the mask of `{0}` is no IPv4 mask such as 255.255.252.0")]
    Mask(String),
}

impl Rule {
    /// Whether the address is in the rule's network. An IPv4 address within IPv6 is the IPv4 address.
    #[must_use]
    pub fn includes(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differs = own.to_bits() ^ other.to_bits();
                differs.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differs = own.to_bits() ^ other.to_bits();
                differs.leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }

    fn longest(address: IpAddr) -> u8 {
        if address.is_ipv4() { 32 } else { 128 }
    }
}

impl FromStr for Rule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let address = |part: &str| part.trim().parse().map_err(|_| Error::Address(text.to_owned()));
        if let Some((first, prefix)) = text.split_once('/') {
            let address = address(first)?;
            let longest = Self::longest(address);
            let prefix = prefix.trim().parse().ok().filter(|prefix| *prefix <= longest);
            let prefix = prefix.ok_or_else(|| Error::Prefix { rule: text.to_owned(), longest })?;
            return Ok(Self { address, prefix });
        }
        if let Some((first, mask)) = text.split_once('(') {
            let address: IpAddr = address(first)?;
            let mask = mask.strip_suffix(')').and_then(|mask| mask.trim().parse::<Ipv4Addr>().ok());
            let bits = mask.map(Ipv4Addr::to_bits).filter(|bits| address.is_ipv4() && is_whole(*bits));
            let bits = bits.ok_or_else(|| Error::Mask(text.to_owned()))?;
            return Ok(Self { address, prefix: bits.leading_ones() as u8 });
        }
        let address = address(text)?;
        Ok(Self { address, prefix: Self::longest(address) })
    }
}

/// Whether a mask has all its ones in front.
fn is_whole(mask: u32) -> bool {
    mask.leading_ones() + mask.trailing_zeros() >= 32
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix == Self::longest(self.address) {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(text: &str) -> Rule {
        text.parse().unwrap()
    }

    fn wrong(text: &str) -> String {
        text.parse::<Rule>().unwrap_err().to_string()
    }

    #[test]
    fn the_three_forms_mean_networks() {
        assert_eq!(rule(" 10.0.0.1(255.255.252.0) "), rule("10.0.0.1/22"));
        assert_eq!(rule("10.0.0.1"), rule("10.0.0.1/32"));
        let includes = |text: &str, address: &str| rule(text).includes(address.parse().unwrap());
        assert!(includes("10.0.0.1/22", "10.0.3.255") && !includes("10.0.0.1/22", "10.0.4.0"));
        assert!(includes("0.0.0.0/0", "203.0.113.9") && !includes("0.0.0.0/0", "2001:db8::1"));
        assert!(includes("10.0.0.1", "::ffff:10.0.0.1") && !includes("10.0.0.1", "10.0.0.2"));
        assert!(includes("2001:db8::/32", "2001:db8:1::1") && !includes("2001:db8::/32", "2001:db9::1"));
        assert!(includes("::/0", "::1") && includes("10.9.8.7(0.0.0.0)", "1.2.3.4"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert!(wrong("10.0.0.256").starts_with("`10.0.0.256` is no address"));
        assert!(wrong("").contains("no address"));
        assert_eq!(wrong("10.0.0.1/33"), "the prefix of `10.0.0.1/33` is not a number from 0 to 32");
        assert_eq!(wrong("::1/129"), "the prefix of `::1/129` is not a number from 0 to 128");
        for text in ["10.0.0.1(255.0.255.0)", "10.0.0.1(22)", "10.0.0.1(255.255.0.0", "::1(255.0.0.0)"] {
            assert!(wrong(text).starts_with("the mask of"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(address: u32, prefix in 0_u8..=32, other: u32) {
            let address = Ipv4Addr::from_bits(address);
            let written = rule(&format!("{address}/{prefix}"));
            prop_assert_eq!(rule(&written.to_string()), written);
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            prop_assert_eq!(rule(&format!("{address}({})", Ipv4Addr::from_bits(mask))), written);
            let inside = Ipv4Addr::from_bits(address.to_bits() & mask | other & !mask);
            prop_assert!(written.includes(inside.into()));
        }
    }
}
