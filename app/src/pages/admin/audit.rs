//! Who changed what.

use super::desk::{Desk, admin};
use crate::components::{Button, DataTable, Disclosure, EmptyState, Hidden, PageHeader, Pager, Select, TimeRange};
use crate::context::uri;
use crate::form::{FormData, encode};
use crate::view::{ColumnView, OptionView, PagerView};
use domain::audit::AuditEntry;
use leptos::prelude::*;
use service::audit::{AuditFilter, changes};

/// `/admin/audit?object=host&object_id=…&before=…`
#[component]
pub fn Audit() -> impl IntoView {
    let query = FormData::parse(uri().query().unwrap_or_default().as_bytes());
    let text = |name: &str| query.get(name).to_owned();
    let filter = AuditFilter { object: text("object"), object_id: text("object_id"), before: text("before") };
    let asked = filter.clone();
    admin(
        |_| "Audit log".to_owned(),
        |desk| async move { desk.services.audit_log(&desk.actor, &asked).await },
        move |desk, page| {
            let pager = pager(&filter, page.next, page.entries.len());
            let list = if page.entries.is_empty() {
                view! { <EmptyState title="Nothing here" text="No change fits what you asked for."/> }.into_any()
            } else {
                table(&desk, &page.entries)
            };
            view! {
                <PageHeader title="Audit log" intro="Every change, who made it and from where. Nothing here is ever changed or removed."/>
                {filters(&filter, page.objects)}
                {list}
                <Pager pager/>
            }
        },
    )
}

fn filters(filter: &AuditFilter, objects: Vec<String>) -> AnyView {
    let all = OptionView::new("", "Everything").chosen(filter.object.is_empty());
    let options = std::iter::once(all)
        .chain(objects.into_iter().map(|object| {
            let chosen = object == filter.object;
            OptionView::new(object.clone(), object.replace('_', " ")).chosen(chosen)
        }))
        .collect();
    let one =
        (!filter.object_id.is_empty()).then(|| view! { <Hidden name="object_id" value=filter.object_id.clone()/> });
    view! {
        <form class="filters" method="get">
            <Select name="object" label="Kind of thing" options/>
            {one}
            <Button>"Show"</Button>
        </form>
    }
    .into_any()
}

fn pager(filter: &AuditFilter, next: Option<String>, shown: usize) -> PagerView {
    let place = |before: &str| {
        let mut query = format!("/admin/audit?object={}", encode(&filter.object));
        for (name, value) in [("object_id", filter.object_id.as_str()), ("before", before)] {
            if !value.is_empty() {
                query.push_str(&format!("&{name}={}", encode(value)));
            }
        }
        query
    };
    PagerView {
        text: format!("{shown} lines, newest first"),
        previous: (!filter.before.is_empty()).then(|| place("")),
        next: next.map(|next| place(&next)),
    }
}

fn table(desk: &Desk, entries: &[AuditEntry]) -> AnyView {
    let columns = ["When", "Who", "What", "Change"].map(ColumnView::new).to_vec();
    let rows = entries.iter().map(|entry| row(desk, entry)).collect::<Vec<_>>();
    view! { <DataTable caption="Audit log" columns rows/> }.into_any()
}

fn row(desk: &Desk, entry: &AuditEntry) -> Vec<AnyView> {
    let from = entry.ip.clone().map(|ip| view! { <span class="sub mono nowrap">{ip}</span> });
    vec![
        view! { <TimeRange when=desk.instant(entry.at) stacked=true/> }.into_any(),
        view! { <span dir="auto">{entry.actor.clone()}</span>{from} }.into_any(),
        view! {
            <span dir="auto">{entry.object_name.clone()}</span>
            <span class="sub mono">{entry.action.clone()}</span>
        }
        .into_any(),
        change(entry),
    ]
}

fn change(entry: &AuditEntry) -> AnyView {
    let changes = changes(entry);
    let label = match changes.as_slice() {
        [] => return view! { <span class="muted">"–"</span> }.into_any(),
        [one] => one.field.clone(),
        many => format!("{}\u{a0}fields", many.len()),
    };
    let lines = changes
        .into_iter()
        .map(|change| {
            let value = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
            let line = match change.before {
                None => value(change.after),
                before => format!("{} → {}", value(before), value(change.after)),
            };
            view! { <div><dt>{change.field}</dt><dd dir="auto">{line}</dd></div> }
        })
        .collect_view();
    view! { <Disclosure label=label><dl class="facts">{lines}</dl></Disclosure> }.into_any()
}
