//! Texts to begin messages with, and their placeholders in what is sent.

use crate::Story;
use domain::people::Scope;
use domain::template::{EXAMPLES, MessageTemplate, TemplateUse};
use service::audit::AuditFilter;
use service::inventory::ComponentInput;
use service::maintenance::{MaintenanceInput, Target};
use service::templates::TemplateInput;
use service::{Actor, Error, Stale};
use storage::testing::Engine;

fn input(name: &str, body: &str) -> TemplateInput {
    TemplateInput {
        name: name.to_owned(),
        used_for: "announce".to_owned(),
        title: "Work on {{components}}".to_owned(),
        body: body.to_owned(),
    }
}

fn fields<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<(&'static str, String)> {
    match result {
        Err(Error::Invalid(fields)) => fields.into_iter().map(|field| (field.field, field.message)).collect(),
        other => panic!("{other:?}"),
    }
}

async fn a_template_is_kept_changed_by_one_at_a_time_and_retired(engine: Engine) {
    let story = Story::begin(engine).await;
    let (services, operator) = (&story.services, story.actor(Scope::MaintenanceWrite).await);
    let first = services.add_template(&operator, &input("Planned", "From {{start}}.")).await.unwrap();
    assert_eq!((first.used_for, first.version), (TemplateUse::Announce, 1));
    let changed = services.edit_template(&operator, first.id, 1, &input("Planned work", "At {{when}}.")).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.version), ("Planned work", 2));
    let late = services.edit_template(&operator, first.id, 1, &input("Planned work", "x")).await;
    assert!(matches!(late, Err(Error::Stale(Stale { what: "template", .. }))));
    let same = services.edit_template(&operator, first.id, 2, &input("Planned work", "At {{when}}.")).await.unwrap();
    assert_eq!(same.version, 2, "nothing changed");
    let gone = services.retire_template(&operator, first.id, 2).await.unwrap();
    assert!(gone.retired_at.is_some());
    assert_eq!(services.retire_template(&operator, first.id, 1).await.unwrap(), gone, "a second time says the same");
    let dead = services.edit_template(&operator, first.id, 3, &input("Planned work", "x")).await;
    assert!(matches!(dead, Err(Error::Refused { code: "retired", .. })));
    assert!(services.templates(&operator, false).await.unwrap().is_empty());
    assert_eq!(services.templates(&operator, true).await.unwrap(), [gone]);
    services.add_template(&operator, &input("Planned work", "The name is free again.")).await.unwrap();

    let filter = AuditFilter { object: "template".to_owned(), ..AuditFilter::default() };
    let log = services.audit_log(&Actor::system(), &filter).await.unwrap().entries;
    let verbs: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(verbs, ["template.add", "template.retire", "template.edit", "template.add"]);
}

async fn what_is_wrong_with_a_template_is_told_at_its_field(engine: Engine) {
    let story = Story::begin(engine).await;
    let (services, system) = (&story.services, Actor::system());
    services.add_template(&system, &input("Planned", "x")).await.unwrap();
    let wrong = TemplateInput {
        name: String::new(),
        used_for: "shout".to_owned(),
        title: "At {{start}}".to_owned(),
        body: "Dear {{customer}}".to_owned(),
    };
    let told = fields(services.add_template(&system, &wrong).await);
    assert_eq!(told.iter().map(|(field, _)| *field).collect::<Vec<_>>(), ["name", "used_for", "title", "body"]);
    assert!(told[3].1.contains("{{customer}}") && told[3].1.contains("{{components}}, {{title}}"), "{}", told[3].1);
    assert_eq!(fields(services.add_template(&system, &input("planned", "x")).await)[0].0, "name");
    assert_eq!(fields(services.add_template(&system, &input("Empty", " ")).await)[0].0, "body");
    let done = TemplateInput { used_for: "finish".to_owned(), ..input("Done", "x") };
    assert_eq!(fields(services.add_template(&system, &done).await)[0].0, "title");
    let viewer = story.actor(Scope::Read).await;
    assert!(matches!(services.add_template(&viewer, &input("y", "y")).await, Err(Error::Forbidden(_))));
    assert!(matches!(services.add_example_templates(&viewer).await, Err(Error::Forbidden(_))));
    assert!(matches!(services.templates(&Actor::public(None), false).await, Err(Error::SignInNeeded)));
}

