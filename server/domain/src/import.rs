//! Hosts from a list: what would be added, what changed, and what is wrong with which line.
//!
//! A list says what there is, never what there is not: nothing is retired or deleted for not being
//! in it, and an empty cell leaves what is stored. The same list twice changes nothing the second time.

use crate::backup::Job;
use crate::csv::Record;
use crate::gate::HostNode;
use crate::host::{DataKind, DataSet, Host, would_cycle};
use crate::ids::{DataSetId, HostId, JobId};
use crate::policy::PolicyOverride;
use crate::text::{Name, optional_line};
use crate::time::Span;
use std::collections::BTreeMap;
use std::fmt::Display;
use uuid::Uuid;

/// Characters in the note of a host.
const NOTE: usize = 300;

/// Characters in the name of an owner.
const OWNER: usize = 120;

/// Characters in the name of a tool.
const TOOL: usize = 60;

/// Lines taken at once.
pub const MAX_LINES: usize = 2000;

/// The columns of a list; all but the first may be missing or empty.
pub const COLUMNS: [&str; 11] =
    ["host", "runs_on", "note", "owner", "data_set", "kind", "job", "tool", "carried_by", "every", "max_duration"];

/// One line of a list, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// For people: the line of the file, or the place in the list.
    pub number: usize,
    /// The host's name.
    pub host: String,
    /// The name of the host below it.
    pub runs_on: String,
    /// What it is.
    pub note: String,
    /// Who looks after it.
    pub owner: String,
    /// The name of a data set on it.
    pub data_set: String,
    /// What that is; `other` where a new one does not say.
    pub kind: String,
    /// The name of a job of that data set.
    pub job: String,
    /// The program that does it.
    pub tool: String,
    /// The job that must copy its output: its name where it is on the same host, else
    /// "web-12 · files: nightly" as pages write it, or "web-12/files/nightly".
    pub carried_by: String,
    /// How often a run is expected; 24 h where a new job does not say.
    pub every: String,
    /// A run without an end after this long is lost; 6 h where a new job does not say.
    pub max_duration: String,
}

/// What is in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Hosts.
    pub hosts: Vec<Host>,
    /// Their data sets.
    pub data_sets: Vec<DataSet>,
    /// The jobs of these.
    pub jobs: Vec<Job>,
}

/// What is wrong with a line, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// Which line.
    pub line: usize,
    /// Which column.
    pub column: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// One thing that the list speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<T> {
    /// The line that speaks of it first.
    pub line: usize,
    /// What is stored; none where it is new.
    pub before: Option<T>,
    /// What the list makes of it.
    pub after: T,
}

/// What a list would do. Nothing of it may be done where there are errors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Hosts; one below another comes before it.
    pub hosts: Vec<Step<Host>>,
    /// Data sets.
    pub data_sets: Vec<Step<DataSet>>,
    /// Jobs; one that carries another comes before it.
    pub jobs: Vec<Step<Job>>,
    /// What is wrong, by line.
    pub errors: Vec<LineError>,
}

/// A field that a list sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The column.
    pub column: &'static str,
    /// What it was; none for a new thing.
    pub before: Option<String>,
    /// What it will be.
    pub after: String,
}

/// One change of a plan, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line that speaks of it first.
    pub line: usize,
    /// `host`, `data set` or `job`.
    pub what: &'static str,
    /// "web-12 · files: nightly"
    pub place: String,
    /// It is not there yet.
    pub is_new: bool,
    /// What is set.
    pub fields: Vec<FieldChange>,
}

impl Line {
    fn cell(&mut self, column: &str) -> Option<&mut String> {
        Some(match column {
            "host" => &mut self.host,
            "runs_on" => &mut self.runs_on,
            "note" => &mut self.note,
            "owner" => &mut self.owner,
            "data_set" => &mut self.data_set,
            "kind" => &mut self.kind,
            "job" => &mut self.job,
            "tool" => &mut self.tool,
            "carried_by" => &mut self.carried_by,
            "every" => &mut self.every,
            "max_duration" => &mut self.max_duration,
            _ => return None,
        })
    }
}

