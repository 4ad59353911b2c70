#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;
use uuid::Uuid;

fn at(minutes: i64) -> Instant {
    Instant::from_timestamp(1_400_000_000 + minutes * 60, 0).unwrap()
}

fn person(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn text(text: &str) -> Prose {
    Prose::parse(text).unwrap()
}

fn why() -> Why {
    Why::parse("Say what customers should do.").unwrap()
}

fn written_by(n: u128) -> PostMortem {
    PostMortem::begin(IncidentId(Uuid::nil()), text("Both disks died."), Some(person(n)), at(0))
}

#[test]
fn somebody_else_reads_it_before_customers_do() {
    let draft = written_by(1);
    assert_eq!(draft.publish(at(1), true), Err(PostMortemRefusal::NotReviewed));
    assert_eq!(draft.approve(at(1), person(2)), Err(PostMortemRefusal::Is(PostMortemState::Draft)));
    let handed_in = draft.submit(at(1)).unwrap();
    assert_eq!(handed_in.submit(at(2)), Err(PostMortemRefusal::Is(PostMortemState::InReview)));
    assert_eq!(handed_in.publish(at(2), true), Err(PostMortemRefusal::NotReviewed));
    assert_eq!(handed_in.approve(at(2), person(1)), Err(PostMortemRefusal::SamePerson));
    let reviewed = handed_in.approve(at(2), person(2)).unwrap();
    assert_eq!(reviewed.approve(at(3), person(3)), Err(PostMortemRefusal::Reviewed));
    assert_eq!(reviewed.publish(at(3), false), Err(PostMortemRefusal::NotOver));
    let public = reviewed.publish(at(3), true).unwrap();
    assert_eq!((public.state, public.published_at), (PostMortemState::Published, Some(at(3))));
    assert_eq!(public.publish(at(4), true), Err(PostMortemRefusal::Is(PostMortemState::Published)));
}

#[test]
fn a_change_after_the_review_needs_another_one() {
    let reviewed = written_by(1).submit(at(1)).unwrap().approve(at(2), person(2)).unwrap();
    let changed = reviewed.edit(at(3), Some(person(2)), text("The second disk died.")).unwrap().unwrap();
    assert_eq!((changed.state, changed.review), (PostMortemState::InReview, None));
    assert_eq!(changed.publish(at(4), true), Err(PostMortemRefusal::NotReviewed));
    assert_eq!(changed.approve(at(4), person(2)), Err(PostMortemRefusal::SamePerson), "who changed it last");
    assert!(changed.approve(at(4), person(1)).is_ok());
    assert_eq!(reviewed.edit(at(3), Some(person(3)), reviewed.body.clone()), Ok(None), "the same text");
    assert_eq!(reviewed.edit(at(3), None, text("")), Err(PostMortemRefusal::Empty));
}

#[test]
fn who_decides_has_the_text_before_them_that_is_stored() {
    let draft = PostMortem { body: text("One.\n\nTwo."), ..written_by(1) };
    assert_eq!(draft.check_seen("One.\r\n\r\nTwo.\r\n"), Ok(()), "as browsers send it");
    for other in ["One.\n\nThree.", "", "One.\n\nTwo.\u{7}"] {
        assert_eq!(draft.check_seen(other), Err(PostMortemRefusal::TextChanged), "{other:?}");
    }
}

#[test]
fn what_a_program_changes_stays_the_text_of_the_person_before() {
    let changed = written_by(1).edit(at(1), None, text("Both disks died at once.")).unwrap().unwrap();
    let handed_in = changed.submit(at(2)).unwrap();
    assert_eq!(handed_in.approve(at(3), person(1)), Err(PostMortemRefusal::SamePerson));
    assert!(handed_in.approve(at(3), person(2)).is_ok());
}

#[test]
fn it_is_sent_back_with_a_reason_until_it_is_handed_in_again() {
    let handed_in = written_by(1).submit(at(1)).unwrap();
    assert_eq!(handed_in.send_back(at(2), person(1), why()), Err(PostMortemRefusal::SamePerson));
    let back = handed_in.send_back(at(2), person(2), why()).unwrap();
    assert_eq!(back.state, PostMortemState::Draft);
    assert_eq!(back.sent_back.as_ref().map(|note| note.by), Some(person(2)));
    assert_eq!(back.submit(at(3)).unwrap().sent_back, None);
}

#[test]
fn what_is_public_shows_that_it_was_changed() {
    let public = written_by(1).submit(at(1)).unwrap().approve(at(2), person(2)).unwrap().publish(at(3), true).unwrap();
    let edited = public.edit(at(9), Some(person(1)), text("Both disks died at once.")).unwrap().unwrap();
    assert_eq!((edited.state, edited.edited_at), (PostMortemState::Published, Some(at(9))));
    assert_eq!(edited.review, None, "it was of another text");
    assert_eq!(edited.published_at, public.published_at);
}

#[test]
fn subscribers_are_told_again_of_a_public_text_that_was_changed_and_reviewed_since() {
    let reviewed = written_by(1).submit(at(1)).unwrap().approve(at(2), person(2)).unwrap();
    assert_eq!(reviewed.check_tell_again(), Err(PostMortemRefusal::Is(PostMortemState::InReview)));
    let public = reviewed.publish(at(3), true).unwrap();
    assert_eq!(public.check_tell_again(), Err(PostMortemRefusal::Unchanged));
    assert_eq!(public.approve(at(4), person(3)), Err(PostMortemRefusal::Reviewed));
    let edited = public.edit(at(9), Some(person(3)), text("Both disks died at once.")).unwrap().unwrap();
    assert_eq!(edited.check_tell_again(), Err(PostMortemRefusal::UnreviewedChange));
    assert_eq!(edited.approve(at(10), person(3)), Err(PostMortemRefusal::SamePerson));
    assert_eq!(edited.send_back(at(10), person(2), why()), Err(PostMortemRefusal::Is(PostMortemState::Published)));
    let again = edited.approve(at(10), person(2)).unwrap();
    assert_eq!((again.state, again.review.map(|review| review.at)), (PostMortemState::Published, Some(at(10))));
    assert_eq!(again.check_tell_again(), Ok(()));
}

#[test]
fn the_outline_has_the_timeline_in_its_place() {
    let said = [
        Said {
            when: "Thu 15 May, 20:05 IST".to_owned(),
            state: "Investigating".to_owned(),
            body: "vm3 is down.\n\n1. disk\n2. disk".to_owned(),
        },
        Said { when: "Fri 16 May, 12:30 IST".to_owned(), state: "Resolved".to_owned(), body: String::new() },
    ];
    assert_eq!(
        timeline(&said),
        "- **Thu 15 May, 20:05 IST** Investigating:\n  vm3 is down.\n\n  1. disk\n  2. disk\n- **Fri 16 May, 12:30 IST** Resolved"
    );
    let text = outline(&said);
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# ")).collect();
    assert_eq!(
        headings,
        ["Summary", "Impact", "Timeline", "Root cause", "What went well", "What went badly", "Remedial measures"]
    );
    assert!(text.contains("# Timeline\n\n- **Thu"));
    assert!(outline(&[]).contains("# Timeline\n\nWhat happened when."));
}

#[test]
fn what_still_is_the_template_is_not_handed_in() {
    let said = [Said { when: "Thu 15 May".to_owned(), state: "Resolved".to_owned(), body: "What went on.".to_owned() }];
    let begun = |body: &str| PostMortem::begin(IncidentId(Uuid::nil()), text(body), Some(person(1)), at(0));
    let untouched = outline(&said);
    let all = ["Summary", "Impact", "Root cause", "What went well", "What went badly", "Remedial measures"];
    assert_eq!(begun(&untouched).submit(at(1)), Err(PostMortemRefusal::Unwritten(all.to_vec())));
    assert_eq!(unwritten(&outline(&[])).len(), 7, "and the timeline, where nothing was said");
    let half = "# Summary\n\nBoth disks died.\n\n# Impact\n\n  Who could not do what, from when to when. \n\nAll.";
    let refused = begun(half).submit(at(1)).unwrap_err();
    assert_eq!(refused, PostMortemRefusal::Unwritten(vec!["Impact"]));
    assert!(refused.to_string().starts_with("Under “Impact” still stands what to write there."), "{refused}");
    let three = PostMortemRefusal::Unwritten(vec!["Summary", "Impact", "Root cause"]).to_string();
    assert!(three.starts_with("Under “Summary”, “Impact” and “Root cause” still"), "{three}");

    let read = written_by(1).submit(at(1)).unwrap();
    assert!(read.edit(at(2), Some(person(1)), text(half)).is_err(), "nor put in its place later");
    let old = PostMortem { body: text(half), ..read };
    assert_eq!(old.approve(at(2), person(2)), Err(PostMortemRefusal::Unwritten(vec!["Impact"])));
    let old = PostMortem { review: Some(Review { by: person(2), at: at(2) }), ..old };
    assert_eq!(
        old.publish(at(3), true),
        Err(PostMortemRefusal::Unwritten(vec!["Impact"])),
        "what was handed in before"
    );
}

#[test]
fn names_are_those_of_json() {
    for state in PostMortemState::ALL {
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.as_str()));
    }
}

