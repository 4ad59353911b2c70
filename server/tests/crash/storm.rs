//! A storm of alerts, updates and points while the program is killed again and again: what was answered is kept, and
//! what its workers had half done is done, each thing once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::announcement::AnnouncementState;
use domain::component::ComponentState;
use domain::ids::{AnnouncementId, ComponentId, IncidentId, MetricId};
use domain::impact::{Known, Source};
use domain::incident::{IncidentState, IncidentUpdate};
use domain::report::Month;
use domain::time::{Instant, Span, Stretch};
use serde_json::{Value, json};
use service::announcements::{AnnouncementInput, WhenInput};
use service::incidents::NewIncident;
use service::inventory::HostInput;
use service::keys::Keys;
use service::metrics::MetricInput;
use service::zones::SystemZones;
use service::{Actor, Clock, Services, Setup};
use storage::alert::AlertFilter;
use storage::alert::cause::CausesOf;
use storage::testing::Engine;
use uuid::Uuid;

use crate::chance::Chance;
use crate::wire::Line;
use crate::world::{World, name};

const KILLS: usize = 8;
/// So many of them come while the program is still putting down reports.
const EARLY: usize = 3;
const HOSTS: usize = 4;
const POSTERS: usize = 2;
const SUBSCRIBERS: usize = 3;
/// Months without a report.
const MONTHS: u32 = 12;
/// Points in one push.
const BATCH: usize = 10;
const PATIENCE: Duration = Duration::from_secs(90);
const MANY: i64 = 1_000_000;

struct Storm {
    w: World,
    token: String,
    manual: Vec<(IncidentId, ComponentId)>,
    metric: MetricId,
    points_from: Instant,
    announcements: Vec<AnnouncementId>,
    first_month: Month,
}

/// What one who posts updates knows: the key of what is not answered yet, and those that were.
#[derive(Default)]
struct Posted {
    pending: Option<String>,
    taken: Vec<String>,
}

fn alarm(line: &mut Line, host: usize, stop: &AtomicBool) -> Vec<String> {
    let mut taken = Vec::new();
    let mut firing = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let key = Uuid::new_v4().to_string();
        let alert = json!({"key": key, "status": "firing", "host": format!("vm{host}"), "severity": "critical"});
        if !sent(line, "/api/v1/alerts/generic", None, &alert) {
            break;
        }
        firing.push(json!({"key": key, "status": "resolved"}));
        taken.push(key);
        if firing.len() == 7 {
            let all_over = json!({"alerts": std::mem::take(&mut firing)});
            if !sent(line, "/api/v1/alerts/generic", None, &all_over) {
                break;
            }
        }
    }
    taken
}

/// Whether it was answered; the line may have gone.
fn sent(line: &mut Line, path: &str, key: Option<&str>, body: &Value) -> bool {
    match line.post(path, key, body) {
        Ok((200, _)) => true,
        Ok((other, answer)) => panic!("{path} was answered with {other}: {answer}"),
        Err(_) => false,
    }
}

/// The update that a key stands for: the same each time it is sent.
fn update(key: &str, component: ComponentId) -> Value {
    let n = key.bytes().map(usize::from).sum::<usize>();
    let state = ["investigating", "identified", "monitoring"][n % 3];
    let component_state = ["operational", "degraded_performance", "partial_outage", "major_outage"][n / 3 % 4];
    json!({"state": state, "body": key, "components": [{"id": component.to_string(), "state": component_state}]})
}

fn say(line: &mut Line, (incident, component): (IncidentId, ComponentId), posted: &mut Posted) -> bool {
    let key = posted.pending.get_or_insert_with(|| Uuid::new_v4().to_string()).clone();
    let path = format!("/api/v1/incidents/{incident}/updates");
    let is_taken = sent(line, &path, Some(&key), &update(&key, component));
    if is_taken {
        posted.taken.push(key);
        posted.pending = None;
    }
    is_taken
}

