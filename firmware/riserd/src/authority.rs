//! The box's own certificate authority: made at the first start, so that a venue has HTTPS without anybody's files. Who trusts it
//! once trusts the box under every address that it has.

use std::{
    fs::{self, File},
    io::Write as _,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _,
};

use crate::error::Error;

/// Days that a certificate of the authority's lasts; browsers take no longer ones.
const DAYS: i64 = 397;
/// The authority's own years: a box's clock may be wrong when it is made.
const FIRST_YEAR: i32 = 2020;
const LAST_YEAR: i32 = 2049;

/// The authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    fingerprint: String,
}

/// A certificate with its chain, and its key.
pub type Certified = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Authority {
    /// The authority in `state_dir/authority`; a new one where there is none.
    ///
    /// # Errors
    /// Where it can be neither read nor made.
    pub fn open(state_dir: &Path) -> Result<Self, Error> {
        let folder = state_dir.join("authority");
        let failed = |path: &Path, problem: String| Error::Authority { path: path.to_owned(), problem };
        let (certificate, key) = (folder.join("ca.pem"), folder.join("ca.key"));
        if !key.exists() || !certificate.exists() {
            make(&folder, &certificate, &key).map_err(|problem| failed(&folder, problem))?;
        }
        let read = |path: &PathBuf| fs::read_to_string(path).map_err(|error| failed(path, error.to_string()));
        let pem = read(&certificate)?;
        let pair = KeyPair::from_pem(&read(&key)?).map_err(|error| failed(&key, error.to_string()))?;
        let der = CertificateDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|error| failed(&certificate, error.to_string()))?;
        let fingerprint = Sha256::digest(&der);
        let fingerprint: Vec<String> = fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
        Ok(Self { issuer: Issuer::new(own(&pair), pair), pem, fingerprint: fingerprint.join(":") })
    }

    /// Its certificate, for who is to trust it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The SHA-256 of its certificate, to be compared by eye.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// A certificate for the box under an address and these names, from a day before `now`.
    ///
    /// # Errors
    /// In the library's words.
    pub fn certify(
        &self,
        address: IpAddr,
        names: &[String],
        now: OffsetDateTime,
    ) -> Result<Certified, rcgen::Error> {
        let mut params = CertificateParams::new(names.to_vec())?;
        params.subject_alt_names.push(SanType::IpAddress(address));
        params.distinguished_name = named(names.first().map_or("riser", String::as_str));
        params.not_before = now - Duration::days(1);
        params.not_after = now + Duration::days(DAYS - 1);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok((vec![certificate.der().clone()], key.into()))
    }
}

/// What the authority says of itself: the same for the same key.
fn own(key: &KeyPair) -> CertificateParams {
    let digest = Sha256::digest(key.der_bytes());
    let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut params = CertificateParams::default();
    params.distinguished_name = named(&format!("Riser box {short}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = rcgen::date_time_ymd(FIRST_YEAR, 1, 1);
    params.not_after = rcgen::date_time_ymd(LAST_YEAR, 12, 31);
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

/// The key first: a certificate without it would be of no use.
fn make(folder: &Path, certificate: &Path, key: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let pair = KeyPair::generate().map_err(|error| error.to_string())?;
    let own = own(&pair).self_signed(&pair).map_err(|error| error.to_string())?;
    let written = put(key, &pair.serialize_pem(), 0o600).and_then(|()| put(certificate, &own.pem(), 0o644));
    written.map_err(|error| error.to_string())
}

fn put(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let new = path.with_extension("new");
    // What a start that was cut off left behind.
    let _ = fs::remove_file(&new);
    let mut file = File::options().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_authority_is_made_once_and_its_key_is_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let first = Authority::open(folder.path()).unwrap();
        let again = Authority::open(folder.path()).unwrap();
        assert_eq!((first.pem(), first.fingerprint()), (again.pem(), again.fingerprint()));
        assert_eq!(first.fingerprint().len(), 95);
        let key = folder.path().join("authority/ca.key");
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(first.certify([10, 0, 0, 1].into(), &["box".into()], OffsetDateTime::UNIX_EPOCH).is_ok());
        fs::write(&key, "nothing").unwrap();
        assert!(Authority::open(folder.path()).is_err_and(|error| error.to_string().contains("ca.key")));
    }
}
