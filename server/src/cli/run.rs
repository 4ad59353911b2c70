//! `fermata run`: runs a backup command and reports its start, its end, its exit code and the last of its output.
//!
//! Nothing here may keep the backup from running or change how it ends: whatever goes wrong with reporting is a line on
//! standard error. A report is on disk before it is sent, and is sent again by the next run if nobody took it.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{SubsecRound as _, Utc};
use clap::{Args, ValueEnum};
use rustix::process::{Pid, Signal, kill_process};
use service::runs::LOG_LIMIT;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::door::{End, Knocker, Place, Report, Told};
use super::spool::{Flushed, Spool, usual_place};

/// For everything that is sent after the command has ended; the rest waits for the next run.
const LAST_WORDS: Duration = Duration::from_secs(20);
/// A server that was away is asked again this often while the command runs.
const AGAIN: Duration = Duration::from_secs(30);
/// A process that outlives the command may hold its output open; it is not waited for.
const DRAIN: Duration = Duration::from_secs(2);

/// Arguments of `fermata run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    place: Place,
    /// A file or folder that the command writes: its size is reported. May be given more than once
    #[arg(long, value_name = "FILE")]
    size_of: Vec<PathBuf>,
    /// Which output is reported
    #[arg(long, value_enum, default_value_t = Output::Auto)]
    output: Output,
    /// Where reports are kept until the server has taken them [default: $XDG_STATE_HOME/fermata, for root
    /// /var/spool/fermata]
    #[arg(long, env = "FERMATA_SPOOL", value_name = "DIR")]
    spool: Option<PathBuf>,
    /// Run nothing: only send what waits
    #[arg(long, conflicts_with = "command")]
    flush: bool,
    /// The command and its arguments
    #[arg(last = true, required_unless_present = "flush", value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// All, except standard output that goes into a file: that is most likely the backup itself
    Auto,
    /// Standard output and standard error
    All,
    /// Standard error only
    Errors,
    /// None
    None,
}

impl Run {
    /// Runs it and ends as it ended: its exit code, or 128 and the number of the signal that killed it.
    ///
    /// # Errors
    /// Only for `--flush`: the reports can not be read.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let reporter = Reporter::new(self.spool.as_deref());
        if self.flush {
            return reporter.flush().await;
        }
        let door = self.place.door().map_err(|error| complain(&format!("this run is not reported: {error:#}"))).ok();
        let started_at = Utc::now().trunc_subsecs(3);
        let start = door.map(|door| Report { door, rid: Uuid::now_v7(), started_at, end: None });
        let telling = start.clone().map(|start| tokio::spawn(tell_start(reporter.clone(), start)));
        let (exit_code, log) = execute(&self.command, self.output).await;
        let finished_at = Utc::now().trunc_subsecs(3);
        if let Some(telling) = telling {
            telling.abort();
            // The last attempt must not overtake the end that is told now.
            let _ = telling.await;
        }
        if let Some(start) = start {
            let bytes = size_of_all(&self.size_of);
            let end = End { finished_at, exit_code, bytes, log };
            reporter.tell_end(&Report { end: Some(end), ..start }).await;
        }
        Ok(ExitCode::from(exit_code))
    }
}

/// For the person who reads the output of the backup; what can not be written is nobody's loss.
fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "fermata: {line}");
}

#[derive(Debug, Clone)]
struct Reporter {
    knocker: Option<Knocker>,
    spool: Option<Spool>,
}

impl Reporter {
    fn new(spool: Option<&Path>) -> Self {
        let knocker = Knocker::new().map_err(|error| complain(&format!("nothing can be sent: {error:#}"))).ok();
        let var = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let folder = spool.map(Path::to_owned).or_else(|| usual_place(var, rustix::process::geteuid().is_root()));
        let spool = folder.and_then(|folder| {
            let why = |error| complain(&format!("reports can not be kept in {}: {error}", folder.display()));
            Spool::open(&folder).map_err(why).ok()
        });
        Self { knocker, spool }
    }

