#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{collections::HashSet, io::Write as _, process::Command};

use proptest::prelude::*;

use super::{body::Tone, *};
use crate::calendar::{self, CalendarEvent, Status};

fn letterhead() -> Letterhead {
    Letterhead::new("Acme Status", "Acme Status", "status@example.org".parse().unwrap(), "status.example.org", "en")
        .unwrap()
}

fn times(day: u32) -> Times {
    Times {
        local: format!("Wed {day} Dec 2026, 03:00–06:00 CET (UTC+1)"),
        utc: format!("{day} Dec 2026, 02:00–05:00 UTC"),
    }
}

fn upgrade(change: Change) -> Notice {
    Notice {
        change,
        title: "DB upgrade <eu-west>".to_owned(),
        when: times(2),
        affected: vec!["API".to_owned(), "Cluster 12".to_owned()],
        proof: Some("All 14 data sets backed up between 18:10 and 19:35".to_owned()),
        message: "Expect **short** interruptions; see [the plan](https://example.org/plan).\n\n- one\n- two – ü"
            .to_owned(),
        url: "https://status.example.org/maintenance/0192f3c4".to_owned(),
        calendar_url: Some("https://status.example.org/calendar.ics".to_owned()),
        manage_url: Some("https://status.example.org/subscriptions/TOKEN".to_owned()),
        unsubscribe_url: Some("https://status.example.org/u/TOKEN".to_owned()),
    }
}

fn changes() -> Vec<Change> {
    vec![
        Change::Scheduled,
        Change::Changed,
        Change::Rescheduled { previous: times(1) },
        Change::Extended { previous: times(1) },
        Change::Held,
        Change::Postponed,
        Change::Started,
        Change::Update,
        Change::Completed,
        Change::Cancelled,
        Change::Reminder { ahead: "3 days".to_owned() },
    ]
}

fn ics(method: Method) -> CalendarPart {
    let at = |text: &str| text.parse().unwrap();
    let event = CalendarEvent {
        uid: "mw-0192f3c4@7c1e".to_owned(),
        sequence: 2,
        created_at: at("2026-11-20T10:00:00Z"),
        updated_at: at("2026-11-21T10:00:00Z"),
        start: at("2026-12-02T02:00:00Z"),
        end: at("2026-12-02T05:00:00Z"),
        summary: "[Scheduled] DB upgrade – eu-west".to_owned(),
        description: String::new(),
        location: None,
        url: "https://status.example.org/maintenance/0192f3c4".to_owned(),
        categories: Vec::new(),
        status: Status::Confirmed,
        organizer: None,
        attendee: None,
        alarm_minutes: None,
    };
    CalendarPart { method, ics: calendar::message(&event, method) }
}

fn content(number: u32, change: Change) -> MailContent {
    let letterhead = letterhead();
    MailContent {
        to: "u1@example.net".parse().unwrap(),
        return_path: Some("bounce+77@example.org".parse().unwrap()),
        subject: letterhead.subject("DB upgrade eu-west", Some("M-42")),
        message_id: format!("n{number}.d77"),
        thread: Some("mw-0192f3c4.s77".to_owned()),
        date: "2026-11-21T10:00:00Z".parse().unwrap(),
        unsubscribe: Some(Unsubscribe {
            url: "https://status.example.org/u/TOKEN".to_owned(),
            mailto: Some("bounce+u.TOKEN@example.org".parse().unwrap()),
        }),
        body: notice(&letterhead, &upgrade(change)).unwrap(),
        calendar: Some(ics(Method::Publish)),
    }
}

fn raw(content: &MailContent) -> String {
    String::from_utf8(compose(&letterhead(), content).unwrap().raw).unwrap()
}

/// Reads a mail with Python's parser and the project's own check.
fn mailcheck(raw: &[u8], arguments: &[&str]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(raw).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../end2end/tools/mailcheck.py");
    let output = Command::new("python3").arg(script).args(arguments).arg(file.path()).output();
    let output = output.expect("python3 is needed to read mails with another parser");
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(raw));
}