impl Storm {
    async fn begin(engine: Engine) -> Self {
        let w = World::begin(engine).await;
        let system = Actor::system();
        w.subscribers(SUBSCRIBERS).await;
        w.publish_causes().await;
        for n in 0..HOSTS {
            let host = w.host(&format!("vm{n}"), None).await;
            w.component(&format!("Cluster {n}"), Some(host)).await;
        }
        let mut manual = Vec::new();
        for n in 0..POSTERS {
            let component = w.component(&format!("By hand {n}"), None).await;
            let new = NewIncident {
                title: name(&format!("Trouble {n}")),
                severity: None,
                components: BTreeMap::from([(component, ComponentState::MajorOutage)]),
                started_at: None,
                maintenance: None,
                state: IncidentState::Investigating,
                body: domain::text::Prose::parse("We look.").unwrap(),
                tell: true,
            };
            manual.push((w.services.open_incident(&system, new).await.unwrap().id, component));
        }
        let metric = MetricInput {
            name: "Requests".to_owned(),
            aggregate: "sum".to_owned(),
            is_public: true,
            ..MetricInput::default()
        };
        let metric = w.services.add_metric(&system, &metric).await.unwrap().id;
        let now = w.services.now();
        let first_month = Month::at(w.services.zones.as_ref(), "UTC", now).earlier(MONTHS + 1);
        w.long_ago(first_month).await;
        w.services.freeze_report(&system, &first_month.to_string()).await.unwrap();
        let token = w.token().await;
        let points_from = Span::hours(20).before(now);
        Self { w, token, manual, metric, points_from, announcements: Vec::new(), first_month }
    }

    /// Three announcements that become public by themselves in a second or two.
    async fn schedule(&mut self, round: usize) {
        let (s, system) = (&self.w.services, Actor::system());
        for n in 0..3 {
            let input = AnnouncementInput {
                title: format!("News {round} {n}"),
                body: "Text.".to_owned(),
                category: "announcement".to_owned(),
                tells: true,
                ..AnnouncementInput::default()
            };
            let draft = s.draft_announcement(&system, &input).await.unwrap();
            let at = Span::seconds(2).after(s.now()).to_rfc3339();
            let when = WhenInput { at, ..WhenInput::default() };
            s.schedule_announcement(&system, draft.id, draft.version, &when).await.unwrap();
            self.announcements.push(draft.id);
        }
    }

    /// Points that follow those of the batches before, so close that none lies in the future however fast they come.
    fn points(&self, batch: usize) -> Value {
        let point = |n: usize| {
            let passed = Duration::from_millis(100 * u64::try_from(batch * BATCH + n).unwrap());
            json!({"at": (self.points_from + passed).to_rfc3339(), "value": 1})
        };
        (0..BATCH).map(point).collect()
    }

    fn push(&self, line: &mut Line, batch: usize) -> bool {
        sent(line, &format!("/api/v1/metrics/{}/points", self.metric), None, &self.points(batch))
    }

    fn line(&self, address: SocketAddr) -> Option<Line> {
        Line::open(address, &self.token).ok()
    }

    async fn verbs(&self, object: &str, id: &str) -> Vec<String> {
        let mut tx = self.w.t.db.read().await.unwrap();
        let lines = tx.audit_before(None, Some(object), Some(id), MANY).await.unwrap();
        lines.into_iter().map(|line| line.action).collect()
    }

