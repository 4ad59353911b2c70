//! Backup runs: what was reported, newest first, and one run with its output.

use super::desk::{Desk, admin};
use crate::components::{
    Button, Card, DataTable, EmptyState, Fact, Facts, PageHeader, Pager, Section, Select, StateBadge, TimeRange,
};
use crate::context::uri;
use crate::form::{FormData, encode};
use crate::view::{ActionView, ColumnView, OptionView, PagerView, ProofView, StateView};
use domain::host::Host;
use domain::ids::{JobId, RunId};
pub(super) use domain::number::count as grouped;
use domain::run::{Run, RunState};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::Error;
use service::inventory::Page;
use service::runs::{RunLine, RunView, RunsQuery};

/// How many runs the page of a job shows.
const RECENT: &str = "10";

/// `/admin/runs?host=…&state=…&job=…&cursor=…`
#[component]
pub fn Runs() -> impl IntoView {
    let asked = FormData::parse(uri().query().unwrap_or_default().as_bytes());
    let text = |name: &str| asked.get(name).to_owned();
    let query = RunsQuery {
        job: text("job"),
        host: text("host"),
        state: text("state"),
        cursor: text("cursor"),
        limit: String::new(),
    };
    let find = query.clone();
    admin(
        |_| "Runs".to_owned(),
        |desk| async move {
            let page = desk.services.runs(&desk.actor, &find).await?;
            Ok((page, desk.services.host_choices(&desk.actor).await?))
        },
        move |desk, (page, hosts)| list(&desk, &query, page, hosts),
    )
}

fn list(desk: &Desk, query: &RunsQuery, page: Page<RunLine>, hosts: Vec<Host>) -> AnyView {
    let everything = RunsQuery::default();
    let is_filtered = [&query.job, &query.host, &query.state, &query.cursor].into_iter().any(|part| !part.is_empty());
    let pager = PagerView {
        text: format!("{} runs, newest first", page.items.len()),
        previous: (!query.cursor.is_empty()).then(|| place(query, "")),
        next: page.next_cursor.as_deref().map(|cursor| place(query, cursor)),
    };
    let shown = match (page.items.is_empty(), is_filtered) {
        (false, _) => table(desk, &page.items, true),
        (true, true) => view! {
            <EmptyState title="No such run" text="Nothing was reported that fits what you asked for."
                action=ActionView::link("Show all runs", place(&everything, ""))/>
        }
        .into_any(),
        (true, false) => view! {
            <EmptyState title="No run has been reported yet"
                text="Each backup job has an address. Call it before and after the backup, and its runs appear here."
                action=ActionView::link("To the jobs", "/admin/jobs")/>
        }
        .into_any(),
    };
    view! {
        <PageHeader title="Runs" intro="What the backup systems reported. Data is safe up to the start of a good run."/>
        {filters(query, hosts)}
        {shown}
        <Pager pager/>
    }
    .into_any()
}

fn filters(query: &RunsQuery, hosts: Vec<Host>) -> AnyView {
    let host = std::iter::once(OptionView::new("", "All hosts"))
        .chain(hosts.into_iter().map(|host| OptionView::new(host.id.to_string(), host.name.to_string())));
    let state = std::iter::once(OptionView::new("", "Any state"))
        .chain(RunState::ALL.into_iter().map(|state| OptionView::new(state.as_str(), short(state))));
    let chosen = |options: &mut dyn Iterator<Item = OptionView>, value: &str| -> Vec<OptionView> {
        options
            .map(|option| {
                let is_chosen = option.value == value;
                option.chosen(is_chosen)
            })
            .collect()
    };
    let hosts = chosen(&mut host.into_iter(), &query.host);
    let states = chosen(&mut state.into_iter(), &query.state);
    view! {
        <form class="filters" method="get" action="/admin/runs">
            <Select name="host" label="Host" options=hosts/>
            <Select name="state" label="State" options=states/>
            <Button>"Show"</Button>
        </form>
    }
    .into_any()
}

const fn short(state: RunState) -> &'static str {
    match state {
        RunState::Running => "Running",
        RunState::Succeeded => "Succeeded",
        RunState::Warning => "Warnings",
        RunState::Failed => "Failed",
        RunState::Lost => "Lost",
    }
}

