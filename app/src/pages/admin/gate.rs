//! The gate's answer as pages and islands show it.

use crate::api::plan::{GateView, InTheWayView, SlotsView};
use crate::view::{
    ActionView, AgesView, Answer, BlastView, FineView, NodeView, ProofView, ReasonView, SetView, Shape, StateView,
    Tone, VerdictView,
};
use domain::conflict::{Conflict, Force, Leave, leave};
use domain::gate::{Finding, JobNames, Outcome, Protection, Purpose, Reason, Restore, Verdict};
use domain::ids::{DataSetId, HostId, JobId, MaintenanceId};
use domain::maintenance::Fold;
use domain::request::BackupRequest;
use domain::slot::{NoSlot, Slot};
use domain::time::{Span, Stretch, ZoneRules, format_range, format_short};
use service::conflicts::Slots;
use service::maintenance::Typed;
use service::maintenance::input::fold_name;
use service::maintenance::{GateLook, MaintenanceInput, RadiusHost};
use service::{Actor, Error, Services};
use std::collections::BTreeSet;

/// Hosts without a drill that are named; more are counted.
const NAMED: usize = 8;

/// From where a missing run can be asked for.
#[derive(Clone, Copy, Debug)]
pub enum RequestFrom<'a> {
    /// The reader may not, or there is nothing to ask for.
    Nowhere,
    /// The scheduling form, which is kept as it is.
    Form,
    /// The page at this address.
    Page(&'a str),
}

impl RequestFrom<'_> {
    /// The button; for one data set only, or for everything that is missing.
    fn action(self, label: &str, only: Option<DataSetId>) -> Option<ActionView> {
        let only = only.map(|id| id.to_string());
        match self {
            Self::Nowhere => None,
            Self::Form => {
                let value = only.map_or_else(|| "request".to_owned(), |id| format!("request:{id}"));
                Some(ActionView::submit(label, "plan", "do", value).unchecked())
            }
            Self::Page(path) => {
                let only = only.unwrap_or_default();
                Some(ActionView::post(label, path, &[("do", "request"), ("data_set", &only)]))
            }
        }
    }
}

/// The data set that a button of [`RequestFrom`] was about; none for all.
///
/// # Errors
/// It can not be an id.
pub fn only(text: &str) -> Result<Option<DataSetId>, Error> {
    let id = (!text.is_empty()).then(|| text.parse()).transpose();
    id.map_err(|_| Error::NotFound("data set"))
}

/// What was asked for, in words.
#[must_use]
pub fn requested(requests: &[BackupRequest]) -> String {
    match requests.len() {
        0 => "There is nothing to request: no run that is missing can be asked for.".to_owned(),
        1 => "1 backup is requested. Its state stands beside the reason.".to_owned(),
        n => format!("{n} backups are requested. Their state stands beside the reasons."),
    }
}

/// Asks about what is chosen in a form.
///
/// # Errors
/// Not allowed, something chosen is no id, or the database does not answer.
pub async fn ask(
    services: &Services,
    actor: &Actor,
    input: &MaintenanceInput,
    window: Option<MaintenanceId>,
) -> Result<GateView, Error> {
    let scope = input.scope()?;
    if scope.is_empty() {
        actor.require(domain::people::Permission::View)?;
        return Ok(not_asked());
    }
    let zone = services.site().await?.zone;
    let time = services.look_at_time(input);
    let look = services.ask_gate(actor, &scope, Purpose::Schedule, time.length).await?;
    let may = actor.may(domain::people::Permission::Maintain);
    let from = if may { RequestFrom::Form } else { RequestFrom::Nowhere };
    let rules = services.zones.as_ref();
    let typed = input.zone.as_deref().and_then(|zone| rules.canonical(zone)).unwrap_or_else(|| zone.clone());
    let in_the_way = match &time.planned {
        Some(planned) => {
            let stretch = Stretch::new(planned.starts_at, planned.ends_at);
            in_the_way(rules, &typed, &services.look_at_conflicts(actor, &scope, stretch, window).await?)
        }
        None => InTheWayView::default(),
    };
    let slots = if may {
        let length = time.length.unwrap_or(USUAL_LENGTH);
        slots(rules, &typed, length, &services.next_slots(actor, &scope, length, window).await?)
    } else {
        SlotsView::default()
    };
    Ok(GateView { in_the_way, slots, ..view(rules, &zone, &look, from) })
}

