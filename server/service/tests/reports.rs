//! Monthly reports on a real SQLite file and PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{DateTime, Utc};
use domain::component::ComponentState;
use domain::ids::{ComponentId, HostId, JobId, RunId};
use domain::incident::IncidentState;
use domain::maintenance::State;
use domain::people::Scope;
use domain::report::{Change, percent_text};
use domain::run::{Run, RunState};
use domain::text::{Name, Prose};
use domain::time::Span;
use secrecy::ExposeSecret;
use service::deliveries::DeliveriesQuery;
use service::incidents::{IncidentPost, NewIncident};
use service::inventory::{ComponentInput, DataSetInput, HostInput, JobInput};
use service::keys::{Keys, Purpose};
use service::maintenance::{MaintenanceInput, Planning, Target};
use service::people::tokens::NewToken;
use service::reports::{CorrectionInput, FigureInput};
use service::subscribers::Subscribe;
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup, Stale};
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::Db;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

fn utc(text: &str) -> DateTime<Utc> {
    format!("2014-{}:00Z", text.replace(' ', "T")).parse().unwrap()
}

fn services_on(db: &Db, now: &str) -> Services {
    Services::new(Setup {
        db: db.clone(),
        clock: Clock::fixed(utc(now)),
        keys: Keys::new(vec![7; 32].into(), vec![]),
        zones: Arc::new(SystemZones::newest()),
        public_url: "https://status.example.org".to_owned(),
        mail_configured: false,
    })
}

struct World {
    db: TestDb,
    services: Services,
    system: Actor,
}

