//! `/admin/hosts/import`: hosts from a list; first what it would do, then all of it at once.

use super::desk::{Desk, admin};
use crate::components::{
    Actions, Button, DataTable, Disclosure, EmptyState, ErrorSummary, Hidden, PageHeader, Section, TextArea,
};
use crate::context;
use crate::form::Submitted;
use crate::pages::count;
use crate::posts::{Post, Posted};
use crate::view::{ColumnView, ProblemView, Weight};
use domain::people::Permission;
use leptos::prelude::*;
use service::Error;
use service::inventory::{Change, HostList, Import};

/// Changes shown one by one; more are counted.
const SHOWN: usize = 200;

const EXAMPLE: &str = "\
host,runs_on,note,owner,data_set,kind,job,tool,carried_by,every,max_duration
vm3,,Rack 4,Platform,,,,,,,
web-12,vm3,Two shops,Web team,files,files,nightly,borgmatic,,24 h,6 h
web-12,,,,shop,database,dump,pg_dump,nightly,24 h,1 h";

/// Takes the form.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(post: Post) -> Result<Posted, Error> {
    let list = HostList::Csv(post.form.get("csv").to_owned());
    let done = if post.form.get("do") == "apply" {
        let seen = post.form.get("seen");
        let done = post.services.import_hosts(&post.actor, &list, Some(seen)).await;
        done.map(|_| "/admin/hosts?done=imported".to_owned())
    } else {
        match post.services.plan_import(&post.actor, &list).await {
            // The page asks again for what it shows.
            Ok(_) => return Ok(Posted::Shown(Submitted { data: Some(post.form), ..Submitted::default() })),
            Err(error) => Err(error),
        }
    };
    post.done(done)
}

/// `/admin/hosts/import`
#[component]
pub fn ImportHosts() -> impl IntoView {
    let submitted = context::submitted();
    let text = submitted.value("csv", "");
    let can_be_planned = submitted.data.is_some() && submitted.errors.is_empty();
    admin(
        |_| "Import hosts".to_owned(),
        move |desk: Desk| async move {
            desk.actor.require(Permission::EditInventory)?;
            let list = HostList::Csv(text);
            let planned = can_be_planned.then(|| desk.services.plan_import(&desk.actor, &list));
            match planned {
                Some(planned) => planned.await.map(Some),
                None => Ok(None),
            }
        },
        move |_, import| page(&submitted, import),
    )
}

fn page(submitted: &Submitted, import: Option<Import>) -> AnyView {
    let mistakes = submitted.errors.len();
    let problem = |message: &String| ProblemView { field: "csv".to_owned(), text: message.clone() };
    let problems: Vec<ProblemView> = submitted.errors.iter().map(|e| problem(&e.message)).collect();
    let error = (mistakes > 0).then(|| format!("{} listed above.", count(mistakes, "mistake is", "mistakes are")));
    let seen = import.as_ref().map(|import| import.seen.clone());
    let ready = import.as_ref().is_some_and(|import| !import.changes.is_empty());
    let check = if ready { Weight::Normal } else { Weight::Primary };
    let apply = ready.then(|| view! { <Button weight=Weight::Primary name="do" value="apply">"Apply"</Button> });
    view! {
        <PageHeader title="Import hosts" back=("Hosts".to_owned(), "/admin/hosts".to_owned())
            intro="Hosts, their data sets and backup jobs from a spreadsheet. First you see what would change; nothing is ever retired or deleted."/>
        <ErrorSummary problems message=submitted.message.clone()/>
        {import.map(planned)}
        <form class="form card mt" method="post">
            <TextArea name="csv" label="List" rows=12 value=submitted.value("csv", "") error=error
                hint="Comma-separated; the first line names the columns. Only host is needed. An empty cell leaves what is stored."/>
            {seen.map(|seen| view! { <Hidden name="seen" value=seen/> })}
            <Actions>
                {apply}
                <Button weight=check name="do" value="check">"Show what would change"</Button>
            </Actions>
            <Disclosure label="Columns and an example">
                <ul>
                    <li><code>"host"</code>": its name. "<code>"runs_on"</code>": the name of the host below it. "
                        <code>"note"</code>": what it is. "<code>"owner"</code>": who looks after it."</li>
                    <li><code>"data_set"</code>" and its "<code>"kind"</code>
                        ": files, database, image or other. A new one without a kind is other."</li>
                    <li><code>"job"</code>", its "<code>"tool"</code>", how often it runs ("<code>"every"</code>
                        ", 24 h) and how long it may take ("<code>"max_duration"</code>", 6 h)."</li>
                    <li><code>"carried_by"</code>
                        ": the files job that copies a dump; its name, or host/data set/job where it is on another host."</li>
                </ul>
                <pre class="mail" tabindex="0" aria-label="Example of a list">{EXAMPLE}</pre>
            </Disclosure>
        </form>
    }
    .into_any()
}

/// What the list would do.
fn planned(import: Import) -> AnyView {
    let left = match import.left_alone {
        0 => String::new(),
        n => format!(" {} in it already as the list says.", count(n, "thing stands", "things stand")),
    };
    if import.changes.is_empty() {
        return view! {
            <EmptyState title="Nothing to do" text=format!("This list changes nothing.{left}") good=true/>
        }
        .into_any();
    }
    let added = import.changes.iter().filter(|change| change.is_new).count();
    let changed = import.changes.len() - added;
    let summary = format!("{added} would be added, {changed} changed. Nothing is done yet.{left}");
    let more = import.changes.len().checked_sub(SHOWN).filter(|more| *more > 0);
    let more = more.map(|more| view! { <p class="muted">{format!("And {more} more further down the list.")}</p> });
    let columns = vec![ColumnView::new("What"), ColumnView::new("Change"), ColumnView::new("Line")];
    let rows = import.changes.iter().take(SHOWN).map(row).collect::<Vec<_>>();
    view! {
        <Section id="changes" title="What would change">
            <div class="stack">
                <p>{summary}</p>
                <DataTable caption="Changes" columns rows/>
                {more}
            </div>
        </Section>
    }
    .into_any()
}

fn row(change: &Change) -> Vec<AnyView> {
    let fields = change.fields.iter().map(|field| {
        let text = match &field.before {
            Some(before) => format!("{}: {} → {}", field.column, shown(before), shown(&field.after)),
            None => format!("{}: {}", field.column, field.after),
        };
        view! { <span class="sub" dir="auto">{text}</span> }
    });
    let verb = if change.is_new { "Add" } else { "Change" };
    vec![
        view! { <span dir="auto">{change.place.clone()}</span> }.into_any(),
        view! { {format!("{verb} {}", change.what)}{fields.collect_view()} }.into_any(),
        change.line.to_string().into_any(),
    ]
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "nothing" } else { value }
}
