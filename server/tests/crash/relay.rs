//! A mail server that takes everything and remembers it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Time the relay takes over each mail, so that mails are in hand at any moment.
const SLOWNESS: Duration = Duration::from_millis(1);

#[derive(Default)]
struct Kept {
    /// Message ids by recipient, in the order of arrival.
    mails: Mutex<BTreeMap<String, Vec<String>>>,
    count: AtomicUsize,
    open: AtomicUsize,
    most: AtomicUsize,
}

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    kept: Arc<Kept>,
}

impl Relay {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::new(Kept::default());
        let shared = Arc::clone(&kept);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&shared);
                std::thread::spawn(move || {
                    let open = kept.open.fetch_add(1, Ordering::SeqCst) + 1;
                    kept.most.fetch_max(open, Ordering::SeqCst);
                    // An error is a client that was killed.
                    let _ = stream.and_then(|stream| converse(stream, &kept));
                    kept.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, kept }
    }

    /// Mails taken so far.
    pub(crate) fn count(&self) -> usize {
        self.kept.count.load(Ordering::SeqCst)
    }

    /// Most connections that were open at once.
    pub(crate) fn most_connections(&self) -> usize {
        self.kept.most.load(Ordering::SeqCst)
    }

    pub(crate) fn mails(&self) -> BTreeMap<String, Vec<String>> {
        self.kept.mails.lock().unwrap().clone()
    }
}

fn converse(stream: TcpStream, kept: &Kept) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    out.write_all(b"220 relay.example ESMTP\r\n")?;
    let (mut line, mut recipient) = (String::new(), String::new());
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.split([' ', ':', '\r']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "RCPT" => {
                recipient = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                out.write_all(b"250 ok\r\n")?;
            }
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let id = data(&mut lines)?;
                kept.mails.lock().unwrap().entry(std::mem::take(&mut recipient)).or_default().push(id);
                kept.count.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(SLOWNESS);
                out.write_all(b"250 taken\r\n")?;
            }
            "QUIT" => return out.write_all(b"221 bye\r\n"),
            _ => out.write_all(b"250 ok\r\n")?,
        }
    }
}

/// Reads up to the final dot; gives the mail's id. A mail that breaks off was not taken.
fn data(lines: &mut impl BufRead) -> std::io::Result<String> {
    let (mut line, mut id) = (Vec::new(), String::new());
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(id);
        }
        let text = String::from_utf8_lossy(&line);
        if id.is_empty() && text.to_ascii_lowercase().starts_with("message-id:") {
            id = text.split_once(':').unwrap().1.trim().to_owned();
        }
    }
}
