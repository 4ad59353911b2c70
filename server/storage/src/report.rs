//! Monthly reports, their corrections, and the site's own figures.

use crate::db::{Tx, at, maybe_at, ms, on_tx};
use crate::error::{StoreError, corrupt};
use domain::ids::{FigureId, ReportCorrectionId};
use domain::metric::Aggregate;
use domain::report::{Better, Correction, Figure, Headline, Month, Report};
use domain::text::{Name, Slug};
use domain::time::Instant;
use uuid::Uuid;

const FIGURES: &str = "report_figures";
const REPORTS: &str = "reports";

#[derive(sqlx::FromRow)]
struct FigureRow {
    id: Uuid,
    slug: String,
    name: String,
    unit: String,
    decimals: i64,
    better: String,
    aggregate: String,
    is_public: bool,
    position: i64,
    retired_at: Option<i64>,
    version: i64,
}

impl TryFrom<FigureRow> for Figure {
    type Error = StoreError;
    fn try_from(row: FigureRow) -> Result<Self, StoreError> {
        let id = row.id;
        Ok(Self {
            id: FigureId(id),
            slug: Slug::parse(&row.slug).map_err(|e| corrupt(FIGURES, id, e))?,
            name: Name::parse(&row.name).map_err(|e| corrupt(FIGURES, id, e))?,
            unit: row.unit,
            decimals: u8::try_from(row.decimals).map_err(|e| corrupt(FIGURES, id, e))?,
            better: Better::parse(&row.better).map_err(|e| corrupt(FIGURES, id, e))?,
            aggregate: Aggregate::parse(&row.aggregate).map_err(|e| corrupt(FIGURES, id, e))?,
            is_public: row.is_public,
            position: row.position,
            retired_at: maybe_at(FIGURES, id, row.retired_at)?,
            version: row.version,
        })
    }
}

macro_rules! figures {
    ($rest:literal) => {
        concat!(
            "select id, slug, name, unit, decimals, better, aggregate, is_public, position, retired_at, version
             from report_figures ",
            $rest
        )
    };
}

/// A value of a figure as it was told.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureValue {
    /// Which month.
    pub month: Month,
    /// Of which figure.
    pub figure: FigureId,
    /// How much.
    pub value: f64,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// A report in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportLine {
    /// Which month.
    pub month: Month,
    /// When it was put down.
    pub frozen_at: Instant,
    /// When it was last corrected.
    pub corrected_at: Option<Instant>,
    /// What it says in short.
    pub headline: Headline,
}

#[derive(sqlx::FromRow)]
struct ReportRow {
    month: String,
    frozen_at: i64,
    content_json: String,
    corrected_at: Option<i64>,
    version: i64,
}

impl TryFrom<ReportRow> for Report {
    type Error = StoreError;
    fn try_from(row: ReportRow) -> Result<Self, StoreError> {
        let bad = |e: &dyn std::fmt::Display| corrupt(REPORTS, &row.month, e.to_string());
        Ok(Self {
            month: Month::parse(&row.month).map_err(|e| bad(&e))?,
            frozen_at: at(REPORTS, &row.month, row.frozen_at)?,
            content: serde_json::from_str(&row.content_json).map_err(|e| bad(&e))?,
            corrected_at: maybe_at(REPORTS, &row.month, row.corrected_at)?,
            version: row.version,
        })
    }
}

#[derive(sqlx::FromRow)]
struct LineRow {
    month: String,
    frozen_at: i64,
    corrected_at: Option<i64>,
    headline_json: String,
}

#[derive(sqlx::FromRow)]
struct CorrectionRow {
    id: Uuid,
    month: String,
    at: i64,
    corrected_by: String,
    why: String,
    changes_json: String,
    replaced: i64,
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| corrupt(REPORTS, "new", e))
}