/// How long work is taken to be where no end is typed yet.
const USUAL_LENGTH: Span = Span::hours(2);

/// Expected backups named one by one; more stand together.
const BACKUPS_ALONE: usize = 3;

/// Everything that stands in the way beside the gate. Many backups are one entry that names each.
#[must_use]
pub fn in_the_way(rules: &dyn ZoneRules, zone: &str, conflicts: &[Conflict]) -> InTheWayView {
    let is_backup = |conflict: &&Conflict| matches!(conflict, Conflict::Backup { .. });
    let backups: Vec<&Conflict> = conflicts.iter().filter(is_backup).collect();
    let together = backups.len() > BACKUPS_ALONE;
    let mut shown: Vec<ReasonView> = conflicts
        .iter()
        .filter(|conflict| !(together && is_backup(conflict)))
        .map(|conflict| {
            let (heading, detail) = (conflict.heading(), conflict.sentence(rules, zone));
            match conflict.force() {
                Force::Block => ReasonView::reason(heading, detail),
                Force::Warn => ReasonView::warning(heading, detail),
            }
        })
        .collect();
    if together {
        let each: Vec<String> = backups
            .iter()
            .map(|conflict| {
                let stretch = conflict.stretch();
                format!("{}, {}", conflict.heading(), format_range(rules, zone, stretch.from, stretch.to).main)
            })
            .collect();
        let heading = format!("{} backups run then, or are expected to", backups.len());
        shown.push(ReasonView::warning(heading, format!("{}.", each.join("; "))));
    }
    InTheWayView {
        title: match conflicts.len() {
            0 => "Nothing else is in the way".to_owned(),
            1 => "In the way: 1 conflict".to_owned(),
            n => format!("In the way: {n} conflicts"),
        },
        blocks: leave(conflicts) == Leave::Refused,
        asks_why: leave(conflicts) == Leave::WithReason,
        conflicts: shown,
    }
}

fn slots(rules: &dyn ZoneRules, zone: &str, length: Span, found: &Slots) -> SlotsView {
    let title = match found.slots.len() {
        0 => format!("No good time for {length} in the next 14 days"),
        _ => format!("Next good times for {length}"),
    };
    let button = |slot: &Slot| {
        let typed = Typed::at(rules, zone, slot.stretch);
        let fold = |fold: Option<Fold>| fold.map_or("", fold_name);
        let value = format!("slot:{} {}/{} {}", typed.start, fold(typed.start_fold), typed.end, fold(typed.end_fold));
        let when = format_range(rules, zone, slot.stretch.from, slot.stretch.to).main;
        ActionView::submit(when, "plan", "do", value).unchecked().about("fill in start and end")
    };
    let notes = match found.slots.first() {
        Some(first) => vec![format!(
            "Right after the backups, with nothing in the way. The first must have begun by {}: then a backup is too old again.",
            format_short(rules, zone, first.start_before)
        )],
        None => found.none.iter().map(NoSlot::sentence).collect(),
    };
    SlotsView { title, slots: found.slots.iter().map(button).collect(), notes }
}

/// Before anything is chosen.
#[must_use]
pub fn not_asked() -> GateView {
    GateView {
        verdict: VerdictView {
            answer: Answer::NotAsked,
            title: "Is there a backup to go back to?".to_owned(),
            detail: "Choose what the work touches: everything it puts at risk is checked at once.".to_owned(),
            ..VerdictView::default()
        },
        ..GateView::default()
    }
}

