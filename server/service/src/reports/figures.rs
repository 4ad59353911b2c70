//! The site's own figures: what they are, and what is told of a month.

use super::{month, value};
use crate::audit::Action;
use crate::inventory::unchanged;
use crate::metrics::{decimals, position, slug};
use crate::{Actor, Error, Fields, Services};
use domain::ids::FigureId;
use domain::metric::{Aggregate, LONGEST_UNIT, UnknownAggregate};
use domain::number::{self, LARGEST};
use domain::people::Permission;
use domain::report::{Better, Figure, Month, UnknownBetter};
use domain::text::{Name, optional_line};
use serde::Serialize;
use storage::Tx;
use storage::report::FigureValue;

/// Figures in use at most.
const MOST: usize = 60;

/// Why a report changes when a missing figure is told after its month.
const FILLED_IN: &str = "Told after the month was closed.";

/// A figure as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FigureInput {
    /// Its part in addresses; made from the name where empty.
    pub slug: String,
    /// "Support requests"
    pub name: String,
    /// "min"; may be empty.
    pub unit: String,
    /// Digits behind the point: 0 to 6.
    pub decimals: String,
    /// `up`, `down` or `neutral`.
    pub better: String,
    /// `mean`, `max`, `sum` or `last`: what twelve months make.
    pub aggregate: String,
    /// Customers see it.
    pub is_public: bool,
    /// Order in the report.
    pub position: String,
}

impl FigureInput {
    /// What is stored, to change a part of it.
    #[must_use]
    pub fn of(stored: &Figure) -> Self {
        Self {
            slug: stored.slug.to_string(),
            name: stored.name.to_string(),
            unit: stored.unit.clone(),
            decimals: stored.decimals.to_string(),
            better: stored.better.as_str().to_owned(),
            aggregate: stored.aggregate.as_str().to_owned(),
            is_public: stored.is_public,
            position: stored.position.to_string(),
        }
    }
}

/// A figure with what was told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The figure.
    pub figure: Figure,
    /// Its value in the month.
    pub now: Option<FigureValue>,
    /// Its value in the month before.
    pub before: Option<f64>,
}

/// A value in the audit log.
#[derive(Serialize)]
struct Said<'a> {
    month: String,
    figure: &'a str,
    value: Option<f64>,
}

fn action<'a>(verb: &'a str, of: &Figure) -> Action<'a> {
    Action { verb, object: "report_figure", id: of.id.to_string(), name: of.name.to_string() }
}

async fn check(tx: &mut Tx, id: FigureId, input: &FigureInput) -> Result<Figure, Error> {
    let mut fields = Fields::default();
    let all = tx.report_figures(false).await?;
    let name = fields.take("name", Name::parse(&input.name));
    let slug = fields.take("slug", slug(&input.slug, name.as_ref()));
    let unit = fields.take("unit", optional_line(&input.unit, LONGEST_UNIT));
    let decimals = fields.take("decimals", decimals(&input.decimals));
    let better = fields.take::<_, UnknownBetter>("better", Better::parse(&input.better));
    let aggregate = fields.take::<_, UnknownAggregate>("aggregate", Aggregate::parse(&input.aggregate));
    let last = all.iter().map(|figure| figure.position).max().unwrap_or_default() + 1;
    let position = fields.take("position", position(&input.position, last));
    if let Some(slug) = &slug
        && all.iter().any(|other| other.slug == *slug && other.id != id)
    {
        fields.add("slug", format!("There is a figure called {slug} already."));
    }
    // A report names figures by their names.
    if let Some(name) = &name
        && all.iter().any(|other| other.name.key() == name.key() && other.id != id)
    {
        fields.add("name", format!("There is a figure called {name} already."));
    }
    match (name, slug, unit, decimals, better, aggregate, position) {
        (Some(name), Some(slug), Some(unit), Some(decimals), Some(better), Some(aggregate), Some(position))
            if fields.is_empty() =>
        {
            Ok(Figure {
                id,
                slug,
                name,
                unit,
                decimals,
                better,
                aggregate,
                is_public: input.is_public,
                position,
                retired_at: None,
                version: 1,
            })
        }
        _ => Err(fields.into_error()),
    }
}

/// The figure in use that an address names, by its slug or its id.
async fn find(tx: &mut Tx, named: &str) -> Result<Figure, Error> {
    if let Some(figure) = tx.report_figure_at(named).await? {
        return Ok(figure);
    }
    let id = named.parse::<FigureId>().map_err(|_| Error::NotFound("figure"))?;
    Ok(tx.report_figure(id).await?)
}