impl Tx {
    /// The site's own figures in their order, those out of use last.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn report_figures(&mut self, retired_too: bool) -> Result<Vec<Figure>, StoreError> {
        let rows: Vec<FigureRow> = on_tx!(self, |x| {
            sqlx::query_as(figures!(
                "where retired_at is null or $1
                 order by case when retired_at is null then 0 else 1 end, position, slug, id"
            ))
            .bind(retired_too)
            .fetch_all(x)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// There is none, the database refused, or the row does not parse.
    pub async fn report_figure(&mut self, id: FigureId) -> Result<Figure, StoreError> {
        let row: Option<FigureRow> =
            on_tx!(self, |x| sqlx::query_as(figures!("where id = $1")).bind(id.0).fetch_optional(x).await?);
        row.ok_or(StoreError::NotFound("figure"))?.try_into()
    }

    /// The one in use with this slug.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn report_figure_at(&mut self, slug: &str) -> Result<Option<Figure>, StoreError> {
        let row: Option<FigureRow> = on_tx!(self, |x| {
            sqlx::query_as(figures!("where slug = $1 and retired_at is null")).bind(slug).fetch_optional(x).await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// Stores a new one.
    ///
    /// # Errors
    /// Its slug is taken, or the database refused.
    pub async fn insert_report_figure(&mut self, figure: &Figure, created_at: Instant) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into report_figures (id, slug, name, unit, decimals, better, aggregate, is_public, position,
                 created_at, version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(figure.id.0)
            .bind(figure.slug.as_str())
            .bind(figure.name.as_str())
            .bind(&figure.unit)
            .bind(i64::from(figure.decimals))
            .bind(figure.better.as_str())
            .bind(figure.aggregate.as_str())
            .bind(figure.is_public)
            .bind(figure.position)
            .bind(ms(created_at))
            .bind(figure.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("figure"))?;
        });
        Ok(())
    }

    /// Stores a changed one, if nobody did since it was read. Raises its version.
    ///
    /// # Errors
    /// Stale, its slug is taken, or the database refused.
    pub async fn update_report_figure(&mut self, figure: &Figure) -> Result<(), StoreError> {
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update report_figures set slug = $1, name = $2, unit = $3, decimals = $4, better = $5, aggregate = $6,
                 is_public = $7, position = $8, retired_at = $9, version = version + 1 where id = $10 and version = $11",
            )
            .bind(figure.slug.as_str())
            .bind(figure.name.as_str())
            .bind(&figure.unit)
            .bind(i64::from(figure.decimals))
            .bind(figure.better.as_str())
            .bind(figure.aggregate.as_str())
            .bind(figure.is_public)
            .bind(figure.position)
            .bind(figure.retired_at.map(ms))
            .bind(figure.id.0)
            .bind(figure.version)
            .execute(x)
            .await
            .map_err(|e| StoreError::from(e).naming("figure"))?
            .rows_affected()
        });
        if done == 1 { Ok(()) } else { Err(StoreError::Stale("figure")) }
    }

    /// Stores the value of a figure in a month; it takes the place of one told before.
    ///
    /// # Errors
    /// There is no such figure, or the database refused.
    pub async fn put_figure_value(&mut self, told: &FigureValue) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query(
                "insert into report_values (month, figure_id, value, told_by, told_at) values ($1, $2, $3, $4, $5)
                 on conflict (month, figure_id) do update set value = excluded.value, told_by = excluded.told_by,
                 told_at = excluded.told_at",
            )
            .bind(told.month.to_string())
            .bind(told.figure.0)
            .bind(told.value)
            .bind(&told.by)
            .bind(ms(told.at))
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// Takes back the value of a figure in a month.
    ///
    /// # Errors
    /// The database refused.
    pub async fn drop_figure_value(&mut self, month: Month, figure: FigureId) -> Result<(), StoreError> {
        on_tx!(self, |x| {
            sqlx::query("delete from report_values where month = $1 and figure_id = $2")
                .bind(month.to_string())
                .bind(figure.0)
                .execute(x)
                .await?;
        });
        Ok(())
    }

    /// The values of all figures from a month to another, both included.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn figure_values(&mut self, from: Month, to: Month) -> Result<Vec<FigureValue>, StoreError> {
        const T: &str = "report_values";
        let rows: Vec<(String, Uuid, f64, String, i64)> = on_tx!(self, |x| {
            sqlx::query_as(
                "select month, figure_id, value, told_by, told_at from report_values
                 where month >= $1 and month <= $2 order by month, figure_id",
            )
            .bind(from.to_string())
            .bind(to.to_string())
            .fetch_all(x)
            .await?
        });
        rows.into_iter()
            .map(|(month, figure, value, by, told_at)| {
                Ok(FigureValue {
                    month: Month::parse(&month).map_err(|e| corrupt(T, &month, e))?,
                    figure: FigureId(figure),
                    value,
                    by,
                    at: at(T, &month, told_at)?,
                })
            })
            .collect()
    }

    /// Puts a report down, unless its month has one. Gives back whether it did.
    ///
    /// # Errors
    /// The database refused.
    pub async fn freeze_report(&mut self, report: &Report) -> Result<bool, StoreError> {
        let (headline, content) = (json(&report.content.headline())?, json(&report.content)?);
        let done = on_tx!(self, |x| {
            sqlx::query(
                "insert into reports (month, frozen_at, headline_json, content_json, version)
                 values ($1, $2, $3, $4, 1) on conflict (month) do nothing",
            )
            .bind(report.month.to_string())
            .bind(ms(report.frozen_at))
            .bind(headline)
            .bind(content)
            .execute(x)
            .await?
            .rows_affected()
        });
        Ok(done == 1)
    }

    /// The report of a month.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn report(&mut self, month: Month) -> Result<Option<Report>, StoreError> {
        let row: Option<ReportRow> = on_tx!(self, |x| {
            sqlx::query_as("select month, frozen_at, content_json, corrected_at, version from reports where month = $1")
                .bind(month.to_string())
                .fetch_optional(x)
                .await?
        });
        row.map(TryInto::try_into).transpose()
    }

    /// Reports up to a month, the newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn reports(&mut self, up_to: Month, limit: i64) -> Result<Vec<ReportLine>, StoreError> {
        let rows: Vec<LineRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select month, frozen_at, corrected_at, headline_json from reports where month <= $1
                 order by month desc limit $2",
            )
            .bind(up_to.to_string())
            .bind(limit)
            .fetch_all(x)
            .await?
        });
        rows.into_iter()
            .map(|row| {
                Ok(ReportLine {
                    month: Month::parse(&row.month).map_err(|e| corrupt(REPORTS, &row.month, e))?,
                    frozen_at: at(REPORTS, &row.month, row.frozen_at)?,
                    corrected_at: maybe_at(REPORTS, &row.month, row.corrected_at)?,
                    headline: serde_json::from_str(&row.headline_json).map_err(|e| corrupt(REPORTS, &row.month, e))?,
                })
            })
            .collect()
    }

    /// The first report after a month.
    ///
    /// # Errors
    /// The database refused, or the row does not parse.
    pub async fn report_after(&mut self, month: Month) -> Result<Option<Month>, StoreError> {
        let next: Option<String> = on_tx!(self, |x| {
            sqlx::query_scalar("select min(month) from reports where month > $1")
                .bind(month.to_string())
                .fetch_one(x)
                .await?
        });
        next.map(|text| Month::parse(&text).map_err(|e| corrupt(REPORTS, &text, e))).transpose()
    }

    /// Puts a corrected report in the place of `before`, and keeps that with the note. Raises the version.
    ///
    /// # Errors
    /// Stale, or the database refused.
    pub async fn correct_report(
        &mut self,
        before: &Report,
        after: &Report,
        note: &Correction,
    ) -> Result<(), StoreError> {
        let (headline, content) = (json(&after.content.headline())?, json(&after.content)?);
        let done = on_tx!(self, |x| {
            sqlx::query(
                "update reports set headline_json = $1, content_json = $2, corrected_at = $3, version = version + 1
                 where month = $4 and version = $5",
            )
            .bind(headline)
            .bind(content)
            .bind(after.corrected_at.map(ms))
            .bind(before.month.to_string())
            .bind(before.version)
            .execute(x)
            .await?
            .rows_affected()
        });
        if done != 1 {
            return Err(StoreError::Stale("report"));
        }
        let (changes, replaced) = (json(&note.changes)?, json(&before.content)?);
        on_tx!(self, |x| {
            sqlx::query(
                "insert into report_corrections (id, month, at, corrected_by, why, changes_json, replaced, content_json)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(note.id.0)
            .bind(note.month.to_string())
            .bind(ms(note.at))
            .bind(&note.by)
            .bind(&note.why)
            .bind(changes)
            .bind(note.replaced)
            .bind(replaced)
            .execute(x)
            .await?;
        });
        Ok(())
    }

    /// The corrections of a report, newest first.
    ///
    /// # Errors
    /// The database refused, or a row does not parse.
    pub async fn corrections_of(&mut self, month: Month) -> Result<Vec<Correction>, StoreError> {
        const T: &str = "report_corrections";
        let rows: Vec<CorrectionRow> = on_tx!(self, |x| {
            sqlx::query_as(
                "select id, month, at, corrected_by, why, changes_json, replaced from report_corrections
                 where month = $1 order by replaced desc",
            )
            .bind(month.to_string())
            .fetch_all(x)
            .await?
        });
        rows.into_iter()
            .map(|row| {
                Ok(Correction {
                    id: ReportCorrectionId(row.id),
                    month: Month::parse(&row.month).map_err(|e| corrupt(T, row.id, e))?,
                    at: at(T, row.id, row.at)?,
                    by: row.corrected_by,
                    why: row.why,
                    changes: serde_json::from_str(&row.changes_json).map_err(|e| corrupt(T, row.id, e))?,
                    replaced: row.replaced,
                })
            })
            .collect()
    }

    /// What a report said before a correction.
    ///
    /// # Errors
    /// There was no such version, the database refused, or the row does not parse.
    pub async fn replaced_report(&mut self, month: Month, version: i64) -> Result<domain::report::Content, StoreError> {
        let text: Option<String> = on_tx!(self, |x| {
            sqlx::query_scalar("select content_json from report_corrections where month = $1 and replaced = $2")
                .bind(month.to_string())
                .bind(version)
                .fetch_optional(x)
                .await?
        });
        let text = text.ok_or(StoreError::NotFound("version of this report"))?;
        serde_json::from_str(&text).map_err(|e| corrupt("report_corrections", month, e))
    }
}
