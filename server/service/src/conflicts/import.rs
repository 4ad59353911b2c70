//! Freezes from a calendar file: first what it would do, then all of it at once.

use super::freezes::{action, read_scope};
use super::horizon;
use crate::keys::hash;
use crate::{Actor, Error, Fields, Services};
use domain::conflict::Force;
use domain::freeze::{Comparison, Freeze, Source, compare};
use domain::gate::Scope;
use domain::people::Permission;
use domain::text::Name;
use domain::time::Stretch;
use outbound::calendar::read::{CalendarFile, LeftOut, ReadError, read};
use storage::Tx;

/// A calendar file with what is to be made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IcsInput {
    /// The file.
    pub ics: String,
    /// What the calendar is called here; what it calls itself where this is empty.
    pub calendar: String,
    /// Its entries hold for everything.
    pub whole_site: bool,
    /// Ids of hosts they hold for.
    pub hosts: Vec<String>,
    /// Ids of components they hold for.
    pub components: Vec<String>,
    /// `block` or `warn`.
    pub force: String,
}

/// What a calendar file does.
#[derive(Clone, Debug)]
pub struct FreezeImport {
    /// What the calendar is called here.
    pub calendar: Name,
    /// Added, changed, removed.
    pub comparison: Comparison,
    /// Entries that could not be read.
    pub left_out: Vec<LeftOut>,
    /// The same for the same changes: what was shown is what will be done.
    pub seen: String,
}

/// What a file says of a stretch of time.
struct Said {
    file: Result<CalendarFile, ReadError>,
    within: Stretch,
}

struct Planned {
    import: FreezeImport,
    only: Option<Scope>,
    force: Force,
}

impl Services {
    /// What importing a calendar would do now. Changes nothing.
    ///
    /// # Errors
    /// Not allowed, wrong fields, a file that can not be read, or the database does not answer.
    pub async fn plan_freeze_import(&self, actor: &Actor, input: &IcsInput) -> Result<FreezeImport, Error> {
        actor.require(Permission::Administer)?;
        let file = self.read_ics(input).await?;
        let mut tx = self.db.read().await?;
        Ok(self.plan_freezes(&mut tx, input, file).await?.import)
    }

    /// Imports a calendar, all of it or nothing. With `seen`, of [`Self::plan_freeze_import`], only if
    /// that is still what it would do.
    ///
    /// # Errors
    /// Not allowed, wrong fields, a file that can not be read, it would do something else than was
    /// seen, or the database does not answer.
    pub async fn import_freezes(
        &self,
        actor: &Actor,
        input: &IcsInput,
        seen: Option<&str>,
    ) -> Result<FreezeImport, Error> {
        actor.require(Permission::Administer)?;
        let file = self.read_ics(input).await?;
        let mut tx = self.db.decide().await?;
        let Planned { import, only, force } = self.plan_freezes(&mut tx, input, file).await?;
        if seen.is_some_and(|seen| seen != import.seen) {
            return Err(Error::refused(
                "changed",
                "Nothing was changed yet: this is not what you were shown. Look at it again, then apply it.",
            ));
        }
        for entry in &import.comparison.added {
            let freeze = Freeze {
                id: self.new_id(),
                name: entry.name.clone(),
                only: only.clone(),
                force,
                source: Some(Source { calendar: import.calendar.clone(), uid: entry.uid.clone() }),
                times: entry.times.clone(),
                version: 1,
            };
            tx.insert_freeze(&freeze).await?;
            tx.add_audit(&self.audit(actor, action("freeze.add", &freeze), None, Some(&freeze))).await?;
        }
        for named in &import.comparison.changed {
            tx.update_freeze(&named.after).await?;
            let after = Freeze { version: named.after.version + 1, ..named.after.clone() };
            let entry = self.audit(actor, action("freeze.edit", &after), Some(&named.before), Some(&after));
            tx.add_audit(&entry).await?;
        }
        for freeze in &import.comparison.removed {
            tx.delete_freeze(freeze.id).await?;
            tx.add_audit(&self.audit(actor, action("freeze.delete", freeze), Some(freeze), None)).await?;
        }
        tx.commit().await?;
        Ok(import)
    }

    /// What the file says. A hostile one may take its seconds: not on a thread that answers others, and
    /// not while others wait for a decision.
    async fn read_ics(&self, input: &IcsInput) -> Result<Said, Error> {
        let zone = self.site().await?.zone;
        let now = self.now();
        let within = Stretch::new(now, horizon(now));
        let (text, zones) = (input.ics.clone(), self.zones.clone());
        let read = tokio::task::spawn_blocking(move || read(&text, zones.as_ref(), &zone, within));
        Ok(Said { file: read.await.map_err(|e| Error::internal(&e))?, within })
    }

    async fn plan_freezes(&self, tx: &mut Tx, input: &IcsInput, said: Said) -> Result<Planned, Error> {
        let (mut fields, within) = (Fields::default(), said.within);
        let file = fields.take("ics", said.file);
        let calendar = match (input.calendar.trim(), &file) {
            ("", Some(file)) => file.name.clone().or_else(|| Name::parse("Imported calendar").ok()),
            ("", None) => None,
            (text, _) => fields.take("calendar", Name::parse(text)),
        };
        let scope =
            read_scope(tx, &mut fields, input.whole_site, &input.hosts, &input.components, &input.force).await?;
        let (Some(file), Some(calendar), Some((only, force)), true) = (file, calendar, scope, fields.is_empty()) else {
            return Err(fields.into_error());
        };
        let of_calendar = |freeze: &Freeze| freeze.source.as_ref().is_some_and(|s| s.calendar.key() == calendar.key());
        let stored: Vec<Freeze> = tx.freezes().await?.into_iter().filter(of_calendar).collect();
        let unread = file.left_out.iter().filter_map(|entry| entry.uid.clone()).collect();
        let comparison = compare(&stored, file.entries, only.as_ref(), force, within, &unread);
        let seen = hash(&format!("{calendar} {only:?} {force:?} {comparison:?}"));
        Ok(Planned { import: FreezeImport { calendar, comparison, left_out: file.left_out, seen }, only, force })
    }
}
