#![expect(clippy::unwrap_used, reason = "tests")]
use super::digest::{BUNDLED, DigestHour, news_is_due};
use super::order::{Order, PAIRS, Pair, Trend, late, pairs, trend};
use super::*;
use crate::ids::FindingId;
use crate::time::testing::FixedRules;
use chrono::{NaiveDate, TimeZone, Utc};
use proptest::prelude::*;

const DUBLIN: &str = "Europe/Dublin";

fn at(day: u32, hour: u32, minute: u32) -> Instant {
    Utc.with_ymd_and_hms(2014, 5, day, hour, minute, 0).unwrap()
}

fn host(n: u128, name: &str) -> HostFact {
    HostFact {
        id: HostId(Uuid::from_u128(n)),
        name: name.to_owned(),
        owner: String::new(),
        is_exempt: false,
        created_at: at(1, 0, 0),
    }
}

fn data_set(n: u128, host: u128, kind: DataKind) -> DataSetFact {
    DataSetFact {
        id: DataSetId(Uuid::from_u128(n)),
        host: HostId(Uuid::from_u128(host)),
        name: kind.as_str().to_owned(),
        kind,
        created_at: at(1, 0, 0),
    }
}

fn job(n: u128, data_set: u128, name: &str) -> JobFact {
    JobFact {
        id: JobId(Uuid::from_u128(n)),
        data_set: DataSetId(Uuid::from_u128(data_set)),
        name: name.to_owned(),
        enabled: true,
        every: Span::hours(24),
        carried_by: None,
        created_at: at(1, 0, 0),
        heard_at: Some(at(14, 1, 0)),
        is_running: false,
        ran: Vec::new(),
    }
}

/// web-12 with files and a database, its dump carried by the files job.
fn site() -> Facts {
    Facts {
        hosts: vec![host(1, "web-12")],
        data_sets: vec![data_set(10, 1, DataKind::Files), data_set(11, 1, DataKind::Database)],
        jobs: vec![
            job(20, 10, "nightly files"),
            JobFact { carried_by: Some(JobId(Uuid::from_u128(20))), ..job(21, 11, "nightly dump") },
        ],
    }
}

fn found(now: Instant, facts: &Facts) -> Vec<(Kind, String)> {
    findings(now, facts, &BTreeSet::new()).into_iter().map(|f| (f.what.kind(), f.place)).collect()
}

fn nights(ends: &[Instant], takes: i64) -> Vec<Ran> {
    ends.iter().map(|end| Ran { started_at: Span::minutes(takes).before(*end), finished_at: *end }).collect()
}

#[test]
fn a_site_in_order_has_no_findings() {
    assert_eq!(found(at(14, 12, 0), &site()), []);
}

#[test]
fn a_job_is_silent_after_two_intervals_and_not_before() {
    let mut facts = site();
    facts.jobs[0].heard_at = Some(at(12, 1, 0));
    assert_eq!(found(at(14, 0, 59), &facts), []);
    let silent = (Kind::SilentJob, "web-12 · files: nightly files".to_owned());
    assert_eq!(found(at(14, 1, 0), &facts), std::slice::from_ref(&silent));
    facts.jobs[0].heard_at = None;
    assert_eq!(found(at(2, 23, 59), &facts), [], "it is given two intervals from when it was made");
    assert_eq!(found(at(3, 0, 0), &facts), [silent]);
}

#[test]
fn a_job_that_is_running_or_switched_off_is_not_silent() {
    let mut facts = site();
    facts.jobs[0].heard_at = Some(at(1, 1, 0));
    facts.jobs[0].is_running = true;
    assert_eq!(found(at(14, 12, 0), &facts), []);
    facts.jobs[0].is_running = false;
    facts.jobs[0].enabled = false;
    assert_eq!(found(at(14, 12, 0), &facts), [(Kind::NoJob, "web-12 · files".to_owned())]);
}

#[test]
fn a_database_beside_a_files_job_is_found_by_name() {
    let mut facts = site();
    facts.jobs.truncate(1);
    let finding = findings(at(14, 12, 0), &facts, &BTreeSet::new()).remove(0);
    assert_eq!(finding.what, What::NoDumpJob { beside: Some("nightly files".to_owned()) });
    assert_eq!(finding.heading(), "Database without a dump: web-12 · database");
    assert!(finding.sentence(&FixedRules, DUBLIN).contains("“nightly files” on the same host copies files only"));
    assert!(found(at(1, 0, 59), &facts).is_empty(), "there is time to add one");
}

