//! A viewer's HTTP/1.1: one request, one connection, and the instant at which each chunk arrived.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// Longer than the box holds any request.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// Its status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// Its body, without transfer coding.
    pub body: Vec<u8>,
    /// When each chunk of the transfer coding was there, and its size; empty for a body of known length.
    pub chunks: Vec<(Instant, usize)>,
}

impl Response {
    /// A header by its lower-case name; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// `GET` without further headers.
pub fn get(server: SocketAddr, path: &str) -> io::Result<Response> {
    request(server, "GET", path, &[])
}

/// Any request without a body.
pub fn request(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Response> {
    send(server, method, path, headers, &[])
}

/// Any request.
pub fn send(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Response> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    stream.write_all(&[text.as_bytes(), body].concat())?;
    receive(BufReader::new(stream), method == "HEAD")
}

fn receive(mut stream: BufReader<TcpStream>, head_only: bool) -> io::Result<Response> {
    let status = line(&mut stream)?;
    let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| bad("no status line"))?;
    let mut headers = Vec::new();
    loop {
        let line = line(&mut stream)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut response = Response { status, headers, body: Vec::new(), chunks: Vec::new() };
    if head_only || status == 204 || status == 304 {
        return Ok(response);
    }
    if response.header("transfer-encoding") == "chunked" {
        receive_chunks(&mut stream, &mut response)?;
    } else {
        let length = response.header("content-length").parse().map_err(|_| bad("no length"))?;
        response.body.resize(length, 0);
        stream.read_exact(&mut response.body)?;
    }
    Ok(response)
}

fn receive_chunks(stream: &mut BufReader<TcpStream>, response: &mut Response) -> io::Result<()> {
    loop {
        let size = line(stream)?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| bad("a chunk without size"))?;
        let at = response.body.len();
        response.body.resize(at + size, 0);
        stream.read_exact(&mut response.body[at..])?;
        if !line(stream)?.is_empty() {
            return Err(bad("a chunk longer than its size"));
        }
        if size == 0 {
            return Ok(());
        }
        response.chunks.push((Instant::now(), size));
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
