//! A small mail server that answers as the addresses tell it to.
//!
//! `rcpt.550.5-1-1@…` is refused at `RCPT` with `550 5.1.1`, `dot.drop@…` loses the connection after the final dot,
//! `mail.451@…` as a sender is refused at `MAIL`. `silent` instead of a code means no answer. Anything else is accepted.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

#[derive(Clone)]
pub(super) struct ServerOptions {
    pub(super) banner: String,
    pub(super) auth: Option<String>,
    pub(super) starttls: bool,
    pub(super) implicit_tls: bool,
    /// Closes without a word after so many mails.
    pub(super) close_after: Option<usize>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            banner: "220 test.example ESMTP".to_owned(),
            auth: None,
            starttls: false,
            implicit_tls: false,
            close_after: None,
        }
    }
}

#[derive(Default)]
struct Seen {
    connections: usize,
    encrypted: usize,
    mails: Vec<String>,
    log: Vec<String>,
}

pub(super) struct Server {
    pub(super) port: u16,
    seen: Arc<Mutex<Seen>>,
    folder: tempfile::TempDir,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(options: ServerOptions) -> Self {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("root.pem"), certified.cert.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.key_pair.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (options, seen, acceptor) = (options.clone(), Arc::clone(&shared), acceptor.clone());
                seen.lock().unwrap().connections += 1;
                tokio::spawn(async move {
                    if options.implicit_tls {
                        if let Ok(stream) = acceptor.accept(socket).await {
                            Talk { options, seen, encrypted: true }.run(stream, true).await;
                        }
                        return;
                    }
                    let mut talk = Talk { options, seen, encrypted: false };
                    if let Some(socket) = talk.run(socket, true).await
                        && let Ok(stream) = acceptor.accept(socket).await
                    {
                        talk.encrypted = true;
                        talk.run(stream, false).await;
                    }
                });
            }
        });
        Self { port, seen, folder, task }
    }

    pub(super) async fn unused_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
    }

    pub(super) fn root_file(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    pub(super) fn encrypted_mails(&self) -> usize {
        self.seen.lock().unwrap().encrypted
    }

    pub(super) fn mails(&self) -> Vec<String> {
        self.seen.lock().unwrap().mails.clone()
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.seen.lock().unwrap().log.clone()
    }
}

enum Answer {
    Say(String),
    Drop,
    Silence,
}

struct Talk {
    options: ServerOptions,
    seen: Arc<Mutex<Seen>>,
    encrypted: bool,
}

impl Talk {
    /// Talks until the end, or gives the connection back for `STARTTLS`.
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: S, greet: bool) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if greet {
            say(&mut stream, &self.options.banner.clone()).await?;
        }
        let (mut recipient, mut mails, mut known) = (String::new(), 0, self.options.auth.is_none());
        loop {
            let line = read(&mut stream).await?;
            self.seen.lock().unwrap().log.push(line.clone());
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let answer = match verb.as_str() {
                "EHLO" => self.hello(),
                "STARTTLS" => {
                    say(&mut stream, "220 go ahead").await?;
                    return Some(stream.into_inner());
                }
                "AUTH" => {
                    known = self.login(&mut stream, &line).await?;
                    Answer::Say(if known { "235 ok" } else { "535 5.7.8 wrong for <status@example.org>" }.to_owned())
                }
                "MAIL" if !known => Answer::Say("530 5.7.0 authentication required".to_owned()),
                "MAIL" => told(&line, "mail", "250 ok"),
                "RCPT" => {
                    recipient.clone_from(&line);
                    told(&line, "rcpt", "250 ok")
                }
                "DATA" => match told(&recipient, "data", "354 go on") {
                    Answer::Say(text) if text.starts_with("354") => {
                        say(&mut stream, &text).await?;
                        let text = text_of(&mut stream).await?;
                        let answer = told(&recipient, "dot", "250 2.0.0 taken");
                        let taken = match &answer {
                            Answer::Say(text) => text.starts_with("250"),
                            Answer::Drop | Answer::Silence => true,
                        };
                        if taken {
                            let mut seen = self.seen.lock().unwrap();
                            seen.mails.push(text);
                            seen.encrypted += usize::from(self.encrypted);
                            mails += 1;
                        }
                        answer
                    }
                    other => other,
                },
                "QUIT" => {
                    say(&mut stream, "221 bye").await?;
                    return None;
                }
                "RSET" | "NOOP" => Answer::Say("250 ok".to_owned()),
                _ => Answer::Say("500 what".to_owned()),
            };
            match answer {
                Answer::Say(text) => {
                    say(&mut stream, &text).await?;
                    if text.starts_with("421") || self.options.close_after.is_some_and(|limit| mails >= limit) {
                        return None;
                    }
                }
                Answer::Drop => return None,
                Answer::Silence => std::future::pending().await,
            }
        }
    }

    fn hello(&self) -> Answer {
        let mut text = "250-test.example\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n".to_owned();
        if self.options.starttls && !self.encrypted {
            text.push_str("250-STARTTLS\r\n");
        }
        if let Some(mechanisms) = &self.options.auth {
            text.push_str(&format!("250-AUTH {mechanisms}\r\n"));
        }
        text.push_str("250 HELP");
        Answer::Say(text)
    }

    async fn login<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut BufReader<S>, line: &str) -> Option<bool> {
        let decode = |text: &str| String::from_utf8(STANDARD.decode(text).unwrap_or_default()).unwrap_or_default();
        if let Some(response) = line.strip_prefix("AUTH PLAIN ") {
            return Some(decode(response) == "\0status\0correct horse");
        }
        say(stream, &format!("334 {}", STANDARD.encode("Username:"))).await?;
        let user = decode(&read(stream).await?);
        say(stream, &format!("334 {}", STANDARD.encode("Password:"))).await?;
        let password = decode(&read(stream).await?);
        Some(user == "status" && password == "correct horse")
    }
}

/// What the local part in `line` says about `stage`.
fn told(line: &str, stage: &str, otherwise: &str) -> Answer {
    let address = line.split(['<', '>']).nth(1).unwrap_or_default();
    let local = address.split('@').next().unwrap_or_default();
    let mut parts = local.split('.');
    if parts.next() != Some(stage) {
        return Answer::Say(otherwise.to_owned());
    }
    match parts.next() {
        Some("drop") => Answer::Drop,
        Some("silent") => Answer::Silence,
        Some(code) => {
            let status = parts.next().unwrap_or_default().replace('-', ".");
            Answer::Say(format!("{code} {status} <{address}> as you wish").replace("  ", " "))
        }
        None => Answer::Say(otherwise.to_owned()),
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, text: &str) -> Option<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn read<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    (stream.read_line(&mut line).await.ok()? > 0).then(|| line.trim_end().to_owned())
}

async fn text_of<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