/// An answer with everything it puts at risk.
#[must_use]
pub fn view(rules: &dyn ZoneRules, zone: &str, look: &GateLook, from: RequestFrom<'_>) -> GateView {
    let mut shown = verdict(rules, zone, &look.verdict, &look.jobs);
    let is_open = |finding: &Finding| {
        finding.reason.jobs().any(|job| look.requests.get(&job).is_some_and(BackupRequest::is_open))
    };
    let open: BTreeSet<DataSetId> = look
        .verdict
        .reasons()
        .iter()
        .filter(|finding| is_open(finding))
        .filter_map(|finding| finding.data_set)
        .collect();
    let mut offered = BTreeSet::new();
    for (finding, reason) in look.verdict.reasons().iter().zip(&mut shown.reasons) {
        let progress = progress(rules, zone, look, finding);
        if !progress.is_empty() {
            reason.detail = format!("{} {progress}", reason.detail);
        }
        let askable = finding.data_set.filter(|id| look.askable.contains(id) && !open.contains(id));
        let Some(id) = askable else { continue };
        if offered.insert(id)
            && let Some(action) = from.action("Request it", Some(id))
        {
            reason.actions.insert(0, action.about(finding.place()));
        }
    }
    GateView {
        request_all: (!offered.is_empty()).then(|| from.action("Request all missing backups", None)).flatten(),
        verdict: shown,
        blast: Some(blast(&look.radius, &look.verdict)),
        told: told(look),
        ..GateView::default()
    }
}