#[test]
fn a_host_is_claimed_by_an_owner_a_data_set_or_an_exemption() {
    let now = at(14, 12, 0);
    let facts = |change: fn(&mut HostFact)| {
        let mut bare = host(2, "legacy-shop");
        change(&mut bare);
        let mut facts = site();
        facts.hosts.push(bare);
        facts
    };
    assert_eq!(found(now, &facts(|_| ())), [(Kind::UnclaimedHost, "legacy-shop".to_owned())]);
    assert_eq!(found(now, &facts(|host| host.owner = "Web team".to_owned())), []);
    assert_eq!(found(now, &facts(|host| host.is_exempt = true)), []);
    assert_eq!(found(now, &facts(|host| host.created_at = at(14, 11, 30))), [], "there is time to declare it");
    let mut declared = facts(|_| ());
    declared.data_sets.push(data_set(12, 2, DataKind::Files));
    assert_eq!(found(now, &declared), [(Kind::NoJob, "legacy-shop · files".to_owned())]);
}

#[test]
fn nothing_is_found_on_an_exempt_host() {
    let mut facts = site();
    facts.hosts[0].is_exempt = true;
    facts.jobs.truncate(1);
    facts.jobs[0].heard_at = None;
    assert_eq!(found(at(14, 12, 0), &facts), []);
}

#[test]
fn the_dump_of_the_story_is_late_every_night() {
    let mut facts = site();
    facts.jobs[0].ran = nights(&[at(12, 2, 30), at(13, 2, 30), at(14, 2, 30)], 90);
    facts.jobs[1].ran = nights(&[at(12, 4, 0), at(13, 4, 0)], 30);
    // The night of the 14th has no dump yet; that of the 13th came three hours after its carrier's start.
    let finding = findings(at(14, 2, 31), &facts, &BTreeSet::new()).remove(0);
    let pair = Pair { dump_ended: at(13, 4, 0), carrier_started: at(13, 1, 0) };
    assert_eq!(finding.what, What::DumpLate { carrier: "web-12 · files: nightly files".to_owned(), pair });
    facts.jobs[1].ran.push(nights(&[at(14, 4, 0)], 30)[0]);
    assert_eq!(found(at(14, 4, 1), &facts), [(Kind::DumpLate, "web-12 · database: nightly dump".to_owned())]);
}

#[test]
fn a_dump_that_runs_while_its_carrier_starts_belongs_to_it() {
    let (mut dump, mut carrier) = (job(21, 11, "dump"), job(20, 10, "files"));
    carrier.ran = nights(&[at(13, 2, 30)], 90);
    dump.ran = nights(&[at(13, 0, 50), at(13, 1, 20)], 30);
    assert_eq!(
        pairs(dump.timed(), carrier.timed()),
        [Pair { dump_ended: at(13, 1, 20), carrier_started: at(13, 1, 0) }]
    );
}

#[test]
fn only_jobs_of_one_rhythm_are_paired() {
    let (mut dump, mut carrier) = (job(21, 11, "dump"), job(20, 10, "files"));
    carrier.ran = nights(&[at(13, 2, 30)], 90);
    dump.ran = nights(&[at(13, 1, 20)], 30);
    for (dump_every, carrier_every, paired) in [(24, 24, 1), (20, 24, 1), (1, 24, 0), (24, 1, 0), (16, 24, 0)] {
        dump.every = Span::hours(dump_every);
        carrier.every = Span::hours(carrier_every);
        assert_eq!(pairs(dump.timed(), carrier.timed()).len(), paired, "{dump_every} h, {carrier_every} h");
    }
}

#[test]
fn late_is_over_after_two_nights_in_order() {
    let night = |day, minutes: i64| Pair {
        dump_ended: Span::minutes(minutes).before(at(day, 1, 0)),
        carrier_started: at(day, 1, 0),
    };
    let history = [night(10, 30), night(11, -5), night(12, 30), night(13, 30)];
    assert_eq!(late(&history[..1], false), None);
    assert_eq!(late(&history[..2], false), Some(history[1]));
    assert_eq!(late(&history[..3], true), Some(history[1]));
    assert_eq!(late(&history, true), None);
    assert_eq!(late(&history[..3], false), None, "one night in order is no finding of its own");
}

