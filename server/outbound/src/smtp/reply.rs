//! The reply table (RFC 5321 §4.2, RFC 3463): pure functions from an answer to what to do.

use std::{fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use lettre::transport::smtp::Error as SmtpError;

const TEXT_CHARS: usize = 300;
const RETRY_MINUTES: [i64; 5] = [1, 5, 15, 30, 60];
const RETRY_MINUTES_LATER: i64 = 120;
const GIVE_UP: TimeDelta = TimeDelta::hours(24);
const BREAKER_FIRST: Duration = Duration::from_secs(5);
const BREAKER_LONGEST: Duration = Duration::from_secs(300);

/// How far a mail had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Name lookup and TCP connection.
    Connect,
    /// Banner and `EHLO`.
    Greeting,
    /// `STARTTLS` or the TLS handshake.
    Tls,
    /// `AUTH`.
    Auth,
    /// `MAIL FROM`.
    Mail,
    /// `RCPT TO`.
    Rcpt,
    /// `DATA`, before the server asked for the text.
    Data,
    /// The text, before the final dot.
    Body,
    /// After the final dot.
    Dot,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Tls => "TLS",
            Self::Auth => "login",
            Self::Mail => "sender",
            Self::Rcpt => "recipient",
            Self::Data => "data",
            Self::Body => "text",
            Self::Dot => "end of text",
        })
    }
}

/// What went wrong at a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server said no.
    Reply {
        /// Three digits, 400 to 599.
        code: u16,
        /// Enhanced status such as 5.1.1, where the server gives one.
        status: Option<(u8, u16, u16)>,
        /// Its words, without addresses.
        text: String,
    },
    /// The connection failed, timed out, or spoke something else than SMTP.
    Lost {
        /// What the system says.
        text: String,
    },
    /// The server lacks something that the configuration demands, such as TLS.
    Unusable {
        /// What is missing.
        text: String,
    },
}

impl Fault {
    /// Reads lettre's error. It calls a refused or broken connection neither transient nor permanent.
    pub(super) fn from_error(error: &SmtpError) -> Self {
        let detail = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        let text = redact(&detail);
        match error.status() {
            Some(code) => Self::Reply { code: u16::from(code), status: enhanced(&detail), text },
            None if error.is_client() => Self::Unusable { text },
            None => Self::Lost { text },
        }
    }

    pub(super) fn lost(text: impl fmt::Display) -> Self {
        Self::Lost { text: redact(&text.to_string()) }
    }

    /// Whether the other side has gone, or is about to.
    pub(super) fn is_gone(&self) -> bool {
        !matches!(self, Self::Reply { code, .. } if *code != 421)
    }
}

/// What became of one mail, and with it what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has taken it.
    Sent,
    /// Try again later.
    Retry {
        /// Where it stopped.
        stage: Stage,
        /// The server's code, if it gave one.
        code: Option<u16>,
        /// Reason, for the admin.
        text: String,
        /// False when the relay is at fault: wait with all mails ([`breaker_delay`]), count nothing against this one.
        spend_attempt: bool,
    },
    /// The relay refuses us, not a recipient: stop the whole queue and tell the admin. No mail is lost or marked.
    PauseQueue {
        /// Where it stopped.
        stage: Stage,
        /// The server's code, if it gave one.
        code: Option<u16>,
        /// Reason, for the admin.
        text: String,
    },
    /// This recipient cannot be reached.
    FailRecipient {
        /// True when the address does not exist: stop writing to it. Otherwise it is one hard bounce among several.
        suppress: bool,
        /// The server's code.
        code: u16,
        /// Reason, for the admin.
        text: String,
    },
    /// This mail is refused for what it is; the recipient stays.
    FailMessage {
        /// Where it stopped.
        stage: Stage,
        /// The server's code, if it gave one.
        code: Option<u16>,
        /// Reason, for the admin.
        text: String,
    },
    /// The connection broke between the final dot and the answer: sent or not. Try once more with the same `Message-ID`
    /// and say so (RFC 5321 §4.5.5 prefers a duplicate to a loss).
    Ambiguous {
        /// Reason, for the admin.
        text: String,
    },
}