/// How far the runs came that were asked for because of a reason.
fn progress(rules: &dyn ZoneRules, zone: &str, look: &GateLook, finding: &Finding) -> String {
    let own: BTreeSet<JobId> = finding.reason.jobs().collect();
    let carriers: BTreeSet<JobId> = own.iter().filter_map(|job| look.carriers.get(job).copied()).collect();
    let requests: Vec<(String, &BackupRequest)> = own
        .iter()
        .chain(carriers.difference(&own))
        .filter_map(|job| Some((look.jobs.get(job).cloned().unwrap_or_default(), look.requests.get(job)?)))
        .collect();
    match requests.as_slice() {
        [(_, request)] => request.sentence(rules, zone),
        all => all
            .iter()
            .map(|(job, request)| format!("“{job}”: {}", request.sentence(rules, zone)))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

fn told(look: &GateLook) -> String {
    let names: Vec<&str> = look.affected.iter().map(|(_, name)| name.as_str()).collect();
    let (mails, webhooks) = (look.followers.mails, look.followers.webhooks);
    let who = match mails {
        0 if webhooks == 0 => "Nobody has subscribed to them yet".to_owned(),
        0 => "Nobody hears of it by mail".to_owned(),
        1 => "1 subscriber hears of it by mail".to_owned(),
        n => format!("{n} subscribers hear of it by mail"),
    };
    let who = match webhooks {
        0 => who,
        1 => format!("{who}, 1 webhook is called"),
        n => format!("{who}, {n} webhooks are called"),
    };
    match names.as_slice() {
        [] => "No component stands on these hosts: customers see the window, but no component changes.".to_owned(),
        [one] => format!("On the page it touches {one}. {who}."),
        [all @ .., last] if all.len() < 6 => format!("On the page it touches {} and {last}. {who}.", all.join(", ")),
        all => format!("On the page it touches {} and {} more. {who}.", all[..5].join(", "), all.len() - 5),
    }
}

/// An answer with all its reasons.
#[must_use]
pub fn verdict(rules: &dyn ZoneRules, zone: &str, verdict: &Verdict, jobs: &JobNames) -> VerdictView {
    let mut detail = verdict.summary();
    if let Some(until) = verdict.until() {
        detail.push_str(&format!(" This holds until {} if nothing new is reported.", format_short(rules, zone, until)));
    }
    let reasons = verdict.reasons().iter().map(|finding| {
        let view = ReasonView::reason(finding.heading(), finding.sentence(jobs, rules, zone));
        remedies(finding).into_iter().fold(view, ReasonView::with)
    });
    let (late, others): (Vec<&Finding>, Vec<&Finding>) =
        verdict.warnings.iter().partition(|finding| matches!(finding.reason, Reason::DrillOverdue { .. }));
    let warning = |finding: &Finding| {
        let view = ReasonView::warning(finding.heading(), finding.sentence(jobs, rules, zone));
        rehearse(finding).into_iter().fold(view, ReasonView::with)
    };
    let warnings = others.into_iter().map(warning);
    let late = match late.as_slice() {
        [] => None,
        [one] => Some(warning(one)),
        many => Some(not_rehearsed(many)),
    };
    let warnings = warnings.chain(late);
    let reasons = reasons.chain(warnings).collect();
    VerdictView {
        answer: answer(&verdict.outcome),
        title: verdict.headline(),
        detail,
        ages: ages(&verdict.protections),
        reasons,
        fine: verdict.protections.iter().filter(|p| p.ok).map(fine).collect(),
        exempt: verdict
            .exemptions
            .iter()
            .map(|(_, name, exemption)| FineView {
                place: name.clone(),
                text: format!("{} (said {})", exemption.reason, exemption.by),
            })
            .collect(),
        restores: restores(&verdict.restores),
    }
}

/// Several hosts without a recent drill: one line for all of them.
fn not_rehearsed(findings: &[&Finding]) -> ReasonView {
    let named: Vec<&str> = findings.iter().map(|finding| finding.host_name.as_str()).collect();
    let heading = format!("{} hosts: no recent restore drill", named.len());
    let shown = named.len().min(NAMED);
    let more = match named.len() - shown {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let detail =
        format!("{}{more}: nothing shows lately that they can be restored, or how fast.", named[..shown].join(", "));
    ReasonView::warning(heading, detail).with(ActionView::link("See the drills", "/admin/drills"))
}

/// What restoring takes, host by host, and all of it where there are several.
fn restores(restores: &[Restore]) -> Vec<FineView> {
    let line = |restore: &Restore| FineView { place: restore.host_name.clone(), text: restore.text() };
    let mut lines: Vec<FineView> = restores.iter().map(line).collect();
    if lines.len() > 1 {
        let all: Option<i64> = restores.iter().map(|r| r.estimate.takes.map(Span::as_seconds)).sum();
        let text = match all {
            Some(seconds) => format!("about {}", Span::seconds(seconds)),
            None => {
                let unknown = restores.iter().filter(|r| r.estimate.takes.is_none()).count();
                format!("unknown, as {unknown} of {} are", restores.len())
            }
        };
        lines.push(FineView { place: "All of them, one after the other".to_owned(), text });
    }
    lines
}

/// The way to a drill, where one is missing.
fn rehearse(finding: &Finding) -> Vec<ActionView> {
    let asks = matches!(
        finding.reason,
        Reason::DrillOverdue { .. }
            | Reason::RestoreUnknown { .. }
            | Reason::RestoreLongerThanWindow { .. }
            | Reason::RestoreLongerThanRto { .. }
    );
    let link = |host: HostId| {
        let to = format!("/admin/drills/new?host={host}");
        ActionView::link("Plan a drill", to).about(finding.place())
    };
    finding.host.filter(|_| asks).map(link).into_iter().collect()
}

/// The outcome, as far as a heading goes.
#[must_use]
pub const fn answer(outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Confirmed { .. } => Answer::Confirmed,
        Outcome::Blocked { .. } => Answer::Blocked,
        Outcome::Overridden { .. } => Answer::Overridden,
    }
}

fn fine(protection: &Protection) -> FineView {
    let age = protection.age.unwrap_or_default();
    FineView { place: protection.place(), text: format!("{age} old; the limit is {}", protection.limit) }
}

/// Only where one limit holds for all: a line can not show two.
fn ages(protections: &[Protection]) -> Option<AgesView> {
    let limit = protections.first()?.limit;
    if protections.iter().any(|p| p.limit != limit) {
        return None;
    }
    let minutes = |span: Span| span.as_seconds() / 60;
    let ages: Vec<i64> = protections.iter().filter_map(|p| p.age.map(minutes)).collect();
    (!ages.is_empty()).then(|| AgesView { limit: minutes(limit), ages })
}

/// What can be done about a reason from here.
fn remedies(finding: &Finding) -> Vec<ActionView> {
    let about = finding.place();
    let link = |label: &str, href: String| ActionView::link(label, href).about(about.clone());
    let host = |id: HostId| format!("/admin/hosts/{id}");
    match &finding.reason {
        Reason::NothingNamed => vec![],
        Reason::NoHostBehind { component } => {
            vec![link("Say which hosts are behind it", format!("/admin/components/{component}"))]
        }
        Reason::UnknownHost => finding.host.map(|id| link("Open the host", host(id))).into_iter().collect(),
        Reason::NoDataSet => finding
            .host
            .into_iter()
            .flat_map(|id| {
                [link("Declare a data set", format!("/admin/hosts/{id}#data-sets")), link("Exempt the host", host(id))]
            })
            .collect(),
        Reason::NoJob => {
            finding.data_set.map(|id| link("Add a job", format!("/admin/jobs/new?data_set={id}"))).into_iter().collect()
        }
        Reason::JobDisabled { job } | Reason::JobUnknown { job, .. } => {
            vec![link("Open the job", format!("/admin/jobs/{job}"))]
        }
        Reason::NeverRan { job }
        | Reason::TooOld { job, .. }
        | Reason::LastRunFailed { job, .. }
        | Reason::StillRunning { job, .. }
        | Reason::NotCarried { job, .. }
        | Reason::ClockInFuture { job, .. } => vec![link("See its runs", format!("/admin/jobs/{job}"))],
        Reason::DrillOverdue { .. }
        | Reason::RestoreLongerThanWindow { .. }
        | Reason::RestoreLongerThanRto { .. }
        | Reason::RestoreUnknown { .. } => rehearse(finding),
    }
}

/// Everything the work can destroy, as a tree.
#[must_use]
pub fn blast(radius: &[RadiusHost], verdict: &Verdict) -> BlastView {
    let sets = verdict.protections.len();
    let count = |n: usize, one: &str, many: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {many}") };
    let roots =
        radius.iter().filter(|host| host.runs_on.is_none()).map(|host| node(host, radius, verdict, 0)).collect();
    BlastView {
        title: format!(
            "Blast radius: {}, {}",
            count(radius.len(), "host", "hosts"),
            count(sets, "data set", "data sets")
        ),
        roots,
    }
}

fn node(host: &RadiusHost, radius: &[RadiusHost], verdict: &Verdict, depth: usize) -> NodeView {
    let mut why = Vec::new();
    if host.named {
        why.push("chosen".to_owned());
    }
    if !host.behind.is_empty() {
        why.push(format!("behind {}", host.behind.join(", ")));
    }
    if verdict.exemptions.iter().any(|(id, ..)| *id == host.id) {
        why.push("exempt".to_owned());
    }
    let mut sets: Vec<SetView> = verdict
        .protections
        .iter()
        .filter(|protection| protection.host == host.id)
        .map(|protection| SetView {
            name: protection.data_set_name.clone(),
            state: if protection.ok {
                StateView::new(Tone::Ok, Shape::Ok, "backed up well enough")
            } else {
                StateView::new(Tone::Major, Shape::Major, "not backed up well enough")
            },
        })
        .collect();
    let bare = verdict.reasons().iter().find(|finding| finding.host == Some(host.id) && finding.data_set.is_none());
    if let Some(finding) = bare {
        let state = StateView::new(Tone::Major, Shape::Major, "stands against the work");
        sets.push(SetView { name: finding.reason.headline().to_owned(), state });
    }
    // No tree of hosts is deeper than there are hosts.
    let guests = radius.iter().filter(|guest| guest.runs_on == Some(host.id) && depth < radius.len());
    NodeView {
        name: host.name.clone().unwrap_or_else(|| "Unknown host".to_owned()),
        href: format!("/admin/hosts/{}", host.id),
        why: why.join(" · "),
        sets,
        children: guests.map(|guest| node(guest, radius, verdict, depth + 1)).collect(),
    }
}

/// The answer in one line, for lists.
#[must_use]
pub fn proof(verdict: &Verdict, lasts: bool) -> ProofView {
    if verdict.overridden_by().is_some() {
        let text = if lasts {
            "Goes ahead by an override, without a confirmed backup"
        } else {
            "Goes ahead by an override now, but another backup will be too old at the start"
        };
        return ProofView::overridden(text);
    }
    match (verdict.is_confirmed(), lasts) {
        (true, true) => ProofView::confirmed("Backups are confirmed and last until the start"),
        (true, false) => ProofView::waiting("Backups are confirmed now, but will be too old at the start"),
        (false, _) => {
            let text = match verdict.reasons().len() {
                1 => "1 thing is missing before it can start".to_owned(),
                n => format!("{n} things are missing before it can start"),
            };
            ProofView::blocked(text)
        }
    }
}