async fn our_own_texts_are_added_where_their_names_are_free(engine: Engine) {
    let story = Story::begin(engine).await;
    let (services, system) = (&story.services, Actor::system());
    services.add_template(&system, &input(EXAMPLES[0].0, "Ours.")).await.unwrap();
    assert_eq!(services.add_example_templates(&system).await.unwrap(), EXAMPLES.len() - 1);
    assert_eq!(services.add_example_templates(&system).await.unwrap(), 0);
    let of_windows = |template: &MessageTemplate| !template.used_for.is_of_incident();
    for template in services.templates(&system, false).await.unwrap().into_iter().filter(of_windows) {
        let seen = services.preview_template(&system, &TemplateInput::of(&template), "Asia/Tokyo").await.unwrap();
        assert!(!seen.letter.text.contains("{{"), "{}", seen.letter.text);
    }
}

async fn a_message_follows_its_window_and_an_update_stays_what_it_was(engine: Engine) {
    let story = Story::begin(engine).await;
    let (services, system) = (&story.services, Actor::system());
    let mut plan = story.plan("2014-05-20T20:00", "2014-05-20T22:00").await;
    let component = ComponentInput {
        name: "Cluster *12*".to_owned(),
        hosts: plan.hosts.clone().unwrap(),
        ..ComponentInput::default()
    };
    services.add_component(&system, component).await.unwrap();
    plan.title = Some("Work on {{components}}".to_owned());
    plan.message = Some("{{components}}: {{when}}, because {{reason}}.".to_owned());
    assert_eq!(fields(services.draft_maintenance(&system, &plan).await)[0].0, "reason");
    plan.reason = Some("a disk [failed](https://evil.example)".to_owned());
    let m = story.scheduled(Target::New, &plan).await;
    assert_eq!(m.title.as_str(), "Work on Cluster *12*", "a title is written out when it is saved");
    services.post_update(&system, m.id, None, "Still {{start}}.").await.unwrap();
    let moved = MaintenanceInput {
        start: Some("2014-05-21T20:00".to_owned()),
        end: Some("2014-05-21T22:00".to_owned()),
        ..MaintenanceInput::default()
    };
    services.edit_maintenance(&system, m.id, None, &moved, "").await.unwrap();
    let (_, window) = services.public_window(m.id).await.unwrap();
    let names: Vec<String> = window.affected.iter().map(|(_, name)| name.clone()).collect();
    let message = service::prose::html(&services.message_for("UTC", &window.maintenance, &names));
    assert_eq!(
        message.trim(),
        "<p>Cluster *12*: Wed 21 May 2014, 19:00–21:00 UTC, because a disk [failed](https://evil.example).</p>"
    );
    let note = window.updates.iter().find(|update| !update.body.as_str().is_empty()).unwrap();
    let note = service::prose::html(&services.update_for("Asia/Tokyo", &window.maintenance, &names, note));
    assert_eq!(note.trim(), "<p>Still Wed 21 May 2014, 04:00 JST (UTC+9).</p>", "as it was told then");
    let file = services.calendar_of(m.id).await.unwrap().body.replace("\r\n ", "");
    assert!(file.contains("Wed 21 May 2014\\, 20:00–22:00 IST (UTC+1)\\, because a disk"), "{file}");
}

async fn an_unknown_placeholder_is_refused_in_everything_that_is_sent(engine: Engine) {
    let story = Story::begin(engine).await;
    let (services, system) = (&story.services, Actor::system());
    let m = story.schedule().await;
    assert_eq!(fields(services.post_update(&system, m.id, None, "Dear {{name}}").await)[0].0, "body");
    assert_eq!(fields(services.cancel_maintenance(&system, m.id, None, "{{reason}}").await)[0].0, "reason");
    let wrong = MaintenanceInput { message: Some("{{name}}".to_owned()), ..MaintenanceInput::default() };
    assert_eq!(fields(services.edit_maintenance(&system, m.id, None, &wrong, "").await)[0].0, "message");
    services.post_update(&system, m.id, None, "As it stands: \\{{name}}").await.unwrap();
}

storage::on_both!(
    a_template_is_kept_changed_by_one_at_a_time_and_retired,
    what_is_wrong_with_a_template_is_told_at_its_field,
    our_own_texts_are_added_where_their_names_are_free,
    a_message_follows_its_window_and_an_update_stays_what_it_was,
    an_unknown_placeholder_is_refused_in_everything_that_is_sent,
);