/// The lines of a file whose first record names the columns, in any order.
///
/// # Errors
/// The columns are not ours, or a record has more cells than there are columns.
pub fn lines(records: Vec<Record>) -> Result<Vec<Line>, Vec<LineError>> {
    let wrong = |line: usize, message: String| LineError { line, column: "host", message };
    let mut records = records.into_iter();
    let Some(header) = records.next() else {
        return Err(vec![wrong(1, "There is nothing here. The first line names the columns.".to_owned())]);
    };
    let columns: Vec<String> =
        header.cells.iter().map(|cell| cell.trim().to_lowercase().replace([' ', '-'], "_")).collect();
    let mut errors = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        if !COLUMNS.contains(&column.as_str()) {
            let known = COLUMNS.join(", ");
            errors.push(wrong(header.line, format!("“{column}” is not a column; the columns are {known}.")));
        } else if columns[..place].contains(column) {
            errors.push(wrong(header.line, format!("The column {column} is there twice.")));
        }
    }
    if errors.is_empty() && !columns.iter().any(|column| column == "host") {
        errors.push(wrong(header.line, "The column host is missing.".to_owned()));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut lines = Vec::new();
    for record in records {
        if record.cells.iter().skip(columns.len()).any(|cell| !cell.trim().is_empty()) {
            let message =
                format!("This line has {} cells, but there are {} columns.", record.cells.len(), columns.len());
            errors.push(wrong(record.line, message));
            continue;
        }
        let mut line = Line { number: record.line, ..Line::default() };
        for (column, text) in columns.iter().zip(record.cells) {
            if let Some(cell) = line.cell(column) {
                *cell = text;
            }
        }
        lines.push(line);
    }
    if errors.is_empty() { Ok(lines) } else { Err(errors) }
}

/// What these lines would do. New things get their ids from `new_id`.
#[must_use]
pub fn plan(stored: &Inventory, lines: &[Line], new_id: &mut dyn FnMut() -> Uuid) -> Plan {
    let mut draft = Draft::of(stored);
    if lines.len() > MAX_LINES {
        let message = format!("These are {} lines; at most {MAX_LINES} are taken at once.", lines.len());
        draft.errors.push(LineError { line: lines[MAX_LINES].number, column: "host", message });
        return draft.finish();
    }
    // First what there is, so that a line may name what a later one brings.
    let named: Vec<Named> = lines.iter().map(|line| draft.declare(line, new_id)).collect();
    for (line, named) in lines.iter().zip(&named) {
        draft.fill(line, named);
    }
    let found = draft.jobs_by_name();
    for (line, named) in lines.iter().zip(&named) {
        draft.connect(line, named, &found);
    }
    draft.finish()
}

/// The things that a line names, as places in the draft.
struct Named {
    host: Option<usize>,
    data_set: Option<usize>,
    job: Option<usize>,
}

/// A thing of the list while it is made, with the lines that set its fields.
struct Entry<T> {
    step: Step<T>,
    set: BTreeMap<&'static str, (usize, String)>,
}

impl<T> Entry<T> {
    fn new(line: usize, before: Option<T>, after: T) -> Self {
        Self { step: Step { line, before, after }, set: BTreeMap::new() }
    }
}

struct Draft<'a> {
    stored: &'a Inventory,
    hosts: Vec<Entry<Host>>,
    data_sets: Vec<Entry<DataSet>>,
    jobs: Vec<Entry<Job>>,
    host_at: BTreeMap<String, usize>,
    data_set_at: BTreeMap<(HostId, String), usize>,
    job_at: BTreeMap<(DataSetId, String), usize>,
    stored_hosts: BTreeMap<String, &'a Host>,
    stored_data_sets: BTreeMap<(HostId, String), &'a DataSet>,
    stored_jobs: BTreeMap<(DataSetId, String), &'a Job>,
    errors: Vec<LineError>,
}

