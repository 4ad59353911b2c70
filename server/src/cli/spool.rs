//! Reports on disk until the server has taken them: one file each, written whole or not at all.
//!
//! Several programs may use one folder at once. A report may then be sent twice, which changes nothing over there; none
//! is removed before it was taken.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::door::{Knocker, Report, Told};

/// A report that nobody has taken for so long is given up.
const KEPT: TimeDelta = TimeDelta::days(30);
const ENDING: &str = ".report.json";

/// A folder of reports. They hold ping addresses, so it is for its owner only.
#[derive(Debug, Clone)]
pub(crate) struct Spool(PathBuf);

/// What became of the reports that waited.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Flushed {
    /// Taken by the server.
    pub(crate) sent: usize,
    /// Still waiting.
    pub(crate) waiting: usize,
    /// For the person at the terminal: what was refused or given up, and why the rest waits.
    pub(crate) notes: Vec<String>,
}

/// Where reports are kept if nobody says: for root with the machine's other queues, for others in their own state.
pub(crate) fn usual_place(var: impl Fn(&str) -> Option<PathBuf>, root: bool) -> Option<PathBuf> {
    if let Some(state) = var("XDG_STATE_HOME").filter(|path| path.is_absolute()) {
        return Some(state.join("fermata"));
    }
    if root {
        return Some(PathBuf::from("/var/spool/fermata"));
    }
    var("HOME").filter(|path| path.is_absolute()).map(|home| home.join(".local/state/fermata"))
}

impl Spool {
    /// Opens the folder, makes it if need be.
    ///
    /// # Errors
    /// It can not be made.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// Keeps a report until [`Self::forget`].
    ///
    /// # Errors
    /// It can not be written; nothing of it stays.
    pub(crate) fn keep(&self, report: &Report) -> io::Result<PathBuf> {
        let name = file_name(report);
        let (unfinished, path) = (self.0.join(format!(".{name}")), self.0.join(&name));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(&serde_json::to_vec(report)?)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            fs::File::open(&self.0)?.sync_all()
        })();
        if let Err(error) = written {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        Ok(path)
    }

    /// What waits, oldest run first, the start of each before its end.
    fn waiting(&self) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.ends_with(ENDING) && !name.starts_with('.') {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    /// Tries to send everything that waits. After one failure nothing more is sent to the same server.
    ///
    /// # Errors
    /// The folder can not be read.
    pub(crate) async fn flush(&self, knocker: &Knocker, now: DateTime<Utc>) -> io::Result<Flushed> {
        let mut flushed = Flushed::default();
        let mut away: Vec<String> = Vec::new();
        for path in self.waiting()? {
            let content = match fs::read(&path) {
                Ok(content) => content,
                // Another program has sent it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let Ok(report) = serde_json::from_slice::<Report>(&content) else {
                flushed.waiting += 1;
                flushed.notes.push(format!("{} is no report of ours and stays", path.display()));
                continue;
            };
            let server = report.door.server();
            let began = report.started_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            if now.signed_duration_since(report.started_at) > KEPT {
                flushed.notes.push(format!("a report of the run of {began} is given up: {server} never took it"));
                forget(&path)?;
                continue;
            }
            let told = if away.contains(&server) { None } else { Some(knocker.tell(&report).await) };
            match told {
                Some(Told::Taken) => {
                    flushed.sent += 1;
                    forget(&path)?;
                }
                Some(Told::Refused(why)) => {
                    flushed.notes.push(format!("{server} refused a report of the run of {began}: {why}"));
                    forget(&path)?;
                }
                Some(Told::Away(why)) => {
                    flushed.waiting += 1;
                    flushed.notes.push(format!("{server} can not be reached: {why}"));
                    away.push(server);
                }
                None => flushed.waiting += 1,
            }
        }
        Ok(flushed)
    }

    /// Removes all reports of a run up to this one: its end says everything its start did.
    pub(crate) fn forget(&self, report: &Report) {
        let start = Report { end: None, ..report.clone() };
        for report in [report, &start] {
            // What stays is sent again and changes nothing.
            let _ = fs::remove_file(self.0.join(file_name(report)));
        }
    }
}

fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn file_name(report: &Report) -> String {
    let part = if report.end.is_some() { "2-end" } else { "1-start" };
    format!("{:015}-{}-{part}{ENDING}", report.started_at.timestamp_millis().max(0), report.rid.simple())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::door::{End, Place};
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use uuid::Uuid;

    /// Of a server that nobody runs.
    fn report(minute: u32, ended: bool) -> Report {
        let job = Some("http://127.0.0.1:1/ping/2f1c0000-0000-8000-8000-000000000000".to_owned());
        let started_at: DateTime<Utc> = format!("2014-05-15T01:{minute:02}:00Z").parse().unwrap();
        let end = End { finished_at: started_at, exit_code: 0, bytes: Some(7), log: "Archive made.\n".to_owned() };
        Report {
            door: Place { job, server: None }.door().unwrap(),
            rid: Uuid::from_u128(minute.into()),
            started_at,
            end: ended.then_some(end),
        }
    }

    #[test]
    fn reports_come_back_as_they_were_in_the_order_of_their_runs() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(&folder.path().join("a/b")).unwrap();
        let reports = [report(1, false), report(1, true), report(2, false)];
        for n in [2, 1, 0] {
            let path = spool.keep(&reports[n]).unwrap();
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(folder.path().join("a/b").metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let read = |path: &PathBuf| serde_json::from_slice::<Report>(&fs::read(path).unwrap()).unwrap();
        assert_eq!(spool.waiting().unwrap().iter().map(read).collect::<Vec<_>>(), reports);
        spool.forget(&reports[1]);
        assert_eq!(spool.waiting().unwrap().iter().map(read).collect::<Vec<_>>(), reports[2..]);
    }

    #[tokio::test]
    async fn what_can_not_be_sent_stays_and_what_is_too_old_is_given_up() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let (old, new) = (report(1, true), report(2, true));
        spool.keep(&old).unwrap();
        spool.keep(&new).unwrap();
        fs::write(folder.path().join(format!("note{ENDING}")), "hello").unwrap();
        let knocker = Knocker::new().unwrap();
        let at = |later: TimeDelta| old.started_at + later;
        let first = spool.flush(&knocker, at(TimeDelta::hours(1))).await.unwrap();
        assert_eq!((first.sent, first.waiting), (0, 3));
        assert_eq!(first.notes.iter().filter(|note| note.contains("can not be reached")).count(), 1, "{first:?}");
        let later = spool.flush(&knocker, at(KEPT + TimeDelta::seconds(30))).await.unwrap();
        assert_eq!((later.sent, later.waiting), (0, 2), "{later:?}");
        assert!(later.notes.iter().any(|note| note.contains("given up")), "{later:?}");
    }

    #[test]
    fn the_usual_place_is_the_users_own_or_the_machines() {
        let place = |pairs: &[(&str, &str)], root| {
            let var = |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| PathBuf::from(value));
            usual_place(var, root).map(|path| path.display().to_string())
        };
        let home = ("HOME", "/home/ann");
        assert_eq!(place(&[home], false).as_deref(), Some("/home/ann/.local/state/fermata"));
        assert_eq!(place(&[home], true).as_deref(), Some("/var/spool/fermata"));
        assert_eq!(place(&[home, ("XDG_STATE_HOME", "/srv/state")], true).as_deref(), Some("/srv/state/fermata"));
        assert_eq!(place(&[("XDG_STATE_HOME", "state")], false), None);
    }
}