/// Says what a fault at a stage means.
#[must_use]
pub fn classify(stage: Stage, fault: Fault) -> Outcome {
    let (code, status, text) = match fault {
        Fault::Lost { text } if stage == Stage::Dot => return Outcome::Ambiguous { text },
        Fault::Lost { text } => {
            return Outcome::Retry { stage, code: None, text, spend_attempt: stage > Stage::Rcpt };
        }
        Fault::Unusable { text } if stage < Stage::Rcpt => return Outcome::PauseQueue { stage, code: None, text },
        Fault::Unusable { text } => return Outcome::FailMessage { stage, code: None, text },
        Fault::Reply { code, status, text } => (code, status, text),
    };
    let some = Some(code);
    let retry = |spend_attempt, text| Outcome::Retry { stage, code: some, text, spend_attempt };
    match (stage, code, status) {
        (_, 421, _) => retry(false, text),
        // Authentication required or failed, wherever the server thinks of it.
        (_, 530 | 534 | 535 | 538, _) => Outcome::PauseQueue { stage, code: some, text },
        (stage, ..500, _) if stage <= Stage::Mail => retry(false, text),
        (stage, _, _) if stage <= Stage::Mail => Outcome::PauseQueue { stage, code: some, text },
        (_, ..500, _) => retry(true, text),
        // RFC 5321 §4.5.3.1.10: to be read as 452.
        (Stage::Rcpt, 552, _) => retry(true, text),
        // 5.1.7 and 5.1.8 speak of the sender, though servers give them after RCPT.
        (Stage::Rcpt, _, Some((5, 1, 7 | 8))) => Outcome::PauseQueue { stage, code: some, text },
        (Stage::Rcpt, _, Some((5, 1, _) | (5, 2, 1))) => Outcome::FailRecipient { suppress: true, code, text },
        (Stage::Rcpt, _, Some((5, 7, _))) => Outcome::FailMessage { stage, code: some, text },
        (Stage::Rcpt, _, _) => Outcome::FailRecipient { suppress: false, code, text },
        _ => Outcome::FailMessage { stage, code: some, text },
    }
}

/// When to try again after the `attempt`-th failed attempt (1, 2, …): after 1, 5, 15, 30 and 60 minutes, then every two
/// hours. `None` once 24 hours would have passed since the first.
#[must_use]
pub fn next_retry(attempt: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let wait = |attempt: usize| {
        let minutes = RETRY_MINUTES.get(attempt.saturating_sub(1)).copied().unwrap_or(RETRY_MINUTES_LATER);
        TimeDelta::minutes(minutes)
    };
    let attempt = usize::try_from(attempt.max(1)).ok()?;
    let mut since_first = TimeDelta::zero();
    for past in 1..=attempt {
        since_first += wait(past);
        if since_first > GIVE_UP {
            return None;
        }
    }
    now.checked_add_signed(wait(attempt))
}

