//! The coverage matrix: how many stand how, and the data sets of a host.

use super::StateBadge;
use crate::view::{CellView, CountView};
use leptos::prelude::*;

/// How many stand how; each leads to those alone.
#[component]
pub fn Counts(
    /// What is counted, for those who hear it.
    #[prop(into)]
    label: String,
    /// The worst first.
    counts: Vec<CountView>,
) -> AnyView {
    view! {
        <nav class="counts" aria-label=label>
            <ul>
                {counts
                    .into_iter()
                    .map(|count| {
                        let state = count.state.plain();
                        view! {
                            <li>
                                <a href=count.href aria-current=count.current.then_some("true")>
                                    <b>{count.count}</b>" "<StateBadge state/>
                                </a>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </nav>
    }
    .into_any()
}

/// The data sets of one host, side by side.
#[component]
pub fn Cells(
    /// In order.
    cells: Vec<CellView>,
) -> AnyView {
    view! {
        <ul class="cells">
            {cells
                .into_iter()
                .map(|cell| {
                    let name = (!cell.name.is_empty()).then(|| {
                        view! { <a href=cell.href><span dir="auto">{cell.name}</span></a>" " }
                    });
                    let detail = (!cell.detail.is_empty())
                        .then(|| view! { <span class="sub">{cell.detail}</span> });
                    let tone = cell.state.tone.class();
                    view! { <li class=tone>{name}<StateBadge state=cell.state/>{detail}</li> }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}