/// Jobs with the kinds of their data sets, by what a list may call them.
#[derive(Default)]
struct JobsByName {
    on_host: BTreeMap<(HostId, String), Vec<(JobId, DataKind)>>,
    anywhere: BTreeMap<String, Vec<(JobId, DataKind)>>,
}

/// The same words in any case and spacing.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Adds the error to the list, or gives the value.
fn take<T, E: Display>(
    errors: &mut Vec<LineError>,
    line: usize,
    column: &'static str,
    result: Result<T, E>,
) -> Option<T> {
    result.map_err(|e| errors.push(LineError { line, column, message: e.to_string() })).ok()
}

/// What a line says of a field; none where it says nothing or another line said the same. Two lines
/// that say different things of one field can not both be meant.
fn said<'a, T>(
    errors: &mut Vec<LineError>,
    entry: &mut Entry<T>,
    line: usize,
    column: &'static str,
    text: &'a str,
) -> Option<&'a str> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    match entry.set.get(column) {
        None => {
            entry.set.insert(column, (line, text.to_owned()));
            Some(text)
        }
        Some((_, before)) if before == text => None,
        Some((at, before)) => {
            let message = format!("Line {at} says “{before}” here. Say the same in both, or leave one empty.");
            errors.push(LineError { line, column, message });
            None
        }
    }
}

fn length(text: &str) -> Result<Span, String> {
    match Span::parse(text).map_err(|e| e.to_string())? {
        span if span >= Span::minutes(1) => Ok(span),
        _ => Err("This must be at least one minute.".to_owned()),
    }
}

impl<'a> Draft<'a> {
    fn of(stored: &'a Inventory) -> Self {
        Self {
            stored,
            hosts: Vec::new(),
            data_sets: Vec::new(),
            jobs: Vec::new(),
            host_at: BTreeMap::new(),
            data_set_at: BTreeMap::new(),
            job_at: BTreeMap::new(),
            stored_hosts: stored.hosts.iter().map(|h| (h.name.key(), h)).collect(),
            stored_data_sets: stored.data_sets.iter().map(|d| ((d.host_id, d.name.key()), d)).collect(),
            stored_jobs: stored.jobs.iter().map(|j| ((j.data_set_id, j.name.key()), j)).collect(),
            errors: Vec::new(),
        }
    }