/// How long to leave the relay alone after so many failures in a row: from 5 s doubling to 5 min, of which `jitter`
/// (0 to 1, drawn by the caller) takes away up to half.
#[must_use]
pub fn breaker_delay(failures: u32, jitter: f64) -> Duration {
    let doubled = BREAKER_FIRST.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    doubled.min(BREAKER_LONGEST).mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

/// The enhanced status code at the start of a reply's text (RFC 2034).
fn enhanced(text: &str) -> Option<(u8, u16, u16)> {
    let mut numbers = text.split_whitespace().next()?.split('.');
    let status = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    (numbers.next().is_none() && matches!(status.0, 2 | 4 | 5)).then_some(status)
}

/// One printable line without mail addresses: servers like to repeat them.
fn redact(text: &str) -> String {
    let mut out = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        for part in word.split_inclusive(['<', '>', '(', ')', '[', ']', ',', ';', ':', '"', '\'', '=']) {
            match part.split_once('@') {
                Some((_, domain)) => {
                    out.push_str("***@");
                    out.push_str(domain);
                }
                None => out.push_str(part),
            }
        }
        if out.chars().count() > TEXT_CHARS {
            return out.chars().take(TEXT_CHARS).chain(['…']).collect();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn reply(text: &str) -> Fault {
        let (code, detail) = text.split_once(' ').unwrap_or((text, ""));
        Fault::Reply { code: code.parse().unwrap(), status: enhanced(detail), text: redact(detail) }
    }

    fn kind(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Sent => "sent",
            Outcome::Retry { spend_attempt: true, .. } => "retry",
            Outcome::Retry { .. } => "breaker",
            Outcome::PauseQueue { .. } => "pause",
            Outcome::FailRecipient { suppress: true, .. } => "suppress",
            Outcome::FailRecipient { .. } => "bounce",
            Outcome::FailMessage { .. } => "message",
            Outcome::Ambiguous { .. } => "ambiguous",
        }
    }

    #[test]
    fn every_reply_of_the_table() {
        use Stage::{Auth, Body, Connect, Data, Dot, Greeting, Mail, Rcpt, Tls};
        for (stage, text, expected) in [
            (Greeting, "421 4.3.2 closing", "breaker"),
            (Mail, "421 later", "breaker"),
            (Rcpt, "421 4.7.0 too many", "breaker"),
            (Data, "421", "breaker"),
            (Dot, "421 4.3.0 shutting down", "breaker"),
            (Greeting, "450 busy", "breaker"),
            (Greeting, "554 5.7.1 go away", "pause"),
            (Greeting, "500 what", "pause"),
            (Tls, "454 4.7.0 TLS not available", "breaker"),
            (Tls, "502 no", "pause"),
            (Auth, "454 4.7.0 temporary", "breaker"),
            (Auth, "535 5.7.8 bad credentials", "pause"),
            (Auth, "504 unknown mechanism", "pause"),
            (Mail, "451 4.3.0 local error", "breaker"),
            (Mail, "452 4.3.1 disk", "breaker"),
            (Mail, "530 5.7.0 must authenticate", "pause"),
            (Mail, "553 5.1.8 sender", "pause"),
            (Mail, "550 5.7.1 sender", "pause"),
            (Mail, "552 5.3.4 size", "pause"),
            (Rcpt, "450 4.2.0 greylisted", "retry"),
            (Rcpt, "451 4.7.1 later", "retry"),
            (Rcpt, "452 4.2.2 full", "retry"),
            (Rcpt, "552 5.2.2 full", "retry"),
            (Rcpt, "550 5.1.1 no such user", "suppress"),
            (Rcpt, "550 5.1.10 null MX", "suppress"),
            (Rcpt, "553 5.1.3 syntax", "suppress"),
            (Rcpt, "550 5.2.1 disabled", "suppress"),
            (Rcpt, "550 5.1.8 sender domain", "pause"),
            (Rcpt, "550 5.1.7 sender address", "pause"),
            (Rcpt, "530 5.7.0 must authenticate", "pause"),
            (Rcpt, "550 no such user", "bounce"),
            (Rcpt, "550 5.4.1 no route", "bounce"),
            (Rcpt, "554 5.7.1 relay access denied", "message"),
            (Data, "451 4.3.0 later", "retry"),
            (Data, "554 5.5.1 no valid recipients", "message"),
            (Dot, "451 4.7.1 scanning", "retry"),
            (Dot, "452 4.3.1 disk", "retry"),
            (Dot, "550 5.7.1 spam", "message"),
            (Dot, "552 5.3.4 too big", "message"),
            (Dot, "554 5.7.1 policy", "message"),
        ] {
            assert_eq!(kind(&classify(stage, reply(text))), expected, "{stage}: {text}");
        }
        for (stage, expected) in [
            (Connect, "breaker"),
            (Greeting, "breaker"),
            (Tls, "breaker"),
            (Auth, "breaker"),
            (Mail, "breaker"),
            (Rcpt, "breaker"),
            (Data, "retry"),
            (Body, "retry"),
            (Dot, "ambiguous"),
        ] {
            assert_eq!(kind(&classify(stage, Fault::lost("reset"))), expected, "{stage}");
        }
        assert_eq!(kind(&classify(Tls, Fault::Unusable { text: String::new() })), "pause");
    }

    #[test]
    fn no_answer_before_the_recipient_is_held_against_one() {
        for stage in [Stage::Connect, Stage::Greeting, Stage::Tls, Stage::Auth, Stage::Mail] {
            for code in 400..600 {
                let outcome = classify(stage, Fault::Reply { code, status: Some((5, 1, 1)), text: String::new() });
                assert!(
                    matches!(outcome, Outcome::Retry { spend_attempt: false, .. } | Outcome::PauseQueue { .. }),
                    "{stage} {code}: {outcome:?}"
                );
            }
        }
    }

    #[test]
    fn retries_follow_the_schedule_and_end_within_a_day() {
        let now: DateTime<Utc> = "2026-11-21T10:00:00Z".parse().unwrap();
        let waits: Vec<i64> = (1..).map_while(|n| next_retry(n, now)).map(|at| (at - now).num_minutes()).collect();
        assert_eq!(waits[..7], [1, 5, 15, 30, 60, 120, 120]);
        assert!(waits.iter().sum::<i64>() <= 24 * 60);
        assert!(waits.iter().sum::<i64>() + 120 > 24 * 60);
        assert_eq!(next_retry(0, now), next_retry(1, now));
        assert_eq!(next_retry(u32::MAX, now), None);
    }

    #[test]
    fn the_breaker_waits_longer_each_time() {
        let seconds: Vec<u64> = (0..10).map(|n| breaker_delay(n, 0.0).as_secs()).collect();
        assert_eq!(seconds, [5, 5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(breaker_delay(3, 1.0), Duration::from_secs(10));
        assert_eq!(breaker_delay(u32::MAX, f64::MAX), Duration::from_secs(150));
    }

    #[test]
    fn reasons_hold_no_address() {
        assert_eq!(
            redact("5.1.1 <u1@example.net>: Recipient\r\naddress rejected: \"Ü.x@y.z\", mailto:a@b.c"),
            "5.1.1 <***@example.net>: Recipient address rejected: \"***@y.z\", mailto:***@b.c"
        );
        assert!(redact(&"x ".repeat(1_000)).chars().count() <= TEXT_CHARS + 3);
        assert_eq!(enhanced("5.1.1 no"), Some((5, 1, 1)));
        assert_eq!(enhanced("5.1 no"), None);
        assert_eq!(enhanced("9.1.1 no"), None);
        assert_eq!(enhanced("5.1.1.1"), None);
    }

    proptest! {
        #[test]
        fn redacting_never_leaves_a_local_part(text in "[a-z@<> .:\\r\\n]{0,80}") {
            for word in redact(&text).split(['<', '>', ' ', ':']).filter(|word| word.contains('@')) {
                prop_assert!(word.starts_with("***@"), "{}", word);
            }
        }
    }
}