#[test]
fn a_drift_says_how_long_it_lasts() {
    let night = |n: i64| {
        let carrier_started = Span::days(n).after(at(1, 1, 0));
        Pair { dump_ended: Span::minutes(131 - 4 * n).before(carrier_started), carrier_started }
    };
    let nights: Vec<Pair> = (0..14).map(night).collect();
    let trend = trend(&nights).unwrap();
    assert_eq!((trend.gap, trend.per_day), (Span::minutes(79), Span::minutes(-4)));
    assert_eq!(trend.lasts().map(|lasts| lasts.as_seconds() / 86_400), Some(19));
    let what = What::DumpDrifting { carrier: "web-12 · files: nightly".to_owned(), trend };
    let finding = Finding { subject: Subject::Job(JobId(Uuid::nil())), place: "p".to_owned(), since: None, what };
    assert_eq!(
        finding.sentence(&FixedRules, DUBLIN),
        "The dump is ready 1 h 19 min before “web-12 · files: nightly” starts, 4 min less each day. If it goes on \
         like this it comes too late in 19 days."
    );
    let order = Order { newest: nights[13], trend: Some(trend) };
    assert_eq!(
        order.sentence(&FixedRules, DUBLIN),
        "Dump ended 00:41 IST, carrier started 02:00 IST: gap 1 h 19 min, shrinking 4 min a day."
    );
    let late = Pair { dump_ended: at(3, 1, 30), carrier_started: at(3, 1, 0) };
    assert_eq!(
        Order { newest: late, trend: None }.sentence(&FixedRules, "UTC"),
        "Dump ended 01:30 UTC, carrier started 01:00 UTC: 30 min too late."
    );
    let steady = Trend { per_day: Span::seconds(59), ..trend };
    assert!(
        Order { newest: nights[13], trend: Some(steady) }
            .sentence(&FixedRules, "UTC")
            .ends_with("gap 1 h 19 min, steady.")
    );
}

/// The nights on which a drift stands open, watched night by night.
fn watched(gaps: &[i64]) -> Vec<bool> {
    let all: Vec<Pair> = gaps
        .iter()
        .enumerate()
        .map(|(n, gap)| {
            let carrier_started = Span::days(i64::try_from(n).unwrap()).after(at(1, 1, 0));
            Pair { dump_ended: Span::seconds(*gap).before(carrier_started), carrier_started }
        })
        .collect();
    let mut open = false;
    (1..=all.len())
        .map(|n| {
            open = trend(&all[n.saturating_sub(PAIRS)..n]).is_some_and(|trend| trend.is_drifting(open));
            open
        })
        .collect()
}

proptest! {
    #[test]
    fn a_constant_gap_never_drifts(gap in 0..40_000_i64, nights in 1..40_usize) {
        prop_assert!(watched(&vec![gap; nights]).iter().all(|open| !open));
    }

    #[test]
    fn a_gap_that_wavers_by_less_than_the_margin_never_drifts(
        gap in 0..40_000_i64,
        noise in prop::collection::vec(0..300_i64, 1..60),
    ) {
        let gaps: Vec<i64> = noise.iter().map(|noise| gap + noise).collect();
        prop_assert!(watched(&gaps).iter().all(|open| !open));
    }

    #[test]
    fn a_gap_that_shrinks_steadily_is_told_before_it_is_gone(start in 1_200..20_000_i64, share in 0..1_000_i64) {
        // From half a minute a day up to what is gone in ten nights.
        let per_day = 30 + (start / 10 - 30) * share / 1_000;
        let gaps: Vec<i64> = (0..).map(|n| start - n * per_day).take_while(|gap| *gap >= 0).collect();
        let open = watched(&gaps);
        prop_assert_eq!(open.last(), Some(&true), "{} s a day from {} s", per_day, start);
        prop_assert!(open.windows(2).all(|pair| pair[0] <= pair[1]), "once told it stays");
    }

    #[test]
    fn noise_on_a_drift_opens_it_once_and_its_end_closes_it(
        rest in 600..10_000_i64,
        per_day in 40..600_i64,
        noise in prop::collection::vec(0..60_i64, 80),
    ) {
        let gaps: Vec<i64> =
            (0..80).map(|n| rest + (30 - n).max(0) * per_day).zip(&noise).map(|(gap, noise)| gap + noise).collect();
        let open = watched(&gaps);
        let openings = open.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        prop_assert!(openings <= 1, "{openings} openings");
        prop_assert_eq!(open.last(), Some(&false));
    }

    #[test]
    fn an_extra_pair_of_runs_moves_no_trend(gap in 3_000..10_000_i64, extra in 0..14_usize, short in 0..600_i64) {
        let mut gaps = vec![gap; PAIRS];
        gaps[extra] = short;
        prop_assert!(watched(&gaps).iter().all(|open| !open));
    }

    #[test]
    fn a_digest_is_due_once_for_each_day_whenever_somebody_looks(
        hour in 0..24_i64,
        looks in prop::collection::vec(1..200_000_i64, 1..80),
        zone in prop::sample::select(vec!["Europe/Dublin", "UTC", "Europe/Berlin"]),
        start in 0..700_i64,
    ) {
        let hour = DigestHour::new(hour).unwrap();
        let mut now = Span::days(start).after(Utc.with_ymd_and_hms(2025, 1, 1, 0, 0, 0).unwrap());
        let mut last = hour.newest_day(&FixedRules, zone, now);
        for look in looks {
            now = Span::seconds(look).after(now);
            if let Some(day) = hour.due(&FixedRules, zone, last, now) {
                prop_assert!(day > last);
                prop_assert!(hour.on(&FixedRules, zone, day) <= now, "never before its time");
                last = day;
            }
            prop_assert_eq!(hour.due(&FixedRules, zone, last, now), None, "never twice");
            let next = hour.on(&FixedRules, zone, last.succ_opt().unwrap());
            prop_assert!(now < next, "none is left out once somebody looks");
        }
    }
}

