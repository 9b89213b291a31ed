//! HTTPS for viewers: the box's own authority and files, HTTP/2, another certificate while somebody is served.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use riser_tests::{
    Riserd, http, peers,
    riserd::{PATIENCE, SMALL, TRACKS, free_addresses},
    wait,
};
use tempfile::TempDir;

const MASTER: &str = "/live/main/master.m3u8";

/// A certificate and its key for 127.0.0.1, by openssl; its serial number.
fn certify(folder: &Path, serial: &str) {
    let [certificate, key] = ["new.pem", "new.key"].map(|name| folder.join(name).display().to_string());
    let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=riser \
                   -addext subjectAltName=IP:127.0.0.1";
    let mut arguments: Vec<&str> = request.split(' ').filter(|word| !word.is_empty()).collect();
    arguments.extend(["-set_serial", serial, "-out", &certificate, "-keyout", &key]);
    let made = peers::run("openssl", &arguments, PATIENCE);
    assert!(made.success, "{}", made.err);
    fs::rename(folder.join("new.key"), folder.join("box.key")).unwrap();
    fs::rename(folder.join("new.pem"), folder.join("box.pem")).unwrap();
}

/// What curl is answered, of which version of HTTP, trusting `authority` alone.
fn curl(authority: &Path, url: &str, more: &[&str]) -> (String, String) {
    let authority = authority.display().to_string();
    let mut arguments =
        vec!["-sS", "--max-time", "15", "--cacert", &authority, "-w", "\n%{http_version} %{http_code}", url];
    arguments.extend_from_slice(more);
    let left = peers::run("curl", &arguments, PATIENCE);
    assert!(left.success, "{url}: {}", left.err);
    let said = String::from_utf8_lossy(&left.out).into_owned();
    let (body, told) = said.rsplit_once('\n').unwrap();
    (body.to_owned(), told.to_owned())
}

#[test]
fn the_boxs_own_authority_serves_browsers_and_players_alike() {
    let [tls, _] = free_addresses();
    let settings = format!("{SMALL}[[endpoint]]\nname = 'safe'\nlisten = '{tls}'\nown_certificate = true\n");
    let riserd = Riserd::live(&settings, &TRACKS, 2);
    let authority = riserd.state_dir().join("ca.crt");
    let given = riserd.get("/trust/ca.crt");
    assert_eq!((given.status, given.header("content-type")), (200, "application/x-x509-ca-cert"));
    fs::write(&authority, &given.body).unwrap();
    let url = format!("https://{tls}{MASTER}");
    let (body, told) = curl(&authority, &url, &[]);
    assert!(body.starts_with("#EXTM3U"), "{body}");
    assert_eq!(told, "2 200", "HTTP/2");
    assert_eq!(curl(&authority, &url, &["--http1.1"]).1, "1.1 200");
    // By name as well, and under no other one.
    let port = tls.port();
    let by_name = format!("https://localhost:{port}{MASTER}");
    assert_eq!(curl(&authority, &by_name, &["--resolve", &format!("localhost:{port}:127.0.0.1")]).1, "2 200");
    let other = format!("https://box.example:{port}{MASTER}");
    let resolve = format!("box.example:{port}:127.0.0.1");
    let ca = authority.display().to_string();
    let wrong = peers::run("curl", &["-sS", "--cacert", &ca, "--resolve", &resolve, &other], PATIENCE);
    assert!(!wrong.success && wrong.err.contains("certificate"), "{}", wrong.err);
    assert!(http::get(tls, MASTER).is_err(), "it does not speak in the clear");

    let play = ["-tls_verify", "1", "-ca_file", &ca, "-i", &url, "-t", "3", "-c", "copy", "-f", "null", "-"];
    peers::play(&play, Duration::from_secs(60));

    let page = riserd.get("/trust").text();
    let fingerprint =
        peers::run("openssl", &["x509", "-noout", "-fingerprint", "-sha256", "-in", &ca], PATIENCE);
    let fingerprint = String::from_utf8_lossy(&fingerprint.out).trim().split('=').nth(1).unwrap().to_owned();
    assert!(page.contains(&fingerprint), "{fingerprint}: {page}");
    assert_eq!(riserd.state("/authority"), fingerprint);
    let code = riserd.get("/trust/qr.svg");
    assert_eq!((code.status, code.header("content-type")), (200, "image/svg+xml"));
    assert!(roxmltree::Document::parse(&code.text()).is_ok());
    assert_eq!(riserd.state("/endpoints/1/tls"), true);
    assert_eq!(riserd.state("/endpoints/0/tls"), false);
}

/// `openssl s_client` on a connection that stays, and what comes out of it.
fn connect(address: std::net::SocketAddr) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new("openssl")
        .args(["s_client", "-quiet", "-connect", &address.to_string(), "-alpn", "http/1.1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// Asks once more on the same connection; the status line.
fn ask(client: &mut (Child, BufReader<std::process::ChildStdout>)) -> String {
    let input = client.0.stdin.as_mut().unwrap();
    input.write_all(b"HEAD /time HTTP/1.1\r\nhost: box\r\n\r\n").unwrap();
    input.flush().unwrap();
    let mut status = String::new();
    client.1.read_line(&mut status).unwrap();
    loop {
        let mut line = String::new();
        client.1.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            return status.trim().to_owned();
        }
    }
}

#[test]
fn another_certificate_is_shown_without_a_dropped_connection() {
    let folder = TempDir::new().unwrap();
    certify(folder.path(), "1001");
    let [certificate, key] =
        ["box.pem", "box.key"].map(|name| folder.path().join(name).display().to_string());
    let [tls, _] = free_addresses();
    let settings = format!(
        "{SMALL}[[endpoint]]\nname = 'safe'\nlisten = '{tls}'\ncertificate = '{certificate}'\nkey = '{key}'\n"
    );
    let riserd = Riserd::start(&settings);
    assert_eq!(riserd.get("/trust").status, 404, "there is no authority of its own");
    let shown = || {
        let shell =
            format!("openssl s_client -connect {tls} </dev/null 2>/dev/null | openssl x509 -noout -serial");
        let left = peers::run("sh", &["-c", &shell], PATIENCE);
        String::from_utf8_lossy(&left.out).trim().to_owned()
    };
    assert_eq!(shown(), "serial=03E9");
    let mut before = connect(tls);
    assert_eq!(ask(&mut before), "HTTP/1.1 200 OK");
    // A file that cannot be used changes nothing.
    fs::write(folder.path().join("box.key"), "broken").unwrap();
    wait::until("it is told", PATIENCE, || {
        assert_eq!(shown(), "serial=03E9");
        riserd.log().contains("endpoint[0].key")
    });
    certify(folder.path(), "1002");
    wait::until("the new one is shown", PATIENCE, || shown() == "serial=03EA");
    assert_eq!(ask(&mut before), "HTTP/1.1 200 OK");
    before.0.kill().unwrap();
    before.0.wait().unwrap();
}
