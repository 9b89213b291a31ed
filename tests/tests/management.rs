//! Who may manage the box: nobody from outside without its token, and not in the clear unless the operator says so.

use std::{fs, path::Path, time::Duration};

use riser_tests::{
    Riserd, http, peers,
    riserd::{SMALL, command, document, free_addresses},
};
use serde_json::Value;
use tempfile::TempDir;

const STATUS: &str = "/api/v1/status";

/// The same document with a management interface that listens on every address.
fn open_to_all(document: String, more: &str) -> String {
    let (before, after) = document.split_once("[management]\nlisten = '127.0.0.1").unwrap();
    let (port, after) = after.split_once("'\n").unwrap();
    format!("{before}[management]\nlisten = '0.0.0.0{port}'\n{more}\n{after}")
}

fn token(riserd: &Riserd) -> String {
    fs::read_to_string(riserd.state_dir().join("management-token")).unwrap().trim().to_owned()
}

#[test]
fn from_outside_the_token_is_needed_and_is_never_told() {
    let riserd = Riserd::start_edited(SMALL, |document| open_to_all(document, "plain_http = true"));
    let token = token(&riserd);
    let ask = |headers: &[(&str, &str)]| http::request(riserd.management, "GET", STATUS, headers).unwrap();
    let bearer = format!("Bearer {token}");
    assert_eq!(ask(&[("authorization", &bearer)]).status, 200);
    for wrong in [None, Some("Bearer "), Some("Bearer 0123"), Some("Basic Zm9vOmJhcg==")] {
        let headers: Vec<_> = wrong.map(|wrong| ("authorization", wrong)).into_iter().collect();
        let refused = ask(&headers);
        assert_eq!(refused.status, 401, "{wrong:?}");
        assert!(refused.header("www-authenticate").starts_with("Bearer") && !refused.text().contains(&token));
    }
    let delete = http::request(riserd.management, "DELETE", "/api/v1/channels/main", &[]).unwrap();
    assert_eq!(delete.status, 401);
    assert_eq!(riserd.get(STATUS).status, 404, "viewers do not reach it");
    assert!(!riserd.log().contains(&token));
}

#[test]
fn over_tls_the_token_travels_unseen() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = (folder.path().join("box.pem"), folder.path().join("box.key"));
    let [certificate, key] = [&certificate, &key].map(|path| path.to_str().unwrap().to_owned());
    let made = peers::run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=riser",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-out",
            &certificate,
            "-keyout",
            &key,
        ],
        Duration::from_secs(20),
    );
    assert!(made.success, "{}", made.err);
    let tls = format!("certificate = '{certificate}'\nkey = '{key}'");
    let mut riserd = Riserd::start_blind(SMALL, |document| open_to_all(document, &tls));
    let url = format!("https://{}{STATUS}", riserd.management);
    let curl = |more: &[&str]| {
        let mut arguments = vec!["-sS", "--max-time", "10", "--cacert", &certificate, &url];
        arguments.extend_from_slice(more);
        peers::run("curl", &arguments, Duration::from_secs(15))
    };
    let refused = riser_tests::wait::for_some("it listens", Duration::from_secs(20), || {
        let left = curl(&["-o", "/dev/null", "-w", "%{http_code}"]);
        left.success.then_some(left)
    });
    assert_eq!(String::from_utf8_lossy(&refused.out), "401");
    let bearer = format!("Authorization: Bearer {}", token(&riserd));
    let status: Value = serde_json::from_slice(&curl(&["-H", &bearer]).out).unwrap();
    assert_eq!(status["channels"][0]["name"], "main");
    assert!(http::get(riserd.management, STATUS).is_err(), "it does not speak in the clear");
    riserd.terminate();
    assert!(riserd.wait().success());
}

#[test]
fn an_open_address_without_tls_is_refused_at_the_start() {
    let folder = TempDir::new().unwrap();
    let [viewers, management] = free_addresses();
    let refused = |more: &str| {
        let settings = open_to_all(document(folder.path(), viewers, management, SMALL), more);
        let path: &Path = &folder.path().join("settings.toml");
        fs::write(path, settings).unwrap();
        let output = command().arg("--config").arg(path).output().unwrap();
        assert_eq!(output.status.code(), Some(78));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused("").contains("`management.listen`: this address is reached from outside the box"));
    let missing = refused("certificate = '/nowhere/box.pem'\nkey = '/nowhere/box.key'");
    assert!(missing.contains("management.certificate: /nowhere/box.pem"), "{missing}");
}
