use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: u64 = 1_800_000_000;
const KEY_ID: &str = "6e5a1d26-2757-47d7-8046-eaa5d1d34b5a";
/// Of RFC 7515, A.2: a public key, and a token that it has signed.
const JWKS: &str = r#"{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"RSA","kid":"a","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}]}"#;
const SIGNED: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

fn verifier(kind: Kind) -> Verifier {
    Verifier {
        kind,
        issuer: "https://sts.example".into(),
        audience: "riser".into(),
        keys: vec![VerificationKey::Secret(b"old".to_vec()), VerificationKey::Secret(b"secret".to_vec())],
        claims: BTreeMap::from([("tier".to_owned(), "gold".to_owned())]),
        key_claim: Some("kid".into()),
    }
}

fn jwt_of(claims: &Value, alg: &str, secret: &[u8]) -> String {
    let part = |value: &Value| BASE64_URL.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": alg, "typ": "JWT" })), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", BASE64_URL.encode(tag))
}

fn good() -> Value {
    json!({
        "iss": "https://sts.example", "aud": ["other", "riser"], "exp": NOW + 60, "tier": "gold",
        "kid": "6E5A1D26275747D78046EAA5D1D34B5A",
    })
}

#[test]
fn a_token_of_either_secret_opens_the_key_that_it_names() {
    let verifier = verifier(Kind::Jwt);
    for secret in [&b"secret"[..], b"old"] {
        assert_eq!(verifier.verify(&jwt_of(&good(), "HS256", secret), KEY_ID, NOW), Ok(()));
    }
    let other = "00000000-2757-47d7-8046-eaa5d1d34b5a";
    let token = jwt_of(&good(), "HS256", b"secret");
    assert_eq!(verifier.verify(&token, other, NOW), Err(Refused::Claim("kid".into())));
}

#[test]
fn what_is_wrong_with_a_token_is_told() {
    let with = |name: &str, value: Value| {
        let mut claims = good();
        claims[name] = value;
        jwt_of(&claims, "HS256", b"secret")
    };
    let without = |name: &str| {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(name);
        jwt_of(&claims, "HS256", b"secret")
    };
    let claim = |name: &str| Refused::Claim(name.into());
    for (token, refused) in [
        (with("exp", json!(NOW - 31)), Refused::Expired),
        (without("exp"), Refused::Expired),
        (with("exp", json!(-1)), Refused::Expired),
        (with("nbf", json!(NOW + 31)), Refused::TooEarly),
        (with("iss", json!("https://sts.example.evil")), claim("iss")),
        (with("aud", json!("others")), claim("aud")),
        (with("tier", json!("silver")), claim("tier")),
        (without("tier"), claim("tier")),
        (jwt_of(&good(), "HS256", b"guess"), Refused::Signature),
        (jwt_of(&good(), "none", b""), Refused::Signature),
        (jwt_of(&good(), "RS256", b"secret"), Refused::Signature),
        ("a.b".into(), Refused::Malformed),
        (String::new(), Refused::Malformed),
        ("a".repeat(LONGEST + 1), Refused::Malformed),
    ] {
        assert_eq!(verifier(Kind::Jwt).verify(&token, KEY_ID, NOW), Err(refused), "{token}");
    }
    // Clocks may differ a little, and numbers have fractions.
    for token in
        [with("exp", json!(NOW - 29)), with("nbf", json!(NOW + 29)), with("exp", json!(NOW as f64 + 0.5))]
    {
        assert_eq!(verifier(Kind::Jwt).verify(&token, KEY_ID, NOW), Ok(()));
    }
}

#[test]
fn a_token_signed_by_rsa_is_verified_and_a_public_key_is_no_secret() {
    let keys = VerificationKey::from_jwks(JWKS).unwrap();
    let claims = jwt(&keys, SIGNED).unwrap();
    assert_eq!((&claims["iss"], &claims["exp"]), (&json!("joe"), &json!(1_300_819_380)));
    let forged = SIGNED.replacen("eyJpc3Mi", "eyJpc3Nj", 1);
    assert_eq!(jwt(&keys, &forged), Err(Refused::Signature));
    // Signed by HMAC with what everybody knows.
    let VerificationKey::Rsa { n, .. } = &keys[0] else { panic!("a key of RSA") };
    assert_eq!(jwt(&keys, &jwt_of(&good(), "HS256", n)), Err(Refused::Signature));
    assert_eq!(jwt(&[VerificationKey::Secret(n.clone())], SIGNED), Err(Refused::Signature));
    for text in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"RSA","n":"*","e":"AQAB"}]}"#] {
        assert!(VerificationKey::from_jwks(text).is_err(), "{text}");
    }
}

#[test]
fn simple_web_tokens_are_forms_with_a_signature() {
    let signed = |form: &str| {
        use base64::engine::general_purpose::STANDARD;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), form.as_bytes());
        format!(
            "{form}&HMACSHA256={}",
            STANDARD.encode(tag).replace('+', "%2B").replace('/', "%2f").replace('=', "%3D")
        )
    };
    let form = format!(
        "Audience=riser&ExpiresOn={}&Issuer=https%3a%2f%2fsts.example&tier=gold&kid={KEY_ID}",
        NOW + 60
    );
    let verifier = verifier(Kind::Swt);
    assert_eq!(verifier.verify(&signed(&form), KEY_ID, NOW), Ok(()));
    assert_eq!(verifier.verify(&signed(&form), KEY_ID, NOW + 91), Err(Refused::Expired));
    let forged = signed(&form).replacen("gold", "GOLD", 1);
    assert_eq!(verifier.verify(&forged, KEY_ID, NOW), Err(Refused::Signature));
    assert_eq!(verifier.verify(&signed(&format!("{form}&tier=gold")), KEY_ID, NOW), Err(Refused::Malformed));
    assert_eq!(verifier.verify(&form, KEY_ID, NOW), Err(Refused::Malformed));
}

proptest! {
    #[test]
    fn no_text_is_taken_for_a_token(text in "\\PC*", kind in prop_oneof![Just(Kind::Jwt), Just(Kind::Swt)]) {
        prop_assert!(verifier(kind).verify(&text, KEY_ID, NOW).is_err());
    }

    #[test]
    fn no_changed_byte_passes(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let token = jwt_of(&good(), "HS256", b"secret");
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let changed = String::from_utf8_lossy(&bytes).into_owned();
        // The last character of a part has bits that mean nothing; they must be zero.
        prop_assume!(changed != token);
        prop_assert!(verifier(Kind::Jwt).verify(&changed, KEY_ID, NOW).is_err());
    }
}
