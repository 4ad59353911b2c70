use super::host::at;
use domain::ids::TemplateId;
use domain::template::{MessageTemplate, TemplateUse};
use domain::text::{Name, Prose};
use storage::StoreError;
use storage::testing::{Engine, TestDb};
use uuid::Uuid;

fn template(n: u128, name: &str, used_for: TemplateUse) -> MessageTemplate {
    MessageTemplate {
        id: TemplateId(Uuid::from_u128(n)),
        name: Name::parse(name).unwrap(),
        used_for,
        title: "Work on {{components}}".to_owned(),
        body: Prose::parse("From {{start}}.\n\nUntil {{end}}.").unwrap(),
        retired_at: None,
        version: 1,
    }
}

async fn a_template_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time(engine: Engine) {
    let t = TestDb::start(engine).await;
    let mut tx = t.db.decide().await.unwrap();
    let first = template(1, "Planned work", TemplateUse::Announce);
    tx.add_template(&first, at(0)).await.unwrap();
    assert_eq!(tx.template(first.id).await.unwrap(), first);
    assert_eq!(tx.template_named("planned work").await.unwrap(), Some(first.clone()));
    let changed = MessageTemplate {
        name: Name::parse("Done").unwrap(),
        used_for: TemplateUse::Finish,
        title: String::new(),
        body: Prose::parse("Done.").unwrap(),
        ..first
    };
    tx.update_template(&changed).await.unwrap();
    assert!(matches!(tx.update_template(&changed).await, Err(StoreError::Stale(_))));
    assert_eq!(tx.template(changed.id).await.unwrap(), MessageTemplate { version: 2, ..changed });
    assert_eq!(tx.template_named("planned work").await.unwrap(), None);
    assert!(matches!(tx.template(TemplateId(Uuid::nil())).await, Err(StoreError::NotFound(_))));
    for (n, used_for) in (10..).zip(TemplateUse::ALL) {
        tx.add_template(&template(n, used_for.as_str(), used_for), at(0)).await.unwrap();
    }
}

async fn a_name_is_free_again_when_its_template_is_out_of_use(engine: Engine) {
    let t = TestDb::start(engine).await;
    let first = template(1, "Planned work", TemplateUse::Announce);
    let mut tx = t.db.decide().await.unwrap();
    tx.add_template(&first, at(0)).await.unwrap();
    tx.add_template(&template(2, "Another", TemplateUse::Progress), at(0)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = t.db.decide().await.unwrap();
    let twice = tx.add_template(&template(3, "PLANNED  work", TemplateUse::Finish), at(1)).await;
    assert!(matches!(twice, Err(StoreError::Conflict("template"))), "{twice:?}");
    drop(tx);
    let mut tx = t.db.decide().await.unwrap();
    let renamed = MessageTemplate { name: Name::parse("another").unwrap(), ..first.clone() };
    assert!(matches!(tx.update_template(&renamed).await, Err(StoreError::Conflict("template"))));
    drop(tx);
    let mut tx = t.db.decide().await.unwrap();
    tx.update_template(&MessageTemplate { retired_at: Some(at(2)), ..first }).await.unwrap();
    tx.add_template(&template(3, "Planned work", TemplateUse::Finish), at(3)).await.unwrap();
    let names = |list: Vec<MessageTemplate>| list.iter().map(|t| t.id.0.as_u128()).collect::<Vec<_>>();
    assert_eq!(names(tx.templates(false).await.unwrap()), [2, 3]);
    assert_eq!(names(tx.templates(true).await.unwrap()), [2, 3, 1]);
}

storage::on_both!(
    a_template_comes_back_as_it_was_stored_and_is_changed_by_one_at_a_time,
    a_name_is_free_again_when_its_template_is_out_of_use,
);
