//! How often one address may ask for keys: in bursts, but not for ever.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// An address that has asked for nothing lately may ask for so many keys at once: a venue's viewers may share one.
const BURST: u32 = 200;
/// From then on one more each.
const EACH: Duration = Duration::from_millis(50);
/// Addresses that are remembered; of more, those that have asked for nothing lately are forgotten.
const ADDRESSES: usize = 20_000;

/// How often it is looked whom to forget.
const LOOK: Duration = Duration::from_secs(1);

/// Who has asked how often.
#[derive(Default)]
pub(crate) struct Pace(Mutex<Asked>);

#[derive(Default)]
struct Asked {
    /// When each address will have made up for what it has asked for.
    until: HashMap<IpAddr, Instant>,
    looked: Option<Instant>,
}

impl Pace {
    /// Whether an address may ask now; it has asked then.
    pub(crate) fn allows(&self, address: IpAddr, now: Instant) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.until.len() >= ADDRESSES && asked.looked.is_none_or(|looked| looked + LOOK <= now) {
            asked.until.retain(|_, until| *until > now);
            asked.looked = Some(now);
        }
        // Where so many ask at once that none can be forgotten, newcomers are not remembered.
        if asked.until.len() >= ADDRESSES && !asked.until.contains_key(&address) {
            return true;
        }
        let until = asked.until.entry(address).or_insert(now);
        let next = (*until).max(now) + EACH;
        let allowed = next <= now + EACH * BURST;
        if allowed {
            *until = next;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_at_a_time() {
        let (pace, now) = (Pace::default(), Instant::now());
        let (one, other) = (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)));
        let count = |address, at: Instant| (0..1000).filter(|_| pace.allows(address, at)).count();
        assert_eq!(count(one, now), BURST as usize);
        assert_eq!(count(other, now), BURST as usize, "each for itself");
        assert_eq!(count(one, now + 3 * EACH), 3);
        assert_eq!(count(one, now + 1000 * EACH), BURST as usize, "not more for having waited long");
    }

    #[test]
    fn it_does_not_remember_everybody() {
        let (pace, now) = (Pace::default(), Instant::now());
        let address = |nth: u32| IpAddr::V4(Ipv4Addr::from_bits(nth));
        for nth in 0..3 * ADDRESSES as u32 {
            assert!(pace.allows(address(nth), now));
        }
        let remembered = || pace.0.lock().unwrap().until.len();
        assert_eq!(remembered(), ADDRESSES);
        assert!(pace.allows(address(u32::MAX), now + LOOK));
        assert_eq!(remembered(), 1);
    }
}
