//! Tables.

use crate::view::ColumnView;
use leptos::prelude::*;

/// A table; where there is no room each row becomes a card. The first cell of a row names it.
/// The roles are said aloud because that layout takes them from the elements.
#[component]
pub fn DataTable(
    /// What the table holds.
    #[prop(into)]
    caption: String,
    /// The caption is seen, not only heard.
    #[prop(optional)]
    captioned: bool,
    /// Short figures only: it stays a table where there is no room, too.
    #[prop(optional)]
    figures: bool,
    /// The headings.
    columns: Vec<ColumnView>,
    /// The cells, row by row, as many as there are columns.
    rows: Vec<Vec<AnyView>>,
) -> AnyView {
    let head = columns
        .iter()
        .map(|column| {
            let label = column.label.clone();
            let label =
                if column.unseen { view! { <span class="vh">{label}</span> }.into_any() } else { label.into_any() };
            view! { <th scope="col" role="columnheader" class=column.number.then_some("is-num")>{label}</th> }
        })
        .collect_view();
    let body = rows
        .into_iter()
        .map(|cells| {
            let cells = cells.into_iter().zip(&columns).enumerate();
            let cells = cells
                .map(|(place, (cell, column))| {
                    let class = column.number.then_some("is-num");
                    let label = (!column.unseen).then(|| column.label.clone());
                    if place == 0 {
                        view! { <th scope="row" role="rowheader" class=class><div class="cell">{cell}</div></th> }
                            .into_any()
                    } else {
                        view! { <td role="cell" class=class data-label=label><div class="cell">{cell}</div></td> }
                            .into_any()
                    }
                })
                .collect_view();
            view! { <tr role="row">{cells}</tr> }
        })
        .collect_view();
    let class = if figures { "table is-figures" } else { "table" };
    view! {
        <div class="table-wrap">
            <table class=class role="table">
                <caption class=(!captioned).then_some("vh")>{caption}</caption>
                <thead role="rowgroup"><tr role="row">{head}</tr></thead>
                <tbody role="rowgroup">{body}</tbody>
            </table>
        </div>
    }
    .into_any()
}