impl World {
    async fn begin(engine: Engine, now: &str) -> Self {
        let db = TestDb::start(engine).await;
        let services = services_on(&db.db, now);
        services.found(Name::parse("Northwind Hosting").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        Self { services, system: Actor::system(), db }
    }

    fn at(&self, time: &str) {
        self.services.clock.set(utc(time));
    }

    async fn component(&self, name: &str, hosts: Vec<String>, is_private: bool) -> ComponentId {
        let input = ComponentInput { name: name.to_owned(), hosts, is_private, ..ComponentInput::default() };
        self.services.add_component(&self.system, input).await.unwrap().component.id
    }

    /// vm3 with an image that is to be saved every night.
    async fn vm3(&self) -> (HostId, JobId) {
        let host = HostInput { name: "vm3".to_owned(), ..HostInput::default() };
        let host = self.services.add_host(&self.system, host).await.unwrap().id;
        let set = DataSetInput { name: "image".to_owned(), kind: "image".to_owned() };
        let set = self.services.add_data_set(&self.system, host, set).await.unwrap().id;
        let job = JobInput {
            name: "nightly".to_owned(),
            every: "24 h".to_owned(),
            max_duration: "6 h".to_owned(),
            ..JobInput::default()
        };
        (host, self.services.add_job(&self.system, set, job).await.unwrap().id)
    }

    async fn ran(&self, job: JobId, from: DateTime<Utc>) {
        let finished = Span::minutes(50).after(from);
        let run = Run {
            id: RunId(Uuid::now_v7()),
            job_id: job,
            key: from.to_rfc3339(),
            state: RunState::Succeeded,
            started_at: from,
            start_assumed: false,
            finished_at: Some(finished),
            dry_run: false,
            partial: false,
            clock_fault: false,
            received_at: finished,
            bytes: None,
            files: None,
            snapshot: None,
            exit_code: None,
        };
        let mut tx = self.db.db.write().await.unwrap();
        tx.insert_run(&run, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn figure(&self, name: &str, better: &str, is_public: bool) {
        let input = FigureInput {
            name: name.to_owned(),
            better: better.to_owned(),
            aggregate: "sum".to_owned(),
            is_public,
            ..FigureInput::default()
        };
        self.services.add_report_figure(&self.system, &input).await.unwrap();
    }

    async fn tell(&self, month: &str, slug: &str, value: f64) -> Result<f64, Error> {
        Ok(self.services.tell_figure(&self.system, month, slug, value).await?.value)
    }

    /// Somebody who follows everything, and hears of these topics.
    async fn follows(&self, email: &str, topics: &[&str]) {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let ask = Subscribe { email: email.to_owned(), topics, ..Subscribe::default() };
        self.services.subscribe(None, ask).await.unwrap();
        let asked = self.services.db.read().await.unwrap().subscriber_by_email(email).await.unwrap().unwrap();
        let link = self.services.keys.link(Purpose::Confirm, asked.id.0, asked.token_version);
        self.services.confirm(None, &link).await.unwrap();
    }

    async fn token(&self, scope: Scope) -> Actor {
        let new =
            NewToken { name: "counter".to_owned(), scopes: vec![scope.as_str().to_owned()], valid_for: String::new() };
        let made = self.services.add_token(&self.system, &new).await.unwrap();
        self.services.actor_for_token(made.text.expose_secret(), None).await.unwrap()
    }

    async fn verbs(&self, of: &str) -> Vec<String> {
        let log = self.services.audit_log(&self.system, &service::audit::AuditFilter::default()).await.unwrap();
        log.entries.into_iter().map(|entry| entry.action).filter(|verb| verb.starts_with(of)).collect()
    }
}

/// The week of the story. By hand:
///
/// - May 2014 in Dublin, an hour ahead of UTC, lasts from 30 April 23:00 UTC to 31 May 23:00 UTC: 31 days of 24 h,
///   744 h, 2,678,400 s.
/// - Cluster 12 was away from Thu 15 May 18:55 to Fri 16 May 11:30 UTC: 5 h 5 min up to midnight and 11 h 30 min
///   after it, 16 h 35 min, 59,700 s. 59,700 / 2,678,400 = 2.2289 %, so it worked 97.7710 % of the month, which is
///   told as 97.77 %. Planned work went on meanwhile, but what breaks during planned work costs in both figures.
/// - Cluster 11 worked all month. Both together: 59,700 / (2 × 2,678,400) = 1.1144 %, so 98.8855 %, told as 98.88 %.
/// - The first word came at 19:07, 12 min after it had begun.
/// - One window was planned (19:00), begun at 18:55 and completed at 20:15: 80 min.
/// - The image was to be saved once a day: 31 runs in 31 days. It was saved each night of Dublin at 03:10 UTC but for
///   the two nights in which the machine was gone, which is 29 times, and once more before the work, on the 15th at
///   17:30: 14 h 20 min after the run of that night, so more than half a day: 30 of 31.
/// - On-call alerts went from 900 to 1,332: 432 more, 432 / 900 = 48.0 %.
async fn the_report_of_may_2014_says_what_a_hand_calculation_gives(engine: Engine) {
    let w = World::begin(engine, "04-20 12:00").await;
    let (vm3, job) = w.vm3().await;
    let cluster_12 = w.component("Cluster 12", vec![vm3.to_string()], false).await;
    w.component("Cluster 11", vec![], false).await;
    w.component("Billing", vec![], true).await;
    w.figure("On-call alerts", "down", true).await;
    w.figure("Cost of nights", "down", false).await;
    let nights = async |days: std::ops::RangeInclusive<u32>| {
        for day in days {
            w.ran(job, utc(&format!("05-{day:02} 03:10"))).await;
        }
    };
    nights(1..=12).await;
    w.at("05-12 14:00");
    let window = MaintenanceInput {
        title: Some("Replace a failed disk in vm3".to_owned()),
        message: Some("Sites on Cluster 12 will be offline for about ten minutes.".to_owned()),
        hosts: Some(vec![vm3.to_string()]),
        components: Some(vec![cluster_12.to_string()]),
        zone: Some("UTC".to_owned()),
        start: Some("2014-05-15T19:00".to_owned()),
        end: Some("2014-05-15T21:00".to_owned()),
        auto_start: Some(true),
        auto_complete: Some(false),
        ..MaintenanceInput::default()
    };
    let Planning::Scheduled(m) = w.services.schedule_maintenance(&w.system, Target::New, &window).await.unwrap() else {
        panic!("the night's backup is there");
    };
    nights(13..=15).await;
    w.ran(job, utc("05-15 17:30")).await;
    w.at("05-15 18:55");
    let m = w.services.start_maintenance(&w.system, m.id, None, "").await.unwrap();
    assert_eq!(m.state, State::InProgress);
    w.at("05-15 19:07");
    let outage = NewIncident {
        title: Name::parse("vm3 is down").unwrap(),
        severity: None,
        components: BTreeMap::from([(cluster_12, ComponentState::MajorOutage)]),
        started_at: Some(utc("05-15 18:55")),
        maintenance: Some(m.id),
        state: IncidentState::Identified,
        body: Prose::parse("The second disk is dead, too.").unwrap(),
        tell: false,
    };
    let outage = w.services.open_incident(&w.system, outage).await.unwrap();
    w.at("05-15 20:15");
    w.services.complete_maintenance(&w.system, m.id, None, "").await.unwrap();
    w.at("05-16 11:30");
    let over = IncidentPost {
        state: IncidentState::Resolved,
        body: Prose::parse("Everything is back.").unwrap(),
        components: BTreeMap::from([(cluster_12, ComponentState::Operational)]),
        tell: false,
    };
    w.services.update_incident(&w.system, outage.id, outage.version, over).await.unwrap();
    nights(18..=31).await;
    w.tell("2014-04", "on-call-alerts", 900.0).await.unwrap();
    w.tell("2014-05", "on-call-alerts", 1332.0).await.unwrap();
    w.tell("2014-05", "cost-of-nights", 7.0).await.unwrap();

    w.at("05-31 22:59");
    assert!(w.services.freeze_due_reports().await.unwrap().iter().all(|month| month.to_string() == "2014-04"));
    w.at("05-31 23:00");
    let frozen: Vec<String> = w.services.freeze_due_reports().await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(frozen, ["2014-05"]);
    let report = w.services.public_report("2014-05").await.unwrap();
    let content = &report.content;
    assert_eq!((content.stretch.from, content.stretch.to), (utc("04-30 23:00"), utc("05-31 23:00")));

    let availability = content.availability.as_ref().unwrap();
    let shares: Vec<(&str, String, String)> = availability
        .groups
        .iter()
        .flat_map(|group| &group.components)
        .map(|c| (c.name.as_str(), percent_text(c.share.percent), percent_text(c.share.percent_with_planned)))
        .collect();
    let pair = |name, text: &str| (name, text.to_owned(), text.to_owned());
    assert_eq!(shares, [pair("Cluster 12", "97.77 %"), pair("Cluster 11", "100.00 %")]);
    assert!((availability.site.percent.unwrap() - (100.0 - 59_700.0 / (2.0 * 2_678_400.0) * 100.0)).abs() < 1e-9);
    assert_eq!(percent_text(availability.site.percent), "98.88 %");

    let [incident] = content.incidents.as_slice() else { panic!("{:?}", content.incidents) };
    assert_eq!(incident.lasted().unwrap().to_string(), "16 h 35 min");
    assert_eq!(incident.silence(), Some(Span::minutes(12)));
    let windows = &content.windows;
    assert_eq!((windows.planned, windows.completed, windows.held, windows.overridden), (1, 1, 0, 0));
    let [line] = windows.list.as_slice() else { panic!("{:?}", windows.list) };
    assert_eq!(Span::between(line.started_at.unwrap(), line.ended_at.unwrap()), Span::minutes(80));
    assert_eq!((content.backups.on_time, content.backups.expected, content.backups.whole), (30, 31, 0));
    let [figure] = content.figures.as_slice() else { panic!("{:?}", content.figures) };
    assert_eq!(figure.change().text(0), "+432 (+48.0 %)");
    let everything = format!("{}{}", report.csv(), report.json().unwrap());
    assert!(!everything.contains("Billing") && !everything.contains("Cost of nights"), "{everything}");
    assert!(report.csv().contains("availability,Cluster 12,97.771057,%"), "{}", report.csv());
}

async fn a_month_is_put_down_once_however_many_nodes_there_are(engine: Engine) {
    let w = World::begin(engine, "05-12 12:00").await;
    w.figure("Servers", "up", true).await;
    assert!(w.services.freeze_due_reports().await.unwrap().is_empty(), "nothing was here in April");
    w.follows("board@fjord.example", &["reports"]).await;
    w.follows("ops@fjord.example", &["maintenance", "incidents"]).await;
    let other = Db::open(&w.db.address).await.unwrap();
    let nodes: Vec<Services> =
        (0..6).map(|n| services_on(if n % 2 == 0 { &w.db.db } else { &other }, "06-01 00:00")).collect();
    let tries = nodes.iter().map(|node| {
        let node = node.clone();
        tokio::spawn(async move { node.freeze_due_reports().await.unwrap().len() })
    });
    let mut frozen = 0;
    for try_ in tries.collect::<Vec<_>>() {
        frozen += try_.await.unwrap();
    }
    assert_eq!(frozen, 1);
    assert_eq!(w.verbs("report.freeze").await.len(), 1);
    let told = async || {
        let all = w.services.deliveries(&w.system, &DeliveriesQuery::default()).await.unwrap().items;
        let of_reports = all.into_iter().filter(|mail| format!("{:?}", mail.about).contains("Report for "));
        of_reports.map(|mail| mail.address).collect::<Vec<_>>()
    };
    assert_eq!(told().await, ["board@fjord.example"], "one mail, to the one who asked for it");
    // Nothing ran for a quarter of a year: what is missing is put down then, in order.
    let late: Vec<String> = services_on(&other, "09-02 10:00")
        .freeze_due_reports()
        .await
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(late, ["2014-06", "2014-07", "2014-08"]);
    assert_eq!(told().await.len(), 2, "of the last month alone: nobody waits for older ones");
    w.at("09-02 10:00");
    let months: Vec<String> =
        w.services.public_reports().await.unwrap().reports.iter().map(|line| line.month.to_string()).collect();
    assert_eq!(months, ["2014-08", "2014-07", "2014-06", "2014-05"]);
    let refused = |result: Result<domain::report::Report, Error>| match result {
        Err(Error::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(w.services.freeze_report(&w.system, "2014-05").await), "frozen");
    assert_eq!(refused(w.services.freeze_report(&w.system, "2014-09").await), "not_over");
    let april = w.services.freeze_report(&w.system, "2014-04").await.unwrap();
    assert_eq!((april.month.to_string(), april.version), ("2014-04".to_owned(), 1));
    assert!(matches!(w.services.public_report("2014-03").await, Err(Error::NotFound("report"))));
    assert!(matches!(w.services.public_report("2014-3").await, Err(Error::NotFound("month"))));
    other.close().await;
}

async fn a_correction_stands_beside_what_it_changed(engine: Engine) {
    let w = World::begin(engine, "05-12 12:00").await;
    w.figure("On-call alerts", "down", true).await;
    w.figure("Servers", "up", true).await;
    w.figure("Cost", "down", false).await;
    w.tell("2014-05", "on-call-alerts", 1332.0).await.unwrap();
    w.tell("2014-05", "on-call-alerts", 1332.0).await.unwrap();
    w.tell("2014-05", "cost", 7.0).await.unwrap();
    assert!(matches!(w.tell("2014-06", "servers", 1.0).await, Err(Error::Invalid(_))), "it has not begun");
    assert!(matches!(w.tell("2014-05", "nothing", 1.0).await, Err(Error::NotFound("figure"))));
    assert_eq!(w.verbs("report_figure.tell").await.len(), 2, "the same value again is no change");
    w.at("06-01 08:00");
    w.services.freeze_due_reports().await.unwrap();
    assert_eq!(w.services.report_desk(&w.system, "2014-05").await.unwrap().frozen.unwrap().version, 1);

    // What was missing is filled in, and said; what was told is not overwritten by a program.
    w.tell("2014-05", "servers", 300.0).await.unwrap();
    w.tell("2014-05", "servers", 300.0).await.unwrap();
    assert!(matches!(w.tell("2014-05", "servers", 301.0).await, Err(Error::Refused { code: "frozen", .. })));
    let public = w.services.public_report("2014-05").await.unwrap();
    let [note] = public.corrections.as_slice() else { panic!("{:?}", public.corrections) };
    assert_eq!((note.why.as_str(), note.changes.len()), ("Told after the month was closed.", 1));
    let said: Vec<_> = note.changes.iter().map(|c| (c.what.as_str(), c.before.as_str(), c.after.as_str())).collect();
    assert_eq!(said, [("Servers", "not entered", "300")]);

    w.at("06-03 09:00");
    let figures = vec![("on-call-alerts".to_owned(), "1,330".to_owned()), ("cost".to_owned(), "8".to_owned())];
    let mut input = CorrectionInput { figures, ..CorrectionInput::default() };
    let correct = |version: i64, input: CorrectionInput| {
        let services = w.services.clone();
        async move { services.correct_report(&Actor::system(), "2014-05", version, &input).await }
    };
    assert!(matches!(correct(2, input.clone()).await, Err(Error::Invalid(_))), "everybody wants to know why");
    input.why = "Two alerts were tests.".to_owned();
    assert!(matches!(correct(1, input.clone()).await, Err(Error::Stale(Stale { what: "report", .. }))));
    assert_eq!(correct(2, input.clone()).await.unwrap().version, 3);
    assert!(matches!(correct(3, input.clone()).await, Err(Error::Refused { code: "nothing_changes", .. })));
    let wrong = CorrectionInput { figures: vec![("servers".to_owned(), "many".to_owned())], ..input };
    assert!(matches!(correct(3, wrong).await, Err(Error::Invalid(_))));

    let public = w.services.public_report("2014-05").await.unwrap();
    assert_eq!(public.corrections.len(), 2);
    assert_eq!(public.corrections[0].at, utc("06-03 09:00"));
    let text = public.json().unwrap();
    assert!(text.contains("Two alerts were tests.") && !text.contains("1,332"), "numbers stand alone: {text}");
    assert!(text.contains(r#""before": "not entered""#), "what is no number is said in words: {text}");
    assert!(!text.contains("Cost") && !text.contains("Fermata"), "neither what is private nor who did it: {text}");
    let desk = w.services.report_desk(&w.system, "2014-05").await.unwrap();
    assert_eq!(desk.corrections[0].changes.len(), 2);
    let kept = w.services.db.read().await.unwrap().replaced_report(desk.month, 2).await.unwrap();
    assert_eq!(
        kept.figures.iter().map(|line| line.value()).collect::<Vec<_>>(),
        [Some(1332.0), Some(300.0), Some(7.0)]
    );
    assert_eq!(w.verbs("report.correct").await.len(), 2);

    // The next month is measured against what this one says now.
    w.tell("2014-06", "on-call-alerts", 1000.0).await.unwrap();
    let june = w.services.report_desk(&w.system, "2014-06").await.unwrap();
    let june = june.preview.unwrap();
    let Change::By { absolute, .. } = june.figures[0].change() else { panic!("both are known") };
    assert!((absolute + 330.0).abs() < 1e-9);
}

/// The form sends all figures in use, as the report shows them.
async fn a_correction_changes_nothing_that_nobody_meant(engine: Engine) {
    let w = World::begin(engine, "05-12 12:00").await;
    for name in ["Load", "Servers", "Racks"] {
        w.figure(name, "up", true).await;
    }
    w.tell("2014-05", "load", 1332.4).await.unwrap();
    w.tell("2014-05", "servers", 300.0).await.unwrap();
    w.at("06-01 08:00");
    w.services.freeze_due_reports().await.unwrap();
    w.figure("Sites", "up", true).await;
    let racks = w.services.report_figure(&w.system, "racks").await.unwrap();
    w.services.retire_report_figure(&w.system, "racks", racks.version).await.unwrap();
    w.tell("2014-04", "load", 1000.0).await.unwrap();
    w.at("06-03 09:00");
    let typed = [("load", "1,332"), ("servers", "301"), ("sites", "")];
    let input = CorrectionInput {
        why: "One was forgotten.".to_owned(),
        figures: typed.map(|(slug, text)| (slug.to_owned(), text.to_owned())).into(),
        recompute: true,
    };
    let corrected = w.services.correct_report(&w.system, "2014-05", 1, &input).await.unwrap();
    let lines: Vec<_> = corrected.content.figures.iter().map(|line| (line.name.as_str(), line.value())).collect();
    assert_eq!(lines, [("Load", Some(1332.4)), ("Servers", Some(301.0)), ("Racks", None)]);
    assert_eq!(corrected.content.figures[0].before(), None, "what it was put down with");
    let desk = w.services.report_desk(&w.system, "2014-05").await.unwrap();
    let said: Vec<_> = desk.corrections[0].changes.iter().map(|c| c.what.as_str()).collect();
    assert_eq!(said, ["Servers"]);
    let load = desk.figures.iter().find(|told| told.figure.slug.as_str() == "load").unwrap();
    assert_eq!(load.now.as_ref().map(|told| told.value), Some(1332.4));

    // What is typed for a figure that it does not hold is put into it, and what is emptied is taken back.
    let typed = [("load", ""), ("servers", "301"), ("sites", "12")];
    let figures = typed.map(|(slug, text)| (slug.to_owned(), text.to_owned())).into();
    let input = CorrectionInput { figures, recompute: false, ..input };
    let corrected = w.services.correct_report(&w.system, "2014-05", 2, &input).await.unwrap();
    let lines: Vec<_> = corrected.content.figures.iter().map(|line| (line.name.as_str(), line.value())).collect();
    assert_eq!(lines, [("Load", None), ("Servers", Some(301.0)), ("Racks", None), ("Sites", Some(12.0))]);
}

async fn an_old_month_put_down_by_hand_brings_no_others_with_it(engine: Engine) {
    let w = World::begin(engine, "05-12 12:00").await;
    w.follows("board@fjord.example", &["reports"]).await;
    w.services.freeze_report(&w.system, "2013-11").await.unwrap();
    assert!(w.services.freeze_due_reports().await.unwrap().is_empty(), "nothing was here in April");
    w.at("07-01 08:00");
    let frozen: Vec<_> = w.services.freeze_due_reports().await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(frozen, ["2014-05", "2014-06"]);
}

async fn gathering_again_keeps_what_the_history_tells_no_more(engine: Engine) {
    let w = World::begin(engine, "04-20 12:00").await;
    let (_, job) = w.vm3().await;
    w.figure("Cost", "down", false).await;
    for day in 1..=31 {
        w.ran(job, utc(&format!("05-{day:02} 03:10"))).await;
    }
    w.at("06-01 08:00");
    w.services.freeze_due_reports().await.unwrap();
    w.services.retire_job(&w.system, job, 1).await.unwrap();
    let again = |figures: &[(&str, &str)], recompute| CorrectionInput {
        why: "The cost was forgotten.".to_owned(),
        figures: figures.iter().map(|(slug, text)| ((*slug).to_owned(), (*text).to_owned())).collect(),
        recompute,
    };
    let nothing = w.services.correct_report(&w.system, "2014-05", 1, &again(&[], true)).await;
    assert!(matches!(nothing, Err(Error::Refused { code: "nothing_changes", .. })), "{nothing:?}");
    // What only the team may read of leaves no trace in public.
    let hidden = w.services.correct_report(&w.system, "2014-05", 1, &again(&[("cost", "7")], true)).await.unwrap();
    assert_eq!((hidden.content.backups.on_time, hidden.content.backups.expected), (31, 31));
    assert_eq!(hidden.corrected_at, None);
    let line = w.services.public_reports().await.unwrap().reports.remove(0);
    assert_eq!((line.month.to_string(), line.corrected_at), ("2014-05".to_owned(), None));
    w.figure("Servers", "up", true).await;
    let open = w.services.correct_report(&w.system, "2014-05", 2, &again(&[("servers", "3")], false)).await.unwrap();
    assert_eq!(open.corrected_at, Some(utc("06-01 08:00")));
}

async fn each_asks_for_its_right(engine: Engine) {
    let w = World::begin(engine, "05-12 12:00").await;
    w.figure("Servers", "up", true).await;
    let (pusher, reader) = (w.token(Scope::MetricWrite).await, w.token(Scope::Read).await);
    let keeper = w.token(Scope::InventoryWrite).await;
    w.services.tell_figure(&pusher, "2014-05", "servers", 300.0).await.unwrap();
    assert!(matches!(w.services.tell_figure(&reader, "2014-05", "servers", 1.0).await, Err(Error::Forbidden(_))));
    assert!(matches!(w.services.report_desk(&pusher, "2014-05").await, Err(Error::Forbidden(_))));
    let desk = w.services.report_desk(&reader, "2014-05").await.unwrap();
    assert_eq!(desk.figures[0].now.as_ref().unwrap().by, "token counter");
    w.at("06-02 12:00");
    for actor in [&pusher, &reader, &keeper] {
        assert!(matches!(w.services.freeze_report(actor, "2014-05").await, Err(Error::Forbidden(_))));
        let input = CorrectionInput { why: "x".to_owned(), ..CorrectionInput::default() };
        assert!(matches!(w.services.correct_report(actor, "2014-05", 1, &input).await, Err(Error::Forbidden(_))));
    }
    let public = Actor::public(None);
    assert!(matches!(w.services.reports(&public).await, Err(Error::SignInNeeded)));
    assert!(matches!(w.services.add_report_figure(&pusher, &FigureInput::default()).await, Err(Error::Forbidden(_))));
}

async fn a_clock_that_jumps_puts_each_month_down_once_and_mails_it_once(engine: Engine) {
    let w = World::begin(engine, "04-20 12:00").await;
    w.follows("grace@example.net", &["reports"]).await;
    let tick = async |now: &str| {
        w.at(now);
        let frozen = w.services.freeze_due_reports().await.unwrap();
        frozen.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(tick("05-31 12:00").await, ["2014-04"]);
    // A day ahead, an hour behind what it was, and on time.
    assert_eq!(tick("06-01 12:01").await, ["2014-05"]);
    for now in ["05-31 11:02", "05-31 22:59", "05-31 23:00", "06-01 12:03", "06-30 22:00"] {
        assert!(tick(now).await.is_empty(), "{now}");
    }
    let all = w.services.reports(&w.system).await.unwrap();
    let months: Vec<String> = all.frozen.iter().map(|line| line.month.to_string()).collect();
    assert_eq!(months, ["2014-05", "2014-04"]);
    let filter = service::audit::AuditFilter { object: "report".to_owned(), ..Default::default() };
    assert_eq!(w.services.audit_log(&w.system, &filter).await.unwrap().entries.len(), 2);
    let query = DeliveriesQuery::default();
    let mails = w.services.deliveries(&w.system, &query).await.unwrap().items;
    let reports = mails.iter().filter(|mail| format!("{:?}", mail.about).contains("Report for ")).count();
    assert_eq!(reports, 2, "{mails:?}");
}

async fn only_a_month_of_which_anything_is_known_is_offered(engine: Engine) {
    let w = World::begin(engine, "04-20 12:00").await;
    assert_eq!(w.services.reports(&w.system).await.unwrap().missing, None, "nothing was here in March");
    w.component("Mail", vec![], false).await;
    w.at("05-01 12:00");
    let missing = async || w.services.reports(&w.system).await.unwrap().missing.map(|month| month.to_string());
    assert_eq!(missing().await.as_deref(), Some("2014-04"));
    w.services.freeze_due_reports().await.unwrap();
    assert_eq!(missing().await, None);
    let old = World::begin(engine, "04-20 12:00").await;
    let past = service::incidents::BackfillInput {
        title: "Disk full".to_owned(),
        components: vec![service::incidents::ComponentStateInput {
            id: old.component("Mail", vec![], false).await.to_string(),
            state: "major_outage".to_owned(),
        }],
        started_at: "2014-03-03T10:00:00Z".to_owned(),
        resolved_at: "2014-03-03T12:00:00Z".to_owned(),
        body: "It is over.".to_owned(),
        ..Default::default()
    };
    old.services.enter_past_incident(&old.system, None, &past).await.unwrap();
    let missing = old.services.reports(&old.system).await.unwrap().missing;
    assert_eq!(missing.map(|month| month.to_string()).as_deref(), Some("2014-03"), "it was entered after the fact");
}

storage::on_both!(
    a_clock_that_jumps_puts_each_month_down_once_and_mails_it_once,
    only_a_month_of_which_anything_is_known_is_offered,
    the_report_of_may_2014_says_what_a_hand_calculation_gives,
    a_month_is_put_down_once_however_many_nodes_there_are,
    a_correction_stands_beside_what_it_changed,
    a_correction_changes_nothing_that_nobody_meant,
    an_old_month_put_down_by_hand_brings_no_others_with_it,
    gathering_again_keeps_what_the_history_tells_no_more,
    each_asks_for_its_right,
);
