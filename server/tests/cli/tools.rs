//! Real backup tools, reported as the README says: each opens the gate when it has made a backup,
//! and does not when it was killed, could not read everything, or only rehearsed.

use crate::text;
use crate::world::{World, until};
use domain::gate::{Purpose, Scope as Work};
use domain::people::Scope;
use domain::run::{Run, RunState};
use secrecy::ExposeSecret;
use serde_json::Value;
use service::Actor;
use service::inventory::{DataSetInput, JobInput};
use service::people::tokens::NewToken;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use storage::testing::Cluster;

/// The README's lines around every recipe.
const SEND: &str = r#"
URL=$FERMATA_SERVER/api/v1/ingest; AUTH="Authorization: Bearer $TOKEN"; OUT=$(mktemp)
send() { curl -fsS -H "$AUTH" --data-binary "@${2:--}" "$URL/$1"; }
"#;

const RESTIC: &str = r#"restic backup --json --quiet "$DATA" >$OUT; send "restic?job=$JOB&exit_code=$?" $OUT"#;
const BORG: &str = r#"borg create --json "::{now:%Y-%m-%dT%H:%M:%S.%f}" "$DATA" >$OUT; send "borg?job=$JOB&zone=UTC&exit_code=$?" $OUT"#;
const PGBACKREST: &str = r#"pgbackrest --stanza=shop backup; CODE=$?
pgbackrest info --output=json | send "pgbackrest?job=$JOB&stanza=shop&exit_code=$CODE""#;

/// A machine with data, a repository and a tool that is not root: root can read everything.
struct Machine {
    world: World,
    user: &'static str,
    token: String,
}

