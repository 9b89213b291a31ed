//! Content keys: what is encrypted with them on the way out, what manifests say of them, and who gets them.

use std::{collections::HashMap, sync::Arc};

use access::{Encryption, Rules, token::Verifier};
use bytes::Bytes;
use media::Track;
use package::{
    protection::{Protection, System},
    route::Token,
};
use protect::{ContentKey, Sealed, system};

use crate::error::Error;

/// A content key, and who gets it.
#[derive(Clone, Debug)]
pub struct ServedKey {
    /// Its name.
    pub name: String,
    /// The key.
    pub content: ContentKey,
    /// Where players have it from; none: from `/keys/{name}` here.
    pub url: Option<String>,
    /// Whom it is given to; empty for everybody.
    pub allow: Rules,
    /// What they must show.
    pub token: Option<Verifier>,
    /// Whose players can have a licence.
    pub licences: Vec<Licence>,
}

/// Where a protection system's licences are had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Licence {
    /// W3C Clear Key: none for `/keys/{name}` here.
    ClearKey(Option<String>),
    /// Google Widevine.
    Widevine(Option<String>),
    /// Microsoft PlayReady.
    PlayReady(Option<String>),
    /// Apple FairPlay Streaming.
    FairPlay(String),
}

/// All content keys, by name.
#[derive(Default)]
pub(crate) struct Keys(HashMap<String, Arc<ServedKey>>);

impl Keys {
    pub(crate) fn new(keys: Vec<ServedKey>) -> Self {
        Self(keys.into_iter().map(|key| (key.name.clone(), Arc::new(key))).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<ServedKey>> {
        self.0.get(name)
    }
}

/// How what leaves the box is encrypted.
#[derive(Clone)]
pub(crate) struct Seal {
    pub(crate) encryption: Encryption,
    pub(crate) key: Arc<ServedKey>,
}

impl Seal {
    /// Whether it needs whole segments.
    pub(crate) fn is_of_whole_segments(&self) -> bool {
        self.encryption == Encryption::Envelope
    }

    /// What tells its results from others.
    pub(crate) fn tag(&self) -> String {
        format!("{}-{}", self.encryption.name(), self.key.content.id)
    }

    /// An init segment.
    pub(crate) fn init(&self, track: &Track, init: Bytes) -> Result<Vec<Bytes>, Error> {
        match self.encryption {
            Encryption::Envelope => Ok(self.whole(vec![init])),
            Encryption::Common(scheme) => {
                let systems = self.systems(None);
                let boxes: Vec<_> = systems.iter().filter_map(|system| system.pssh()).collect();
                let boxes: Vec<_> = boxes.into_iter().map(<[u8]>::to_vec).collect();
                Ok(vec![Sealed::new(scheme, &self.key.content, track).init(&init, &boxes)?])
            }
        }
    }

    /// A whole segment, or in common encryption any chunks of one.
    pub(crate) fn media(&self, track: &Track, pieces: Vec<Bytes>) -> Result<Vec<Bytes>, Error> {
        match self.encryption {
            Encryption::Envelope => Ok(self.whole(pieces)),
            Encryption::Common(scheme) => {
                let sealed = Sealed::new(scheme, &self.key.content, track);
                let made = pieces.into_iter().map(|piece| sealed.segment(piece));
                Ok(made.collect::<Result<Vec<_>, _>>()?.concat())
            }
        }
    }

    /// Bytes that are encrypted as a whole.
    pub(crate) fn whole(&self, pieces: Vec<Bytes>) -> Vec<Bytes> {
        protect::envelope(&self.key.content, pieces)
    }

    /// What encrypts a track for Smooth Streaming.
    pub(crate) fn short<'a>(&'a self, track: &'a Track) -> Option<Sealed<'a>> {
        let Encryption::Common(scheme) = self.encryption else { return None };
        Some(Sealed::new(scheme, &self.key.content, track).with_short_ivs())
    }

    /// What manifests say; who has a token has it at the key's own place, too.
    pub(crate) fn protection(&self, token: Option<&Token>) -> Protection {
        Protection {
            encryption: self.encryption,
            key_id: self.key.content.id.0,
            iv: self.key.content.iv(),
            key_url: self.key.url.clone().unwrap_or_else(|| self.own_url(token)),
            systems: self.systems(token),
        }
    }

    fn own_url(&self, token: Option<&Token>) -> String {
        package::route::key_path(&self.key.name, token)
    }

    fn systems(&self, token: Option<&Token>) -> Vec<System> {
        let (key, Encryption::Common(scheme)) = (&self.key.content, self.encryption) else {
            return Vec::new();
        };
        let of = |licence: &Licence| match licence {
            Licence::ClearKey(url) => System::ClearKey {
                pssh: system::common_pssh(key),
                url: url.clone().unwrap_or_else(|| self.own_url(token)),
            },
            Licence::Widevine(url) => {
                System::Widevine { pssh: system::widevine_pssh(key, scheme), url: url.clone() }
            }
            Licence::PlayReady(url) => System::PlayReady {
                pssh: system::playready_pssh(key, scheme, url.as_deref()),
                object: system::playready(key, scheme, url.as_deref()),
                url: url.clone(),
            },
            Licence::FairPlay(url) => System::FairPlay { url: url.clone() },
        };
        self.key.licences.iter().map(of).collect()
    }
}