#[test]
fn a_scheduled_mail_has_all_headers_and_parts() {
    insta::assert_snapshot!(raw(&content(1042, Change::Scheduled)).replace("\r\n", "\n"));
}

#[test]
fn every_change_says_what_happened_in_its_first_line() {
    let texts: Vec<String> =
        changes().into_iter().map(|change| notice(&letterhead(), &upgrade(change)).unwrap().text).collect();
    let first_lines: HashSet<&str> = texts.iter().filter_map(|text| text.lines().next()).collect();
    assert_eq!(first_lines.len(), texts.len());
    assert!(first_lines.contains("Delayed: waiting for a backup to be confirmed"));
    insta::assert_snapshot!(texts.join("\n=====\n"));
}

#[test]
fn html_of_a_rescheduled_window() {
    let body = notice(&letterhead(), &upgrade(Change::Rescheduled { previous: times(1) })).unwrap();
    insta::assert_snapshot!(body.html);
}

#[test]
fn a_short_notice_leaves_out_what_it_has_not() {
    let source = Notice {
        affected: Vec::new(),
        proof: None,
        message: String::new(),
        calendar_url: None,
        manage_url: None,
        unsubscribe_url: None,
        ..upgrade(Change::Started)
    };
    let body = notice(&letterhead(), &source).unwrap();
    assert!(!body.html.contains("Affects") && !body.html.contains("Backup") && !body.html.contains("unsubscribe"));
    insta::assert_snapshot!(body.text);
}

#[test]
fn every_mail_passes_another_parser() {
    for (number, change) in changes().into_iter().enumerate() {
        mailcheck(raw(&content(u32::try_from(number).unwrap(), change)).as_bytes(), &[]);
    }
    for method in [Method::Request, Method::Cancel] {
        let mut source = content(1, Change::Cancelled);
        source.calendar = Some(ics(method));
        let raw = raw(&source);
        assert!(!raw.contains("multipart/mixed"));
        mailcheck(raw.as_bytes(), &[]);
    }
    let mut hard = content(1, Change::Update);
    let mut source = upgrade(Change::Update);
    source.title = "日".repeat(3_000);
    source.message =
        format!("{}\n\n.\n\nFrom here\n\n{}\n\n=20=\n--\n{}", "x".repeat(5_000), "🚧".repeat(500), "\u{1}\u{85}\0");
    hard.body = notice(&letterhead(), &source).unwrap();
    hard.subject = letterhead().subject(&source.title, None);
    hard.calendar = None;
    mailcheck(raw(&hard).as_bytes(), &[]);
}

#[test]
fn confirmation_mail_holds_only_what_we_chose() {
    let letterhead = letterhead();
    let source = Confirmation { url: "https://status.example.org/confirm/TOKEN?x=1&y=2".to_owned(), until: times(4) };
    let body = confirmation(&letterhead, &source).unwrap();
    assert!(body.html.contains("confirm/TOKEN?x=1&#38;y=2"));
    let content = MailContent {
        to: "attacker-chosen@example.net".parse().unwrap(),
        return_path: None,
        subject: letterhead.subject("Confirm your subscription", None),
        message_id: "c7.d1".to_owned(),
        thread: None,
        date: "2026-11-21T10:00:00Z".parse().unwrap(),
        unsubscribe: None,
        body: body.clone(),
        calendar: None,
    };
    let mail = compose(&letterhead, &content).unwrap();
    mailcheck(&mail.raw, &["--confirmation"]);
    assert_eq!(mail.return_path.to_string(), "status@example.org");
    assert!(!body.text.contains("attacker") && !body.html.contains("attacker"));
    insta::assert_snapshot!(body.text);
}

