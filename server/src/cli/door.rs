//! A job's ping address as the hosts that are backed up know it, and what can be said and asked there.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

const CONNECT: Duration = Duration::from_secs(5);
/// For one report, its output included.
const WHOLE: Duration = Duration::from_secs(15);

/// Whose door to knock at.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The job: its ping address, or only the secret at its end. Better as FERMATA_JOB: everyone on a machine can read a
    /// command line
    #[arg(long, env = "FERMATA_JOB", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) job: Option<String>,
    /// Where Fermata is, such as https://status.example.org; not needed with a whole ping address
    #[arg(long, env = "FERMATA_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
}

/// The address of a job. Whoever knows it can report.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Door(Url);

impl TryFrom<String> for Door {
    type Error = anyhow::Error;
    fn try_from(text: String) -> anyhow::Result<Self> {
        Ok(Self(web(&text)?))
    }
}

impl From<Door> for String {
    fn from(door: Door) -> Self {
        door.0.into()
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Door").field(&self.server()).field(&"…").finish()
    }
}

impl Place {
    /// The door that was named.
    ///
    /// # Errors
    /// Nothing was named, or what was can not be an address; for the person who wrote it.
    pub(crate) fn door(&self) -> anyhow::Result<Door> {
        let job = self.job.as_deref().unwrap_or_default().trim();
        if job.is_empty() {
            bail!("no job was named: give --job or FERMATA_JOB, the address on the job's page");
        }
        if let Ok(secret) = Uuid::parse_str(job) {
            let server = self.server.as_deref().unwrap_or_default().trim();
            if server.is_empty() {
                bail!("where is Fermata? Give --server, FERMATA_SERVER or the whole ping address");
            }
            let mut url = web(server).with_context(|| format!("the server {server}"))?;
            url.set_query(None);
            url.set_fragment(None);
            let base = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{base}/ping/{secret}"));
            return Ok(Door(url));
        }
        // What was typed may be a secret with a typing error: it is not repeated.
        let mut url = web(job).context("the job is neither a ping address nor the secret at its end")?;
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Door(url))
    }
}

fn web(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        bail!("an address starts with http:// or https:// and a host");
    }
    Ok(url)
}

impl Door {
    /// The machine behind it, for people.
    pub(crate) fn server(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// An address behind the door.
    pub(crate) fn at(&self, signal: &str) -> Url {
        let mut url = self.0.clone();
        let path = format!("{}/{signal}", url.path());
        url.set_path(&path);
        url
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    /// When.
    pub(crate) finished_at: DateTime<Utc>,
    /// The code its process ended with.
    pub(crate) exit_code: u8,
    /// What it wrote, if that was to be measured.
    pub(crate) bytes: Option<u64>,
    /// The last of its output.
    pub(crate) log: String,
}

/// Something to be told: that a run has begun, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// To whom.
    pub(crate) door: Door,
    /// The run; the same in all its reports, so that none counts twice.
    pub(crate) rid: Uuid,
    /// When it began.
    pub(crate) started_at: DateTime<Utc>,
    /// None: it has only begun.
    pub(crate) end: Option<End>,
}

/// What came of telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is kept over there.
    Taken,
    /// It was understood and is not wanted; telling it again changes nothing.
    Refused(String),
    /// Nobody answered, or not Fermata.
    Away(String),
}

/// What came of asking whether a run is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It is.
    Wanted,
    /// It is not.
    NotWanted,
    /// Why there was no answer.
    Unknown(String),
}

/// Knocks at doors. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Knocker(Client);

