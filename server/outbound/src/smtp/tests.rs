#![expect(clippy::unwrap_used, reason = "tests")]

mod server;

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lettre::Address;

use self::server::{Server, ServerOptions};
use super::*;
use crate::mail::Mail;

fn mail(number: usize, to: &str, from: &str) -> Mail {
    Mail {
        return_path: from.parse().unwrap(),
        to: to.parse().unwrap(),
        message_id: format!("<n{number}.d1@status.example.org>"),
        raw: format!("From: {from}\r\nTo: {to}\r\nSubject: {number}\r\n\r\nhello\r\n.\r\n..x\r\nend\r\n").into_bytes(),
    }
}

fn to(local: &str) -> Mail {
    mail(1, &format!("{local}@example.net"), "status@example.org")
}

fn from(local: &str) -> Mail {
    mail(1, "u1@example.net", &format!("{local}@example.org"))
}

fn settings(server: &Server) -> SmtpSettings {
    let mut settings = SmtpSettings::new("127.0.0.1", server.port, "status.example.org");
    settings.tls = TlsMode::None;
    settings.timeouts =
        Timeouts { connect: Duration::from_secs(5), command: Duration::from_secs(5), dot: Duration::from_secs(5) };
    settings
}

fn session(settings: SmtpSettings) -> SmtpSession {
    SmtpSession::new(Relay::new(settings).unwrap())
}

#[tokio::test]
async fn many_mails_go_over_one_connection_without_delay() {
    let server = Server::start(ServerOptions::default()).await;
    let mut session = session(settings(&server));
    let started = Instant::now();
    for number in 0..50 {
        assert_eq!(session.send(&mail(number, "u1@example.net", "status@example.org")).await, Outcome::Sent);
    }
    // With Nagle's algorithm on, 50 mails take more than two seconds.
    assert!(started.elapsed() < Duration::from_millis(1_500), "{:?}", started.elapsed());
    session.close().await;
    assert_eq!(server.connections(), 1);
    let mails = server.mails();
    assert_eq!(mails.len(), 50);
    assert_eq!(mails[7].as_bytes(), mail(7, "u1@example.net", "status@example.org").raw);
    assert!(server.log().iter().any(|line| line == "EHLO status.example.org"));
    assert_eq!(server.log().last().map(String::as_str), Some("QUIT"));
}

#[tokio::test]
async fn a_connection_is_renewed_after_its_share_of_mails() {
    let server = Server::start(ServerOptions::default()).await;
    let mut settings = settings(&server);
    settings.mails_per_connection = 10;
    let mut session = session(settings);
    for number in 0..35 {
        assert_eq!(session.send(&mail(number, "u1@example.net", "status@example.org")).await, Outcome::Sent);
    }
    assert_eq!(server.connections(), 4);
    assert_eq!(server.mails().len(), 35);
}