    /// Makes sure that what a line names is in the draft.
    fn declare(&mut self, line: &Line, new_id: &mut dyn FnMut() -> Uuid) -> Named {
        let number = line.number;
        let mut named = Named { host: None, data_set: None, job: None };
        let Some(name) = take(&mut self.errors, number, "host", Name::parse(&line.host)) else { return named };
        let host = self.host(number, name, new_id);
        named.host = Some(host);
        let needs = |cells: &[(&'static str, &String)], what: &str| -> Vec<LineError> {
            let given = cells.iter().filter(|(_, text)| !text.trim().is_empty());
            let error = |(column, _): &(&'static str, &String)| LineError {
                line: number,
                column,
                message: format!("This needs the name of a {what} in the column {}.", what.replace(' ', "_")),
            };
            given.map(error).collect()
        };
        if line.data_set.trim().is_empty() {
            self.errors.extend(needs(&[("kind", &line.kind), ("job", &line.job)], "data set"));
        } else if let Some(name) = take(&mut self.errors, number, "data_set", Name::parse(&line.data_set)) {
            named.data_set = Some(self.data_set(number, host, name, new_id));
        }
        if line.job.trim().is_empty() {
            let cells = [
                ("tool", &line.tool),
                ("carried_by", &line.carried_by),
                ("every", &line.every),
                ("max_duration", &line.max_duration),
            ];
            self.errors.extend(needs(&cells, "job"));
        } else if let Some(data_set) = named.data_set
            && let Some(name) = take(&mut self.errors, number, "job", Name::parse(&line.job))
        {
            named.job = Some(self.job(number, data_set, name, new_id));
        }
        named
    }

    fn host(&mut self, line: usize, name: Name, new_id: &mut dyn FnMut() -> Uuid) -> usize {
        let key = name.key();
        if let Some(place) = self.host_at.get(&key) {
            return *place;
        }
        let before = self.stored_hosts.get(&key).map(|host| (*host).clone());
        let after = before.clone().unwrap_or_else(|| Host {
            id: HostId(new_id()),
            name,
            note: String::new(),
            owner: String::new(),
            runs_on: None,
            exemption: None,
            policy: PolicyOverride::default(),
            retired_at: None,
            version: 1,
        });
        self.hosts.push(Entry::new(line, before, after));
        self.host_at.insert(key, self.hosts.len() - 1);
        self.hosts.len() - 1
    }

    fn data_set(&mut self, line: usize, host: usize, name: Name, new_id: &mut dyn FnMut() -> Uuid) -> usize {
        let host_id = self.hosts[host].step.after.id;
        let key = (host_id, name.key());
        if let Some(place) = self.data_set_at.get(&key) {
            return *place;
        }
        let before = self.stored_data_sets.get(&key).map(|data_set| (*data_set).clone());
        let after = before.clone().unwrap_or_else(|| DataSet {
            id: DataSetId(new_id()),
            host_id,
            name,
            kind: DataKind::Other,
            retired_at: None,
            version: 1,
        });
        self.data_sets.push(Entry::new(line, before, after));
        self.data_set_at.insert(key, self.data_sets.len() - 1);
        self.data_sets.len() - 1
    }

    fn job(&mut self, line: usize, data_set: usize, name: Name, new_id: &mut dyn FnMut() -> Uuid) -> usize {
        let data_set_id = self.data_sets[data_set].step.after.id;
        let key = (data_set_id, name.key());
        if let Some(place) = self.job_at.get(&key) {
            return *place;
        }
        let before = self.stored_jobs.get(&key).map(|job| (*job).clone());
        let after = before.clone().unwrap_or_else(|| Job {
            id: JobId(new_id()),
            data_set_id,
            name,
            tool: String::new(),
            carried_by: None,
            enabled: true,
            every: Span::hours(24),
            max_duration: Span::hours(6),
            ping_version: 1,
            retired_at: None,
            version: 1,
        });
        self.jobs.push(Entry::new(line, before, after));
        self.job_at.insert(key, self.jobs.len() - 1);
        self.jobs.len() - 1
    }

    /// Sets the fields that speak of nothing else.
    fn fill(&mut self, line: &Line, named: &Named) {
        let (errors, number) = (&mut self.errors, line.number);
        if let Some(entry) = named.host.map(|place| &mut self.hosts[place]) {
            if let Some(text) = said(errors, entry, number, "note", &line.note)
                && let Some(note) = take(errors, number, "note", optional_line(text, NOTE))
            {
                entry.step.after.note = note;
            }
            if let Some(text) = said(errors, entry, number, "owner", &line.owner)
                && let Some(owner) = take(errors, number, "owner", optional_line(text, OWNER))
            {
                entry.step.after.owner = owner;
            }
        }
        if let Some(entry) = named.data_set.map(|place| &mut self.data_sets[place])
            && let Some(text) = said(errors, entry, number, "kind", &line.kind)
            && let Some(kind) = take(errors, number, "kind", text.to_lowercase().parse::<DataKind>())
        {
            entry.step.after.kind = kind;
        }
        let Some(entry) = named.job.map(|place| &mut self.jobs[place]) else { return };
        if let Some(text) = said(errors, entry, number, "tool", &line.tool)
            && let Some(tool) = take(errors, number, "tool", optional_line(text, TOOL))
        {
            entry.step.after.tool = tool;
        }
        if let Some(text) = said(errors, entry, number, "every", &line.every)
            && let Some(every) = take(errors, number, "every", length(text))
        {
            entry.step.after.every = every;
        }
        if let Some(text) = said(errors, entry, number, "max_duration", &line.max_duration)
            && let Some(max_duration) = take(errors, number, "max_duration", length(text))
        {
            entry.step.after.max_duration = max_duration;
        }
    }

    /// Sets what runs on what and what carries what, once all of it is known.
    fn connect(&mut self, line: &Line, named: &Named, found: &JobsByName) {
        let number = line.number;
        if let Some(place) = named.host
            && let Some(text) = said(&mut self.errors, &mut self.hosts[place], number, "runs_on", &line.runs_on)
        {
            match self.below(self.hosts[place].step.after.id, text) {
                Ok(on) => self.hosts[place].step.after.runs_on = Some(on),
                Err(message) => self.errors.push(LineError { line: number, column: "runs_on", message }),
            }
        }
        if let (Some(host), Some(place)) = (named.host, named.job)
            && let Some(text) = said(&mut self.errors, &mut self.jobs[place], number, "carried_by", &line.carried_by)
        {
            match self.carrier(self.hosts[host].step.after.id, self.jobs[place].step.after.id, text, found) {
                Ok(carrier) => self.jobs[place].step.after.carried_by = Some(carrier),
                Err(message) => self.errors.push(LineError { line: number, column: "carried_by", message }),
            }
        }
    }

    /// All hosts as the list leaves them.
    fn hosts_after(&self) -> impl Iterator<Item = &Host> {
        let listed = self.hosts.iter().map(|entry| &entry.step.after);
        let others = self.stored.hosts.iter().filter(|host| !self.host_at.contains_key(&host.name.key()));
        listed.chain(others)
    }

    fn data_sets_after(&self) -> impl Iterator<Item = &DataSet> {
        let listed = self.data_sets.iter().map(|entry| &entry.step.after);
        let is_other = |d: &&DataSet| !self.data_set_at.contains_key(&(d.host_id, d.name.key()));
        listed.chain(self.stored.data_sets.iter().filter(is_other))
    }

    fn jobs_after(&self) -> impl Iterator<Item = &Job> {
        let listed = self.jobs.iter().map(|entry| &entry.step.after);
        let is_other = |j: &&Job| !self.job_at.contains_key(&(j.data_set_id, j.name.key()));
        listed.chain(self.stored.jobs.iter().filter(is_other))
    }

    /// The host of this name, if `host` may run on it.
    fn below(&self, host: HostId, text: &str) -> Result<HostId, String> {
        let key = Name::parse(text).map_err(|e| e.to_string())?.key();
        let on = match (self.host_at.get(&key), self.stored_hosts.get(&key)) {
            (Some(place), _) => self.hosts[*place].step.after.id,
            (None, Some(stored)) => stored.id,
            (None, None) => return Err(format!("There is no host “{text}”, neither here nor in this list.")),
        };
        if on == host {
            return Err("A host can not run on itself.".to_owned());
        }
        let nodes: Vec<HostNode> = self.hosts_after().map(|h| HostNode { id: h.id, runs_on: h.runs_on }).collect();
        if would_cycle(host, on, &nodes) {
            return Err(format!("{text} runs on this host already, directly or through others."));
        }
        Ok(on)
    }

    /// What the texts of `carried_by` may mean.
    fn jobs_by_name(&self) -> JobsByName {
        let hosts: BTreeMap<HostId, &Host> = self.hosts_after().map(|h| (h.id, h)).collect();
        let data_sets: BTreeMap<DataSetId, &DataSet> = self.data_sets_after().map(|d| (d.id, d)).collect();
        let mut found = JobsByName::default();
        for job in self.jobs_after() {
            let Some(data_set) = data_sets.get(&job.data_set_id) else { continue };
            let Some(host) = hosts.get(&data_set.host_id) else { continue };
            let placed = (job.id, data_set.kind);
            found.on_host.entry((host.id, job.name.key())).or_default().push(placed);
            for place in [
                format!("{} · {}: {}", host.name, data_set.name, job.name),
                format!("{}/{}/{}", host.name, data_set.name, job.name),
            ] {
                found.anywhere.entry(squeezed(&place)).or_default().push(placed);
            }
        }
        found
    }

    /// The job that a text names, if it may carry `carried`.
    fn carrier(&self, host: HostId, carried: JobId, text: &str, found: &JobsByName) -> Result<JobId, String> {
        let wanted = squeezed(text);
        let of = |jobs: Option<&Vec<(JobId, DataKind)>>| jobs.cloned().unwrap_or_default();
        let mut meant = of(found.on_host.get(&(host, wanted.clone())));
        // Many tools call all their jobs the same: the dump's own name means the files job beside it.
        meant.retain(|(job, _)| *job != carried);
        meant.extend(of(found.anywhere.get(&wanted)));
        let (id, kind) = match meant.as_slice() {
            [] => {
                return Err(format!(
                    "There is no job “{text}” on this host. Name one of another host as host/data set/job."
                ));
            }
            [one] => *one,
            _ => return Err(format!("There are {} jobs “{text}”. Name one as host/data set/job.", meant.len())),
        };
        let carries_others = self.jobs_after().any(|other| other.carried_by == Some(carried));
        if let Some(job) = self.jobs_after().find(|job| job.id == id) {
            job.may_carry(carried, kind, carries_others).map_err(|e| e.to_string())?;
        }
        Ok(id)
    }

    /// What stays true only if no line took it away: a job that carries others lies on files.
    fn check_kinds(&mut self) {
        let mut wrong = Vec::new();
        for entry in self.data_sets.iter().filter(|entry| entry.step.after.kind != DataKind::Files) {
            let data_set = &entry.step.after;
            let of_it: Vec<JobId> =
                self.jobs_after().filter(|job| job.data_set_id == data_set.id).map(|job| job.id).collect();
            let carries = self.jobs_after().any(|job| job.carried_by.is_some_and(|carrier| of_it.contains(&carrier)));
            if carries && entry.step.before.as_ref().is_some_and(|before| before.kind == DataKind::Files) {
                let line = entry.set.get("kind").map_or(entry.step.line, |(line, _)| *line);
                let message =
                    format!("{} must stay files: one of its jobs carries the output of others.", data_set.name);
                wrong.push(LineError { line, column: "kind", message });
            }
        }
        self.errors.extend(wrong);
    }

    fn finish(mut self) -> Plan {
        self.check_kinds();
        let mut hosts: Vec<Step<Host>> = self.hosts.into_iter().map(|entry| entry.step).collect();
        let below: BTreeMap<HostId, Option<HostId>> =
            hosts.iter().map(|step| (step.after.id, step.after.runs_on)).collect();
        let depth = |id: HostId| {
            let mut at = Some(id);
            // A circle that is refused anyway must not keep us here.
            (0..=below.len())
                .take_while(|_| {
                    at = at.and_then(|id| below.get(&id).copied().flatten());
                    at.is_some()
                })
                .count()
        };
        hosts.sort_by_cached_key(|step| depth(step.after.id));
        let mut jobs: Vec<Step<Job>> = self.jobs.into_iter().map(|entry| entry.step).collect();
        jobs.sort_by_key(|step| step.after.carried_by.is_some());
        let mut errors = self.errors;
        errors.sort_by_key(|error| error.line);
        Plan { hosts, data_sets: self.data_sets.into_iter().map(|entry| entry.step).collect(), jobs, errors }
    }
}

impl<T: PartialEq> Step<T> {
    /// The list says what is stored already.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.before.as_ref() == Some(&self.after)
    }
}

