use std::collections::HashSet;

use domain::incident::{IncidentState, Severity};

use super::{content, letterhead, mailcheck, raw};
use crate::mail::{
    AffectedComponent, Body, IncidentNews, IncidentNotice, MailContent, MailError, PostNotice, Unsubscribe, incident,
    post,
};

fn instant(text: &str) -> crate::mail::Times {
    crate::mail::Times { local: format!("Thu 15 May 2014, {text} IST (UTC+1)"), utc: format!("{text} UTC") }
}

fn trouble(news: IncidentNews, state: IncidentState) -> IncidentNotice {
    let component = |name: &str, state: &str| AffectedComponent { name: name.to_owned(), state: state.to_owned() };
    IncidentNotice {
        news,
        state,
        severity: Severity::Critical,
        title: "vm3 <gone> with all its guests".to_owned(),
        at: instant("20:05"),
        since: instant("19:55"),
        ended: (state == IncidentState::Resolved).then(|| instant("12:30")),
        lasted: if state == IncidentState::Resolved { "16 h 35 min".to_owned() } else { String::new() },
        affected: vec![component("Cluster 12", "Major outage"), component("API", "Degraded performance")],
        message:
            "The other disk is **dead** too; see [the plan](https://example.org/plan).\n\n<script>alert(1)</script>"
                .to_owned(),
        url: "https://status.example.org/incidents/0192f3c4".to_owned(),
        manage_url: Some("https://status.example.org/subscriptions/TOKEN".to_owned()),
        unsubscribe_url: Some("https://status.example.org/u/TOKEN".to_owned()),
    }
}

fn mail(number: u32, body: Body, thread: &str, subject: String) -> MailContent {
    MailContent {
        subject,
        message_id: format!("n{number}.s77"),
        thread: Some(thread.to_owned()),
        unsubscribe: Some(Unsubscribe { url: "https://status.example.org/u/TOKEN".to_owned(), mailto: None }),
        body,
        calendar: None,
        ..content(number, crate::mail::Change::Held)
    }
}

fn all() -> Vec<IncidentNotice> {
    vec![
        trouble(IncidentNews::Opened, IncidentState::Investigating),
        trouble(IncidentNews::Update, IncidentState::Identified),
        trouble(IncidentNews::Update, IncidentState::Monitoring),
        trouble(IncidentNews::Resolved, IncidentState::Resolved),
        trouble(IncidentNews::Reopened, IncidentState::Investigating),
    ]
}

#[test]
fn each_mail_of_an_incident_says_in_its_first_line_where_it_stands() {
    let texts: Vec<String> = all().iter().map(|notice| incident(&letterhead(), notice).unwrap().text).collect();
    let first_lines: HashSet<&str> = texts.iter().filter_map(|text| text.lines().next()).collect();
    assert_eq!(first_lines.len(), texts.len(), "{first_lines:?}");
    insta::assert_snapshot!(texts.join("\n=====\n"));
}

#[test]
fn html_of_an_incident() {
    let body = incident(&letterhead(), &trouble(IncidentNews::Resolved, IncidentState::Resolved)).unwrap();
    assert!(!body.html.contains("<script>") && !body.html.contains("<gone>"));
    insta::assert_snapshot!(body.html);
}

#[test]
fn mails_of_one_incident_are_one_thread_with_one_subject() {
    let subject = letterhead().subject("vm3 is gone", Some("I-7"));
    assert_eq!(subject, "[Acme Status] vm3 is gone (I-7)");
    for (number, notice) in (1..).zip(all()) {
        let body = incident(&letterhead(), &notice).unwrap();
        let raw = raw(&mail(number, body, "in-0192f3c4.s77", subject.clone()));
        mailcheck(raw.as_bytes(), &[]);
        assert!(raw.contains("References: <in-0192f3c4.s77@status.example.org>\r\n"), "{raw}");
        assert!(raw.contains(&format!("Message-ID: <n{number}.s77@status.example.org>\r\n")), "{raw}");
        assert!(raw.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{raw}");
    }
}

#[test]
fn an_incident_without_components_and_words_leaves_them_out() {
    let source = IncidentNotice {
        affected: Vec::new(),
        message: String::new(),
        ..trouble(IncidentNews::Opened, IncidentState::Investigating)
    };
    insta::assert_snapshot!(incident(&letterhead(), &source).unwrap().text);
}

#[test]
fn something_published_is_told_with_its_text() {
    let source = PostNotice {
        label: "Post-mortem".to_owned(),
        title: "How vm3 was lost".to_owned(),
        lead: "We have written down what happened and what we learned.".to_owned(),
        message: "The dumps ran **after** the copy.\n\n- dumps first\n- drills".to_owned(),
        url: "https://status.example.org/incidents/0192f3c4".to_owned(),
        manage_url: Some("https://status.example.org/subscriptions/TOKEN".to_owned()),
        unsubscribe_url: Some("https://status.example.org/u/TOKEN".to_owned()),
    };
    let body = post(&letterhead(), &source).unwrap();
    insta::assert_snapshot!(body.text);
    insta::assert_snapshot!(body.html);
    let subject = letterhead().subject(&source.title, None);
    mailcheck(raw(&mail(9, body, "announcement-7.s77", subject)).as_bytes(), &[]);
    let broken = PostNotice { url: "javascript:x".to_owned(), ..source };
    assert_eq!(post(&letterhead(), &broken), Err(MailError::Link { field: "page link" }));
}