#[test]
fn updates_of_one_window_are_one_thread_of_distinct_mails() {
    let mails: Vec<Mail> = [Change::Scheduled, Change::Held, Change::Started, Change::Completed]
        .into_iter()
        .zip(1..)
        .map(|(change, number)| compose(&letterhead(), &content(number, change)).unwrap())
        .collect();
    let line = |mail: &Mail, name: &str| {
        let raw = String::from_utf8(mail.raw.clone()).unwrap();
        let lines: Vec<String> = raw
            .split("\r\n\r\n")
            .next()
            .unwrap()
            .lines()
            .filter(|line| line.starts_with(name))
            .map(str::to_owned)
            .collect();
        assert_eq!(lines.len(), 1, "{name}");
        lines.concat()
    };
    for name in ["Subject:", "References:", "In-Reply-To:", "List-Id:"] {
        assert_eq!(mails.iter().map(|mail| line(mail, name)).collect::<HashSet<_>>().len(), 1, "{name}");
    }
    assert_eq!(mails.iter().map(|mail| line(mail, "Message-ID:")).collect::<HashSet<_>>().len(), 4);
    assert_eq!(mails[0].message_id, "<n1.d77@status.example.org>");
}

#[test]
fn a_retry_sends_the_same_bytes() {
    let first = raw(&content(7, Change::Extended { previous: times(1) }));
    assert_eq!(first, raw(&content(7, Change::Extended { previous: times(1) })));
    assert_ne!(first, raw(&content(8, Change::Extended { previous: times(1) })));
}

#[test]
fn configured_strings_with_control_characters_are_refused() {
    let from: Address = "status@example.org".parse().unwrap();
    for bad in ["A\r\nBcc: x@y", "A\nB", "A\0", "A\u{7f}", "A\u{85}B", "A\u{9b}", "A\u{2028}B", "A\tB"] {
        for (site, name) in [(bad, "Acme"), ("Acme", bad)] {
            let refused = Letterhead::new(site, name, from.clone(), "status.example.org", "en");
            assert!(matches!(refused, Err(MailError::Control { .. })), "{bad:?}");
        }
    }
    assert!(matches!(Letterhead::new(" ", "Acme", from.clone(), "x.org", "en"), Err(MailError::Empty { .. })));
    assert!(matches!(Letterhead::new("Acme", "Acme", from.clone(), "x.org>\r\n", "en"), Err(MailError::Id { .. })));
    assert!(Letterhead::new("Acme", "Acme", from, "x.org", "en\"><script>").is_err());
}

#[test]
fn one_poisoned_row_is_an_error_of_its_own() {
    let spoil: [fn(&mut MailContent); 6] = [
        |content| content.subject = "x\r\nBcc: a@b.c".to_owned(),
        |content| content.message_id = "n1>\r\nBcc: a@b.c".to_owned(),
        |content| content.thread = Some("a b".to_owned()),
        |content| content.unsubscribe = Some(Unsubscribe { url: "https://x/>\r\nBcc: a@b".to_owned(), mailto: None }),
        |content| content.unsubscribe = Some(Unsubscribe { url: "javascript:alert(1)".to_owned(), mailto: None }),
        |content| content.subject = "x".repeat(3_000),
    ];
    for spoil in spoil {
        let mut source = content(1, Change::Scheduled);
        spoil(&mut source);
        assert!(compose(&letterhead(), &source).is_err());
    }
    let mut source = upgrade(Change::Scheduled);
    source.url = "javascript:alert(1)".to_owned();
    assert_eq!(notice(&letterhead(), &source), Err(MailError::Link { field: "page link" }));
    assert!(compose(&letterhead(), &content(1, Change::Scheduled)).is_ok());
}