#[tokio::test]
async fn every_reply_leads_to_its_outcome_and_the_session_goes_on() {
    let server = Server::start(ServerOptions::default()).await;
    let mut session = session(settings(&server));
    let outcomes = [
        (to("u1"), "Sent"),
        (to("rcpt.421"), "Retry Rcpt 421 false"),
        (to("rcpt.450"), "Retry Rcpt 450 true"),
        (to("rcpt.451.4-7-1"), "Retry Rcpt 451 true"),
        (to("rcpt.452"), "Retry Rcpt 452 true"),
        (to("rcpt.535"), "Pause Rcpt 535"),
        (to("rcpt.550.5-1-1"), "FailRecipient 550 true"),
        (to("rcpt.550"), "FailRecipient 550 false"),
        (to("rcpt.550.5-1-8"), "Pause Rcpt 550"),
        (to("rcpt.552.5-2-2"), "Retry Rcpt 552 true"),
        (to("rcpt.554.5-7-1"), "FailMessage Rcpt Some(554)"),
        (to("data.421"), "Retry Data 421 false"),
        (to("data.451"), "Retry Data 451 true"),
        (to("data.554"), "FailMessage Data Some(554)"),
        (to("dot.421"), "Retry Dot 421 false"),
        (to("dot.450"), "Retry Dot 450 true"),
        (to("dot.550.5-7-1"), "FailMessage Dot Some(550)"),
        (to("dot.552.5-3-4"), "FailMessage Dot Some(552)"),
        (from("mail.451"), "Retry Mail 451 false"),
        (from("mail.421"), "Retry Mail 421 false"),
        (from("mail.530"), "Pause Mail 530"),
        (from("mail.553.5-1-8"), "Pause Mail 553"),
        (to("rcpt.drop"), "Retry Rcpt 0 false"),
        (to("data.drop"), "Retry Data 0 true"),
        (to("dot.drop"), "Ambiguous"),
        (to("u2"), "Sent"),
    ];
    for (mail, expected) in outcomes {
        let outcome = session.send(&mail).await;
        let shown = match &outcome {
            Outcome::Sent => "Sent".to_owned(),
            Outcome::Retry { stage, code, spend_attempt, .. } => {
                format!("Retry {stage:?} {} {spend_attempt}", code.unwrap_or_default())
            }
            Outcome::PauseQueue { stage, code, .. } => format!("Pause {stage:?} {}", code.unwrap_or_default()),
            Outcome::FailRecipient { suppress, code, .. } => format!("FailRecipient {code} {suppress}"),
            Outcome::FailMessage { stage, code, .. } => format!("FailMessage {stage:?} {code:?}"),
            Outcome::Ambiguous { .. } => "Ambiguous".to_owned(),
        };
        assert_eq!(shown, expected, "{}", mail.to);
        let told = format!("{outcome:?}");
        assert!(!told.contains(&mail.to.to_string()), "{told}");
    }
    // Those dropped after the dot have arrived all the same.
    assert_eq!(server.mails().len(), 3);
}

