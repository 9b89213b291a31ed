//! Any rule is read as it is written, and any chain of proxies ends with a client.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use access::{Rule, Rules, client};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (rule, forwarded) = input;
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut trusted = Rules::from_iter(["127.0.0.1".parse::<Rule>().expect("an address is a rule")]);
    if let Ok(rule) = rule.parse::<Rule>() {
        assert_eq!(rule.to_string().parse::<Rule>().as_ref(), Ok(&rule));
        trusted = Rules::from_iter([rule]);
    }
    let found = client(peer, [forwarded].into_iter(), &trusted);
    assert!(found == peer || trusted.include(peer));
});