impl Knocker {
    /// Trusts what the machine trusts: a company's own authority counts.
    ///
    /// # Errors
    /// No client can be set up.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let client = || Client::builder().user_agent("fermata").connect_timeout(CONNECT).timeout(WHOLE);
        // A machine without any authority can still reach an http address.
        let client = client().build().or_else(|_| client().tls_certs_only([]).build())?;
        Ok(Self(client))
    }

    /// Tells it, once.
    pub(crate) async fn tell(&self, report: &Report) -> Told {
        let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let signal = report.end.as_ref().map_or_else(|| "start".to_owned(), |end| end.exit_code.to_string());
        let mut url = report.door.at(&signal);
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("rid", &report.rid.to_string());
            query.append_pair("started_at", &instant(report.started_at));
            if let Some(end) = &report.end {
                query.append_pair("finished_at", &instant(end.finished_at));
                if let Some(bytes) = end.bytes {
                    query.append_pair("bytes", &bytes.to_string());
                }
            }
        }
        let log = report.end.as_ref().map(|end| end.log.clone()).unwrap_or_default();
        match self.0.post(url).body(log).send().await {
            Ok(answer) if answer.status() == StatusCode::OK => Told::Taken,
            Ok(answer) if is_final(&answer) => Told::Refused(said(answer).await),
            Ok(answer) => Told::Away(said(answer).await),
            Err(error) => Told::Away(reason(error)),
        }
    }

    /// Asks whether a run is wanted, and says that it is about to begin if so.
    pub(crate) async fn ask(&self, door: &Door) -> Asked {
        match self.0.post(door.at("wanted")).send().await {
            Ok(answer) if answer.status() == StatusCode::OK => Asked::Wanted,
            Ok(answer) if answer.status() == StatusCode::NO_CONTENT => Asked::NotWanted,
            Ok(answer) => Asked::Unknown(said(answer).await),
            Err(error) => Asked::Unknown(reason(error)),
        }
    }
}

/// Fermata itself has refused, not something in front of it.
fn is_final(answer: &Response) -> bool {
    let ours = answer.headers().contains_key("ping-body-limit");
    ours && matches!(answer.status(), StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::CONFLICT)
}

async fn said(answer: Response) -> String {
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    let line: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
    format!("{} {line}", status.as_u16()).trim().to_owned()
}

/// Without the address, which is a secret.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const SECRET: &str = "2f1c0000-0000-8000-8000-000000000000";

    fn door(job: &str, server: Option<&str>) -> anyhow::Result<String> {
        let place = Place { job: Some(job.to_owned()), server: server.map(ToOwned::to_owned) };
        place.door().map(|door| door.at("start").to_string())
    }

    #[test]
    fn a_job_is_named_by_its_address_or_by_its_secret_and_the_server() {
        let expected = format!("https://status.example.org/ping/{SECRET}/start");
        let address = format!("https://status.example.org/ping/{SECRET}");
        assert_eq!(door(&address, None).unwrap(), expected);
        assert_eq!(door(&format!(" {address}/ "), Some("https://elsewhere.example")).unwrap(), expected);
        for server in ["https://status.example.org", "https://status.example.org/"] {
            assert_eq!(door(SECRET, Some(server)).unwrap(), expected);
            assert_eq!(door(&SECRET.replace('-', ""), Some(server)).unwrap(), expected);
        }
        let below = format!("https://example.org/fermata/ping/{SECRET}/start");
        assert_eq!(door(SECRET, Some("https://example.org/fermata/")).unwrap(), below);
    }

    #[test]
    fn what_can_not_be_an_address_is_refused_without_repeating_the_secret() {
        for (job, server) in [("", None), (SECRET, None), ("s3cret", None), ("ftp://s3cret", None)] {
            let error = format!("{:#}", door(job, server).unwrap_err());
            assert!(!error.contains("s3cret") && !error.contains(SECRET), "{error}");
        }
        assert!(door(SECRET, Some("status.example.org")).is_err());
    }

    #[test]
    fn a_door_is_not_told_to_logs() {
        let place = Place { job: Some(format!("https://status.example.org/ping/{SECRET}")), server: None };
        let shown = format!("{:?}", place.door().unwrap());
        assert!(shown.contains("status.example.org") && !shown.contains(SECRET), "{shown}");
    }
}
