use super::component::component;
use super::maintenance::at;
use chrono::NaiveDate;
use domain::availability::{Life, Tally};
use domain::component::ComponentState::{MajorOutage, PartialOutage};
use domain::correction::{Correction, Withdrawn};
use domain::ids::{ComponentId, CorrectionId, ImpactId};
use domain::impact::{Impact, Known, Source};
use domain::text::Why;
use domain::time::Stretch;
use std::collections::BTreeSet;
use storage::figure::{Counted, What};
use storage::testing::{Engine, TestDb};
use storage::{StoreError, Tx};
use uuid::Uuid;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn impact(n: u128, of: ComponentId, known: Known, source: Source, from: i64, to: Option<i64>) -> Impact {
    let (id, source_id) = (ImpactId(Uuid::from_u128(n)), Uuid::from_u128(n + 1000));
    Impact { id, component: of, known, source, source_id, from: at(from), to: to.map(at) }
}

async fn entered(tx: &mut Tx, n: u128, name: &str) -> ComponentId {
    let entered = component(n, name, None, i64::try_from(n).unwrap());
    tx.insert_component(&entered, at(0)).await.unwrap();
    entered.id
}

/// The marks there are, as minutes.
async fn marks(tx: &mut Tx) -> Vec<(ComponentId, i64, Option<i64>)> {
    let minutes = |when: domain::time::Instant| (when - at(0)).num_minutes();
    let mut found = tx.stale_days(100).await.unwrap();
    found.sort_by_key(|mark| (mark.component, mark.from, mark.to));
    tx.drop_stale(&found).await.unwrap();
    found.into_iter().map(|mark| (mark.component, minutes(mark.from), mark.to.map(minutes))).collect()
}

async fn days_are_kept_for_a_component_and_replaced_together(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    assert_eq!(tx.first_known().await.unwrap(), None);
    let (a, b) = (entered(&mut tx, 1, "Shell nodes").await, entered(&mut tx, 2, "DNS").await);
    assert_eq!(tx.first_known().await.unwrap(), Some(at(0)));
    let day = |n: i64| Tally {
        operational: n,
        planned: 2,
        degraded: 3,
        degraded_planned: 4,
        partial: 5,
        partial_planned: 6,
        major: 7,
        unknown: 8,
    };
    let (first, last) = (date("2014-05-01"), date("2014-05-31"));
    let rows = [(date("2014-05-15"), day(1)), (date("2014-05-16"), day(10))];
    tx.put_component_days(a, first, last, &rows).await.unwrap();
    tx.put_component_days(b, first, last, &rows[..1]).await.unwrap();
    tx.put_component_days(a, date("2014-06-01"), date("2014-06-30"), &[(date("2014-06-02"), day(20))]).await.unwrap();
    let all = vec![(a, rows[0].0, day(1)), (a, rows[1].0, day(10)), (b, rows[0].0, day(1))];
    assert_eq!(tx.component_days(None, first, last).await.unwrap(), all);
    assert_eq!(tx.component_days(Some(b), first, date("2014-12-31")).await.unwrap(), all[2..]);
    assert_eq!(tx.component_days(None, date("2014-05-16"), date("2014-05-16")).await.unwrap(), all[1..2]);
    tx.put_component_days(a, date("2014-05-16"), date("2014-05-16"), &[]).await.unwrap();
    assert_eq!(tx.component_days(Some(a), first, last).await.unwrap(), all[..1]);
    assert_eq!(tx.counted().await.unwrap(), None);
    let counted = Counted { zone: "Europe/Dublin".to_owned(), zone_rules: "2026f".to_owned(), until: at(60) };
    tx.set_counted(&counted).await.unwrap();
    let counted = Counted { until: at(120), ..counted };
    tx.set_counted(&counted).await.unwrap();
    assert_eq!(tx.counted().await.unwrap(), Some(counted));
    tx.forget_counted().await.unwrap();
    assert_eq!(tx.counted().await.unwrap(), None);
    assert_eq!(tx.component_days(None, first, date("2014-12-31")).await.unwrap(), []);
    tx.commit().await.unwrap();
}

async fn who_counts_is_who_was_in_use_and_known_to_customers(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (a, b) = (entered(&mut tx, 1, "Shell nodes").await, entered(&mut tx, 2, "DNS").await);
    let mut retired = tx.component(b).await.unwrap();
    retired.retired_at = Some(at(600));
    tx.update_component(&retired).await.unwrap();
    let ids = |found: Vec<storage::figure::Counts>| found.into_iter().map(|c| (c.id, c.life)).collect::<Vec<_>>();
    let (in_use, over) =
        (Life { created_at: at(0), retired_at: None }, Life { created_at: at(0), retired_at: Some(at(600)) });
    assert_eq!(ids(tx.counting(at(599), false).await.unwrap()), [(a, in_use), (b, over)]);
    assert_eq!(ids(tx.counting(at(600), true).await.unwrap()), [(a, in_use)]);
    let hidden = tx.component(a).await.unwrap();
    tx.update_component(&domain::component::Component { is_private: true, ..hidden }).await.unwrap();
    assert_eq!(ids(tx.counting(at(600), true).await.unwrap()), [(a, in_use)]);
    assert_eq!(ids(tx.counting(at(599), false).await.unwrap()), [(b, over)]);
    tx.commit().await.unwrap();
}

