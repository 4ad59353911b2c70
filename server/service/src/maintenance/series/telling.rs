//! What customers read about a series, and who is told.

use crate::{Error, Services};
use domain::ids::SeriesId;
use domain::maintenance::Maintenance;
use domain::series::{Series, Timing};
use domain::text::Prose;
use storage::Tx;

/// How a window is published.
#[derive(Clone, Debug)]
pub(crate) struct Publish {
    /// Subscribers get a mail.
    pub(crate) tell: bool,
    /// What the first line of its timeline says.
    pub(crate) body: Prose,
}

impl Default for Publish {
    fn default() -> Self {
        Self { tell: true, body: Prose::default() }
    }
}

/// The series of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesOf {
    /// Which.
    pub id: SeriesId,
    /// "every Tuesday 02:00 Europe/Berlin"
    pub words: String,
    /// The nominal date.
    pub date: chrono::NaiveDate,
    /// The window has a time of its own.
    pub was_moved: bool,
    /// It goes on no more.
    pub has_ended: bool,
}

/// Prose that is ours; never longer than fits.
fn prose(text: &str) -> Prose {
    Prose::parse(text).unwrap_or_default()
}

impl Publish {
    /// The first window of a series is told with the rule; the others are there to be seen.
    pub(super) async fn of(tx: &mut Tx, series: &Series) -> Result<Self, Error> {
        let is_first = !tx.series_was_published(series.id).await?;
        let body = if is_first { repeats(&series.timing) } else { Prose::default() };
        Ok(Self { tell: is_first, body })
    }
}

/// "This work repeats: every Tuesday 02:00 Europe/Berlin."
fn repeats(timing: &Timing) -> Prose {
    prose(&format!("This work repeats: {}. Calendars and the status page show each time.", timing.words()))
}

/// What is said with the first window that a change of the series touches.
pub(super) fn changed(note: &Prose, timing: &Timing) -> Prose {
    let all = format!("This work repeats, and its later times change as well: {}.", timing.words());
    prose(format!("{}\n\n{all}", note.as_str()).trim())
}

/// What is said with a window whose date is not in the rule any more.
pub(super) fn gone(note: &Prose, timing: &Timing) -> Prose {
    if note.as_str().trim().is_empty() {
        prose(&format!("This work has other dates now: {}.", timing.words()))
    } else {
        note.clone()
    }
}

/// What is said with the first window that the end of the series calls off.
pub(super) fn ended(reason: &Prose) -> Prose {
    prose(format!("{}\n\nThis work repeated; its later times are called off as well.", reason.as_str()).trim())
}

impl Services {
    /// The series that a window belongs to.
    pub(crate) async fn series_of(&self, tx: &mut Tx, m: &Maintenance) -> Result<Option<SeriesOf>, Error> {
        let Some(occurrence) = tx.occurrences_among(&[m.id]).await?.remove(&m.id) else { return Ok(None) };
        let series = tx.series(occurrence.series_id).await?;
        Ok(Some(SeriesOf {
            id: series.id,
            words: series.timing.words(),
            date: occurrence.date,
            was_moved: occurrence.was_moved(m),
            has_ended: series.ended_at.is_some(),
        }))
    }
}
