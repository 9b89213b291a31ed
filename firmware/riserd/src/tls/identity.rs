//! How a listener shows who it is: by files, or by a certificate of the box's own authority for the address that was asked for.

use std::{
    collections::HashMap,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use time::OffsetDateTime;
use tokio_rustls::rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::{
    authority::{Authority, Certified},
    error::Error,
};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// A certificate of the own authority is made anew when the clock is so far from where it was made.
const RENEW: time::Duration = time::Duration::days(30);
/// Addresses whose certificates are kept.
const ADDRESSES: usize = 64;

/// How a listener shows who it is.
pub enum Identity {
    /// By files.
    Files(Files),
    /// By certificates of the box's own authority.
    Own(Own),
}

impl Identity {
    /// By the files that the fields `certificate` and `key` of `field` name.
    ///
    /// # Errors
    /// Where they cannot be used.
    pub fn files(field: &str, certificate: &Path, key: &Path) -> Result<Self, Error> {
        Files::open(field, certificate, key).map(Self::Files)
    }

    /// By certificates for these names and whatever address is asked for.
    pub fn own(authority: Arc<Authority>, names: Vec<String>) -> Self {
        Self::Own(Own { authority, names, made: Mutex::default() })
    }

    /// What a connection to `address` is answered with.
    ///
    /// # Errors
    /// In the library's words.
    pub fn config(&self, address: IpAddr) -> Result<Arc<ServerConfig>, String> {
        match self {
            Self::Files(files) => Ok(files.config()),
            Self::Own(own) => own.config(address.to_canonical()),
        }
    }
}

/// A certificate chain and key in PEM files.
pub struct Files {
    field: String,
    certificate: PathBuf,
    key: PathBuf,
    current: Mutex<Current>,
}

struct Current {
    config: Arc<ServerConfig>,
    stamps: Stamps,
    looked: Instant,
}

/// When both files were changed, and how long they are.
type Stamps = [Option<(SystemTime, u64)>; 2];

impl Files {
    fn open(field: &str, certificate: &Path, key: &Path) -> Result<Self, Error> {
        let stamps = stamps(certificate, key);
        let current = Current { config: load(field, certificate, key)?, stamps, looked: Instant::now() };
        Ok(Self {
            field: field.to_owned(),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: Mutex::new(current),
        })
    }

    /// What the files say now; while they cannot be used, what they said before.
    fn config(&self) -> Arc<ServerConfig> {
        let mut current = held(&self.current);
        if current.looked.elapsed() < LOOK {
            return Arc::clone(&current.config);
        }
        current.looked = Instant::now();
        let stamps = stamps(&self.certificate, &self.key);
        if stamps != current.stamps {
            match load(&self.field, &self.certificate, &self.key) {
                Ok(config) => {
                    tracing::info!(certificate = %self.certificate.display(), "another certificate is shown");
                    (current.config, current.stamps) = (config, stamps);
                }
                Err(error) => tracing::warn!(%error, "the certificate from before is shown"),
            }
        }
        Arc::clone(&current.config)
    }
}

fn stamps(certificate: &Path, key: &Path) -> Stamps {
    [certificate, key].map(|path| {
        let known = fs::metadata(path).ok()?;
        Some((known.modified().ok()?, known.len()))
    })
}

fn load(field: &str, certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, Error> {
    let failed = |name: &str, path: &Path, problem: String| Error::Certificate {
        field: format!("{field}.{name}"),
        path: path.to_owned(),
        problem,
    };
    let read =
        |name: &str, path: &Path| fs::read(path).map_err(|error| failed(name, path, error.to_string()));
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(&read("certificate", certificate)?).collect();
    let chain = chain.map_err(|error| failed("certificate", certificate, error.to_string()))?;
    let private = PrivateKeyDer::from_pem_slice(&read("key", key)?)
        .map_err(|error| failed("key", key, error.to_string()))?;
    config((chain, private)).map_err(|error| failed("certificate", certificate, error))
}

fn config((chain, key): Certified) -> Result<Arc<ServerConfig>, String> {
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| error.to_string())?;
    config.alpn_protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).to_vec();
    Ok(Arc::new(config))
}

/// Certificates of the box's own authority, made when they are asked for.
pub struct Own {
    authority: Arc<Authority>,
    names: Vec<String>,
    made: Mutex<HashMap<IpAddr, Made>>,
}

struct Made {
    config: Arc<ServerConfig>,
    when: OffsetDateTime,
}

impl Own {
    fn config(&self, address: IpAddr) -> Result<Arc<ServerConfig>, String> {
        let mut made = held(&self.made);
        let now = OffsetDateTime::now_utc();
        if let Some(known) = made.get(&address).filter(|known| (now - known.when).abs() < RENEW) {
            return Ok(Arc::clone(&known.config));
        }
        let certified = self.authority.certify(address, &self.names, now);
        let config = config(certified.map_err(|error| error.to_string())?)?;
        // Addresses of the box come and go.
        if made.len() >= ADDRESSES {
            made.clear();
        }
        made.insert(address, Made { config: Arc::clone(&config), when: now });
        Ok(config)
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
