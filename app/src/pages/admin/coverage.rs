//! `/admin/coverage`: hosts × data sets, each by how it stands. Nothing forgotten.

use super::desk::{Desk, admin};
use super::edit::{capital, links, part_of, query};
use crate::components::{Button, ButtonLink, Cells, Counts, DataTable, EmptyState, Field, PageHeader, Pager, Select};
use crate::form::encode;
use crate::view::{ActionView, CellView, ColumnView, CountView, OptionView};
use domain::coverage::{Cell, Order, Row, State};
use domain::gate::Reason;
use leptos::prelude::*;
use service::coverage::{MatrixQuery, MatrixView};

/// Hosts on one page.
const HOSTS: usize = 50;

const PATH: &str = "/admin/coverage";

/// `/admin/coverage?host=…&state=…&sort=…&page=…`
#[component]
pub fn CoveragePage() -> impl IntoView {
    let asked = query();
    let text = |name: &str| asked.get(name).trim().to_owned();
    let asked = MatrixQuery { host: text("host"), state: text("state"), sort: text("sort") };
    let find = asked.clone();
    admin(
        |_| "Coverage".to_owned(),
        |desk: Desk| async move { desk.services.coverage(&desk.actor, &find).await },
        move |_, view| page(&asked, view),
    )
}

/// The address that asks for this.
fn place(path: &str, query: &MatrixQuery) -> String {
    let parts = [("host", &*query.host), ("state", &*query.state), ("sort", &*query.sort)];
    let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let text: Vec<String> = parts.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if text.is_empty() { path.to_owned() } else { format!("{path}?{}", text.join("&")) }
}

fn page(query: &MatrixQuery, view: MatrixView) -> AnyView {
    let of = |good: bool| -> usize { view.counts.iter().filter(|(s, _)| s.is_good() == good).map(|(_, n)| n).sum() };
    let standing = match (of(true), of(false)) {
        (0, 0) => "there is none yet".to_owned(),
        (good, bad) => format!("{good} are good enough or exempt, {bad} are not"),
    };
    let intro = format!("How every data set stands, by the rules of the gate for scheduling work: {standing}.");
    let counts = counts(query, &view.counts);
    let save = place("/admin/coverage.csv", query);
    let keep = [("host", &*query.host), ("state", &*query.state), ("sort", &*query.sort)];
    let (rows, pager) = part_of(HOSTS, view.rows, PATH, &keep);
    let table = if rows.is_empty() { nothing(query) } else { table(rows) };
    view! {
        <PageHeader title="Coverage" intro>
            <ButtonLink href=save>"Save as CSV"</ButtonLink>
        </PageHeader>
        <Counts label="Data sets by state" counts/>
        {filters(query)}
        {table}
        <Pager pager/>
    }
    .into_any()
}

fn counts(query: &MatrixQuery, counts: &[(State, usize)]) -> Vec<CountView> {
    let shown = counts.iter().filter(|(state, n)| *n > 0 || query.state == state.as_str());
    shown
        .map(|(state, count)| {
            let current = query.state == state.as_str();
            let state_of = if current { String::new() } else { state.as_str().to_owned() };
            let href = place(PATH, &MatrixQuery { state: state_of, ..query.clone() });
            CountView { count: *count, state: (*state).into(), href, current }
        })
        .collect()
}

fn filters(query: &MatrixQuery) -> AnyView {
    let states = std::iter::once(OptionView::new("", "Any state"))
        .chain(State::ALL.into_iter().map(|state| OptionView::new(state.as_str(), state.text())));
    let states = states.map(|option| choose(option, &query.state)).collect();
    let sort = if query.sort.is_empty() { Order::default().as_str() } else { &query.sort };
    let orders = Order::ALL.into_iter().map(|order| OptionView::new(order.as_str(), order.text()));
    let orders = orders.map(|option| choose(option, sort)).collect();
    view! {
        <form class="filters" method="get" action=PATH>
            <Field name="host" label="Host" kind="search" value=query.host.clone()/>
            <Select name="state" label="State" options=states/>
            <Select name="sort" label="Order" options=orders/>
            <Button>"Show"</Button>
        </form>
    }
    .into_any()
}

fn choose(option: OptionView, value: &str) -> OptionView {
    let is_chosen = option.value == value;
    option.chosen(is_chosen)
}

fn nothing(query: &MatrixQuery) -> AnyView {
    if query.host.is_empty() && query.state.is_empty() {
        return view! {
            <EmptyState title="No host yet"
                text="A host is a machine or service that holds data. Add your hosts, and what must not be lost on them stands here."
                action=ActionView::link("To the hosts", "/admin/hosts")/>
        }
        .into_any();
    }
    view! {
        <EmptyState title="No data set like this" text="No host of this name has a data set in this state."
            action=ActionView::link("Show all", PATH)/>
    }
    .into_any()
}

fn table(rows: Vec<Row>) -> AnyView {
    let columns = vec![ColumnView::new("Host"), ColumnView::unseen("Data sets")];
    let rows = rows
        .into_iter()
        .map(|row| {
            let host = links(vec![(row.name.clone(), format!("/admin/hosts/{}", row.host))]);
            let exempt = row.exemption.as_ref().map(|why| {
                view! { <span class="sub" dir="auto">{format!("Exempt: {} ({})", why.reason, why.by)}</span> }
            });
            let cells = row.cells.iter().map(cell).collect();
            vec![view! { {host}{exempt} }.into_any(), view! { <Cells cells/> }.into_any()]
        })
        .collect();
    view! { <DataTable caption="Hosts and their data sets" columns rows/> }.into_any()
}

fn cell(cell: &Cell) -> CellView {
    CellView {
        name: cell.name.clone(),
        href: cell.data_set.map(|id| format!("/admin/data-sets/{id}")).unwrap_or_default(),
        state: cell.state.into(),
        detail: detail(cell),
    }
}

/// The age against the limit, and what the state does not say.
fn detail(cell: &Cell) -> String {
    let age = match (cell.age, cell.limit) {
        (Some(age), Some(limit)) => Some(format!("{age} old, limit {limit}")),
        (None, Some(_)) if !matches!(cell.state, State::NoJob | State::NeverRan) => Some("no good run".to_owned()),
        _ => None,
    };
    let is_said = |reason: &Reason| {
        matches!(reason, Reason::TooOld { .. } | Reason::NoJob | Reason::NoDataSet | Reason::NeverRan { .. })
    };
    let more = cell.reasons.iter().filter(|reason| !is_said(reason));
    let parts = age.into_iter().chain(more.map(|reason| reason.headline().to_owned()));
    capital(&parts.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::{counts, place};
    use domain::coverage::State;
    use service::coverage::MatrixQuery;

    #[test]
    fn a_count_leads_to_its_state_and_back() {
        let query = MatrixQuery { host: "web 12".to_owned(), state: "stale".to_owned(), ..MatrixQuery::default() };
        let shown = counts(&query, &[(State::NoJob, 2), (State::Failed, 0), (State::Stale, 0)]);
        let told: Vec<(usize, &str, bool)> = shown.iter().map(|c| (c.count, c.href.as_str(), c.current)).collect();
        assert_eq!(
            told,
            [(2, "/admin/coverage?host=web+12&state=no_job", false), (0, "/admin/coverage?host=web+12", true),]
        );
        assert_eq!(place("/x", &MatrixQuery::default()), "/x");
    }
}
