#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::maintenance::{Fold, PlanField};
use crate::time::testing::FixedRules;
use proptest::prelude::*;
use uuid::Uuid;

fn at(minutes: i64) -> Instant {
    Instant::from_timestamp(1_400_000_000 + minutes * 60, 0).unwrap()
}

fn moment(minutes: i64) -> Moment {
    Moment::of(&FixedRules, "Europe/Dublin", at(minutes))
}

fn content(body: &str, banner: Option<i64>) -> Content {
    Content {
        title: Name::parse("New name servers").unwrap(),
        body: Prose::parse(body).unwrap(),
        category: Category::Announcement,
        components: Vec::new(),
        pinned: false,
        tells: true,
        zone: "Europe/Dublin".to_owned(),
        banner: banner.map(moment),
    }
}

fn draft(body: &str, banner: Option<i64>) -> Announcement {
    let slug = Slug::parse("new-name-servers").unwrap();
    Announcement::draft(AnnouncementId(Uuid::nil()), slug, content(body, banner), None, at(0))
}

#[test]
fn names_are_those_of_json() {
    for category in Category::ALL {
        assert_eq!(serde_json::to_string(&category).unwrap(), format!("\"{}\"", category.as_str()));
        assert_eq!(category.as_str().parse(), Ok(category));
    }
    for state in AnnouncementState::ALL {
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.as_str()));
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    assert_eq!("news".parse::<Category>(), Err(UnknownCategory));
}

#[test]
fn it_becomes_public_by_itself_and_not_before() {
    let scheduled = draft("Text", None).schedule(at(1), moment(10)).unwrap();
    assert!(!scheduled.is_due(at(9)) && scheduled.is_due(at(10)) && scheduled.is_due(at(99)));
    let public = scheduled.publish(at(10)).unwrap();
    assert_eq!((public.published_at, public.publish.clone()), (Some(at(10)), None));
    assert!(!public.is_due(at(99)));
    assert_eq!(public.publish(at(11)), Err(AnnouncementRefusal::Is(AnnouncementState::Published)));
}

#[test]
fn nothing_is_published_that_nobody_could_read_or_that_is_over() {
    assert_eq!(draft(" ", None).publish(at(1)), Err(AnnouncementRefusal::Empty));
    assert_eq!(draft("", None).schedule(at(1), moment(5)), Err(AnnouncementRefusal::Empty));
    assert_eq!(draft("Text", None).schedule(at(5), moment(5)), Err(AnnouncementRefusal::InThePast));
    assert_eq!(draft("Text", Some(5)).publish(at(5)), Err(AnnouncementRefusal::BannerOver));
    assert_eq!(draft("Text", Some(5)).schedule(at(1), moment(5)), Err(AnnouncementRefusal::BannerOver));
    // A node that was away publishes all the same.
    let late = draft("Text", Some(8)).schedule(at(1), moment(5)).unwrap().publish(at(9)).unwrap();
    assert_eq!(late.banner_until(at(9)), None);
}

#[test]
fn a_banner_ends_by_itself() {
    let public = draft("Text", Some(20)).publish(at(5)).unwrap();
    assert_eq!(public.banner_until(at(19)), Some(at(20)));
    assert_eq!(public.banner_until(at(20)), None);
    assert_eq!(public.withdraw(at(6), None).unwrap().banner_until(at(7)), None);
}

#[test]
fn an_edit_is_shown_where_readers_could_have_read_the_other_text() {
    let first = draft("Text", None);
    let edited = first.edit(at(1), content("Other", None)).unwrap().unwrap();
    assert_eq!(edited.edited_at, None);
    let public = edited.publish(at(2)).unwrap();
    assert_eq!(public.edit(at(3), content("Other", None)), Ok(None), "nothing is new");
    let mended = public.edit(at(3), content("Another", None)).unwrap().unwrap();
    assert_eq!(mended.edited_at, Some(at(3)));
    let pinned = Content { pinned: true, ..mended.content.clone() };
    assert_eq!(mended.edit(at(4), pinned).unwrap().unwrap().edited_at, Some(at(3)), "the text is the same");
    assert_eq!(public.edit(at(3), content("", None)), Err(AnnouncementRefusal::Empty));
    assert_eq!(public.edit(at(3), content("Text", Some(3))), Err(AnnouncementRefusal::BannerOver));
    let late = draft("Text", Some(5));
    assert_eq!(late.edit(at(3), content("Text", Some(3))), Err(AnnouncementRefusal::BannerOver), "nobody would see it");
    assert!(late.edit(at(9), content("Other", Some(5))).is_ok(), "what was typed before stays, until it is published");
}