impl Machine {
    /// `user` is who the tools run as where the tests run as root.
    async fn begin(user: &'static str) -> Self {
        let world = World::begin().await;
        world.serve().await;
        let new = NewToken {
            name: "backup".to_owned(),
            scopes: vec![Scope::BackupReport.as_str().to_owned()],
            valid_for: String::new(),
        };
        let token = world.services.add_token(&Actor::system(), &new).await.unwrap().text;
        let machine = Self { user, token: token.expose_secret().to_owned(), world };
        let data = machine.data();
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("orders.csv"), "1,Ann\n2,Bo\n").unwrap();
        // Nothing that a tool could pack away: its size is what a slow line takes its time with.
        let mut noise = vec![0; 2_000_000];
        getrandom::fill(&mut noise).unwrap();
        std::fs::write(data.join("photos.raw"), noise).unwrap();
        machine.hand_over();
        machine
    }

    fn home(&self) -> PathBuf {
        self.world.home.0.path().to_owned()
    }

    fn data(&self) -> PathBuf {
        self.world.home.path("data-of-the-host")
    }

    /// Gives what stands in the folder to the user of the tools.
    fn hand_over(&self) {
        if is_root() {
            let changed = Command::new("chown").arg("-R").arg(self.user).arg(self.home()).status().unwrap();
            assert!(changed.success());
        }
    }

    /// A shell script, as cron would run it.
    fn shell(&self, script: &str) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            let (user, group) = (format!("--reuid={}", self.user), format!("--regid={}", group_of(self.user)));
            command.args([user, group]).args(["--clear-groups", "sh", "-c"]);
            command
        } else {
            let mut command = Command::new("sh");
            command.arg("-c");
            command
        };
        let home = self.home();
        command
            .arg(format!("{SEND}\n{script}"))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", &home)
            .env("TMPDIR", &home)
            .env("TZ", "UTC")
            .env("FERMATA_SERVER", self.world.server())
            .env("TOKEN", &self.token)
            .env("JOB", self.world.job.to_string())
            .env("DATA", self.data())
            .env("RESTIC_REPOSITORY", home.join("restic"))
            .env("RESTIC_PASSWORD", "correct horse")
            .env("BORG_REPO", home.join("borg"))
            .env("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes")
            .env("PGBACKREST_CONFIG", home.join("pgbackrest.conf"))
            .current_dir(&home)
            .stdin(Stdio::null());
        command
    }

    async fn run(&self, script: &str) -> Output {
        let mut command = self.shell(script);
        tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
    }

    /// Runs a script that has to work.
    async fn ok(&self, script: &str) -> String {
        let output = self.run(script).await;
        assert!(output.status.success(), "{script}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a recipe and reads what the server answered.
    async fn reported(&self, recipe: &str) -> Value {
        let answer = self.ok(recipe).await;
        serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {answer}"))
    }

    async fn newest(&self) -> Run {
        self.world.runs().await.remove(0).0
    }

    /// Whether work on the host could be scheduled, and started.
    async fn gate(&self) -> (bool, bool) {
        let work = Work { hosts: [self.world.host].into(), ..Work::default() };
        let mut answers = Vec::new();
        for purpose in [Purpose::Schedule, Purpose::Start] {
            let checked = self.world.services.check_gate(&Actor::system(), purpose, &work).await.unwrap();
            answers.push(checked.verdict.is_confirmed());
        }
        (answers[0], answers[1])
    }

    fn lock(&self, file: &str, mode: u32) {
        let file = self.home().join(file);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn group_of(user: &str) -> &str {
    if user == "nobody" { "nogroup" } else { user }
}

const OPEN: (bool, bool) = (true, true);
const CLOSED: (bool, bool) = (false, false);

#[tokio::test(flavor = "multi_thread")]
async fn restic_opens_the_gate_with_a_whole_backup_only() {
    let machine = Machine::begin("nobody").await;
    machine.ok("restic init --quiet").await;
    assert_eq!(machine.gate().await, CLOSED);

    machine.reported(&RESTIC.replace("--quiet", "--quiet --dry-run")).await;
    assert!(machine.newest().await.dry_run);
    assert_eq!(machine.gate().await, CLOSED, "a rehearsal");

    // Two megabytes at 50 KiB/s would take 40 s.
    let slow =
        RESTIC.replace("restic backup --json --quiet", "timeout -s KILL 2 restic backup --json --limit-upload 50");
    let answer = machine.reported(&slow).await;
    assert_eq!(answer["run"]["state"], "failed", "{answer}");
    assert_eq!(machine.gate().await, CLOSED, "killed");
    machine.ok("restic unlock --quiet --remove-all").await;

    machine.lock("data-of-the-host/orders.csv", 0o000);
    let answer = machine.reported(RESTIC).await;
    assert_eq!((&answer["run"]["state"], machine.newest().await.exit_code), (&"warning".into(), Some(3)));
    assert_eq!(machine.gate().await, CLOSED, "a file that could not be read");

    machine.lock("data-of-the-host/orders.csv", 0o600);
    let answer = machine.reported(RESTIC).await;
    assert_eq!(answer["run"]["state"], "succeeded", "{answer}");
    assert_eq!(machine.gate().await, OPEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn borg_opens_the_gate_with_a_whole_backup_only() {
    let machine = Machine::begin("nobody").await;
    machine.ok("borg init --encryption none").await;

    // It prints nothing, and nothing is no backup, whatever the exit code says.
    let answer = machine.reported(&BORG.replace("--json", "--json --dry-run")).await;
    assert_eq!(answer["run"]["state"], "failed", "{answer}");
    assert_eq!(machine.gate().await, CLOSED, "a rehearsal");

    // It waits for what a pipe nobody writes to would say.
    machine.ok("mkfifo data-of-the-host/pipe").await;
    let stuck = BORG.replace("borg create", "timeout -s KILL 2 borg create --read-special");
    let answer = machine.reported(&stuck).await;
    assert_eq!(answer["run"]["state"], "failed", "{answer}");
    assert_eq!(machine.gate().await, CLOSED, "killed");
    machine.ok("rm data-of-the-host/pipe; borg break-lock").await;

    machine.lock("data-of-the-host/orders.csv", 0o000);
    let answer = machine.reported(BORG).await;
    assert_eq!((&answer["run"]["state"], machine.newest().await.exit_code), (&"warning".into(), Some(1)));
    assert_eq!(machine.gate().await, CLOSED, "a file that could not be read");

    machine.lock("data-of-the-host/orders.csv", 0o600);
    let answer = machine.reported(BORG).await;
    assert_eq!(answer["run"]["state"], "succeeded", "{answer}");
    assert!(!machine.newest().await.clock_fault);
    assert_eq!(machine.gate().await, OPEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn pgbackrest_opens_the_gate_with_a_whole_backup_only() {
    let machine = Machine::begin("postgres").await;
    let home = machine.home();
    let archive =
        format!("archive_command=pgbackrest --config={}/pgbackrest.conf --stanza=shop archive-push %p", home.display());
    let cluster = Cluster::with(&home, &["-c", "archive_mode=on", "-c", &archive]);
    let (home, pg) = (home.display(), home.join("pg"));
    let settings = format!(
        "[global]\nrepo1-path={home}/repo\nlock-path={home}/lock\nlog-path={home}/log\nlog-level-file=off\n\
         log-level-console=off\nrepo1-retention-full=2\nstart-fast=y\nprocess-max=1\njob-retry=0\n\
         [shop]\npg1-path={}\npg1-socket-path={home}\npg1-user=fermata\n",
        pg.display()
    );
    std::fs::write(machine.world.home.path("pgbackrest.conf"), settings).unwrap();
    machine.ok("mkdir repo lock log && pgbackrest --stanza=shop stanza-create").await;

    // It waits for the next checkpoint, which is minutes away.
    let slow = PGBACKREST.replace(
        "pgbackrest --stanza=shop backup",
        "timeout -s KILL 2 pgbackrest --stanza=shop --no-start-fast backup",
    );
    let answer = machine.reported(&slow).await;
    assert_eq!(answer["run"]["state"], "failed", "{answer}");
    assert_eq!(machine.gate().await, CLOSED, "killed");

    machine.ok(&format!("psql -q '{}' -c 'create table shop as select 1 as item; checkpoint'", cluster.address)).await;
    let file = format!("psql -At '{}' -c \"select pg_relation_filepath('shop')\"", cluster.address);
    let file = format!("pg/{}", machine.ok(&file).await.trim());
    machine.lock(&file, 0o000);
    let answer = machine.reported(PGBACKREST).await;
    assert_eq!(answer["run"]["state"], "failed", "{answer}");
    assert_eq!(machine.gate().await, CLOSED, "a file that could not be read");

    machine.lock(&file, 0o600);
    let answer = machine.reported(PGBACKREST).await;
    assert_eq!(answer["run"]["state"], "succeeded", "{answer}");
    assert_eq!(machine.gate().await, OPEN);

    // What the tool still lists of an earlier backup must not speak for one that failed.
    let answer = machine.reported(&PGBACKREST.replace("=shop backup", "=shop --pg1-port=1 backup")).await;
    assert_eq!(answer["run"]["state"], "failed", "{answer}");
    assert_eq!(machine.world.runs().await.len(), 4);
}

/// `pg_dump` through `fermata run`, its dump carried by restic: the order that the incident had wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_opens_the_gate_once_it_is_whole_and_carried() {
    let machine = Machine::begin("postgres").await;
    let world = &machine.world;
    let cluster = Cluster::start(&machine.home());
    let at = |path: &Path| path.display().to_string();
    let dump = at(&machine.data().join("shop.sql"));
    let sql = async |sql: &str| machine.ok(&format!("psql -q '{}' -c '{sql}'", cluster.address)).await;
    sql("create table orders as select generate_series(1, 1000) as id").await;
    machine.ok("restic init --quiet").await;

    let files = JobInput {
        name: "files".to_owned(),
        every: "24 h".to_owned(),
        max_duration: "1 h".to_owned(),
        ..JobInput::default()
    };
    let system = Actor::system();
    let set = DataSetInput { name: "files".to_owned(), kind: "files".to_owned() };
    let set = world.services.add_data_set(&system, world.host, set).await.unwrap().id;
    let files = world.services.add_job(&system, set, files).await.unwrap();
    let carried = JobInput {
        name: "dump".to_owned(),
        carried_by: files.id.to_string(),
        every: "24 h".to_owned(),
        max_duration: "1 h".to_owned(),
        ..JobInput::default()
    };
    let job = world.services.job(&system, world.job).await.unwrap();
    world.services.edit_job(&system, job.id, job.version, carried).await.unwrap();
    // restic before 0.17 tells no start; the wrapper does.
    let carry = async || {
        let address = world.services.keys.ping(files.id.0, files.ping_version).to_string();
        let mut command = world.command(&["--", "restic", "backup", "--quiet", &at(&machine.data())]);
        command
            .env("FERMATA_JOB", address)
            .env("RESTIC_REPOSITORY", machine.home().join("restic"))
            .env("RESTIC_PASSWORD", "correct horse")
            .env("HOME", machine.home());
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    let pg_dump = ["--size-of", &dump, "--", "pg_dump", "--file", &dump, &cluster.address];

    // Killed while it waits for a table that somebody holds.
    let mut holder = Command::new("psql");
    holder.arg(&cluster.address).arg("-c").arg("begin; lock table orders; select pg_sleep(60)");
    let mut holder = holder.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let held = "select count(*) from pg_locks where mode = 'AccessExclusiveLock'";
    let held = format!("psql -At '{}' -c \"{held}\"", cluster.address);
    until("the table is held", async || machine.ok(&held).await.trim() == "1").await;
    let output = world.run(&["--", "timeout", "-s", "KILL", "2", "pg_dump", "--file", &dump, &cluster.address]).await;
    assert_eq!(output.status.code(), Some(137), "{}", text(&output.stderr));
    sql("select pg_terminate_backend(pid) from pg_locks where mode = $$AccessExclusiveLock$$").await;
    holder.wait().unwrap();
    assert_eq!(machine.newest().await.state, RunState::Failed);
    carry().await;
    assert_eq!(machine.gate().await, CLOSED, "killed");

    // A table it may not read.
    sql("create role backup login; create table secrets as select 1 as id").await;
    let as_backup = cluster.address.replace("fermata@", "backup@");
    let output = world.run(&["--", "pg_dump", "--file", &dump, &as_backup]).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    carry().await;
    assert_eq!(machine.gate().await, CLOSED, "a table that could not be read");

    let output = world.run(&pg_dump).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let run = machine.newest().await;
    assert_eq!(
        (run.state, run.bytes),
        (RunState::Succeeded, i64::try_from(std::fs::metadata(&dump).unwrap().len()).ok())
    );
    assert_eq!(machine.gate().await, CLOSED, "the files were copied before the dump was made");
    carry().await;
    assert_eq!(machine.gate().await, OPEN);
}