fn in_use(figure: &Figure) -> Result<(), Error> {
    match figure.retired_at {
        Some(_) => Err(Error::refused("retired", "This figure is out of use.")),
        None => Ok(()),
    }
}

/// Reads values by the slugs of their figures.
pub(super) async fn read(tx: &mut Tx, typed: &[(String, String)]) -> Result<Vec<(Figure, Option<f64>)>, Error> {
    let mut fields = Fields::default();
    let mut told = Vec::with_capacity(typed.len());
    for (slug, text) in typed {
        match tx.report_figure_at(slug).await? {
            Some(figure) => match value(text, &figure) {
                Ok(value) => told.push((figure, value)),
                Err(message) => fields.add("figures", format!("{}: {message}", figure.name)),
            },
            None => fields.add("figures", format!("There is no figure called {slug}.")),
        }
    }
    if fields.is_empty() { Ok(told) } else { Err(fields.into_error()) }
}

impl Services {
    /// The site's own figures in their order, those out of use last.
    ///
    /// # Errors
    /// Not allowed, or the database does not answer.
    pub async fn report_figures(&self, actor: &Actor, retired_too: bool) -> Result<Vec<Figure>, Error> {
        actor.require(Permission::View)?;
        Ok(self.db.read().await?.report_figures(retired_too).await?)
    }

    /// One figure, by its slug or its id.
    ///
    /// # Errors
    /// Not allowed, not found, or the database does not answer.
    pub async fn report_figure(&self, actor: &Actor, named: &str) -> Result<Figure, Error> {
        actor.require(Permission::View)?;
        find(&mut self.db.read().await?, named).await
    }