async fn whatever_changes_the_counted_past_leaves_a_mark(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let a = entered(&mut tx, 1, "Shell nodes").await;
    let major = Known::State(MajorOutage);
    let open = impact(1, a, major, Source::Incident, 50, None);
    tx.insert_impact(&open).await.unwrap();
    // Nothing has been counted yet: nothing can be stale.
    assert_eq!(marks(&mut tx).await, []);
    let counted = Counted { zone: "UTC".to_owned(), zone_rules: "1".to_owned(), until: at(100) };
    tx.set_counted(&counted).await.unwrap();
    // What happens today is not counted yet.
    tx.end_impacts(Source::Incident, open.source_id, Some(a), at(130)).await.unwrap();
    tx.insert_impact(&impact(2, a, major, Source::Incident, 100, Some(120))).await.unwrap();
    assert_eq!(marks(&mut tx).await, []);
    // Entered late, with an end and without; over sooner than was thought.
    tx.insert_impact(&impact(3, a, Known::Unknown, Source::Correction, 10, Some(20))).await.unwrap();
    let late = impact(4, a, Known::State(PartialOutage), Source::Incident, 99, None);
    tx.insert_impact(&late).await.unwrap();
    assert_eq!(marks(&mut tx).await, [(a, 10, Some(20)), (a, 99, None)]);
    let early = impact(5, a, major, Source::Override, 60, None);
    tx.insert_impact(&early).await.unwrap();
    assert_eq!(marks(&mut tx).await, [(a, 60, None)]);
    tx.end_impacts(Source::Override, early.source_id, None, at(70)).await.unwrap();
    assert_eq!(marks(&mut tx).await, [(a, 70, None)]);
    assert_eq!(tx.stale_within(Stretch::new(at(0), at(1000))).await.unwrap(), BTreeSet::new());
    tx.insert_impact(&impact(6, a, major, Source::Incident, 30, Some(40))).await.unwrap();
    assert_eq!(tx.stale_within(Stretch::new(at(0), at(30))).await.unwrap(), BTreeSet::new());
    assert_eq!(tx.stale_within(Stretch::new(at(39), at(1000))).await.unwrap(), BTreeSet::from([a]));
    assert_eq!(tx.stale_within(Stretch::new(at(40), at(1000))).await.unwrap(), BTreeSet::new());
    tx.commit().await.unwrap();
}

async fn a_correction_is_kept_when_it_is_withdrawn_and_its_word_is_gone(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let (a, b) = (entered(&mut tx, 1, "Shell nodes").await, entered(&mut tx, 2, "DNS").await);
    let correction = |n: u128, of: ComponentId, known: Known, made: i64| Correction {
        id: CorrectionId(Uuid::from_u128(n)),
        component: of,
        stretch: Stretch::new(at(10), at(20)),
        known,
        reason: Why::parse("The monitor was broken, not the nodes.").unwrap(),
        created_at: at(made),
        created_by: None,
        by: "Ada Byrne".to_owned(),
        withdrawn: None,
        version: 1,
    };
    let (first, second) = (correction(1, a, Known::Unknown, 30), correction(2, b, Known::State(MajorOutage), 40));
    for one in [&first, &second] {
        tx.insert_correction(one).await.unwrap();
        let word = Impact {
            source_id: one.id.0,
            ..impact(one.id.0.as_u128(), one.component, one.known, Source::Correction, 10, Some(20))
        };
        tx.insert_impact(&word).await.unwrap();
    }
    assert_eq!(tx.corrections(None, true, 9).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(tx.corrections(Some(a), false, 9).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(tx.corrections(None, true, 1).await.unwrap(), std::slice::from_ref(&second));
    let within = Stretch::new(at(0), at(100));
    let happened = tx.happenings(a, within, 9).await.unwrap();
    assert_eq!(
        happened.iter().map(|h| (&h.what, h.from, h.to)).collect::<Vec<_>>(),
        [(&What::Correction, at(10), Some(at(20)))]
    );
    let withdrawn = Withdrawn { at: at(50), by: "Grace Nolan".to_owned(), why: Why::parse("It was not.").unwrap() };
    assert!(matches!(tx.withdraw_correction(first.id, 7, &withdrawn).await, Err(StoreError::Stale(_))));
    tx.withdraw_correction(first.id, 1, &withdrawn).await.unwrap();
    assert!(matches!(tx.withdraw_correction(first.id, 2, &withdrawn).await, Err(StoreError::Stale(_))));
    let after = Correction { withdrawn: Some(withdrawn), version: 2, ..first.clone() };
    assert_eq!(tx.correction(first.id).await.unwrap(), after);
    assert!(matches!(tx.correction(CorrectionId(Uuid::from_u128(9))).await, Err(StoreError::NotFound(_))));
    assert_eq!(tx.corrections(Some(a), false, 9).await.unwrap(), []);
    assert_eq!(tx.corrections(Some(a), true, 9).await.unwrap(), [after]);
    assert_eq!(tx.happenings(a, within, 9).await.unwrap(), []);
    // What was said and withdrawn is history too: the component can not be deleted.
    assert_eq!(tx.component_references(a).await.unwrap().stretches, 1);
    assert_eq!(tx.component_references(b).await.unwrap().stretches, 1);
    assert_eq!(tx.happenings(b, within, 9).await.unwrap().len(), 1);
    let gone = Correction { component: ComponentId(Uuid::from_u128(99)), ..correction(3, a, Known::Unknown, 60) };
    assert!(matches!(tx.insert_correction(&gone).await, Err(StoreError::Conflict(_))));
}

storage::on_both!(
    days_are_kept_for_a_component_and_replaced_together,
    who_counts_is_who_was_in_use_and_known_to_customers,
    whatever_changes_the_counted_past_leaves_a_mark,
    a_correction_is_kept_when_it_is_withdrawn_and_its_word_is_gone
);