impl Plan {
    /// How many hosts, data sets and jobs of the list stay as they are.
    #[must_use]
    pub fn left_alone(&self) -> usize {
        self.hosts.iter().filter(|step| step.is_idle()).count()
            + self.data_sets.iter().filter(|step| step.is_idle()).count()
            + self.jobs.iter().filter(|step| step.is_idle()).count()
    }

    /// The changes for people, in the order of the list; `stored` is what the plan was made for.
    #[must_use]
    pub fn changes(&self, stored: &Inventory) -> Vec<Change> {
        let names = Names::of(self, stored);
        let mut changes = Vec::new();
        for step in self.hosts.iter().filter(|step| !step.is_idle()) {
            let fields = |host: &Host| {
                vec![
                    ("runs_on", host.runs_on.map(|on| names.host(on)).unwrap_or_default()),
                    ("note", host.note.clone()),
                    ("owner", host.owner.clone()),
                ]
            };
            changes.push(change("host", names.host(step.after.id), step, fields));
        }
        for step in self.data_sets.iter().filter(|step| !step.is_idle()) {
            let fields = |data_set: &DataSet| vec![("kind", data_set.kind.as_str().to_owned())];
            changes.push(change("data set", names.data_set(step.after.id), step, fields));
        }
        for step in self.jobs.iter().filter(|step| !step.is_idle()) {
            let fields = |job: &Job| {
                vec![
                    ("tool", job.tool.clone()),
                    ("carried_by", job.carried_by.map(|carrier| names.job(carrier)).unwrap_or_default()),
                    ("every", job.every.to_string()),
                    ("max_duration", job.max_duration.to_string()),
                ]
            };
            changes.push(change("job", names.job(step.after.id), step, fields));
        }
        changes.sort_by_key(|change| change.line);
        changes
    }
}

