//! Texts to begin messages with: kept by those who plan work, chosen on the forms that send something.

use crate::audit::Action;
use crate::inventory::unchanged;
use crate::{Actor, Error, Fields, Services};
use domain::ids::TemplateId;
use domain::people::Permission;
use domain::template::{self, EXAMPLES, MessageTemplate, TemplateUse};
use domain::text::{Name, Prose, optional_line};
use storage::Tx;

/// A template as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateInput {
    /// Unique among those in use.
    pub name: String,
    /// `announce`, `progress`, `extend`, `finish`, `cancel`, `incident` or `incident_update`.
    pub used_for: String,
    /// One line, for announcements and new incidents; may be empty.
    pub title: String,
    /// Markdown with placeholders.
    pub body: String,
}

impl TemplateInput {
    /// What is stored, to change a part of it.
    #[must_use]
    pub fn of(stored: &MessageTemplate) -> Self {
        Self {
            name: stored.name.to_string(),
            used_for: stored.used_for.as_str().to_owned(),
            title: stored.title.clone(),
            body: stored.body.as_str().to_owned(),
        }
    }

    /// As it would be stored.
    pub(crate) fn read(&self, id: TemplateId, fields: &mut Fields) -> Option<MessageTemplate> {
        let name = fields.take("name", Name::parse(&self.name));
        let used_for = fields.take("used_for", TemplateUse::parse(&self.used_for));
        let title = fields
            .take("title", template::check_title(&self.title))
            .and_then(|()| fields.take("title", optional_line(&self.title, Name::MAX)));
        let check =
            if used_for.is_some_and(TemplateUse::is_of_incident) { template::check_incident } else { template::check };
        let body = fields.take("body", check(&self.body)).and_then(|()| fields.take("body", Prose::parse(&self.body)));
        let (name, used_for, title, body) = (name?, used_for?, title?, body?);
        if body.as_str().trim().is_empty() {
            fields.add("body", "Write what customers should read.");
        }
        if !used_for.has_title() && !title.is_empty() {
            fields.add("title", "Only an announcement and a new incident have a title: leave this empty.");
        }
        Some(MessageTemplate { id, name, used_for, title, body, retired_at: None, version: 1 })
    }
}

fn action<'a>(verb: &'a str, of: &MessageTemplate) -> Action<'a> {
    Action { verb, object: "template", id: of.id.to_string(), name: of.name.to_string() }
}

async fn check(tx: &mut Tx, id: TemplateId, input: &TemplateInput) -> Result<MessageTemplate, Error> {
    let mut fields = Fields::default();
    let read = input.read(id, &mut fields);
    if let Ok(name) = Name::parse(&input.name)
        && tx.template_named(&name.key()).await?.is_some_and(|other| other.id != id)
    {
        fields.add("name", format!("There is a template called {name} already."));
    }
    match read {
        Some(read) if fields.is_empty() => Ok(read),
        _ => Err(fields.into_error()),
    }
}

impl Services {
    /// All templates by name, those out of use last.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn templates(&self, actor: &Actor, retired_too: bool) -> Result<Vec<MessageTemplate>, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.templates(retired_too).await?)
    }

    /// One template.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn template(&self, actor: &Actor, id: TemplateId) -> Result<MessageTemplate, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.template(id).await?)
    }

    /// Adds one.
    ///
    /// # Errors
    /// Not allowed, wrong fields, or the database does not answer.
    pub async fn add_template(&self, actor: &Actor, input: &TemplateInput) -> Result<MessageTemplate, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let added = check(&mut tx, self.new_id(), input).await?;
        tx.add_template(&added, self.now()).await?;
        tx.add_audit(&self.audit(actor, action("template.add", &added), None, Some(&added))).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Adds those that we bring, as far as their names are free. Gives back how many.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn add_example_templates(&self, actor: &Actor) -> Result<usize, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let mut added = Vec::new();
        for (name, used_for, title, body) in EXAMPLES {
            let input = TemplateInput {
                name: name.to_owned(),
                used_for: used_for.as_str().to_owned(),
                title: title.to_owned(),
                body: body.to_owned(),
            };
            match check(&mut tx, self.new_id(), &input).await {
                Ok(template) => {
                    tx.add_template(&template, self.now()).await?;
                    added.push(template);
                }
                // Somebody has one of this name.
                Err(Error::Invalid(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if added.is_empty() {
            return Ok(0);
        }
        let action = Action {
            verb: "template.add_examples",
            object: "template",
            id: String::new(),
            name: format!("{} templates", added.len()),
        };
        tx.add_audit(&self.audit(actor, action, None, Some(&added))).await?;
        tx.commit().await?;
        Ok(added.len())
    }

    /// Changes one. Messages that were begun with it stay as they are.
    ///
    /// # Errors
    /// Not allowed, not found, stale, out of use, wrong fields, or the database does not answer.
    pub async fn edit_template(
        &self,
        actor: &Actor,
        id: TemplateId,
        version: i64,
        input: &TemplateInput,
    ) -> Result<MessageTemplate, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let before = tx.template(id).await?;
        unchanged("template", before.version, version)?;
        if before.retired_at.is_some() {
            let told = format!("{} is out of use and stays as it was.", before.name);
            return Err(Error::refused("retired", told));
        }
        let mut after = MessageTemplate { version, ..check(&mut tx, id, input).await? };
        if after == before {
            return Ok(after);
        }
        tx.update_template(&after).await?;
        after.version += 1;
        tx.add_audit(&self.audit(actor, action("template.edit", &after), Some(&before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Offers it no more.
    ///
    /// # Errors
    /// Not allowed, not found, stale, or the database does not answer.
    pub async fn retire_template(&self, actor: &Actor, id: TemplateId, version: i64) -> Result<MessageTemplate, Error> {
        actor.require(Permission::Maintain)?;
        let mut tx = self.db.decide().await?;
        let before = tx.template(id).await?;
        if before.retired_at.is_some() {
            return Ok(before);
        }
        unchanged("template", before.version, version)?;
        let mut after = MessageTemplate { retired_at: Some(self.now()), ..before.clone() };
        tx.update_template(&after).await?;
        after.version += 1;
        tx.add_audit(&self.audit(actor, action("template.retire", &after), Some(&before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }
}
