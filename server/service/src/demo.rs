//! The demo week: the story of PRODUCT §1, told with the real use cases and a clock set back, so
//! that everything in it (verdicts, timelines, audit) is what the product itself would have made.
//!
//! On the screen of the draft for `vm3` all three kinds of reason stand together: the image is too
//! old, the dump of `web-12` ran after its carrier, and nothing ever protected `legacy-shop`.

mod after;
mod alerts;
mod conflicts;
mod figures;
mod incidents;
mod past;
mod rehearsals;
mod webhooks;

use crate::actor::Actor;
use crate::inventory::{ComponentInput, DataSetInput, GroupInput, HostInput, JobInput};
use crate::keys::Purpose;
use crate::maintenance::{MaintenanceInput, Planning, SeriesInput, Target};
use crate::people::{NewPerson, Person};
use crate::runs::ReportInput;
use crate::subscribers::Subscribe;
use crate::{Clock, Error, Services, Setup};
use chrono::{Days, NaiveDateTime, NaiveTime};
use domain::ids::{DataSetId, JobId, MaintenanceId};
use domain::time::{Instant, LocalTime, Span, civil};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Where the demo takes place.
const ZONE: &str = "Europe/Dublin";

/// Nights of backups there are.
const NIGHTS: i64 = 14;

/// Someone who can sign in to the demo.
#[derive(Clone, Copy, Debug)]
pub struct DemoPerson {
    /// Shown to colleagues.
    pub name: &'static str,
    /// Sign-in name.
    pub email: &'static str,
    /// Known to everybody: never use the demo for real data.
    pub password: &'static str,
    /// Name of the role.
    pub role: &'static str,
}

/// Who can sign in, for the line that `make run` prints.
pub const PEOPLE: [DemoPerson; 4] = [
    DemoPerson { name: "Ada Byrne", email: "ada@northwind.example", password: "demo-admin-ada", role: "admin" },
    DemoPerson {
        name: "Oisín Kelly",
        email: "oisin@northwind.example",
        password: "demo-operator-oisin",
        role: "operator",
    },
    DemoPerson {
        name: "Grace Nolan",
        email: "grace@northwind.example",
        password: "demo-approver-grace",
        role: "approver",
    },
    DemoPerson { name: "Vera Walsh", email: "vera@northwind.example", password: "demo-viewer-vera", role: "viewer" },
];

/// A backup job and when it runs.
struct Plan {
    job: JobId,
    /// Newest start, before the first start of the demo.
    ago: Span,
    /// How long a run takes.
    takes: Span,
    /// How much later it starts each night.
    drifts: Span,
    bytes: i64,
    files: Option<i64>,
    tool: &'static str,
}

/// Name, description, and the hosts behind it.
type DemoComponent = (&'static str, &'static str, &'static [&'static str]);

struct Made {
    hosts: BTreeMap<&'static str, String>,
    components: BTreeMap<&'static str, String>,
    plans: Vec<Plan>,
}