    /// Sends what waits, says how it went, and fails while something still waits.
    async fn flush(&self) -> anyhow::Result<ExitCode> {
        let (Some(knocker), Some(spool)) = (&self.knocker, &self.spool) else { return Ok(ExitCode::FAILURE) };
        let Flushed { sent, waiting, notes } = spool.flush(knocker, Utc::now()).await?;
        for note in notes {
            complain(&note);
        }
        writeln!(io::stdout(), "{sent} sent, {waiting} waiting")?;
        Ok(if waiting == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn keep(&self, report: &Report) -> bool {
        let kept = self.spool.as_ref().map(|spool| spool.keep(report));
        if let Some(Err(error)) = &kept {
            complain(&format!("a report can not be kept: {error}"));
        }
        matches!(kept, Some(Ok(_)))
    }

    async fn tell(&self, report: &Report) -> Told {
        match &self.knocker {
            Some(knocker) => knocker.tell(report).await,
            None => Told::Away("nothing can be sent".to_owned()),
        }
    }

    /// The end first, for it says all of this run; then what waits of others, as far as there is time.
    async fn tell_end(&self, report: &Report) {
        let kept = self.keep(report);
        let telling = async {
            let told = self.tell(report).await;
            match &told {
                Told::Taken => {}
                Told::Refused(why) => complain(&format!("{} refused the report: {why}", report.door.server())),
                Told::Away(_) => return told,
            }
            if let Some(spool) = &self.spool {
                spool.forget(report);
            }
            if let (Some(knocker), Some(spool)) = (&self.knocker, &self.spool) {
                match spool.flush(knocker, Utc::now()).await {
                    Ok(flushed) => flushed.notes.iter().for_each(|note| complain(note)),
                    Err(error) => complain(&format!("kept reports can not be read: {error}")),
                }
            }
            told
        };
        if let Ok(Told::Away(why)) = tokio::time::timeout(LAST_WORDS, telling).await {
            let fate = if kept { "the report is kept and sent later" } else { "the report is lost" };
            complain(&format!("{} can not be reached ({why}): {fate}", report.door.server()));
        }
    }
}

/// Until the server has taken it, or the command has ended.
async fn tell_start(reporter: Reporter, start: Report) {
    reporter.keep(&start);
    while let Told::Away(_) = reporter.tell(&start).await {
        tokio::time::sleep(AGAIN).await;
    }
    if let Some(spool) = &reporter.spool {
        spool.forget(&start);
    }
}

/// The command's exit code as a shell would give it, and the last of its output.
async fn execute(command: &[OsString], output: Output) -> (u8, String) {
    let Some((program, arguments)) = command.split_first() else { return (127, String::new()) };
    let out = match output {
        Output::All => true,
        Output::Auto => !stdout_is_a_file(),
        Output::Errors | Output::None => false,
    };
    let err = output != Output::None;
    let how = |kept: bool| if kept { Stdio::piped() } else { Stdio::inherit() };
    // Signals from here on are the command's.
    let mut signals = hear();
    let child = Command::new(program).args(arguments).stdout(how(out)).stderr(how(err)).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            let line = format!("{} can not be run: {error}", program.to_string_lossy());
            complain(&line);
            let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
            return (code, format!("fermata: {line}\n"));
        }
    };
    let tail = Tail::default();
    let pumps = [
        child.stdout.take().and_then(|from| from.into_owned_fd().ok()).map(|from| pump(from, io::stdout(), &tail)),
        child.stderr.take().and_then(|from| from.into_owned_fd().ok()).map(|from| pump(from, io::stderr(), &tail)),
    ];
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let status = wait(&mut child, pid, &mut signals).await;
    let drained = futures::future::join_all(pumps.into_iter().flatten());
    let _ = tokio::time::timeout(DRAIN, drained).await;
    let code = match status {
        Ok(status) => code_of(status),
        Err(error) => {
            complain(&format!("how the command ended is not known: {error}"));
            1
        }
    };
    (code, tail.text())
}

/// Waits for the end and passes on the signals that come meanwhile.
async fn wait(child: &mut Child, pid: Option<Pid>, signals: &mut mpsc::Receiver<Signal>) -> io::Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return status,
            Some(signal) = signals.recv() => {
                // It may have ended in this moment, which is what the signal was for.
                let _ = pid.map(|pid| kill_process(pid, signal));
            }
        }
    }
}

fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The signals that ask a program to end or to say something. Those that were ignored when we began, as under `nohup`,
/// stay ignored; those that a terminal sends to the whole group reach the command by themselves.
fn hear() -> mpsc::Receiver<Signal> {
    let (heard, signals) = mpsc::channel(8);
    let ignored = ignored_signals();
    let terminal = io::stdin().is_terminal();
    let kinds = [
        (SignalKind::terminate(), Signal::TERM, false),
        (SignalKind::hangup(), Signal::HUP, false),
        (SignalKind::interrupt(), Signal::INT, terminal),
        (SignalKind::quit(), Signal::QUIT, terminal),
        (SignalKind::user_defined1(), Signal::USR1, false),
        (SignalKind::user_defined2(), Signal::USR2, false),
    ];
    for (kind, name, from_terminal) in kinds {
        let bit = kind.as_raw_value().checked_sub(1).and_then(|bit| u32::try_from(bit).ok()).unwrap_or(63);
        if ignored & (1_u64 << bit.min(63)) != 0 {
            continue;
        }
        let Ok(mut stream) = signal(kind) else { continue };
        let heard = heard.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if !from_terminal && heard.send(name).await.is_err() {
                    break;
                }
            }
        });
    }
    signals
}

/// As the kernel tells; none where it does not.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

fn stdout_is_a_file() -> bool {
    let copy = io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from);
    copy.and_then(|file| file.metadata()).is_ok_and(|about| about.is_file())
}

/// Copies output on, byte by byte as it is, and remembers its end; says when there is no more. When nobody reads it any
/// longer, the command gets to know as it would without us. A thread of its own, for a write may take its time.
fn pump(from: OwnedFd, mut to: impl io::Write + Send + 'static, tail: &Tail) -> oneshot::Receiver<()> {
    let (mut from, tail) = (std::fs::File::from(from), tail.clone());
    let (done, drained) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let length = match from.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => break,
                Ok(length) => length,
            };
            tail.push(&buffer[..length]);
            if to.write_all(&buffer[..length]).and_then(|()| to.flush()).is_err() {
                break;
            }
        }
        let _ = done.send(());
    });
    drained
}

/// The end of what both streams said, in bounded memory.
#[derive(Debug, Clone, Default)]
struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        if kept.len() > 2 * LOG_LIMIT {
            let cut = kept.len() - LOG_LIMIT;
            kept.drain(..cut);
        }
    }

    fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept[kept.len().saturating_sub(LOG_LIMIT)..]).into_owned()
    }
}

/// The bytes in these files and folders; none where nothing was to be measured or something is missing.
fn size_of_all(paths: &[PathBuf]) -> Option<u64> {
    let mut sum = 0;
    for path in paths {
        match size_of(path) {
            Ok(size) => sum += size,
            Err(error) => {
                complain(&format!("the size of {} is not known: {error}", path.display()));
                return None;
            }
        }
    }
    (!paths.is_empty()).then_some(sum)
}

fn size_of(path: &Path) -> io::Result<u64> {
    let about = std::fs::metadata(path)?;
    if !about.is_dir() {
        return Ok(about.len());
    }
    let mut sum = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        // Links are not followed: a circle would have no end.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sum += size_of(&entry.path())?;
        } else if kind.is_file() {
            sum += entry.metadata()?.len();
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_tail_is_the_end_of_everything_in_bounded_memory() {
        let tail = Tail::default();
        for _ in 0..100 {
            tail.push(&[b'a'; 10_000]);
        }
        tail.push("Ω the end".as_bytes());
        let text = tail.text();
        assert!(text.len() <= LOG_LIMIT && text.ends_with("aΩ the end"), "{}", text.len());
        assert!(tail.0.lock().unwrap().len() <= 2 * LOG_LIMIT);
    }

    #[test]
    fn sizes_are_summed_and_one_that_is_missing_makes_none() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("below")).unwrap();
        std::fs::write(at("below/a"), [0; 5]).unwrap();
        std::fs::write(at("b"), [0; 7]).unwrap();
        std::os::unix::fs::symlink(folder.path(), at("circle")).unwrap();
        assert_eq!(size_of_all(&[at("b")]), Some(7));
        assert_eq!(size_of_all(&[folder.path().to_owned(), at("b")]), Some(19));
        assert_eq!(size_of_all(&[at("b"), at("missing")]), None);
        assert_eq!(size_of_all(&[]), None);
    }

    #[test]
    fn a_command_that_was_killed_ends_like_in_a_shell() {
        assert_eq!(code_of(ExitStatus::from_raw(3 << 8)), 3);
        assert_eq!(code_of(ExitStatus::from_raw(15)), 143);
        assert_eq!(code_of(ExitStatus::from_raw(9)), 137);
    }
}