fn place(query: &RunsQuery, cursor: &str) -> String {
    let parts = [("job", &*query.job), ("host", &*query.host), ("state", &*query.state), ("cursor", cursor)];
    let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let text: Vec<String> = parts.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if text.is_empty() { "/admin/runs".to_owned() } else { format!("/admin/runs?{}", text.join("&")) }
}

fn table(desk: &Desk, lines: &[RunLine], placed: bool) -> AnyView {
    let mut columns = vec![ColumnView::new("Started")];
    if placed {
        columns.push(ColumnView::new("Data set"));
    }
    columns.extend([ColumnView::new("State"), ColumnView::number("Took"), ColumnView::number("Size")]);
    let rows = lines.iter().map(|line| row(desk, line, placed)).collect::<Vec<_>>();
    view! { <DataTable caption="Backup runs" columns rows/> }.into_any()
}

fn row(desk: &Desk, line: &RunLine, placed: bool) -> Vec<AnyView> {
    let run = &line.run;
    let assumed = run.start_assumed.then(|| view! { <span class="sub">"assumed: only the end was reported"</span> });
    let href = format!("/admin/runs/{}", run.id);
    let mut cells = vec![view! { <a href=href>{desk.short(run.started_at)}</a>{assumed} }.into_any()];
    if placed {
        cells.push(
            view! {
                <span dir="auto">{format!("{} · {}", line.host, line.data_set)}</span>
                <span class="sub" dir="auto">{line.job.clone()}</span>
            }
            .into_any(),
        );
    }
    let state = StateView { label: short(run.state).to_owned(), ..run.state.into() };
    let state = if run.state == RunState::Succeeded { state.plain() } else { state };
    let flaw = flaw(run).map(|flaw| view! { <span class="sub">{flaw}</span> });
    cells.push(view! { <StateBadge state/>{flaw} }.into_any());
    cells.push(took(run).unwrap_or_else(dash).into_any());
    cells.push(run.bytes.map_or_else(dash, bytes_text).into_any());
    cells
}

/// What keeps a run from counting that its state does not say.
const fn flaw(run: &Run) -> Option<&'static str> {
    if run.clock_fault {
        Some("a clock is wrong: never counts")
    } else if run.dry_run {
        Some("dry run: nothing was written")
    } else if run.partial {
        Some("saved only a part")
    } else {
        None
    }
}

pub(super) fn dash() -> String {
    "–".to_owned()
}

fn took(run: &Run) -> Option<String> {
    run.took().map(|took| took.to_string())
}

/// "4.7 GB": in thousands, as disks are sold.
pub(super) fn bytes_text(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = i128::from(bytes) / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    if tenths < 100 {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        format!("{} {}", tenths / 10, UNITS[unit])
    }
}

/// What the page of a job shows of its runs.
///
/// # Errors
/// The database does not answer.
pub async fn load_recent(desk: &Desk, job: JobId) -> Result<Vec<RunLine>, Error> {
    let query = RunsQuery { job: job.to_string(), limit: RECENT.to_owned(), ..RunsQuery::default() };
    Ok(desk.services.runs(&desk.actor, &query).await?.items)
}

/// The last runs of a job, with the way to all of them.
pub fn recent_runs(desk: &Desk, job: JobId, lines: &[RunLine]) -> AnyView {
    let shown = if lines.is_empty() {
        view! { <EmptyState title="It never ran" text="No run of this job has been reported yet."/> }.into_any()
    } else {
        table(desk, lines, false)
    };
    let more = ("All runs".to_owned(), format!("/admin/runs?job={job}"));
    view! { <Section id="runs" title="Runs" more>{shown}</Section> }.into_any()
}

/// `/admin/runs/:id`
#[component]
pub fn OneRun() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    admin(
        |view: &RunView| format!("Run of {} · {}", view.line.host, view.line.data_set),
        |desk| async move {
            let id: RunId = id.parse().map_err(|_| Error::NotFound("run"))?;
            desk.services.run(&desk.actor, id).await
        },
        |desk, view| one(&desk, view),
    )
}

