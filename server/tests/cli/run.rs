//! `fermata run` around real commands and `fermata wanted`, against a real server that is there, away, or comes back.

use crate::text;
use crate::world::{World, ended, until};
use domain::run::RunState;
use service::Actor;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_reported_with_its_start_end_output_and_size() {
    let world = World::begin().await;
    world.serve().await;
    let dump = world.home.path("shop.sql");
    let script = format!("echo to out; echo to err >&2; sleep 0.2; printf 1234567 > {}", dump.display());
    let output = world.run(&["--size-of", dump.to_str().unwrap(), "--", "sh", "-c", &script]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), ("to out\n", "to err\n"));
    let (run, log) = world.only_run().await;
    assert_eq!((run.state, run.exit_code, run.bytes), (RunState::Succeeded, Some(0), Some(7)));
    assert!(!run.start_assumed && !run.clock_fault);
    let took = run.finished_at.unwrap().signed_duration_since(run.started_at);
    assert!(took.num_milliseconds() >= 200, "{took}");
    assert!(log.contains("to out") && log.contains("to err"), "{log}");
    assert_eq!(world.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_into_a_file_is_the_backup_itself_and_is_not_reported() {
    let world = World::begin().await;
    world.serve().await;
    let dump = world.home.path("shop.sql");
    let mut command = world.command(&["--", "sh", "-c", "echo customers; echo progress >&2"]);
    command.stdout(std::fs::File::create(&dump).unwrap());
    assert!(tokio::task::spawn_blocking(move || command.status()).await.unwrap().unwrap().success());
    assert_eq!(std::fs::read_to_string(&dump).unwrap(), "customers\n");
    assert_eq!(world.only_run().await.1, "progress");
    for (output, log) in [("errors", "progress"), ("none", "")] {
        world.run(&["--output", output, "--", "sh", "-c", "echo customers; echo progress >&2"]).await;
        assert_eq!(world.runs().await[0].1, log, "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_is_the_commands_own_and_reported() {
    let world = World::begin().await;
    world.serve().await;
    for (command, code, state) in [
        (vec!["sh", "-c", "exit 3"], 3, RunState::Failed),
        (vec!["sh", "-c", "kill -KILL $$"], 137, RunState::Failed),
        (vec!["/no/such/program"], 127, RunState::Failed),
        (vec!["/"], 126, RunState::Failed),
        (vec!["true"], 0, RunState::Succeeded),
    ] {
        let output = world.run(&[&["--"], command.as_slice()].concat()).await;
        assert_eq!(output.status.code(), Some(code), "{command:?}: {}", text(&output.stderr));
        let run = world.runs().await.remove(0).0;
        assert_eq!((run.state, run.exit_code), (state, Some(code)), "{command:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_changes_nothing_and_hears_the_true_times_later() {
    let world = World::begin().await;
    let before = chrono::Utc::now();
    let output = world.run(&["--", "sh", "-c", "echo repository is full; exit 4"]).await;
    let after = chrono::Utc::now();
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(4), "repository is full\n"));
    assert!(text(&output.stderr).contains("the report is kept and sent later"), "{}", text(&output.stderr));
    assert!(world.waiting() > 0);
    let still = world.run(&["--flush"]).await;
    assert_eq!(still.status.code(), Some(1), "{}", text(&still.stdout));
    assert!(world.waiting() > 0);

    world.serve().await;
    let flushed = world.run(&["--flush"]).await;
    assert!(flushed.status.success(), "{}", text(&flushed.stderr));
    assert!(text(&flushed.stdout).contains("0 waiting"), "{}", text(&flushed.stdout));
    assert_eq!(world.waiting(), 0);
    let (run, log) = world.only_run().await;
    assert_eq!((run.state, run.exit_code, log.as_str()), (RunState::Failed, Some(4), "repository is full"));
    let about = |at: chrono::DateTime<chrono::Utc>| {
        at >= before - chrono::TimeDelta::milliseconds(1) && at <= after && !run.start_assumed
    };
    assert!(about(run.started_at) && about(run.finished_at.unwrap()), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_sends_what_waits() {
    let world = World::begin().await;
    assert!(world.run(&["--", "true"]).await.status.success());
    world.serve().await;
    assert!(world.run(&["--", "true"]).await.status.success());
    assert_eq!(world.waiting(), 0);
    let states: Vec<_> = world.runs().await.into_iter().map(|(run, _)| run.state).collect();
    assert_eq!(states, [RunState::Succeeded, RunState::Succeeded]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_want_the_report_is_not_asked_for_ever() {
    let world = World::begin().await;
    world.serve().await;
    let mut command = world.command(&["--", "sh", "-c", "exit 5"]);
    command.env("FERMATA_JOB", Uuid::nil().to_string());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("refused the report: 404"), "{}", text(&output.stderr));
    assert_eq!((world.waiting(), world.runs().await.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_runs_whatever_is_wrong_with_its_reporting() {
    let world = World::begin().await;
    for (name, value) in [("FERMATA_JOB", "nightly"), ("FERMATA_SERVER", "status"), ("FERMATA_SPOOL", "/dev/null/x")] {
        let mut command = world.command(&["--", "sh", "-c", "echo done; exit 6"]);
        command.env(name, value);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(6), "done\n"), "{name}");
        assert!(text(&output.stderr).contains("fermata: "), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reaches_the_command_and_its_end_is_reported() {
    let world = World::begin().await;
    world.serve().await;
    let script = "trap 'echo cleaned up; exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    for (script, code, said) in [(script, 9, "cleaned up"), ("echo ready; exec sleep 60", 143, "ready")] {
        let mut command = world.command(&["--", "sh", "-c", script]);
        let before = world.runs().await.len();
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        let id = child.id().to_string();
        until("the start is reported", async || world.runs().await.len() > before).await;
        // The start is told before the shell may have set its trap.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(world.runs().await[0].0.state, RunState::Running);
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        assert_eq!(ended(child).await, code, "{script}");
        let (run, log) = world.runs().await.remove(0);
        assert_eq!((run.state, run.exit_code), (RunState::Failed, Some(code)));
        assert!(log.contains(said), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_outlives_the_command_does_not_hold_up_its_report() {
    let world = World::begin().await;
    world.serve().await;
    let since = Instant::now();
    let output = world.command(&["--", "sh", "-c", "sleep 30 & echo begun"]).stdout(Stdio::null()).spawn().unwrap();
    assert_eq!(ended(output).await, 0);
    assert!(since.elapsed() < Duration::from_secs(20));
    assert_eq!(world.only_run().await.0.state, RunState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_asks_whether_a_run_is_wanted() {
    let world = World::begin().await;
    let ask = async || {
        let mut command = world.fermata(&["wanted"]);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        (output.status.code().unwrap(), text(&output.stderr))
    };
    let (code, why) = ask().await;
    assert!(code == 2 && why.contains("not known"), "{code} {why}");
    assert!(!why.contains(&world.address.to_string()), "the secret is not told to whoever reads cron's mail: {why}");
    world.serve().await;
    assert_eq!(ask().await, (1, String::new()));
    world.services.request_backup(&Actor::system(), world.job).await.unwrap();
    assert_eq!(ask().await, (0, String::new()));
    assert_eq!(ask().await.0, 1, "it is told once");
    assert!(world.run(&["--", "true"]).await.status.success());
    let requests = world.services.requests_of(&Actor::system(), world.job).await.unwrap();
    assert_eq!(requests[0].state, domain::request::RequestState::Done);
}