#[tokio::test]
async fn a_refused_recipient_costs_no_connection() {
    let server = Server::start(ServerOptions::default()).await;
    let mut session = session(settings(&server));
    for local in ["u1", "rcpt.550.5-1-1", "dot.554", "data.451", "u2"] {
        let _ = session.send(&to(local)).await;
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(server.log().iter().filter(|line| *line == "RSET").count(), 3);
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_replaced_unseen() {
    let server = Server::start(ServerOptions { close_after: Some(1), ..ServerOptions::default() }).await;
    let mut session = session(settings(&server));
    for number in 0..3 {
        assert_eq!(session.send(&mail(number, "u1@example.net", "status@example.org")).await, Outcome::Sent);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.connections(), 3);
    assert_eq!(server.mails().len(), 3);
}

#[tokio::test]
async fn silence_after_the_dot_is_ambiguous_and_before_it_is_not() {
    let server = Server::start(ServerOptions::default()).await;
    let mut settings = settings(&server);
    settings.timeouts.command = Duration::from_millis(100);
    settings.timeouts.dot = Duration::from_millis(100);
    let mut session = session(settings);
    assert!(matches!(session.send(&to("dot.silent")).await, Outcome::Ambiguous { .. }));
    let outcome = session.send(&to("rcpt.silent")).await;
    assert!(matches!(outcome, Outcome::Retry { stage: Stage::Rcpt, spend_attempt: false, .. }), "{outcome:?}");
    assert_eq!(session.send(&to("u1")).await, Outcome::Sent);
}

#[tokio::test]
async fn nobody_listening_is_the_relays_fault() {
    let server = Server::start(ServerOptions::default()).await;
    let mut settings = settings(&server);
    settings.port = Server::unused_port().await;
    let outcome = session(settings.clone()).send(&to("u1")).await;
    assert!(matches!(outcome, Outcome::Retry { stage: Stage::Connect, spend_attempt: false, .. }), "{outcome:?}");
    settings.host = "relay.invalid".to_owned();
    let outcome = session(settings).send(&to("u1")).await;
    assert!(matches!(outcome, Outcome::Retry { stage: Stage::Connect, spend_attempt: false, .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_banner_that_refuses_is_told_apart_from_one_that_is_busy() {
    for (banner, expected) in [("554 5.7.1 no", true), ("421 busy", false), ("450 busy", false)] {
        let server = Server::start(ServerOptions { banner: banner.to_owned(), ..ServerOptions::default() }).await;
        let outcome = session(settings(&server)).send(&to("u1")).await;
        match outcome {
            Outcome::PauseQueue { stage: Stage::Greeting, .. } => assert!(expected, "{banner}"),
            Outcome::Retry { stage: Stage::Greeting, spend_attempt: false, .. } => assert!(!expected, "{banner}"),
            other => assert_eq!(format!("{other:?}"), banner),
        }
    }
}

#[tokio::test]
async fn login_works_both_ways_and_a_wrong_password_pauses() {
    for mechanisms in ["PLAIN LOGIN", "LOGIN"] {
        let server =
            Server::start(ServerOptions { auth: Some(mechanisms.to_owned()), ..ServerOptions::default() }).await;
        let mut settings = settings(&server);
        let outcome = session(settings.clone()).send(&to("u1")).await;
        assert!(matches!(outcome, Outcome::PauseQueue { stage: Stage::Mail, code: Some(530), .. }), "{outcome:?}");
        settings.credentials =
            Some(Credentials { user: "status".to_owned(), password: "correct horse".to_owned().into() });
        assert_eq!(session(settings.clone()).send(&to("u1")).await, Outcome::Sent);
        settings.credentials = Some(Credentials { user: "status".to_owned(), password: "wrong".to_owned().into() });
        assert!(!format!("{settings:?}").contains("wrong"));
        let outcome = session(settings).send(&to("u1")).await;
        assert!(matches!(outcome, Outcome::PauseQueue { stage: Stage::Auth, code: Some(535), .. }), "{outcome:?}");
    }
    let server = Server::start(ServerOptions::default()).await;
    let mut settings = settings(&server);
    settings.credentials = Some(Credentials { user: "status".to_owned(), password: "x".to_owned().into() });
    let outcome = session(settings).send(&to("u1")).await;
    assert!(matches!(outcome, Outcome::PauseQueue { stage: Stage::Auth, code: None, .. }), "{outcome:?}");
}

#[tokio::test]
async fn starttls_is_used_where_offered_and_demanded_where_configured() {
    let server = Server::start(ServerOptions { starttls: true, ..ServerOptions::default() }).await;
    let mut settings = settings(&server);
    settings.host = "localhost".to_owned();
    settings.extra_roots = Some(server.root_file());
    for mode in [TlsMode::StartTls, TlsMode::StartTlsIfOffered] {
        settings.tls = mode;
        assert_eq!(session(settings.clone()).send(&to("u1")).await, Outcome::Sent);
    }
    assert_eq!(server.encrypted_mails(), 2);

    settings.extra_roots = None;
    let outcome = session(settings.clone()).send(&to("u1")).await;
    assert!(matches!(outcome, Outcome::Retry { stage: Stage::Tls, spend_attempt: false, .. }), "{outcome:?}");

    let plain = Server::start(ServerOptions::default()).await;
    settings.port = plain.port;
    assert_eq!(session(settings.clone()).send(&to("u1")).await, Outcome::Sent);
    settings.tls = TlsMode::StartTls;
    let outcome = session(settings).send(&to("u1")).await;
    assert!(matches!(outcome, Outcome::PauseQueue { stage: Stage::Tls, code: None, .. }), "{outcome:?}");
    assert_eq!(plain.mails().len(), 1);
}

#[tokio::test]
async fn implicit_tls_checks_the_certificate() {
    let server = Server::start(ServerOptions { implicit_tls: true, ..ServerOptions::default() }).await;
    let mut settings = settings(&server);
    settings.tls = TlsMode::Implicit;
    settings.host = "localhost".to_owned();
    let outcome = session(settings.clone()).send(&to("u1")).await;
    assert!(matches!(outcome, Outcome::Retry { stage: Stage::Tls, .. }), "{outcome:?}");
    settings.extra_roots = Some(server.root_file());
    let mut session = session(settings.clone());
    for _ in 0..3 {
        assert_eq!(session.send(&to("u1")).await, Outcome::Sent);
    }
    session.close().await;
    assert_eq!(server.encrypted_mails(), 3);
    settings.host = "127.0.0.1".to_owned();
    let outcome = SmtpSession::new(Relay::new(settings).unwrap()).send(&to("u1")).await;
    assert!(matches!(outcome, Outcome::Retry { stage: Stage::Tls, .. }), "another name: {outcome:?}");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_once() {
    let mut settings = SmtpSettings::new("mail.example.org", 587, "status.example.org");
    settings.hello = "a\r\nMAIL FROM:<x@y>".to_owned();
    assert!(matches!(Relay::new(settings.clone()), Err(SmtpConfigError::Name { field: "hello" })));
    settings.hello = "status.example.org".to_owned();
    settings.extra_roots = Some("/nonexistent/roots.pem".into());
    assert!(matches!(Relay::new(settings.clone()), Err(SmtpConfigError::Roots { .. })));
    let empty = tempfile::NamedTempFile::new().unwrap();
    settings.extra_roots = Some(empty.path().to_owned());
    assert!(matches!(Relay::new(settings.clone()), Err(SmtpConfigError::Roots { .. })));
    settings.extra_roots = None;
    assert!(Relay::new(settings).is_ok());
}

#[tokio::test]
async fn a_folder_holds_each_mail_once() {
    let folder = tempfile::tempdir().unwrap();
    let backend = MailBackend::File(folder.path().join("mails"));
    let mut session = backend.session();
    for _ in 0..2 {
        assert_eq!(session.send(&to("u1")).await, Outcome::Sent);
    }
    let files: Vec<_> =
        std::fs::read_dir(folder.path().join("mails")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(std::fs::read(&files[0]).unwrap(), to("u1").raw);
    assert!(!backend.delivers());
    let mut session = MailBackend::File("/proc/nowhere".into()).session();
    assert!(matches!(session.send(&to("u1")).await, Outcome::Retry { spend_attempt: false, .. }));
}

#[tokio::test]
async fn memory_keeps_the_latest_and_answers_as_told() {
    let outbox = MemoryOutbox::keeping(2);
    let mut session = MailBackend::Memory(outbox.clone()).session();
    outbox.answer_next(Outcome::Ambiguous { text: "lost".to_owned() });
    assert!(matches!(session.send(&to("u0")).await, Outcome::Ambiguous { .. }));
    for local in ["u1", "u2", "u3"] {
        assert_eq!(session.send(&to(local)).await, Outcome::Sent);
    }
    session.close().await;
    let kept: Vec<Address> = outbox.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(kept, ["u2@example.net".parse().unwrap(), "u3@example.net".parse().unwrap()]);
    assert_eq!(outbox.take().len(), 2);
    assert!(outbox.mails().is_empty());
}

/// Not a measurement: four sessions into postfix's sink, to see that a foreign server takes it all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_sink_takes_everything() {
    let port = Server::unused_port().await;
    let command = ["/usr/sbin/smtp-sink", "smtp-sink"].into_iter().find_map(|name| {
        let mut sink = Command::new(name);
        sink.args(["-u", "nobody", &format!("127.0.0.1:{port}"), "100"]);
        sink.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
    });
    let Some(mut sink) = command else {
        return;
    };
    let mut settings = SmtpSettings::new("127.0.0.1", port, "status.example.org");
    settings.tls = TlsMode::None;
    let backend = MailBackend::smtp(settings).unwrap();
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let mut session = backend.session();
            tokio::spawn(async move {
                for number in 0..150 {
                    assert_eq!(
                        session.send(&mail(number, "u1@example.net", "status@example.org")).await,
                        Outcome::Sent
                    );
                }
                session.close().await;
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    sink.kill().unwrap();
    let _ = sink.wait();
}
