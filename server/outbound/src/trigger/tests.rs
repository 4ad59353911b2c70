#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use reqwest::dns::{Addrs, Name, Resolving};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn settings(allow: &[&str]) -> TriggerSettings {
    TriggerSettings { allow: allow.iter().map(|net| net.parse().unwrap()).collect(), ..TriggerSettings::default() }
}

async fn fire(client: &TriggerClient, url: &str) -> Result<(), TriggerError> {
    let at = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
    client
        .fire(url, &SECRET.to_owned().into(), "msg_p5jXN8AQM9LWM0D4loKWxJek", at, &json!({"test": 2_432_232_314_u32}))
        .await
}

/// An HTTP server that counts and keeps what it is sent.
struct Canary {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    hits: Arc<AtomicUsize>,
}

impl Canary {
    async fn start(ip: &str, answer: &'static str) -> Self {
        Self::listen(TcpListener::bind((ip, 0)).await.unwrap(), answer)
    }

    fn listen(listener: TcpListener, answer: &'static str) -> Self {
        let address = listener.local_addr().unwrap();
        let (requests, hits) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (kept, counted) = (Arc::clone(&requests), Arc::clone(&hits));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let kept = Arc::clone(&kept);
                tokio::spawn(async move { serve(socket, answer, &kept).await });
            }
        });
        Self { address, requests, hits }
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    fn url(&self) -> String {
        format!("http://{}/run?token=SECRET", self.address)
    }
}

async fn serve(mut socket: impl AsyncRead + AsyncWrite + Unpin, answer: &str, kept: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    let mut piece = [0; 4_096];
    while let Ok(read @ 1..) = socket.read(&mut piece).await {
        request.extend_from_slice(&piece[..read]);
        if request.ends_with(b"}") {
            break;
        }
    }
    kept.lock().unwrap().push(String::from_utf8(request).unwrap());
    if answer.is_empty() {
        std::future::pending::<()>().await;
    }
    socket.write_all(answer.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
}

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// Answers with the next of several lists at each question.
struct Changing {
    answers: Vec<Vec<&'static str>>,
    asked: AtomicUsize,
}

impl Resolve for Changing {
    fn resolve(&self, _: Name) -> Resolving {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst) % self.answers.len();
        let answer: Vec<SocketAddr> =
            self.answers[turn].iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
        Box::pin(async move { Ok(Box::new(answer.into_iter()) as Addrs) })
    }
}

#[tokio::test]
async fn a_call_is_signed_as_standard_webhooks_say() {
    let canary = Canary::start("127.0.0.1", OK).await;
    let client = TriggerClient::new(&settings(&["127.0.0.0/8"])).unwrap();
    assert_eq!(fire(&client, &canary.url()).await, Ok(()));
    let request = canary.requests.lock().unwrap()[0].to_ascii_lowercase();
    assert!(request.starts_with("post /run?token=secret http/1.1\r\n"));
    for line in [
        "webhook-id: msg_p5jxn8aqm9lwm0d4lokwxjek",
        "webhook-timestamp: 1614265330",
        "content-type: application/json",
        "user-agent: fermata",
    ] {
        assert!(request.contains(&format!("\r\n{line}\r\n")), "{line} in {request}");
    }
    assert!(request.ends_with("\r\n\r\n{\"test\":2432232314}"));
}

/// The example of the specification.
#[test]
fn the_signature_of_the_specification_comes_out() {
    let sign = |secret: &str, body: &[u8]| {
        signature(&secret.to_owned().into(), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    };
    let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(sign(SECRET, b"{\"test\": 2432232314}").unwrap(), expected);
    assert_ne!(sign(SECRET, b"{\"test\": 2432232315}").unwrap(), expected);
    assert_eq!(sign("whsec_%%%", b""), Err(SecretError::Encoding));
    assert_eq!(sign("short", b""), Err(SecretError::Short));
    assert!(signature(&new_secret(&[7; 32]), "a", 1, b"").is_ok());
    assert!(sign("a plain secret of enough length", b"").is_ok());
}

#[tokio::test]
async fn hosts_that_are_not_public_are_refused_in_every_notation() {
    let client = TriggerClient::new(&settings(&[])).unwrap();
    for host in [
        "127.0.0.1",
        "127.1",
        "127.255.255.254",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "169.254.0.1",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:8.8.8.8]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001::1]",
        "[fc00::1]",
        "[fdff::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[100::1]",
        "１２７.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
    ] {
        for url in [format!("http://{host}/x"), format!("https://{host}:8443/x"), format!("http://a.example@{host}/")] {
            assert_eq!(fire(&client, &url).await, Err(TriggerError::Url(UrlFault::Denied)), "{url}");
        }
    }
    for url in ["ftp://8.8.8.8/", "file:///etc/passwd", "gopher://8.8.8.8/", "data:text/plain,x", "javascript:1"] {
        assert_eq!(fire(&client, url).await, Err(TriggerError::Url(UrlFault::Scheme)), "{url}");
    }
    for url in ["", "x", "//8.8.8.8", "http://", "http://[::1", "http://1.2.3.4.5/", "http://300.1.1.1/", "http://a b/"]
    {
        assert_eq!(fire(&client, url).await, Err(TriggerError::Url(UrlFault::Malformed)), "{url}");
    }
    for url in
        ["https://example.org/run", "http://8.8.8.8/", "http://[2606:4700::1111]/", "https://u:p@172.32.0.1:8080/x"]
    {
        assert!(client.guard().check(url).is_ok(), "{url}");
    }
}