impl Services {
    /// Whether the installation is empty: the demo is only ever loaded into nothing.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        let mut tx = self.db.read().await?;
        Ok(tx.hosts(true).await?.is_empty() && tx.components(true).await?.is_empty())
    }

    /// Fills an empty installation with the demo week, ending now.
    ///
    /// # Errors
    /// It is not empty, or the database does not answer.
    pub async fn load_demo(&self) -> Result<(), Error> {
        if !self.is_empty().await? {
            return Err(Error::refused("not_empty", "The demo is only loaded into an empty installation."));
        }
        let now = self.now();
        let system = Actor::system();
        let past = self.at(Span::days(NIGHTS + 1).before(now));
        for person in PEOPLE {
            let new = NewPerson {
                person: Person {
                    email: person.email.to_owned(),
                    name: person.name.to_owned(),
                    role: person.role.to_owned(),
                },
                password: person.password.into(),
            };
            past.add_person(&system, &new).await?;
        }
        past.add_example_templates(&system).await?;
        let made = past.build(&system).await?;
        self.past(&system, now, &made).await?;
        self.conflict_rules(&system, now, &made).await?;
        self.bad_day(now, &made).await?;
        // Their mailboxes do not exist: where mail leaves, theirs would come back.
        if !self.mail_configured {
            past.readers(now, &made).await?;
        }
        let listeners = past.listeners(&system, &made).await?;
        self.windows(&system, now, &made).await?;
        self.monitoring(&system, now).await?;
        self.rehearsals(&system, now).await?;
        self.figures_of_demo(&system, now).await?;
        self.news(now, &made).await?;
        self.listened(now, listeners).await
    }

    /// The same services at another time.
    fn at(&self, at: Instant) -> Self {
        Self::new(Setup {
            db: self.db.clone(),
            clock: Clock::fixed(at),
            keys: self.keys.clone(),
            zones: self.zones.clone(),
            public_url: self.public_url.clone(),
            mail_configured: self.mail_configured,
        })
    }

    /// Customers who follow some of it; one has not confirmed yet, one has left.
    async fn readers(&self, now: Instant, made: &Made) -> Result<(), Error> {
        let readers: [(&str, &str, &[&str]); 5] = [
            ("mara@bakery.example", ZONE, &["Cluster 11", "Cluster 12"]),
            ("it@harbour-school.example", ZONE, &[]),
            ("ops@fjord.example", "Europe/Oslo", &["Cluster 14"]),
            ("ken@kumo.example", "Asia/Tokyo", &["Shell nodes"]),
            ("office@weir.example", ZONE, &[]),
        ];
        let mut last = None;
        for (email, zone, follows) in readers {
            let components = follows.iter().filter_map(|name| made.components.get(name).cloned()).collect();
            let ask = Subscribe { email: email.to_owned(), zone: zone.to_owned(), components, ..Subscribe::default() };
            self.subscribe(None, ask).await?;
            let Some(asked) = self.db.read().await?.subscriber_by_email(email).await? else { continue };
            let link = self.keys.link(Purpose::Confirm, asked.id.0, asked.token_version);
            last = Some(self.confirm(None, &link).await?);
        }
        if let Some(last) = last {
            self.unsubscribe(None, &last.manage_link).await?;
        }
        let ask = Subscribe { email: "lea@atelier.example".to_owned(), ..Subscribe::default() };
        self.at(Span::hours(3).before(now)).subscribe(None, ask).await
    }

    async fn build(&self, system: &Actor) -> Result<Made, Error> {
        let mut made = Made { hosts: BTreeMap::new(), components: BTreeMap::new(), plans: Vec::new() };
        let hosts: [(&str, &str, &str); 13] = [
            ("vm3", "VM host, rack 4. Two disks, RAID-1.", ""),
            ("web-12", "Web server of Cluster 12", "vm3"),
            ("web-13", "Web server of Cluster 12", "vm3"),
            ("mail-3", "Mailboxes N to Z", "vm3"),
            ("legacy-shop", "Built by hand for one customer in 2009", "vm3"),
            ("vm4", "VM host, rack 4", ""),
            ("shell-1", "Shell access", "vm4"),
            ("shell-2", "Shell access", "vm4"),
            ("web-11", "Web server of Cluster 11", "vm4"),
            ("db-1", "Databases of Cluster 14", ""),
            ("web-14", "Web server of Cluster 14", ""),
            ("mail-2", "Mailboxes A to M", ""),
            ("ns-1", "Name server", ""),
        ];
        for (name, note, runs_on) in hosts {
            let runs_on = made.hosts.get(runs_on).cloned().unwrap_or_default();
            let input =
                HostInput { name: name.to_owned(), note: note.to_owned(), owner: owner_of(name).to_owned(), runs_on };
            made.hosts.insert(name, self.add_host(system, input).await?.id.to_string());
        }
        let ns = self.host_id(&made, "ns-1")?;
        let reason = "Holds no data of its own: zones and configuration come from the repository.";
        self.exempt_host(system, ns, 1, reason).await?;
        let h = Span::hours;
        // Host, files job: newest start before now, minutes it takes, GiB; database dump: the same.
        let files: [(&str, i64, i64, i64); 10] = [
            ("web-12", 20, 95, 412),
            ("web-13", 20, 80, 305),
            ("mail-3", 19, 140, 890),
            ("shell-1", 2, 35, 120),
            ("shell-2", 2, 31, 96),
            ("web-11", 3, 75, 280),
            ("db-1", 3, 20, 44),
            ("web-14", 3, 66, 250),
            ("mail-2", 3, 120, 760),
            ("legacy-shop", 0, 0, 0),
        ];
        for (host, ago, minutes, gib) in files {
            let set = self.set(system, &made, host, "files", "files").await?;
            if ago > 0 {
                let job = self.job_for(system, set, "nightly files", "borgmatic", None).await?;
                made.plans.push(Plan {
                    job,
                    ago: h(ago),
                    takes: Span::minutes(minutes),
                    drifts: Span::default(),
                    bytes: gib << 30,
                    files: Some(gib * 2_917),
                    tool: "borgmatic",
                });
                let databases = match host {
                    // The dump of web-12 was moved to after the files run that should carry it.
                    "web-12" => Some(Span::minutes(20 * 60 - 280)),
                    "web-13" | "mail-3" | "web-11" | "db-1" | "web-14" => Some(Span::minutes(ago * 60 + 50)),
                    _ => None,
                };
                if let Some(ago) = databases {
                    let set = self.set(system, &made, host, "database", "database").await?;
                    let job = self.job_for(system, set, "nightly dump", "pg_dump", Some(job)).await?;
                    made.plans.push(Plan {
                        job,
                        ago,
                        takes: Span::minutes(35),
                        // The database of web-14 grows: its dump will soon end too late.
                        drifts: Span::minutes(if host == "web-14" { 4 } else { 0 }),
                        bytes: gib << 27,
                        files: None,
                        tool: "pg_dump",
                    });
                }
            }
        }
        for (host, ago) in [("vm3", 47), ("vm4", 5)] {
            let set = self.set(system, &made, host, "guest images", "image").await?;
            let job = self.job_for(system, set, "images", "vzdump", None).await?;
            made.plans.push(Plan {
                job,
                ago: h(ago),
                takes: Span::minutes(170),
                drifts: Span::default(),
                bytes: 1_600 << 30,
                files: None,
                tool: "vzdump",
            });
        }
        self.customers(system, &mut made).await?;
        Ok(made)
    }

    async fn customers(&self, system: &Actor, made: &mut Made) -> Result<(), Error> {
        let groups: [(&str, &[DemoComponent]); 3] = [
            (
                "Web clusters",
                &[
                    ("Cluster 11", "Sites with names A to H", &["web-11"]),
                    ("Cluster 12", "Sites with names I to P", &["web-12", "web-13"]),
                    ("Cluster 14", "Sites with names Q to Z", &["web-14", "db-1"]),
                ],
            ),
            (
                "Access",
                &[
                    ("Shell nodes", "SSH, SFTP and Git", &["shell-1", "shell-2"]),
                    ("Dashboard", "Where customers manage their sites", &["web-14"]),
                    ("DNS", "Name servers", &["ns-1"]),
                ],
            ),
            (
                "E-mail",
                &[
                    ("Mailboxes A–M", "IMAP and webmail", &["mail-2"]),
                    ("Mailboxes N–Z", "IMAP and webmail", &["mail-3"]),
                ],
            ),
        ];
        // Customers have known them for longer than the bars reach back.
        let long_ago = self.at(Span::days(400).before(self.now()));
        for (name, components) in groups {
            let group = self.add_group(system, GroupInput { name: name.to_owned() }).await?;
            for (name, description, hosts) in components {
                let input = ComponentInput {
                    name: (*name).to_owned(),
                    slug: String::new(),
                    description: (*description).to_owned(),
                    group_id: group.id.to_string(),
                    hosts: hosts.iter().filter_map(|host| made.hosts.get(host).cloned()).collect(),
                    is_private: false,
                };
                let added = long_ago.add_component(system, input).await?;
                made.components.insert(name, added.component.id.to_string());
            }
        }
        Ok(())
    }

    fn host_id(&self, made: &Made, name: &str) -> Result<domain::ids::HostId, Error> {
        made.hosts.get(name).and_then(|id| id.parse().ok()).ok_or(Error::NotFound("host"))
    }

    async fn set(&self, system: &Actor, made: &Made, host: &str, name: &str, kind: &str) -> Result<DataSetId, Error> {
        let input = DataSetInput { name: name.to_owned(), kind: kind.to_owned() };
        Ok(self.add_data_set(system, self.host_id(made, host)?, input).await?.id)
    }

    async fn job_for(
        &self,
        system: &Actor,
        set: DataSetId,
        name: &str,
        tool: &str,
        carrier: Option<JobId>,
    ) -> Result<JobId, Error> {
        let input = JobInput {
            name: name.to_owned(),
            tool: tool.to_owned(),
            carried_by: carrier.map(|id| id.to_string()).unwrap_or_default(),
            every: "24 h".to_owned(),
            max_duration: "6 h".to_owned(),
        };
        Ok(self.add_job(system, set, input).await?.id)
    }

    /// The nightly runs that ended after `from` and not after `to`; one of them failed.
    async fn nights(&self, system: &Actor, now: Instant, made: &Made, from: Instant, to: Instant) -> Result<(), Error> {
        for night in (0..NIGHTS).rev() {
            for (n, plan) in made.plans.iter().enumerate() {
                let n = i64::try_from(n).unwrap_or_default();
                let wobble = Span::seconds((night * 7 + n * 13) % 11 * 37);
                let drifted = Span::seconds(plan.drifts.as_seconds() * night);
                let started = drifted.before(Span::days(night).before(plan.ago.before(now)));
                let finished = wobble.after(plan.takes.after(started));
                if finished <= from || finished > to {
                    continue;
                }
                let failed = night == 5 && n == 2;
                let grown = plan.bytes - plan.bytes / 400 * night;
                let mut report: Map<String, Value> = Map::new();
                for (field, value) in [
                    ("job", json!(plan.job.to_string())),
                    ("tool", json!(plan.tool)),
                    ("run_id", json!(format!("{}-{}", plan.tool, started.format("%Y%m%dT%H%M%S")))),
                    ("started_at", json!(started.to_rfc3339())),
                    ("finished_at", json!(finished.to_rfc3339())),
                    ("status", json!(if failed { "failed" } else { "ok" })),
                    ("bytes", json!(if failed { 0 } else { grown })),
                ] {
                    report.insert(field.to_owned(), value);
                }
                if let Some(files) = plan.files {
                    report.insert("files".to_owned(), json!(files));
                }
                if failed {
                    report.insert("raw".to_owned(), json!("Repository is locked by another process.\n"));
                }
                self.at(Span::seconds(1).after(finished)).report(system, None, &ReportInput(report)).await?;
            }
        }
        Ok(())
    }

    async fn windows(&self, system: &Actor, now: Instant, made: &Made) -> Result<(), Error> {
        let host = |name: &str| made.hosts.get(name).cloned();
        let component = |name: &str| made.components.get(name).cloned();

        // Last week: done as planned. Each window is planned when only the runs before it are known.
        let began = quarter(Span::minutes(6 * 24 * 60 + 20).before(now));
        let mut known = Span::days(NIGHTS + 2).before(now);
        let asked = Span::hours(15).before(began);
        self.nights(system, now, made, known, asked).await?;
        let past = self.at(asked);
        let updates = self.planned(
            "Kernel updates on the web servers of Cluster 11",
            "We are updating the operating system. Each server restarts once; sites on Cluster 11 are away for about \
             three minutes.",
            (vec![], component("Cluster 11").into_iter().collect()),
            (began, Span::minutes(45)),
        );
        if let Planning::Scheduled(m) = past.schedule_maintenance(system, Target::New, &updates).await? {
            self.nights(system, now, made, asked, began).await?;
            self.live_through(m.id, began, Span::minutes(45).after(began)).await?;
            self.incident_after(made, began, m.id).await?;
        }
        known = known.max(began);

        // Called off before it began.
        let asked = Span::minutes(3 * 24 * 60 + 20).before(now);
        let moved = quarter(Span::hours(30).after(asked));
        self.nights(system, now, made, known, asked).await?;
        let plan = self.planned(
            "Move the backup network to new switches",
            "No interruption is expected.",
            (host("mail-2").into_iter().collect(), vec![]),
            (moved, Span::hours(2)),
        );
        let past = self.at(asked);
        if let Planning::Scheduled(m) = past.schedule_maintenance(system, Target::New, &plan).await? {
            let reason = "The new switches arrive a week later than promised. We will announce a new date.";
            self.at(Span::hours(10).after(asked)).cancel_maintenance(system, m.id, None, reason).await?;
        }

        // Under way now.
        let began = quarter(Span::minutes(50).before(now));
        let planned = Span::minutes(20).before(began);
        self.nights(system, now, made, asked, planned).await?;
        let plan = self.planned(
            "New disks for the databases of Cluster 14",
            "We are replacing the disks of the database server one by one. Sites on Cluster 14 stay up and may be \
             **slower** until the work is done.",
            (host("db-1").into_iter().collect(), component("Cluster 14").into_iter().collect()),
            (began, Span::minutes(150)),
        );
        let checks = ["The array is rebuilt", "The databases answer", "The night's dump is scheduled again"];
        let plan = MaintenanceInput { checklist: Some(checks.map(ToOwned::to_owned).to_vec()), ..plan };
        let past = self.at(planned);
        self.nights(system, now, made, planned, began).await?;
        if let Planning::Scheduled(m) = past.schedule_maintenance(system, Target::New, &plan).await? {
            self.live_through(m.id, began, began).await?;
            let text = "The first disk is in and the array is rebuilding. Expect slower responses for about an hour.";
            self.at(Span::minutes(22).after(began)).post_update(system, m.id, None, text).await?;
        }

        self.nights(system, now, made, began, now).await?;

        // Planned and confirmed.
        let start = self.evening(now, 2, 6);
        let plan = self.planned(
            "Move the shell nodes to the new rack",
            "Both shell nodes move to the new rack, one after the other. Open sessions end; \
             your files are not touched. We expect to be done by **{{end}}**.",
            (vec![], component("Shell nodes").into_iter().collect()),
            (start, Span::hours(3)),
        );
        self.schedule_maintenance(system, Target::New, &plan).await?;
        self.repeating(system, now, made).await?;

        // The disk of vm3: a draft that the gate refuses, with all three kinds of reason.
        let start = self.evening(now, 1, 20);
        let plan = self.planned(
            "Replace a failed disk in vm3",
            "We are replacing a failed disk in one of our virtual machine hosts. Sites on Cluster 12 will be offline \
             for about ten minutes and slower while the array rebuilds.",
            (host("vm3").into_iter().collect(), component("Cluster 12").into_iter().collect()),
            (start, Span::hours(2)),
        );
        self.draft_maintenance(system, &plan).await?;
        Ok(())
    }

    /// Work that comes every week.
    async fn repeating(&self, system: &Actor, now: Instant, made: &Made) -> Result<(), Error> {
        let today = civil(self.zones.as_ref(), ZONE, now).local.date();
        let input = SeriesInput {
            title: Some("Security updates on the web servers of Cluster 11".to_owned()),
            message: Some("Each server restarts once; sites on Cluster 11 are away for about a minute.".to_owned()),
            hosts: Some(vec![]),
            components: Some(made.components.get("Cluster 11").cloned().into_iter().collect()),
            zone: Some(ZONE.to_owned()),
            start: Some(format!("{today}T03:30")),
            length: Some("45 min".to_owned()),
            rule: Some("FREQ=WEEKLY;BYDAY=TU".to_owned()),
            auto_complete: Some(true),
            ..SeriesInput::default()
        };
        self.add_series(system, None, &input).await?;
        Ok(())
    }

    fn planned(
        &self,
        title: &str,
        message: &str,
        (hosts, components): (Vec<String>, Vec<String>),
        (start, length): (Instant, Span),
    ) -> MaintenanceInput {
        let local = |at: Instant| civil(self.zones.as_ref(), ZONE, at).local.format("%Y-%m-%dT%H:%M:%S").to_string();
        MaintenanceInput {
            title: Some(title.to_owned()),
            message: Some(message.to_owned()),
            hosts: Some(hosts),
            components: Some(components),
            zone: Some(ZONE.to_owned()),
            start: Some(local(start)),
            // Folds are asked back; the demo takes the earlier of two.
            start_fold: self.fold(start),
            end: Some(local(length.after(start))),
            end_fold: self.fold(length.after(start)),
            may_wait: Some("6 h".to_owned()),
            auto_start: Some(true),
            auto_complete: Some(true),
            ..MaintenanceInput::default()
        }
    }

    fn fold(&self, at: Instant) -> Option<String> {
        let local: NaiveDateTime = civil(self.zones.as_ref(), ZONE, at).local;
        match self.zones.resolve(ZONE, local) {
            Ok(LocalTime::Fold { earlier, .. }) => Some(if earlier == at { "earlier" } else { "later" }.to_owned()),
            _ => None,
        }
    }

    /// A full hour some days after now.
    fn evening(&self, now: Instant, days: u64, hour: u32) -> Instant {
        let today = civil(self.zones.as_ref(), ZONE, now).local.date();
        let day = today.checked_add_days(Days::new(days)).unwrap_or(today);
        let local = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default());
        match self.zones.resolve(ZONE, local) {
            Ok(LocalTime::One(at) | LocalTime::Fold { earlier: at, .. }) => at,
            _ => local.and_utc(),
        }
    }

    /// Lets the worker do what was due up to an instant, at the times it would have.
    async fn live_through(&self, id: MaintenanceId, began: Instant, ended: Instant) -> Result<(), Error> {
        let mut at = began;
        for _ in 0..8 {
            self.at(at).run_due().await?;
            let m = self.db.read().await?.maintenance(id).await?;
            match m.next_due_at {
                Some(next) if next <= ended => at = next.max(at),
                _ => break,
            }
        }
        Ok(())
    }
}

/// The team that looks after a host. Whoever built `legacy-shop` has left.
fn owner_of(host: &str) -> &'static str {
    match host.split('-').next() {
        Some("legacy") => "",
        Some("web" | "shell") => "Web team",
        Some("mail") => "Mail team",
        _ => "Platform team",
    }
}

/// The full quarter of an hour before an instant.
fn quarter(at: Instant) -> Instant {
    let s = at.timestamp();
    Instant::from_timestamp(s - s.rem_euclid(900), 0).unwrap_or(at)
}
