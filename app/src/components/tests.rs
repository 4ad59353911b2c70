//! Components as HTML.

use super::*;
use crate::view::*;
use domain::maintenance::State;
use leptos::prelude::*;

fn html(view: impl FnOnce() -> AnyView) -> String {
    Owner::new().with(|| view().to_html())
}

fn when() -> WhenView {
    WhenView {
        datetime: "2014-05-15T19:00:00Z".to_owned(),
        text: "Thu 15 May 2014, 20:00–22:00 IST (UTC+1)".to_owned(),
        utc: "19:00–21:00 UTC".to_owned(),
    }
}

fn verdict() -> VerdictView {
    VerdictView {
        answer: Answer::Blocked,
        title: "Not safe to schedule: 1 reason".to_owned(),
        ages: Some(AgesView { limit: 1440, ages: vec![120, 2810] }),
        reasons: vec![
            ReasonView::reason("vm3 · image: the last good run is too old", "46 h 50 min")
                .with(ActionView::post("Request a run", "/admin/jobs/1", &[("do", "request")]).about("vm3 · image")),
        ],
        ..VerdictView::default()
    }
}

#[test]
fn a_field_keeps_what_was_typed_and_points_at_its_error() {
    let shown = html(|| {
        view! { <Field name="email" label="E-mail" value="a\"<b" hint="Yours" error=Some("Not an address".to_owned())/> }
            .into_any()
    });
    assert!(shown.contains(r#"value="a&quot;&lt;b""#), "{shown}");
    assert!(shown.contains(r#"aria-describedby="email-hint email-error""#), "{shown}");
    assert!(shown.contains(r#"aria-invalid="true""#) && shown.contains(r#"id="email-error""#), "{shown}");
}

#[test]
fn a_field_without_fault_says_nothing_of_one() {
    let no_error: Option<String> = None;
    let shown = html(|| view! { <Field name="email" label="E-mail" error=no_error /> }.into_any());
    assert!(!shown.contains("aria-invalid") && !shown.contains("aria-describedby"), "{shown}");
}

#[test]
fn a_text_that_begins_with_a_line_break_keeps_it() {
    let shown = html(|| view! { <TextArea name="message" label="Message" value="\nHello"/> }.into_any());
    assert!(shown.contains(">\n\nHello</textarea>"), "{shown}");
}

#[test]
fn a_text_can_not_leave_its_area() {
    let shown =
        html(|| view! { <TextArea name="message" label="Message" value="</textarea><script>&amp;"/> }.into_any());
    assert!(shown.contains(">&lt;/textarea&gt;&lt;script&gt;&amp;amp;</textarea>"), "{shown}");
}

#[test]
fn a_state_has_a_shape_and_words() {
    for state in [
        State::Draft,
        State::Scheduled,
        State::Held,
        State::Postponed,
        State::InProgress,
        State::Verifying,
        State::Completed,
        State::Cancelled,
    ] {
        let shown = html(|| view! { <StateBadge state/> }.into_any());
        assert!(shown.contains("<use href=\"#i-"), "{shown}");
        assert!(shown.contains(&StateView::from(state).label), "{shown}");
    }
}

#[test]
fn a_time_is_written_for_machines_in_utc() {
    let shown = html(|| view! { <TimeRange when=when()/> }.into_any());
    assert!(shown.contains(r#"<time datetime="2014-05-15T19:00:00Z">Thu 15 May 2014"#), "{shown}");
    assert!(shown.contains("19:00–21:00 UTC"), "{shown}");
}

#[test]
fn every_shape_is_in_the_sprite() {
    let sprite = html(|| view! { <Sprite/> }.into_any());
    let shapes = [
        Shape::Ok,
        Shape::Degraded,
        Shape::Partial,
        Shape::Major,
        Shape::Work,
        Shape::Mark,
        Shape::Held,
        Shape::Confirmed,
        Shape::Draft,
        Shape::Scheduled,
        Shape::Verifying,
        Shape::Postponed,
        Shape::Cancelled,
        Shape::Running,
        Shape::Unknown,
        Shape::Exempt,
        Shape::Note,
        Shape::Info,
        Shape::Next,
        Shape::Plus,
        Shape::Close,
        Shape::Menu,
        Shape::Mail,
    ];
    for shape in shapes {
        assert!(sprite.contains(&format!("id=\"{}\"", shape.href().trim_start_matches('#'))), "{shape:?}");
    }
}

#[test]
fn a_verdict_opens_its_mark_only_when_confirmed() {
    let blocked = html(|| view! { <VerdictPanel verdict=verdict()/> }.into_any());
    assert!(!blocked.contains("is-open") && blocked.contains("tone-major"), "{blocked}");
    assert!(blocked.contains("1 beyond it; the oldest 46 h 50 min"), "{blocked}");
    assert!(blocked.contains(r#"<form method="post" action="/admin/jobs/1">"#), "{blocked}");
    let confirmed = VerdictView { answer: Answer::Confirmed, ..VerdictView::default() };
    let confirmed = html(|| view! { <VerdictPanel verdict=confirmed/> }.into_any());
    assert!(confirmed.contains("fermata is-open") && confirmed.contains("tone-ok"), "{confirmed}");
}

#[test]
fn names_of_people_cannot_become_markup() {
    let node = NodeView { name: "<b>vm3".to_owned(), why: "\"named\"".to_owned(), ..NodeView::default() };
    let shown = html(|| view! { <HostTree roots=vec![node]/> }.into_any());
    assert!(shown.contains("&lt;b&gt;vm3"), "{shown}");
}

#[test]
fn a_table_names_its_cells_for_narrow_screens() {
    let rows = vec![vec!["vm3".into_any(), "1".into_any(), "Edit".into_any()]];
    let columns = vec![ColumnView::new("Host"), ColumnView::number("Data sets"), ColumnView::unseen("Actions")];
    let shown = html(|| view! { <DataTable caption="Hosts" columns rows/> }.into_any());
    assert!(shown.contains(r#"<th scope="row" role="rowheader""#), "{shown}");
    assert!(shown.contains(r#"data-label="Data sets""#) && !shown.contains(r#"data-label="Actions""#), "{shown}");
}

#[test]
fn no_component_styles_itself_inline() {
    let frame = PublicFrame { site: "Northwind".to_owned(), ..PublicFrame::default() };
    let admin = AdminFrame { path: "/admin".to_owned(), ..AdminFrame::default() };
    let shown = html(|| {
        view! {
            <PublicLayout frame><Hero tone=Tone::Ok shape=Shape::Ok title="All systems are operational" changed=Some(when())/></PublicLayout>
            <AdminLayout frame=admin><VerdictPanel verdict=verdict()/></AdminLayout>
        }
        .into_any()
    });
    assert!(!shown.contains("style=") && !shown.contains("<style"), "{shown}");
}