#[tokio::test]
async fn names_of_this_machine_are_refused() {
    let canary = Canary::start("127.0.0.1", OK).await;
    let client = TriggerClient::new(&settings(&[])).unwrap();
    for host in ["localhost", "LOCALHOST", "localhost."] {
        let outcome = fire(&client, &format!("http://{host}:{}/", canary.address.port())).await;
        assert!(matches!(outcome, Err(TriggerError::NoAddress | TriggerError::Unreachable(_))), "{outcome:?}");
    }
    assert_eq!(fire(&client, &canary.url()).await, Err(TriggerError::Url(UrlFault::Denied)));
    assert_eq!(canary.hits(), 0);
}

#[test]
fn the_configuration_opens_networks_but_never_metadata() {
    let guard = Guard::new(vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
    for (address, permitted) in [
        ("10.1.2.3", true),
        ("10.2.0.1", false),
        ("fd12::1", true),
        ("fc00::1", false),
        ("fd00:ec2::254", false),
        ("8.8.8.8", true),
    ] {
        assert_eq!(guard.permits(address.parse().unwrap()), permitted, "{address}");
    }
    let everything = Guard::new(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
    for address in [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2001:0:1:2:3:4:5601:5601",
    ] {
        assert!(!everything.permits(address.parse().unwrap()), "{address}");
    }
    assert!(everything.permits("127.0.0.1".parse().unwrap()));
}

/// 127.0.0.2 plays the public address, 127.0.0.1 the one to protect.
#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let open = Canary::start("127.0.0.2", OK).await;
    let port = open.address.port();
    let protected = Canary::listen(TcpListener::bind(("127.0.0.1", port)).await.unwrap(), OK);
    let resolver = Changing {
        answers: vec![vec!["127.0.0.2"], vec!["127.0.0.1"], vec!["127.0.0.1", "127.0.0.2", "169.254.169.254"], vec![]],
        asked: AtomicUsize::new(0),
    };
    let client = TriggerClient::with_resolver(&settings(&["127.0.0.2/32"]), Arc::new(resolver)).unwrap();
    let url = format!("http://rebind.example:{port}/");
    for _ in 0..5 {
        assert_eq!(fire(&client, &url).await, Ok(()));
        assert_eq!(fire(&client, &url).await, Err(TriggerError::NoAddress));
        assert_eq!(fire(&client, &url).await, Ok(()));
        assert_eq!(fire(&client, &url).await, Err(TriggerError::NoAddress));
    }
    assert_eq!(open.hits(), 10);
    assert_eq!(protected.hits(), 0);
}

#[tokio::test]
async fn redirects_are_an_answer_and_not_followed() {
    let protected = Canary::start("127.0.0.1", OK).await;
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", protected.url());
    let away = Canary::start("127.0.0.1", answer.leak()).await;
    let metadata =
        Canary::start("127.0.0.1", "HTTP/1.1 307 X\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")
            .await;
    let client = TriggerClient::new(&settings(&["127.0.0.0/8"])).unwrap();
    assert_eq!(fire(&client, &away.url()).await, Err(TriggerError::Answered { status: 302 }));
    assert_eq!(fire(&client, &metadata.url()).await, Err(TriggerError::Answered { status: 307 }));
    assert_eq!(protected.hits(), 0);
}

#[tokio::test]
async fn answers_tell_whether_to_try_again() {
    let client = TriggerClient::new(&settings(&["127.0.0.0/8"])).unwrap();
    for (answer, status, again) in [
        ("HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", 500, true),
        ("HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n", 429, true),
        ("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", 404, true),
        ("HTTP/1.1 410 X\r\nContent-Length: 0\r\n\r\n", 410, false),
    ] {
        let canary = Canary::start("127.0.0.1", answer).await;
        let outcome = fire(&client, &canary.url()).await.unwrap_err();
        assert_eq!(outcome, TriggerError::Answered { status });
        assert_eq!((outcome.may_pass(), outcome.is_gone()), (again, !again), "{status}");
        assert_eq!(canary.hits(), 1);
    }
    assert!(!TriggerError::Url(UrlFault::Denied).may_pass());
    assert!(TriggerError::NoAddress.may_pass(), "what a resolver says passes");
    for (status, rejects) in
        [(400, true), (401, true), (404, true), (422, true), (499, true), (302, false), (500, false)]
    {
        assert_eq!(TriggerError::Answered { status }.is_rejection(), rejects, "{status}");
    }
    for status in [408, 410, 425, 429] {
        assert!(!TriggerError::Answered { status }.is_rejection(), "{status}");
    }
    assert!(!TriggerError::Timeout.is_rejection());
}

#[tokio::test]
async fn silence_and_closed_doors_say_so_without_the_address() {
    let silent = Canary::start("127.0.0.1", "").await;
    let client =
        TriggerClient::new(&TriggerSettings { timeout: Duration::from_millis(200), ..settings(&["127.0.0.0/8"]) });
    let client = client.unwrap();
    let started = Instant::now();
    assert_eq!(fire(&client, &silent.url()).await, Err(TriggerError::Timeout));
    assert!(started.elapsed() < Duration::from_secs(3));

    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let fault = fire(&client, &format!("http://127.0.0.1:{port}/?token=SECRET")).await.unwrap_err();
    assert!(matches!(fault, TriggerError::Unreachable(_)) && fault.may_pass(), "{fault:?}");
    assert!(!fault.to_string().contains("SECRET"), "{fault}");
}

#[tokio::test]
async fn bad_ids_and_secrets_are_refused_before_anything_is_sent() {
    let canary = Canary::start("127.0.0.1", OK).await;
    let client = TriggerClient::new(&settings(&["127.0.0.0/8"])).unwrap();
    let at = DateTime::from_timestamp(0, 0).unwrap();
    for id in ["", "a b", "a\r\nX: y", "ü", "a.b"] {
        let outcome = client.fire(&canary.url(), &SECRET.to_owned().into(), id, at, &json!({})).await;
        assert_eq!(outcome, Err(TriggerError::Id), "{id:?}");
    }
    let outcome = client.fire(&canary.url(), &"short".to_owned().into(), "a", at, &json!({})).await;
    assert_eq!(outcome, Err(TriggerError::Secret(SecretError::Short)));
    assert_eq!(canary.hits(), 0);
}

#[tokio::test]
async fn certificates_are_checked_and_own_roots_can_be_given() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let root = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(root.path(), certified.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.key_pair.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let kept = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&kept);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(socket).await {
                serve(stream, OK, &shared).await;
            }
        }
    });
    let allow = settings(&["127.0.0.0/8"]);
    let fault = fire(&TriggerClient::new(&allow).unwrap(), &url).await.unwrap_err();
    assert!(matches!(fault, TriggerError::Unreachable(_)), "{fault:?}");
    assert!(kept.lock().unwrap().is_empty());
    let trusting = TriggerSettings { extra_roots: Some(root.path().to_owned()), ..allow };
    assert_eq!(fire(&TriggerClient::new(&trusting).unwrap(), &url).await, Ok(()));
    assert_eq!(kept.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn memory_keeps_calls_and_fails_as_told() {
    let triggers = MemoryTriggers::new();
    let backend = TriggerBackend::Memory(triggers.clone());
    let at = DateTime::from_timestamp(5, 0).unwrap();
    triggers.fail_next(TriggerError::Timeout);
    let secret = SecretString::from(SECRET.to_owned());
    assert_eq!(
        backend.fire("https://b.example/", &secret, "t1", at, &json!({"job": 1})).await,
        Err(TriggerError::Timeout)
    );
    assert_eq!(backend.fire("https://b.example/", &secret, "t1", at, &json!({"job": 1})).await, Ok(()));
    assert_eq!(triggers.fired().len(), 2);
    assert_eq!(triggers.fired()[0].id, "t1");
    assert_eq!(backend.check("http://10.0.0.1/"), Err(UrlFault::Denied));
}