    /// Waits until nothing is due any more and nothing waits.
    async fn settle(&self) {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            let mut tx = self.w.t.db.read().await.unwrap();
            let live = tx.causes(CausesOf::LiveBefore(None), MANY).await.unwrap().len();
            let mails = tx.outbox_state().await.unwrap().waiting;
            let planned = tx.announcements_before(Some(AnnouncementState::Scheduled), None, MANY).await.unwrap().len();
            let last = Month::at(self.w.services.zones.as_ref(), "UTC", self.w.services.now());
            let reports = tx.reports(last, MANY).await.unwrap().len();
            drop(tx);
            let wanted = usize::try_from(MONTHS + 1).unwrap();
            if (live, mails, planned) == (0, 0, 0) && reports >= wanted {
                return;
            }
            let left = format!("{live} causes, {mails} mails, {planned} announcements, {reports} reports");
            assert!(std::time::Instant::now() < end, "{left}; the end of the log:\n{}", self.w.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Each alert is kept once, and each cause counts those that it has.
    async fn check_alerts(&self, taken: &[String]) {
        let mut tx = self.w.t.db.read().await.unwrap();
        let kept = tx.alerts_of(&AlertFilter::default(), MANY).await.unwrap();
        let mut prints = BTreeMap::new();
        let mut counts: BTreeMap<_, i64> = BTreeMap::new();
        for alert in &kept {
            *prints.entry(alert.fingerprint.as_str()).or_insert(0) += 1;
            *counts.entry(alert.cause.unwrap()).or_default() += 1;
            assert!(!alert.is_firing(), "{} is over", alert.fingerprint);
        }
        for key in taken {
            assert_eq!(prints.get(key.as_str()), Some(&1), "{key}");
        }
        for cause in tx.causes(CausesOf::Before(None), MANY).await.unwrap() {
            assert_eq!((cause.alerts, cause.firing), (counts[&cause.id], 0), "{}", cause.id);
            let incident = tx.incident(cause.incident.unwrap()).await.unwrap();
            let over = if incident.published_at.is_some() { IncidentState::Resolved } else { IncidentState::Discarded };
            assert_eq!(incident.state, over, "{}", incident.reference());
        }
    }

    /// Incidents agree with what was said last, with their audit and with the states that they cause. Gives what was
    /// told.
    async fn check_incidents(&self) -> (usize, Vec<IncidentUpdate>) {
        let mut tx = self.w.t.db.read().await.unwrap();
        let incidents = tx.incidents_before(&IncidentState::ALL, None, MANY).await.unwrap();
        let open = tx.open_impacts().await.unwrap();
        let mut all = Vec::new();
        for incident in &incidents {
            let mut updates = tx.incident_updates_of(&[incident.id]).await.unwrap();
            updates.sort_by_key(|update| (update.at, update.id));
            if let Some(last) = updates.last() {
                assert_eq!(incident.state, last.state, "{}", incident.reference());
            }
            let ill = |state: &ComponentState| *state != ComponentState::Operational && incident.state.is_open();
            let said: BTreeMap<_, _> = incident.components.iter().filter(|(_, state)| ill(state)).collect();
            let of_it = open.iter().filter(|i| i.source == Source::Incident && i.source_id == incident.id.0);
            let mut is: BTreeMap<ComponentId, Known> = BTreeMap::new();
            for impact in of_it {
                assert!(is.insert(impact.component, impact.known).is_none(), "{} twice", incident.reference());
            }
            let said = said.into_iter().map(|(id, state)| (*id, Known::State(*state))).collect();
            assert_eq!(is, said, "{}", incident.reference());
            let verbs = self.verbs("incident", &incident.id.to_string()).await;
            let published = verbs.iter().filter(|verb| matches!(verb.as_str(), "incident.publish" | "incident.open"));
            assert_eq!(published.count(), usize::from(incident.published_at.is_some()), "{verbs:?}");
            all.extend(updates);
        }
        (all.iter().filter(|update| update.told).count(), all)
    }
}

impl World {
    /// Something was done in a month long ago.
    async fn long_ago(&self, month: Month) {
        let then = month.stretch(self.services.zones.as_ref(), "UTC").from;
        let services = Services::new(Setup {
            db: self.t.db.clone(),
            clock: Clock::fixed(Span::hours(1).after(then)),
            keys: Keys::new(vec![7; 32].into(), vec![]),
            zones: Arc::new(SystemZones::newest()),
            public_url: "https://status.example.org".to_owned(),
            mail_configured: true,
        });
        let host = HostInput { name: "old".to_owned(), ..HostInput::default() };
        services.add_host(&Actor::system(), host).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_each_kill_all_that_was_answered_is_there_and_all_that_was_begun_is_done_once_on_sqlite() {
    weather(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_each_kill_all_that_was_answered_is_there_and_all_that_was_begun_is_done_once_on_postgres() {
    weather(Engine::Postgres).await;
}

async fn weather(engine: Engine) {
    let mut chance = Chance::new(&format!("a storm on {engine:?}"));
    let mut s = Storm::begin(engine).await;
    let (mut alerts, mut batches): (Vec<String>, usize) = (Vec::new(), 0);
    let mut posted: Vec<Posted> = (0..POSTERS).map(|_| Posted::default()).collect();
    for round in 0..KILLS {
        s.schedule(round).await;
        let mut node = s.w.node();
        node.wait_until_ready(&s.w);
        if round < EARLY {
            chance.pause(Duration::from_millis(80));
            node.kill();
            continue;
        }
        let (address, stop, storm) = (node.address, AtomicBool::new(false), &s);
        let until = &stop;
        std::thread::scope(|threads| {
            let alarms: Vec<_> = (0..HOSTS)
                .map(|n| threads.spawn(move || storm.line(address).map(|mut line| alarm(&mut line, n, until))))
                .collect();
            for (at, posted) in storm.manual.iter().zip(&mut posted) {
                threads.spawn(move || {
                    let Some(mut line) = storm.line(address) else { return };
                    while !until.load(Ordering::SeqCst) && say(&mut line, *at, posted) {}
                });
            }
            let batches = &mut batches;
            threads.spawn(move || {
                let Some(mut line) = storm.line(address) else { return };
                while !until.load(Ordering::SeqCst) && storm.push(&mut line, *batches) {
                    *batches += 1;
                }
            });
            std::thread::sleep(Duration::from_millis(400));
            chance.pause(Duration::from_millis(1_500));
            node.kill();
            until.store(true, Ordering::SeqCst);
            alerts.extend(alarms.into_iter().filter_map(|alarm| alarm.join().unwrap()).flatten());
        });
    }

    // What was not answered is sent again, and all alerts end.
    let mut node = s.w.node();
    node.wait_until_ready(&s.w);
    let mut line = s.line(node.address).unwrap();
    for (at, posted) in s.manual.iter().zip(&mut posted) {
        assert!(say(&mut line, *at, posted));
    }
    assert!(s.push(&mut line, batches));
    batches += 1;
    let known = s.w.t.db.read().await.unwrap().alerts_of(&AlertFilter::default(), MANY).await.unwrap();
    let ends: Vec<Value> = known.iter().map(|a| json!({"key": a.fingerprint, "status": "resolved"})).collect();
    for ends in ends.chunks(1_000) {
        assert!(sent(&mut line, "/api/v1/alerts/generic", None, &json!({"alerts": ends})));
    }
    s.settle().await;

    s.check_alerts(&alerts).await;
    let (told, updates) = s.check_incidents().await;
    let mut bodies: BTreeMap<&str, usize> = BTreeMap::new();
    for update in &updates {
        *bodies.entry(update.body.as_str()).or_default() += 1;
    }
    let said: BTreeSet<&String> = posted.iter().flat_map(|posted| &posted.taken).collect();
    for key in &said {
        assert_eq!(bodies.get(key.as_str()), Some(&1), "{key}");
    }
    let by_hand = updates.iter().filter(|update| s.manual.iter().any(|(id, _)| *id == update.incident)).count();
    assert_eq!(by_hand, said.len() + POSTERS, "nothing else was said");

    for id in &s.announcements {
        let verbs = s.verbs("announcement", &id.to_string()).await;
        assert_eq!(verbs, ["announcement.publish", "announcement.schedule", "announcement.draft"], "{id}");
    }
    for n in 0..=MONTHS {
        assert_eq!(s.verbs("report", &s.first_month.later(n).to_string()).await, ["report.freeze"]);
    }
    let mut tx = s.w.t.db.read().await.unwrap();
    let day = Stretch::new(s.points_from, s.w.services.now());
    assert_eq!(tx.metric_points(s.metric, day).await.unwrap().len(), batches * BATCH);
    drop(tx);
    let sum: f64 = {
        let chart = s.w.services.chart(&Actor::system(), "requests", domain::metric::Range::Day).await.unwrap();
        chart.buckets.iter().map(|bucket| bucket.sum).sum()
    };
    assert!((sum - (batches * BATCH) as f64).abs() < 0.5, "{sum} of {}", batches * BATCH);
    let outbox = s.w.t.db.read().await.unwrap().outbox_state().await.unwrap();
    let mails = (told + s.announcements.len()) * SUBSCRIBERS;
    assert_eq!(
        outbox.sent + outbox.failed + outbox.dropped,
        i64::try_from(mails).unwrap(),
        "each is told to each, once"
    );
    println!("{} alerts, {} updates, {batches} batches, {mails} mails around {KILLS} kills", alerts.len(), said.len());
    assert!(alerts.len() > KILLS && said.len() > KILLS / 2 && batches > KILLS / 2, "too little to prove anything");
}
