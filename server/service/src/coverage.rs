//! How all data sets stand: the matrix of hosts and data sets, for pages, programs and spreadsheets.

use crate::{Actor, Error, Fields, Services};
use chrono::SecondsFormat;
use domain::coverage::{Order, Row, State, UnknownOrder, UnknownState, counts, matrix, named, sort, standing};
use domain::csv;
use domain::people::Permission;
use domain::time::{Instant, Span};

/// What of the matrix is asked for, as typed in an address.
#[derive(Clone, Debug, Default)]
pub struct MatrixQuery {
    /// A part of the host's name; everything where empty.
    pub host: String,
    /// One of [`State`]; everything where empty.
    pub state: String,
    /// One of [`Order`]; the worst first where empty.
    pub sort: String,
}

/// The matrix.
#[derive(Clone, Debug)]
pub struct MatrixView {
    /// When the gate was asked.
    pub asked_at: Instant,
    /// How many data sets stand how, of the hosts with this part of a name, whatever state is asked for.
    pub counts: Vec<(State, usize)>,
    /// In order.
    pub rows: Vec<Row>,
}

impl Services {
    /// How all data sets stand, as the gate judges them when work is scheduled.
    ///
    /// # Errors
    /// The actor may not look, a part of the query can not be read, or the database does not answer.
    pub async fn coverage(&self, actor: &Actor, query: &MatrixQuery) -> Result<MatrixView, Error> {
        actor.require(Permission::View)?;
        let mut fields = Fields::default();
        let state = match query.state.trim() {
            "" => None,
            text => fields.take::<State, UnknownState>("state", text.parse()),
        };
        let order = match query.sort.trim() {
            "" => Order::default(),
            text => fields.take::<Order, UnknownOrder>("sort", text.parse()).unwrap_or_default(),
        };
        if !fields.is_empty() {
            return Err(fields.into_error());
        }
        let mut tx = self.db.read().await?;
        let scope = tx.whole_scope().await?;
        let site = tx.site().await?;
        let evidence = tx.evidence(&scope, &site.policy).await?;
        let asked_at = self.now();
        let mut rows = named(matrix(asked_at, &scope, &evidence), &query.host);
        let counts = counts(&rows);
        if let Some(state) = state {
            rows = standing(rows, state);
        }
        sort(&mut rows, order);
        Ok(MatrixView { asked_at, counts, rows })
    }

    /// The same for spreadsheets, one line for each data set.
    ///
    /// # Errors
    /// As [`Self::coverage`].
    pub async fn coverage_csv(&self, actor: &Actor, query: &MatrixQuery) -> Result<String, Error> {
        let view = self.coverage(actor, query).await?;
        let columns =
            ["host", "data_set", "kind", "state", "safe_up_to", "age_min", "limit_min", "protected_until", "why"];
        let mut text = csv::line(columns);
        let minutes = |span: Option<Span>| span.map(|s| (s.as_seconds() / 60).to_string()).unwrap_or_default();
        let instant =
            |at: Option<Instant>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default();
        for row in &view.rows {
            for cell in &row.cells {
                let why = match &row.exemption {
                    Some(exemption) => format!("{} ({})", exemption.reason, exemption.by),
                    None => cell.reasons.iter().map(|r| r.headline()).collect::<Vec<_>>().join("; "),
                };
                text.push_str(&csv::line([
                    row.name.as_str(),
                    &cell.name,
                    cell.kind.map_or("", |kind| kind.as_str()),
                    cell.state.as_str(),
                    &instant(cell.cut_off),
                    &minutes(cell.age),
                    &minutes(cell.limit),
                    &instant(cell.until),
                    &why,
                ]));
            }
        }
        Ok(text)
    }
}