fn change<T>(
    what: &'static str,
    place: String,
    step: &Step<T>,
    fields: impl Fn(&T) -> Vec<(&'static str, String)>,
) -> Change {
    let before: BTreeMap<&str, String> = step.before.as_ref().map(&fields).unwrap_or_default().into_iter().collect();
    let is_new = step.before.is_none();
    let fields = fields(&step.after)
        .into_iter()
        .filter(|(column, after)| if is_new { !after.is_empty() } else { before.get(column) != Some(after) })
        .map(|(column, after)| FieldChange { column, before: before.get(column).cloned(), after })
        .collect();
    Change { line: step.line, what, place, is_new, fields }
}

/// What everything is called.
struct Names<'a> {
    hosts: BTreeMap<HostId, &'a Host>,
    data_sets: BTreeMap<DataSetId, &'a DataSet>,
    jobs: BTreeMap<JobId, &'a Job>,
}

impl<'a> Names<'a> {
    fn of(plan: &'a Plan, stored: &'a Inventory) -> Self {
        Self {
            hosts: stored.hosts.iter().chain(plan.hosts.iter().map(|s| &s.after)).map(|h| (h.id, h)).collect(),
            data_sets: stored
                .data_sets
                .iter()
                .chain(plan.data_sets.iter().map(|s| &s.after))
                .map(|d| (d.id, d))
                .collect(),
            jobs: stored.jobs.iter().chain(plan.jobs.iter().map(|s| &s.after)).map(|j| (j.id, j)).collect(),
        }
    }

    fn host(&self, id: HostId) -> String {
        self.hosts.get(&id).map(|host| host.name.to_string()).unwrap_or_default()
    }

    fn data_set(&self, id: DataSetId) -> String {
        self.data_sets.get(&id).map(|d| format!("{} · {}", self.host(d.host_id), d.name)).unwrap_or_default()
    }

    fn job(&self, id: JobId) -> String {
        self.jobs.get(&id).map(|j| format!("{}: {}", self.data_set(j.data_set_id), j.name)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
