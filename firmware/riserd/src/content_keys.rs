//! The settings' content keys with what stands in their files.

use std::{fs, path::Path};

use access::token::{Kind, VerificationKey, Verifier};
use origin::{Licence, ServedKey};
use protect::{ContentKey, Key};
use settings::{Settings, SystemName, TokenKind, TokenRule};

use crate::error::Error;

/// All of them.
///
/// # Errors
/// For a file that cannot be read or has something else in it.
pub fn read(settings: &Settings) -> Result<Vec<ServedKey>, Error> {
    let all = settings.content_keys.iter().enumerate();
    all.map(|(nth, key)| {
        let field = format!("content_key[{nth}]");
        let bytes = text(&format!("{field}.key_file"), &key.key_file)?;
        let bytes: Key = bytes.trim().parse().map_err(|()| {
            bad(
                format!("{field}.key_file"),
                &key.key_file,
                "must hold 32 hexadecimal digits and nothing else",
            )
        })?;
        let iv = key.iv.as_deref().and_then(access::sixteen_bytes);
        let token = key.token.as_ref().map(|rule| verifier(&format!("{field}.token"), rule)).transpose()?;
        Ok(ServedKey {
            name: key.name.clone(),
            content: ContentKey::new(key.id, bytes, iv),
            url: key.url.clone(),
            allow: key.allow.clone(),
            token,
            licences: key.systems.iter().map(licence).collect(),
        })
    })
    .collect()
}

fn licence(system: &settings::System) -> Licence {
    let url = system.url.clone();
    match system.name {
        SystemName::ClearKey => Licence::ClearKey(url),
        SystemName::Widevine => Licence::Widevine(url),
        SystemName::PlayReady => Licence::PlayReady(url),
        SystemName::FairPlay => Licence::FairPlay(url.unwrap_or_default()),
    }
}

fn verifier(field: &str, rule: &TokenRule) -> Result<Verifier, Error> {
    let mut keys = Vec::new();
    for path in &rule.secret_files {
        let field = format!("{field}.secret_files");
        let secret = text(&field, path)?;
        let secret = secret.strip_suffix('\n').unwrap_or(&secret);
        if secret.is_empty() {
            return Err(bad(field, path, "is empty"));
        }
        keys.push(VerificationKey::Secret(secret.as_bytes().to_vec()));
    }
    for path in &rule.public_key_files {
        let field = format!("{field}.public_key_files");
        let key = VerificationKey::from_pem(&text(&field, path)?);
        keys.push(key.map_err(|problem| bad(field, path, &problem))?);
    }
    if let Some(path) = &rule.jwks_file {
        let field = format!("{field}.jwks_file");
        let set = VerificationKey::from_jwks(&text(&field, path)?);
        keys.extend(set.map_err(|problem| bad(field, path, &problem))?);
    }
    Ok(Verifier {
        kind: match rule.kind {
            TokenKind::Jwt => Kind::Jwt,
            TokenKind::Swt => Kind::Swt,
        },
        issuer: rule.issuer.clone(),
        audience: rule.audience.clone(),
        keys,
        claims: rule.claims.clone(),
        key_claim: rule.key_claim.clone(),
    })
}

fn text(field: &str, path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| bad(field.to_owned(), path, &error.to_string()))
}

fn bad(field: String, path: &Path, problem: &str) -> Error {
    Error::ContentKey { field, path: path.to_owned(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(folder: &Path, more: &str) -> Settings {
        let text = format!(
            "[[content_key]]\nname = 'house'\nid = '6e5a1d26-2757-47d7-8046-eaa5d1d34b5a'\nkey_file = '{}'\n{more}",
            folder.join("key").display()
        );
        settings::parse(&text).unwrap()
    }

    #[test]
    fn a_key_comes_out_of_its_file_and_is_never_told() {
        let folder = tempfile::tempdir().unwrap();
        let digits = "000102030405060708090a0b0c0d0e0f";
        fs::write(folder.path().join("key"), format!("{digits}\n")).unwrap();
        let keys = read(&settings(folder.path(), "")).unwrap();
        assert_eq!(keys[0].content.key.reveal()[..3], [0, 1, 2]);
        let printed = format!("{keys:?}");
        assert!(!printed.contains("0, 1, 2") && !printed.contains(digits), "{printed}");
        fs::write(folder.path().join("key"), &digits[1..]).unwrap();
        let told = read(&settings(folder.path(), "")).unwrap_err().to_string();
        assert!(told.contains("content_key[0].key_file") && !told.contains(&digits[1..]), "{told}");
    }

    #[test]
    fn what_verifies_tokens_comes_out_of_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "000102030405060708090a0b0c0d0e0f").unwrap();
        let file = folder.path().join("secret");
        let rule = |name: &str| {
            format!("[content_key.token]\nissuer = 'i'\naudience = 'a'\n{name} = ['{}']\n", file.display())
        };
        fs::write(&file, "secret\n").unwrap();
        let keys = read(&settings(folder.path(), &rule("secret_files"))).unwrap();
        let verifier = keys[0].token.as_ref().unwrap();
        assert!(matches!(&verifier.keys[..], [VerificationKey::Secret(secret)] if secret == b"secret"));
        assert!(!format!("{keys:?}").contains("secret\""));
        let told = read(&settings(folder.path(), &rule("public_key_files"))).unwrap_err().to_string();
        assert!(told.contains("content_key[0].token.public_key_files"), "{told}");
        fs::write(&file, "").unwrap();
        assert!(read(&settings(folder.path(), &rule("secret_files"))).is_err());
    }
}
