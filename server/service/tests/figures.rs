//! Figures of availability on real databases: the story's month by hand, counted days against what is worked out
//! from the impacts themselves, and corrections.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{DateTime, NaiveDate, Utc};
use domain::availability::Tally;
use domain::component::Component;
use domain::component::ComponentState::{DegradedPerformance, MajorOutage, PartialOutage, UnderMaintenance};
use domain::correction::Correction;
use domain::ids::ComponentId;
use domain::impact::{Impact, Known, Source};
use domain::text::{Name, Slug};
use domain::time::{Span, Stretch};
use service::audit::AuditFilter;
use service::figures::{Availability, CorrectionInput};
use service::keys::Keys;
use service::public::What;
use service::site::{SiteSettings, WeightSettings};
use service::zones::SystemZones;
use service::{Actor, Clock, Error, Services, Setup};
use std::sync::Arc;
use storage::figure::Counted;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

const H: i64 = 3_600_000;

fn utc(text: &str) -> DateTime<Utc> {
    format!("{text}:00Z").parse().unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

struct World {
    services: Services,
    system: Actor,
    db: TestDb,
}

impl World {
    async fn begin(engine: Engine, now: &str) -> Self {
        let db = TestDb::start(engine).await;
        let services = services_on(&db, now);
        services.found(Name::parse("Northwind").unwrap(), "Europe/Dublin".to_owned()).await.unwrap();
        Self { services, system: Actor::system(), db }
    }

    async fn component(&self, name: &str, position: i64, created: &str) -> ComponentId {
        let name = Name::parse(name).unwrap();
        let component = Component {
            id: self.services.new_id(),
            group_id: None,
            slug: Slug::from_name(&name),
            name,
            description: String::new(),
            position,
            is_private: false,
            retired_at: None,
            version: 1,
        };
        let mut tx = self.db.db.decide().await.unwrap();
        tx.insert_component(&component, utc(created)).await.unwrap();
        tx.commit().await.unwrap();
        component.id
    }

    async fn was(&self, component: ComponentId, known: Known, source: Source, from: &str, to: &str) -> Impact {
        let impact = Impact {
            id: self.services.new_id(),
            component,
            known,
            source,
            source_id: Uuid::now_v7(),
            from: utc(from),
            to: (!to.is_empty()).then(|| utc(to)),
        };
        let mut tx = self.db.db.decide().await.unwrap();
        tx.insert_impact(&impact).await.unwrap();
        tx.commit().await.unwrap();
        impact
    }

    async fn month(&self, first: &str) -> Availability {
        let mut tx = self.db.db.read().await.unwrap();
        self.services.availability_of_month(&mut tx, date(first)).await.unwrap()
    }

    /// The same from the impacts themselves.
    async fn exactly(&self, found: &Availability) -> Availability {
        self.services.availability_between(&self.system, found.stretch).await.unwrap()
    }

    async fn rows(&self) -> usize {
        let mut tx = self.db.db.read().await.unwrap();
        tx.component_days(None, date("2000-01-01"), date("2100-01-01")).await.unwrap().len()
    }

    async fn correct(&self, component: ComponentId, from: &str, to: &str, state: &str) -> Result<Correction, Error> {
        let input = CorrectionInput {
            component: component.to_string(),
            from: from.to_owned(),
            to: to.to_owned(),
            state: state.to_owned(),
            reason: "The monitor was broken.".to_owned(),
        };
        self.services.correct_history(&self.system, &input).await
    }
}

fn services_on(db: &TestDb, now: &str) -> Services {
    Services::new(Setup {
        db: db.db.clone(),
        clock: Clock::fixed(utc(now)),
        keys: Keys::new(vec![7; 32].into(), vec![]),
        zones: Arc::new(SystemZones::newest()),
        public_url: "https://status.example.org".to_owned(),
        mail_configured: false,
    })
}

/// May 2014 in Europe/Dublin (UTC+1): 31 days = 2,678,400 s, from 30 April 23:00 UTC to 31 May 23:00 UTC.
///
/// Cluster 12, by hand:
/// - 3 May 00:00–06:00 UTC nobody knows (a correction): 21,600 s. Known: 2,678,400 − 21,600 = 2,656,800 s.
/// - 15 May 18:55 – 16 May 11:30 UTC major outage: 16 h 35 min = 59,700 s, in the work that lasted from 18:55 to 21:00.
/// - 20 May 08:00–11:00 degraded and 10:00–12:00 partial: 2 h degraded (counts 0 %) = 7,200 s, 2 h partial (50 %) = 3,600 s lost.
/// - 26 May 22:00–23:30 UTC planned work, over midnight in Dublin: 5,400 s.
///
/// Planned work not counted: lost 59,700 + 3,600 = 63,300 s; 1 − 63,300 / 2,656,800 = 97.617… %.
/// Counted: lost 63,300 + 5,400 = 68,700 s; 1 − 68,700 / 2,656,800 = 97.414… %.
///
/// DNS was entered on 11 May 11:00 UTC: known 20.5 days = 1,771,200 s, nothing lost; 907,200 s not known.
/// Both: known 4,428,000 s; 1 − 63,300 / 4,428,000 = 98.570… %.
async fn the_figures_of_the_story_are_those_of_a_calculation_by_hand(engine: Engine) {
    let w = World::begin(engine, "2014-06-02T09:00").await;
    let cluster = w.component("Cluster 12", 1, "2014-01-01T00:00").await;
    let dns = w.component("DNS", 2, "2014-05-11T11:00").await;
    let state = Known::State;
    w.was(cluster, state(MajorOutage), Source::Incident, "2014-05-15T18:55", "2014-05-16T11:30").await;
    w.was(cluster, state(UnderMaintenance), Source::Maintenance, "2014-05-15T18:55", "2014-05-15T21:00").await;
    w.was(cluster, state(DegradedPerformance), Source::Incident, "2014-05-20T08:00", "2014-05-20T11:00").await;
    w.was(cluster, state(PartialOutage), Source::Incident, "2014-05-20T10:00", "2014-05-20T12:00").await;
    w.was(cluster, state(UnderMaintenance), Source::Maintenance, "2014-05-26T22:00", "2014-05-26T23:30").await;
    w.correct(cluster, "2014-05-03 01:00", "2014-05-03T06:00:00Z", "unknown").await.unwrap();
    for is_counted in [false, true] {
        if is_counted {
            assert!(w.services.count_days().await.unwrap() > 0);
            assert_eq!(w.services.count_days().await.unwrap(), 0);
            // 3, 15, 16, 20, 26 and 27 May.
            assert_eq!(w.rows().await, 6);
        }
        let found = w.month("2014-05-01").await;
        assert_eq!(found.stretch, Stretch::new(utc("2014-04-30T23:00"), utc("2014-05-31T23:00")));
        let [group] = found.groups.as_slice() else { panic!("{found:?}") };
        let [one, two] = group.components.as_slice() else { panic!("{group:?}") };
        assert_eq!((one.id, two.id), (cluster, dns));
        let expected = Tally {
            operational: 2_656_800_000 - 59_700_000 - 14_400_000 - 5_400_000,
            planned: 5_400_000,
            degraded: 7_200_000,
            partial: 7_200_000,
            major: 59_700_000,
            unknown: 21_600_000,
            ..Tally::default()
        };
        assert_eq!(one.figure.tally, expected);
        assert_eq!(one.figure.share().unwrap().to_string(), "97.61\u{a0}%");
        assert_eq!(one.figure.share().unwrap().lost(), Span::seconds(63_300));
        assert_eq!(one.figure.share_with_planned().unwrap().to_string(), "97.41\u{a0}%");
        assert_eq!((two.figure.tally.operational, two.figure.tally.unknown), (1_771_200_000, 907_200_000));
        assert_eq!(two.figure.share().unwrap().to_string(), "100\u{a0}%");
        assert_eq!(found.site.share().unwrap().to_string(), "98.57\u{a0}%");
        assert_eq!(found.site.tally, one.figure.tally + two.figure.tally);
        assert_eq!(w.exactly(&found).await, found);
    }
    // Other weights: all of the partial outage, 30 % of the degraded performance.
    let settings = SiteSettings {
        name: "Northwind".to_owned(),
        zone: "Europe/Dublin".to_owned(),
        schedule_max_age: "24 h".to_owned(),
        start_max_age: "4 h".to_owned(),
        lead: "90 min".to_owned(),
        reminders: "none".to_owned(),
        digest_hour: "7".to_owned(),
        weights: Some(WeightSettings { partial: "100 %".to_owned(), degraded: "30".to_owned() }),
        version: 1,
        ..SiteSettings::default()
    };
    for (partial, degraded, field) in
        [("x", "0", "partial_weight"), ("101", "0", "partial_weight"), ("10", "20", "degraded_weight")]
    {
        let weights = Some(WeightSettings { partial: partial.to_owned(), degraded: degraded.to_owned() });
        match w.services.edit_site(&w.system, &SiteSettings { weights, ..settings.clone() }).await {
            Err(Error::Invalid(fields)) => assert_eq!(fields.iter().map(|f| f.field).collect::<Vec<_>>(), [field]),
            other => panic!("{other:?}"),
        }
    }
    w.services.edit_site(&w.system, &settings).await.unwrap();
    // 59,700 + 7,200 + 2,160 = 69,060 s lost.
    let found = w.month("2014-05-01").await;
    assert_eq!(found.groups[0].components[0].figure.share().unwrap().lost(), Span::seconds(69_060));
    let kept = SiteSettings { weights: None, version: 2, ..settings };
    assert_eq!(w.services.edit_site(&w.system, &kept).await.unwrap().weights.partial(), 100);
}

async fn what_is_entered_late_counts_at_once_and_is_counted_again(engine: Engine) {
    let w = World::begin(engine, "2014-11-10T12:00").await;
    let cluster = w.component("Cluster 12", 1, "2014-09-01T00:00").await;
    w.component("DNS", 2, "2014-09-20T00:00").await;
    w.services.count_days().await.unwrap();
    assert_eq!(w.rows().await, 0);
    // The clocks go back on 26 October: 25 hours.
    let open = w.was(cluster, Known::State(PartialOutage), Source::Incident, "2014-10-25T20:00", "").await;
    let same = async |rows: usize| {
        for first in ["2014-09-01", "2014-10-01", "2014-11-01"] {
            let before = w.month(first).await;
            assert_eq!(before, w.exactly(&before).await, "{first}");
        }
        let live: Vec<Availability> = vec![w.month("2014-10-01").await, w.month("2014-11-01").await];
        w.services.count_days().await.unwrap();
        assert_eq!(live, [w.month("2014-10-01").await, w.month("2014-11-01").await]);
        assert_eq!(w.rows().await, rows);
    };
    // 25 October to 9 November; today is never kept.
    same(16).await;
    // It was over on the 27th, as it turns out; then it is taken back to the 26th by a correction.
    let mut tx = w.db.db.decide().await.unwrap();
    tx.end_impacts(Source::Incident, open.source_id, None, utc("2014-10-27T06:00")).await.unwrap();
    tx.commit().await.unwrap();
    same(3).await;
    let october = w.month("2014-10-01").await;
    let partial = october.groups[0].components[0].figure.tally.partial;
    assert_eq!(partial, 34 * H);
    let correction = w.correct(cluster, "2014-10-26 00:00", "2014-10-27 00:00", "operational").await.unwrap();
    same(2).await;
    // From 20:00 to 23:00 UTC on the 25th, from 00:00 to 06:00 UTC on the 27th: the 26th has 25 hours.
    assert_eq!(w.month("2014-10-01").await.groups[0].components[0].figure.tally.partial, 9 * H);
    w.services.withdraw_correction(&w.system, correction.id, 1, "It was not.").await.unwrap();
    same(3).await;
    assert_eq!(w.month("2014-10-01").await, october);
    // Midnight passes, and what is open goes on.
    w.was(cluster, Known::State(MajorOutage), Source::Override, "2014-11-10T10:00", "").await;
    w.services.clock.set(utc("2014-11-13T06:00"));
    same(6).await;
    // In another zone days are others, of the same months' length in sum.
    let settings = SiteSettings {
        name: "Northwind".to_owned(),
        zone: "Asia/Kathmandu".to_owned(),
        schedule_max_age: "24 h".to_owned(),
        start_max_age: "4 h".to_owned(),
        lead: "90 min".to_owned(),
        reminders: "none".to_owned(),
        digest_hour: "7".to_owned(),
        version: 1,
        ..SiteSettings::default()
    };
    w.services.edit_site(&w.system, &settings).await.unwrap();
    same(5).await;
}

async fn a_correction_says_what_was_and_is_never_lost(engine: Engine) {
    let w = World::begin(engine, "2014-05-20T12:00").await;
    let cluster = w.component("Cluster 12", 1, "2014-01-01T00:00").await;
    for (from, to, state, field) in [
        ("yesterday", "2014-05-03 06:00", "unknown", "from"),
        ("2014-05-03 06:00", "2014-05-03 05:59:59", "unknown", "to"),
        ("2014-05-03 06:00", "2014-05-20T12:00:01Z", "unknown", "to"),
        ("2014-03-30 01:30", "2014-05-01 00:00", "unknown", "from"),
        ("2013-10-27 01:30", "2014-05-01 00:00", "unknown", "from"),
        ("2014-05-03 06:00", "2014-05-03 07:00", "broken", "state"),
    ] {
        match w.correct(cluster, from, to, state).await {
            Err(Error::Invalid(fields)) => {
                assert_eq!(fields.iter().map(|f| f.field).collect::<Vec<_>>(), [field], "{from}");
                let message = &fields[0].message;
                assert!(from != "2013-10-27 01:30" || message.contains("2013-10-27T01:30:00+00:00"), "{message}");
                assert!(from != "2014-03-30 01:30" || message.contains("Choose 00:59 or 02:00"), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }
    let made = w.correct(cluster, "2014-05-03T06:00:30", "2014-05-03 07:00", "major_outage").await.unwrap();
    assert_eq!(Span::between(made.stretch.from, made.stretch.to), Span::seconds(3_570));
    let page = w.services.public_component("cluster-12").await.unwrap();
    assert_eq!(page.corrections, std::slice::from_ref(&made));
    assert_eq!(page.happened.iter().map(|h| &h.what).collect::<Vec<_>>(), [&What::Correction]);
    assert_eq!(page.last[2].1.tally.major, 3_570_000);
    assert!(matches!(w.services.withdraw_correction(&w.system, made.id, 2, "x").await, Err(Error::Stale(_))));
    assert!(matches!(w.services.withdraw_correction(&w.system, made.id, 1, " ").await, Err(Error::Invalid(_))));
    let after = w.services.withdraw_correction(&w.system, made.id, 1, "The monitor was right.").await.unwrap();
    assert!(matches!(
        w.services.withdraw_correction(&w.system, made.id, 2, "x").await,
        Err(Error::Refused { code: "withdrawn", .. })
    ));
    let page = w.services.public_component("cluster-12").await.unwrap();
    assert!(page.corrections.is_empty() && page.last[2].1.tally.major == 0);
    let look = w.services.corrections(&w.system, Some(cluster)).await.unwrap();
    assert_eq!(look.corrections, [after]);
    let filter = AuditFilter { object: "correction".to_owned(), ..AuditFilter::default() };
    let log = w.services.audit_log(&w.system, &filter).await.unwrap().entries;
    assert_eq!(log.iter().map(|e| e.action.as_str()).collect::<Vec<_>>(), ["correction.withdraw", "correction.add"]);
}

async fn a_node_with_older_clocks_takes_what_one_with_newer_ones_counted(engine: Engine) {
    let w = World::begin(engine, "2014-05-20T12:00").await;
    w.component("Cluster 12", 1, "2014-04-01T00:00").await;
    assert!(w.services.count_days().await.unwrap() > 0);
    let counted = async || w.db.db.read().await.unwrap().counted().await.unwrap().unwrap();
    let put = async |zone_rules: &str| {
        let mut tx = w.db.db.decide().await.unwrap();
        let before = tx.counted().await.unwrap().unwrap();
        tx.set_counted(&Counted { zone_rules: zone_rules.to_owned(), ..before }).await.unwrap();
        tx.commit().await.unwrap();
    };
    put("9999z").await;
    assert_eq!(w.services.count_days().await.unwrap(), 0);
    assert_eq!(counted().await.zone_rules, "9999z");
    put("2001a").await;
    assert!(w.services.count_days().await.unwrap() > 0, "by older rules days may begin elsewhere");
    assert_eq!(w.services.count_days().await.unwrap(), 0);
}

async fn no_correction_reaches_before_all_history(engine: Engine) {
    let w = World::begin(engine, "2014-05-20T12:00").await;
    let cluster = w.component("Cluster 12", 1, "2014-04-01T00:00").await;
    match w.correct(cluster, "0001-01-01T00:00:00Z", "2014-05-01T00:00:00Z", "unknown").await {
        Err(Error::Invalid(fields)) => assert_eq!(fields.iter().map(|f| f.field).collect::<Vec<_>>(), ["from"]),
        other => panic!("{other:?}"),
    }
}

async fn the_page_of_a_component_shows_its_state_and_ninety_days(engine: Engine) {
    let w = World::begin(engine, "2014-05-20T12:00").await;
    let cluster = w.component("Cluster 12", 1, "2014-04-01T00:00").await;
    let page = w.services.public_component("cluster-12").await.unwrap();
    assert_eq!(
        (page.known, page.by, page.days.len()),
        (Known::State(domain::component::ComponentState::Operational), None, 90)
    );
    assert_eq!(page.since, Some(utc("2014-04-01T00:00")));
    assert_eq!((page.days[0].date, page.days[89].date), (date("2014-02-20"), date("2014-05-20")));
    assert_eq!(page.days[0].figure.tally.worst(), Some(Known::Unknown));
    // Today up to now: 13 hours in Dublin.
    assert_eq!(page.days[89].figure.tally.total(), 13 * H);
    assert_eq!(page.until, Some(utc("2014-05-20T23:00")));
    w.was(cluster, Known::State(PartialOutage), Source::Override, "2014-05-20T11:00", "").await;
    let page = w.services.public_component("cluster-12").await.unwrap();
    assert_eq!((page.known, page.by), (Known::State(PartialOutage), Some(Source::Override)));
    assert_eq!(page.since, Some(utc("2014-05-20T11:00")));
    assert_eq!(page.month, (date("2014-05-01"), page.month.1));
    assert_eq!((page.month.1.tally.partial, page.month.1.tally.total()), (H, (19 * 24 + 13) * H));
    assert_eq!(
        page.last.iter().map(|(n, figure)| (*n, figure.tally.partial)).collect::<Vec<_>>(),
        [(7, H), (30, H), (90, H)]
    );
    let home = w.services.home().await.unwrap();
    let bar = &home.bars[&cluster];
    assert_eq!((bar.days.len(), bar.days[89]), (90, Some(Known::State(PartialOutage))));
    assert_eq!(home.until, Some(utc("2014-05-20T23:00")));
    assert!(matches!(w.services.public_component("cluster-13").await, Err(Error::NotFound("component"))));
    // What is private is nowhere to be seen, and has its figure for the team alone.
    let mut tx = w.db.db.decide().await.unwrap();
    let shown = tx.component(cluster).await.unwrap();
    tx.update_component(&Component { is_private: true, ..shown }).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(w.services.public_component("cluster-12").await, Err(Error::NotFound("component"))));
    assert!(w.services.home().await.unwrap().bars.is_empty());
    let month = w.month("2014-05-01").await;
    assert!(month.groups.is_empty() && month.site.share().is_none());
    let (stretch, figure) = w
        .services
        .availability_of_component(&w.system, cluster, Stretch::new(utc("2014-05-20T10:00"), utc("2014-05-21T00:00")))
        .await
        .unwrap();
    assert_eq!((stretch.to, figure.tally.partial, figure.tally.operational), (utc("2014-05-20T12:00"), H, H));
    for (from, to) in [("2014-05-20T13:00", "2014-05-20T14:00"), ("2014-05-20T10:00", "2014-05-20T10:00")] {
        let asked = w.services.availability_between(&w.system, Stretch::new(utc(from), utc(to))).await;
        assert!(matches!(asked, Err(Error::Invalid(_))), "{asked:?}");
    }
}

storage::on_both!(
    the_figures_of_the_story_are_those_of_a_calculation_by_hand,
    what_is_entered_late_counts_at_once_and_is_counted_again,
    a_correction_says_what_was_and_is_never_lost,
    a_node_with_older_clocks_takes_what_one_with_newer_ones_counted,
    no_correction_reaches_before_all_history,
    the_page_of_a_component_shows_its_state_and_ninety_days
);