#[test]
fn a_digest_keeps_its_hour_when_the_clocks_change() {
    let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    let on = |hour, day| DigestHour::new(hour).unwrap().on(&FixedRules, "Europe/Berlin", day).to_rfc3339();
    assert_eq!(on(8, day(3, 28)), "2026-03-28T07:00:00+00:00");
    assert_eq!(on(8, day(3, 29)), "2026-03-29T06:00:00+00:00");
    assert_eq!(on(2, day(3, 29)), "2026-03-29T01:00:00+00:00", "02:00 is skipped: 03:00 is the first after it");
    assert_eq!(on(2, day(10, 25)), "2026-10-25T00:00:00+00:00", "the first of two");
    assert!(DigestHour::new(24).is_err() && DigestHour::new(-1).is_err());
}

fn case(finding: Finding) -> Case {
    Case {
        id: FindingId(Uuid::from_u128(1)),
        finding,
        first_seen_at: at(10, 8, 0),
        last_seen_at: at(10, 8, 0),
        closed_at: None,
        told_at: None,
        acknowledged: None,
        version: 1,
    }
}

fn unclaimed(n: u128) -> Finding {
    let subject = Subject::Host(HostId(Uuid::from_u128(n)));
    Finding { subject, place: format!("host-{n}"), since: None, what: What::UnclaimedHost }
}

#[test]
fn looking_again_finds_what_is_new_what_moved_and_what_is_gone() {
    let (kept, gone) = (case(unclaimed(1)), Case { id: FindingId(Uuid::from_u128(2)), ..case(unclaimed(2)) });
    let open = [kept.clone(), gone.clone()];
    assert!(settle(&open, vec![unclaimed(1), unclaimed(2)]).is_empty());
    let renamed = Finding { place: "other".to_owned(), ..unclaimed(1) };
    let settled = settle(&open, vec![renamed.clone(), unclaimed(3)]);
    assert_eq!(settled, Settled { new: vec![unclaimed(3)], moved: vec![(kept.id, renamed)], gone: vec![gone.id] });
}

#[test]
fn an_acknowledged_finding_is_quiet_and_comes_back_as_news() {
    let new = case(unclaimed(1));
    assert_eq!(new.to_be_told_since(at(10, 9, 0)), Some(at(10, 8, 0)));
    let told = Case { told_at: Some(at(10, 8, 5)), ..new };
    assert_eq!(told.to_be_told_since(at(10, 9, 0)), None);
    let until = at(12, 8, 0);
    let acknowledged = Acknowledgement { reason: "known".to_owned(), by: "Ann".to_owned(), at: at(10, 9, 0), until };
    let quiet = Case { acknowledged: Some(acknowledged), ..told };
    assert!(!quiet.is_open(at(12, 7, 59)));
    assert!(quiet.is_open(until));
    assert_eq!(quiet.to_be_told_since(until), Some(until));
    let told_again = Case { told_at: Some(until), ..quiet };
    assert_eq!(told_again.to_be_told_since(at(20, 0, 0)), None);
    assert_eq!(Case { closed_at: Some(at(13, 0, 0)), ..case(unclaimed(1)) }.to_be_told_since(at(14, 0, 0)), None);
}

#[test]
fn news_waits_for_what_comes_with_it() {
    let first = at(10, 8, 0);
    assert!(!news_is_due([], first));
    assert!(!news_is_due([Span::minutes(2).after(first), first], Span::minutes(2).after(first)));
    assert!(news_is_due([Span::minutes(2).after(first), first], BUNDLED.after(first)));
}

#[test]
fn kinds_are_read_as_they_are_written() {
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    assert_eq!("tape".parse::<Kind>(), Err(UnknownKind));
}

#[test]
fn a_finding_is_read_back_as_it_was_stored() {
    let trend = order::Trend { gap: Span::minutes(9), per_day: Span::minutes(-1), fell: Span::minutes(12) };
    let pair = Pair { dump_ended: at(3, 1, 0), carrier_started: at(3, 0, 50) };
    for what in [
        What::UnclaimedHost,
        What::NoDumpJob { beside: Some("files".to_owned()) },
        What::NoJob,
        What::DumpLate { carrier: "files".to_owned(), pair },
        What::DumpDrifting { carrier: "files".to_owned(), trend },
        What::SilentJob { last_at: None, every: Span::hours(24) },
    ] {
        let finding = Finding { what, ..unclaimed(1) };
        let json = serde_json::to_string(&finding).unwrap();
        assert_eq!(serde_json::from_str::<Finding>(&json).unwrap(), finding, "{json}");
    }
}