proptest! {
    #[test]
    fn a_text_is_unwritten_exactly_as_long_as_a_line_of_the_template_is_left(kept in 0_usize..64) {
        let asked: Vec<String> = outline(&[]).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let sections: Vec<(&str, &str)> = asked.chunks(2).map(|two| (two[0].as_str(), two[1].as_str())).collect();
        let is_kept = |n: usize| kept & (1 << n) != 0;
        let body: Vec<String> = sections
            .iter()
            .enumerate()
            .map(|(n, (heading, line))| format!("{heading}\n\n{}", if is_kept(n) { line } else { "Our own words." }))
            .collect();
        let wanted: Vec<&str> =
            sections.iter().enumerate().filter(|(n, _)| is_kept(*n)).map(|(_, (h, _))| h.trim_start_matches("# ")).collect();
        prop_assert_eq!(unwritten(&body.join("\n\n")), wanted);
    }

    #[test]
    fn nothing_is_public_that_only_one_person_has_read(
        steps in prop::collection::vec((0_u8..5, 0_u128..3, "[a-c]{0,2}"), 0..30),
    ) {
        let mut it = written_by(0);
        let mut now = 0;
        for (what, who, body) in steps {
            now += 1;
            let before = it.clone();
            let result = match what {
                0 => it.edit(at(now), Some(person(who)), text(&body)).map(|next| next.unwrap_or(before.clone())),
                1 => it.submit(at(now)),
                2 => it.approve(at(now), person(who)),
                3 => it.send_back(at(now), person(who), why()),
                _ => it.publish(at(now), true),
            };
            if let Ok(next) = result {
                it = next;
            }
            prop_assert!(it.review.is_none() || it.body == before.body, "of another text");
            prop_assert!(it.check_tell_again().is_err() || it.review.is_some_and(|review| Some(review.by) != it.author));
            if it.state == PostMortemState::Published && before.state != PostMortemState::Published {
                prop_assert!(it.review.is_some_and(|review| Some(review.by) != it.author), "two people");
                prop_assert_eq!(&it.body, &before.body, "the text that was reviewed");
            }
            prop_assert!(before.published_at.is_none() || it.published_at == before.published_at);
            prop_assert_eq!(it.state == PostMortemState::Published, it.published_at.is_some());
            prop_assert!(it.state == PostMortemState::Draft || !it.body.as_str().is_empty());
            prop_assert!(it.state != PostMortemState::Draft || it.review.is_none());
        }
    }
}
