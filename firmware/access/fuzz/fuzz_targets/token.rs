//! Any text is judged, by keys of both kinds, and none is a token that they have signed.
#![no_main]

use std::collections::BTreeMap;

use access::token::{Kind, VerificationKey, Verifier};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|token: &str| {
    let rsa = VerificationKey::Rsa { id: None, n: vec![0xc5; 256], e: vec![1, 0, 1] };
    let secret = VerificationKey::Secret(b"a secret".to_vec());
    for kind in [Kind::Jwt, Kind::Swt] {
        let verifier = Verifier {
            kind,
            issuer: "issuer".into(),
            audience: "audience".into(),
            keys: vec![rsa.clone(), secret.clone()],
            claims: BTreeMap::new(),
            key_claim: Some("kid".into()),
        };
        assert!(verifier.verify(token, "6e5a1d26-2757-47d7-8046-eaa5d1d34b5a", 1_800_000_000).is_err());
    }
    let _ = VerificationKey::from_pem(token);
    let _ = VerificationKey::from_jwks(token);
});