#[test]
fn what_a_person_typed_stays_in_its_place() {
    let mut source = upgrade(Change::Rescheduled { previous: times(1) });
    source.title = "A\r\nBcc: x@y\r\n\r\n<script>alert(1)</script>".to_owned();
    source.affected = vec!["<b>API</b>\nX".to_owned()];
    source.message = "<img src=https://track.example/x.png> ![x](https://track.example/x.png)".to_owned();
    let body = notice(&letterhead(), &source).unwrap();
    assert!(body.text.contains("\nA Bcc: x@y <script>alert(1)</script>\n"));
    for remote in ["<script", "<img", "<b>", "src=\"", "url(", "@import", "<link", "<iframe"] {
        assert!(!body.html.contains(remote), "{remote}");
    }
    let subject = letterhead().subject(&source.title, Some("M\n42"));
    assert_eq!(subject, "[Acme Status] A Bcc: x@y <script>alert(1)</script> (M 42)");
    assert!(letterhead().subject(&"é".repeat(500), None).chars().count() < 150);
}

#[test]
fn html_has_a_language_and_readable_colours() {
    let html = notice(&letterhead(), &upgrade(Change::Held)).unwrap().html;
    assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\""));
    for tone in [Tone::Ok, Tone::Degraded, Tone::Major, Tone::Work, Tone::Calm] {
        let (ink, ground) = tone.colors();
        assert!(contrast(ink, ground) >= 4.5, "{tone:?}: {}", contrast(ink, ground));
    }
    for (ink, ground) in [
        ("#16181d", "#ffffff"),
        ("#16181d", "#fbfaf7"),
        ("#565b66", "#ffffff"),
        ("#565b66", "#fbfaf7"),
        ("#2f3a8f", "#fbfaf7"),
        ("#2f3a8f", "#ffffff"),
        ("#fbfaf7", "#2f3a8f"),
        ("#0000ee", "#ffffff"),
        ("#eef0f4", "#181b21"),
        ("#a3aab8", "#181b21"),
        ("#a3aab8", "#111317"),
        ("#aab4ff", "#181b21"),
        ("#aab4ff", "#111317"),
        ("#111317", "#aab4ff"),
        ("#4fd0db", "#0f2a2d"),
        ("#f0b94a", "#2f2510"),
        ("#94adff", "#182145"),
        ("#ff8fb6", "#331824"),
        ("#a3aab8", "#2a2f38"),
    ] {
        assert!(contrast(ink, ground) >= 4.5, "{ink} on {ground}: {}", contrast(ink, ground));
    }
}

/// WCAG 2 contrast of two `#rrggbb` colours.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |color: &str| {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn addresses_are_read_as_people_type_them() {
    for (input, expected) in [
        ("u1@example.net", "u1@example.net"),
        ("  First.Last+tag@Example.ORG ", "First.Last+tag@example.org"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@例え.テスト", "a@xn--r8jz45g.xn--zckzah"),
        ("o'hara@example.org", "o'hara@example.org"),
        ("root@localhost", "root@localhost"),
    ] {
        assert_eq!(parse_address(input).unwrap().to_string(), expected, "{input}");
    }
    for (input, expected) in [
        ("", AddressError::Empty),
        ("   ", AddressError::Empty),
        ("example.net", AddressError::Shape),
        ("@example.net", AddressError::Shape),
        ("a@", AddressError::Shape),
        ("ü@example.net", AddressError::LocalPartNotAscii),
        ("a@b.c\r\nBcc: x@y.z", AddressError::Blank),
        ("a b@example.net", AddressError::Blank),
        ("a@b.c\n", AddressError::Blank),
        ("a\0@example.net", AddressError::Blank),
        ("a@exam\u{a0}ple.net", AddressError::Blank),
        ("\"a>b\"@example.net", AddressError::LocalPart),
        ("a@b@example.net", AddressError::LocalPart),
        (".a@example.net", AddressError::LocalPart),
        ("a..b@example.net", AddressError::LocalPart),
        ("<a@example.net>", AddressError::LocalPart),
        ("a,b@example.net", AddressError::LocalPart),
        ("a@example", AddressError::Domain),
        ("a@[127.0.0.1]", AddressError::Domain),
        ("a@127.0.0.1", AddressError::Domain),
        ("a@0x7f.1", AddressError::Domain),
        ("a@exa%6dple.net", AddressError::Domain),
        ("a@-x.net", AddressError::Domain),
        ("a@x..net", AddressError::Domain),
        ("a@x_y.net", AddressError::Domain),
        ("a@example.net>", AddressError::Domain),
    ] {
        assert_eq!(parse_address(input), Err(expected), "{input:?}");
    }
    assert_eq!(parse_address(&format!("{}@example.net", "a".repeat(65))), Err(AddressError::TooLong));
    assert_eq!(parse_address(&"a".repeat(100_000)), Err(AddressError::TooLong));
    assert_eq!(mask(&"user@example.net".parse().unwrap()), "u***@example.net");
}

