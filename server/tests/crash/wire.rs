//! A client that keeps its connection and asks one thing after another, until the program goes away.

use std::io::{BufRead, BufReader, Error, ErrorKind, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than any answer takes.
const SILENCE: Duration = Duration::from_secs(60);

pub(crate) struct Line {
    out: TcpStream,
    answers: BufReader<TcpStream>,
    address: SocketAddr,
    token: String,
}

impl Line {
    pub(crate) fn open(address: SocketAddr, token: &str) -> Result<Self> {
        let out = TcpStream::connect(address)?;
        out.set_read_timeout(Some(SILENCE))?;
        let answers = BufReader::new(out.try_clone()?);
        Ok(Self { out, answers, address, token: token.to_owned() })
    }

    /// Sends JSON; gives the status, and the head and the body of the answer.
    pub(crate) fn post(&mut self, path: &str, key: Option<&str>, body: &Value) -> Result<(u16, String)> {
        let (body, address, token) = (body.to_string(), self.address, &self.token);
        let key = key.map(|key| format!("idempotency-key: {key}\r\n")).unwrap_or_default();
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n{key}\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        self.out.write_all((head + &body).as_bytes())?;
        answer(&mut self.answers)
    }
}

/// Reads one answer; gives its status, and its head and body.
pub(crate) fn answer(answers: &mut impl BufRead) -> Result<(u16, String)> {
    let gone = || Error::from(ErrorKind::UnexpectedEof);
    let (mut status, mut length, mut line, mut whole) = (None, 0, String::new(), String::new());
    loop {
        line.clear();
        if answers.read_line(&mut line)? == 0 {
            return Err(gone());
        }
        whole.push_str(&line);
        let text = line.trim_end().to_ascii_lowercase();
        if status.is_none() {
            status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
        } else if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| gone())?;
        } else if text.is_empty() {
            let mut body = vec![0; length];
            answers.read_exact(&mut body)?;
            whole.push_str(&String::from_utf8_lossy(&body));
            return Ok((status.ok_or_else(gone)?, whole));
        }
    }
}
