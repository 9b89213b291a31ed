//! `[[content_key]]`: keys that content is encrypted with, and who may have them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use access::{KeyId, Rules};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Refusal, Settings, absolute_path, refuse, some_path};

/// The most keys.
const MOST: usize = 64;

/// A key. Its bytes stand in a file of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentKey {
    /// Its name, in policies and as `/keys/{name}`: 1 to 32 letters, digits or `-`.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// Its id (KID), a UUID.
    #[serde(deserialize_with = "id", serialize_with = "write_id")]
    pub id: KeyId,
    /// A file with its 32 hexadecimal digits.
    #[serde(deserialize_with = "absolute_path")]
    pub key_file: PathBuf,
    /// The initialisation vector that belongs to it, 32 hexadecimal digits; none: one that is made from the key.
    #[serde(default, deserialize_with = "iv", skip_serializing_if = "Option::is_none")]
    pub iv: Option<String>,
    /// Where players have it from; none: from this box.
    #[serde(default, deserialize_with = "url", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whom this box gives it to: addresses as of an endpoint; empty for everybody.
    #[serde(default, skip_serializing_if = "Rules::is_empty")]
    pub allow: Rules,
    /// What they must show; none: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenRule>,
    /// The protection systems whose players can have licences.
    #[serde(default, rename = "system", skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<System>,
}

/// `[content_key.token]`: the token that a player must show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRule {
    /// Its kind.
    #[serde(default, rename = "type")]
    pub kind: TokenKind,
    /// Who must have issued it.
    pub issuer: String,
    /// For whom it must be.
    pub audience: String,
    /// Files with a secret each that may have signed it: all of the file but the end of its line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_files: Vec<PathBuf>,
    /// Files with a public key of RSA each that may have signed it, in PEM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_key_files: Vec<PathBuf>,
    /// A file with more of them as a JSON Web Key Set.
    #[serde(default, deserialize_with = "some_path", skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<PathBuf>,
    /// What else it must say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
    /// The claim that must be the key's id; none: it opens any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_claim: Option<String>,
}

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// JSON Web Token.
    #[default]
    Jwt,
    /// Simple Web Token.
    Swt,
}

/// `[[content_key.system]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Which.
    pub name: SystemName,
    /// Where its licences are had; of Clear Key none for this box.
    #[serde(default, deserialize_with = "url", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The protection systems that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SystemName {
    /// W3C Clear Key.
    #[serde(rename = "clear-key")]
    ClearKey,
    /// Google Widevine.
    #[serde(rename = "widevine")]
    Widevine,
    /// Microsoft PlayReady.
    #[serde(rename = "playready")]
    PlayReady,
    /// Apple FairPlay Streaming.
    #[serde(rename = "fairplay")]
    FairPlay,
}

impl Settings {
    /// No two have the same name or id; a token can be verified; a system is there once.
    pub(crate) fn check_content_keys(&self) -> Result<(), Refusal> {
        if self.content_keys.len() > MOST {
            let problem = format!("{} are too many: at the most {MOST}", self.content_keys.len());
            return refuse("content_key", problem);
        }
        let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for (nth, key) in self.content_keys.iter().enumerate() {
            let field = |name: &str| format!("content_key[{nth}].{name}");
            if !names.insert(&key.name) {
                return refuse(&field("name"), format!("`{}` is another content key's", key.name));
            }
            if !ids.insert(key.id) {
                return refuse(&field("id"), format!("{} is another content key's", key.id));
            }
            if let Some(token) = &key.token {
                token.check(&field("token"))?;
            }
            let mut systems = BTreeSet::new();
            for (at, system) in key.systems.iter().enumerate() {
                let field = |name: &str| field(&format!("system[{at}].{name}"));
                if !systems.insert(system.name) {
                    return refuse(&field("name"), "this system is there already");
                }
                if system.name == SystemName::FairPlay && system.url.is_none() {
                    return refuse(&field("url"), "FairPlay's players need one: \"skd://...\"");
                }
            }
            if key.url.is_some() && (key.token.is_some() || !key.allow.is_empty()) {
                let problem =
                    "this box does not give the key out: `token` and `allow` would keep nobody from it";
                return refuse(&field("url"), problem);
            }
        }
        Ok(())
    }
}

impl TokenRule {
    fn check(&self, field: &str) -> Result<(), Refusal> {
        let public = !self.public_key_files.is_empty() || self.jwks_file.is_some();
        match self.kind {
            TokenKind::Swt if public => {
                refuse(&format!("{field}.type"), "Simple Web Tokens are signed with secrets only")
            }
            _ if self.secret_files.is_empty() && !public => {
                refuse(field, "nothing verifies it: give `secret_files`, `public_key_files` or `jwks_file`")
            }
            _ => Ok(()),
        }
    }
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    document::text(deserializer, "1 to 32 letters, digits or `-`", |text| crate::named(text, "-"))
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyId, D::Error> {
    let allowed = "a UUID such as \"6e5a1d26-2757-47d7-8046-eaa5d1d34b5a\"";
    document::text(deserializer, allowed, |text| text.parse().ok())
}

fn write_id<S: Serializer>(id: &KeyId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn iv<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let fits = |text: &str| access::sixteen_bytes(text).map(|_| text.to_owned());
    document::text(deserializer, "32 hexadecimal digits", fits).map(Some)
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    const LONGEST: usize = 2048;
    let allowed =
        "an address such as \"https://keys.example/house\", of 2048 printable characters at the most";
    let fits = |text: &str| {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        (printable && text.contains("://") && text.len() <= LONGEST).then(|| text.to_owned())
    };
    document::text(deserializer, allowed, fits).map(Some)
}