    /// Adds one.
    ///
    /// # Errors
    /// Not allowed, wrong fields, too many, or the database does not answer.
    pub async fn add_report_figure(&self, actor: &Actor, input: &FigureInput) -> Result<Figure, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        if tx.report_figures(false).await?.len() >= MOST {
            return Err(Error::refused("too_many", format!("There are {MOST} figures already. Retire one.")));
        }
        let added = check(&mut tx, self.new_id(), input).await?;
        tx.insert_report_figure(&added, self.now()).await?;
        tx.add_audit(&self.audit(actor, action("report_figure.add", &added), None, Some(&added))).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Changes one. Reports that were put down stay as they are.
    ///
    /// # Errors
    /// Not allowed, not found, stale, wrong fields, or the database does not answer.
    pub async fn edit_report_figure(
        &self,
        actor: &Actor,
        named: &str,
        version: i64,
        input: &FigureInput,
    ) -> Result<Figure, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let before = find(&mut tx, named).await?;
        unchanged("figure", before.version, version)?;
        in_use(&before)?;
        let after = Figure { version: before.version, ..check(&mut tx, before.id, input).await? };
        self.store_figure(actor, tx, "report_figure.edit", &before, after).await
    }

    /// Takes one out of use: later reports do not have it.
    ///
    /// # Errors
    /// Not allowed, not found, stale, out of use already, or the database does not answer.
    pub async fn retire_report_figure(&self, actor: &Actor, named: &str, version: i64) -> Result<Figure, Error> {
        actor.require(Permission::EditInventory)?;
        let mut tx = self.db.decide().await?;
        let before = find(&mut tx, named).await?;
        unchanged("figure", before.version, version)?;
        in_use(&before)?;
        let after = Figure { retired_at: Some(self.now()), ..before.clone() };
        self.store_figure(actor, tx, "report_figure.retire", &before, after).await
    }

    async fn store_figure(
        &self,
        actor: &Actor,
        mut tx: Tx,
        verb: &'static str,
        before: &Figure,
        mut after: Figure,
    ) -> Result<Figure, Error> {
        tx.update_report_figure(&after).await?;
        after.version += 1;
        tx.add_audit(&self.audit(actor, action(verb, &after), Some(before), Some(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Tells the value of one figure in a month; the same again changes nothing. A month that is closed takes what was
    /// missing, with a note; what it said already is corrected by a person.
    ///
    /// # Errors
    /// Not allowed, not found, no number, the month has not begun or says something else, or the database does not
    /// answer.
    pub async fn tell_figure(&self, actor: &Actor, text: &str, named: &str, told: f64) -> Result<FigureValue, Error> {
        actor.require(Permission::ReportMetric)?;
        if !(told.is_finite() && told.abs() <= LARGEST) {
            return Err(Error::field("value", "Use a number between -1e15 and 1e15."));
        }
        let month = month(text)?;
        let mut tx = self.db.decide().await?;
        let figure = find(&mut tx, named).await?;
        in_use(&figure)?;
        let told = FigureValue { month, figure: figure.id, value: told, by: actor.label(), at: self.now() };
        if let Some(known) = value_of(&mut tx, month, &figure).await?
            && known.value == told.value
        {
            return Ok(known);
        }
        self.tell_all(tx, actor, month, vec![(figure, Some(told.value))]).await?;
        Ok(told)
    }

    /// Tells figures of a month as they were typed, by their slugs; an empty text takes a value back. `was` is what stood
    /// in the fields before, where a form says so.
    ///
    /// # Errors
    /// As [`Self::tell_figure`]; somebody else has told another value since.
    pub async fn tell_figures(
        &self,
        actor: &Actor,
        text: &str,
        typed: &[(String, String)],
        was: &[(String, String)],
    ) -> Result<(), Error> {
        actor.require(Permission::ReportMetric)?;
        let month = month(text)?;
        let mut tx = self.db.decide().await?;
        let mut told = Vec::new();
        for (figure, value) in read(&mut tx, typed).await? {
            let known = value_of(&mut tx, month, &figure).await?;
            if known.as_ref().map(|known| known.value) == value {
                continue;
            }
            let read = was.iter().find(|(slug, _)| *slug == figure.slug.as_str());
            if read.is_some_and(|(_, text)| *text != typed_text(&figure, known.as_ref())) {
                return Err(Error::overtaken("figure"));
            }
            told.push((figure, value));
        }
        if told.is_empty() {
            return Ok(());
        }
        self.tell_all(tx, actor, month, told).await
    }

    async fn tell_all(
        &self,
        mut tx: Tx,
        actor: &Actor,
        month: Month,
        told: Vec<(Figure, Option<f64>)>,
    ) -> Result<(), Error> {
        let now = self.now();
        if month > self.running_month(&tx.site().await?, now) {
            return Err(Error::field("month", format!("{} has not begun.", month.name())));
        }
        if let Some(report) = tx.report(month).await? {
            let says = |figure: &Figure| report.content.figures.iter().find(|line| line.id == figure.id);
            for (figure, _) in &told {
                if says(figure).and_then(domain::report::FigureLine::value).is_some() {
                    let text = format!(
                        "{} is closed and says something else for {}. Correct the report, with a note.",
                        month.name(),
                        figure.name
                    );
                    return Err(Error::refused("frozen", text));
                }
            }
            self.correct(tx, actor, report, told, false, FILLED_IN.to_owned()).await?;
            return Ok(());
        }
        for (figure, value) in &told {
            let before = value_of(&mut tx, month, figure).await?.map(|known| known.value);
            self.store_value(&mut tx, actor, month, figure, *value).await?;
            let said = |value| Said { month: month.to_string(), figure: figure.name.as_str(), value };
            let action = action("report_figure.tell", figure);
            tx.add_audit(&self.audit(actor, action, Some(&said(before)), Some(&said(*value)))).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn store_value(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        month: Month,
        figure: &Figure,
        value: Option<f64>,
    ) -> Result<(), Error> {
        match value {
            Some(value) => {
                let told = FigureValue { month, figure: figure.id, value, by: actor.label(), at: self.now() };
                Ok(tx.put_figure_value(&told).await?)
            }
            None => Ok(tx.drop_figure_value(month, figure.id).await?),
        }
    }

    /// The figures in use with what was told of a month.
    pub(super) async fn told(&self, tx: &mut Tx, month: Month) -> Result<Vec<Told>, Error> {
        let values = tx.figure_values(month.earlier(1), month).await?;
        let of = |figure: &Figure, m: Month| values.iter().find(|v| v.figure == figure.id && v.month == m).cloned();
        let told = |figure: Figure| Told {
            now: of(&figure, month),
            before: of(&figure, month.earlier(1)).map(|value| value.value),
            figure,
        };
        Ok(tx.report_figures(false).await?.into_iter().map(told).collect())
    }
}

impl Told {
    /// The value as it stands in a field.
    #[must_use]
    pub fn typed(&self) -> String {
        typed_text(&self.figure, self.now.as_ref())
    }
}

fn typed_text(figure: &Figure, told: Option<&FigureValue>) -> String {
    told.map(|told| number::plain(told.value, figure.decimals)).unwrap_or_default()
}

async fn value_of(tx: &mut Tx, month: Month, figure: &Figure) -> Result<Option<FigureValue>, Error> {
    Ok(tx.figure_values(month, month).await?.into_iter().find(|value| value.figure == figure.id))
}