fn one(desk: &Desk, seen: RunView) -> AnyView {
    let RunView { line, log, why_not_good } = seen;
    let run = &line.run;
    let proof = match why_not_good {
        None => ProofView::confirmed(format!("Counts: data is safe up to {}", desk.short(run.started_at))),
        Some(why) if run.state == RunState::Running => ProofView::waiting(format!("Does not count yet: {why}")),
        Some(why) => ProofView::blocked(format!("Does not count: {why}")),
    };
    let state = StateView { label: short(run.state).to_owned(), ..run.state.into() };
    let title = format!("{} · {}", line.host, line.data_set);
    let back = ("Runs".to_owned(), "/admin/runs".to_owned());
    let intro = format!("A run of “{}”", line.job);
    let facts = facts(desk, &line);
    view! {
        <PageHeader title intro back state proof=Some(proof)/>
        <Card>{facts}</Card>
        <Section id="output" title="Output">{output(log)}</Section>
    }
    .into_any()
}

fn facts(desk: &Desk, line: &RunLine) -> AnyView {
    let run = &line.run;
    let instant = |at| view! { <TimeRange when=desk.instant(at) stacked=true/> }.into_any();
    let fact = |label: &'static str, value: Option<AnyView>| {
        value.map(|value| view! { <Fact label=label>{value}</Fact> }).into_any()
    };
    let plain = |text: Option<String>| text.map(IntoAny::into_any);
    let written = |text: &str| view! { <span class="mono" dir="auto">{text.to_owned()}</span> }.into_any();
    let assumed = run.start_assumed.then(|| {
        view! { <span class="sub">"Assumed: only the end was reported, and it can not have begun earlier."</span> }
    });
    let started = view! { {instant(run.started_at)}{assumed} }.into_any();
    // Keys with a tilde are ours: the reporter gave none.
    let key = Some(&run.key).filter(|key| !key.starts_with('~'));
    let facts = vec![
        fact("Job", Some(link(format!("/admin/jobs/{}", run.job_id), &line.job))),
        fact("Data set", Some(link(format!("/admin/data-sets/{}", line.data_set_id), &line.data_set))),
        fact("Host", Some(link(format!("/admin/hosts/{}", line.host_id), &line.host))),
        fact("Started", Some(started)),
        fact("Ended", run.finished_at.map(instant)),
        fact("Took", plain(took(run))),
        fact("First reported", Some(instant(run.received_at))),
        fact("Size", plain(run.bytes.map(bytes_text))),
        fact("Files", plain(run.files.map(grouped))),
        fact("Snapshot", run.snapshot.as_deref().map(written)),
        fact("Exit code", plain(run.exit_code.map(|code| code.to_string()))),
        fact("Called by the tool", key.map(|key| written(key))),
    ];
    view! { <Facts>{facts}</Facts> }.into_any()
}

fn link(href: String, text: &str) -> AnyView {
    view! { <a href=href><span dir="auto">{text.to_owned()}</span></a> }.into_any()
}

fn output(log: Option<String>) -> AnyView {
    match log {
        Some(log) => view! { <pre class="mail" tabindex="0" aria-label="Output of the tool">{log}</pre> }.into_any(),
        None => view! { <p class="muted">"The tool sent no output with its reports."</p> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes_text, grouped, place};
    use service::runs::RunsQuery;

    #[test]
    fn sizes_are_short_and_never_rounded_up() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (9_999, "9.9 kB"),
            (10_000, "10 kB"),
            (999_999, "999 kB"),
            (4_700_000_000, "4.7 GB"),
            (i64::MAX, "9.2 EB"),
        ] {
            assert_eq!(bytes_text(bytes), text);
        }
    }

    #[test]
    fn large_numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (2_216_920, "2,216,920")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_filter_is_kept_from_page_to_page() {
        let query = RunsQuery { host: "web 12".to_owned(), state: "failed".to_owned(), ..RunsQuery::default() };
        assert_eq!(place(&query, "x"), "/admin/runs?host=web+12&state=failed&cursor=x");
        assert_eq!(place(&RunsQuery::default(), ""), "/admin/runs");
    }
}