#[test]
fn debug_output_has_no_address() {
    let mail = compose(&letterhead(), &content(1, Change::Held)).unwrap();
    assert!(!format!("{mail:?}").contains("u1@"));
}

proptest! {
    #[test]
    fn any_name_of_a_sender_is_refused_or_sent_whole(name in "\\PC{1,60}|[ -~]{1,200}|.{1,30}") {
        let from: Address = "status@example.org".parse().unwrap();
        if let Ok(letterhead) = Letterhead::new(&name, &name, from, "status.example.org", "en") {
            let mut source = content(1, Change::Started);
            source.subject = letterhead.subject(&name, Some("M-1"));
            if let Ok(mail) = compose(&letterhead, &source) {
                let raw = String::from_utf8(mail.raw).unwrap();
                let headers = raw.split("\r\n\r\n").next().unwrap();
                let names = headers.split("\r\n").filter(|line| !line.starts_with(' ')).count();
                prop_assert_eq!(names, 14, "{}", headers);
            }
        }
    }

    #[test]
    fn no_input_makes_an_address_with_two_meanings(input in "\\PC{0,40}|[a-z@.<>\"\\r\\n ]{0,30}") {
        if let Ok(address) = parse_address(&input) {
            prop_assert!(address.to_string().bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"(),;:\\[]".contains(&byte)));
        }
    }
}

fn found(is_new: bool) -> FindingItem {
    FindingItem {
        is_new,
        title: "web-12 · database <shop>: database without a dump".to_owned(),
        detail: "No job dumps it.\r\nX-Injected: 1".to_owned(),
        advice: "Add a job that dumps it.".to_owned(),
        since: is_new.then(|| times(2)),
        url: "https://status.example.org/admin/data-sets/0192".to_owned(),
    }
}

#[test]
fn the_mail_to_the_team_says_what_is_found_and_how_to_stop_it() {
    let letterhead = letterhead();
    let notice = FindingsNotice {
        title: "3 findings, 1 new".to_owned(),
        intro: "This should be mended before the next window.".to_owned(),
        items: vec![found(true), FindingItem { advice: String::new(), ..found(false) }],
        more: "1 more is on the page.".to_owned(),
        url: "https://status.example.org/admin/findings".to_owned(),
        settings_url: "https://status.example.org/admin/account".to_owned(),
        stop_url: "https://status.example.org/team-mail/TOKEN".to_owned(),
    };
    let body = findings(&letterhead, &notice).unwrap();
    assert!(body.html.contains("&#60;shop&#62;") && !body.html.contains("<shop>"));
    assert_eq!(body.html.matches(">New<").count(), 1);
    insta::assert_snapshot!(body.text);
    let content = MailContent {
        subject: letterhead.subject(&notice.title, None),
        thread: None,
        unsubscribe: Some(Unsubscribe { url: notice.stop_url.clone(), mailto: None }),
        body,
        calendar: None,
        ..content(9, Change::Held)
    };
    mailcheck(raw(&content).as_bytes(), &[]);
    let broken = FindingsNotice { stop_url: "javascript:x".to_owned(), ..notice };
    assert_eq!(findings(&letterhead, &broken), Err(MailError::Link { field: "unsubscribe link" }));
}

mod telling;