#[test]
fn what_was_withdrawn_says_why_and_can_come_back_with_its_date() {
    let public = draft("Text", None).publish(at(2)).unwrap();
    let gone = public.withdraw(at(5), Some(Why::parse("It was wrong.").unwrap())).unwrap();
    assert_eq!((gone.withdrawn_at, gone.published_at), (Some(at(5)), Some(at(2))));
    assert_eq!(gone.withdraw(at(6), None), Err(AnnouncementRefusal::NotPublished));
    assert!(gone.edit(at(6), content("x", None)).is_err());
    assert_eq!(gone.check_deletable(), Err(AnnouncementRefusal::WasPublic));
    let back = gone.publish(at(7)).unwrap();
    assert_eq!((back.published_at, back.withdrawn_at, back.withdrawn_why), (Some(at(2)), None, None));
}

#[test]
fn new_zone_rules_move_the_instants_and_keep_what_was_typed() {
    let scheduled = draft("Text", Some(90)).schedule(at(0), moment(30)).unwrap();
    assert_eq!(scheduled.follow_zone(at(1), &FixedRules), None);
    let mut stale = scheduled.clone();
    stale.publish = stale.publish.map(|publish| Moment { at: at(90), ..publish });
    let moved = stale.follow_zone(at(1), &FixedRules).unwrap();
    assert_eq!((&moved.publish, &moved.content), (&scheduled.publish, &scheduled.content));
}

#[derive(Clone, Debug)]
enum Step {
    Edit(&'static str, Option<i64>),
    Schedule(i64),
    Unschedule,
    Publish,
    Withdraw,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (prop::sample::select(vec!["", "a", "b"]), prop::option::of(0_i64..60)).prop_map(|(b, u)| Step::Edit(b, u)),
        (0_i64..60).prop_map(Step::Schedule),
        Just(Step::Unschedule),
        Just(Step::Publish),
        Just(Step::Withdraw),
    ]
}

proptest! {
    #[test]
    fn whatever_is_done_it_stays_sound(steps in prop::collection::vec(step(), 0..20)) {
        let mut now = 0;
        let mut it = draft("", None);
        for step in steps {
            now += 3;
            let before = it.clone();
            let result = match step {
                Step::Edit(body, banner) => it.edit(at(now), content(body, banner)).map(|next| next.unwrap_or(before.clone())),
                Step::Schedule(when) => it.schedule(at(now), moment(when)),
                Step::Unschedule => it.unschedule(at(now)),
                Step::Publish => it.publish(at(now)),
                Step::Withdraw => it.withdraw(at(now), None),
            };
            if let Ok(next) = result {
                it = next;
            }
            let public = matches!(it.state, AnnouncementState::Published | AnnouncementState::Withdrawn);
            prop_assert_eq!(public, it.published_at.is_some());
            prop_assert_eq!(it.state == AnnouncementState::Scheduled, it.publish.is_some());
            prop_assert_eq!(it.state == AnnouncementState::Withdrawn, it.withdrawn_at.is_some());
            prop_assert!(it.state == AnnouncementState::Draft || !it.content.body.as_str().is_empty());
            prop_assert!(before.published_at.is_none() || before.published_at == it.published_at, "the date stays");
            prop_assert_eq!(&before.slug, &it.slug);
            prop_assert!(it.edited_at.is_none() || it.edited_at >= it.published_at);
            prop_assert!(it.banner_until(at(now)).is_none_or(|until| until > at(now)));
        }
    }
}

#[test]
fn a_scheduled_time_that_exists_twice_keeps_its_choice() {
    let local = "2026-10-25T02:30:00".parse().unwrap();
    let later = Moment::read(&FixedRules, "Europe/Berlin", PlanField::Start, local, Some(Fold::Later)).unwrap();
    let scheduled = draft("Text", None).schedule(at(0), later.clone()).unwrap();
    assert_eq!(scheduled.publish, Some(later));
}
