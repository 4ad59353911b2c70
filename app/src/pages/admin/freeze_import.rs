//! `/admin/freezes/import`: freezes from a calendar file; first what it would do, then all of it.

use super::desk::{Desk, admin};
use super::edit::Form;
use super::freezes::{LABELS, scope_fields, scope_of};
use super::redundancy::forces;
use crate::components::{
    Actions, Button, Choices, DataTable, EmptyState, Field, Hidden, PageHeader, Section, TextArea,
};
use crate::context;
use crate::form::{FormData, Submitted};
use crate::pages::count;
use crate::posts::{Post, Posted};
use crate::view::{ColumnView, Weight};
use domain::freeze::{Freeze, FreezeTime};
use domain::people::Permission;
use domain::time::format_range;
use leptos::prelude::*;
use service::Error;
use service::conflicts::{FreezeImport, FreezeLook, IcsInput};

const PATH: &str = "/admin/freezes/import";

/// Changes shown one by one; more are counted.
const SHOWN: usize = 200;

fn read(form: &FormData) -> IcsInput {
    let (whole_site, hosts, components) = scope_of(form);
    // A file that was chosen counts before what stands in the box.
    let file = form.get("file");
    let ics = if file.trim().is_empty() { form.get("ics") } else { file };
    IcsInput {
        ics: ics.to_owned(),
        calendar: form.get("calendar").to_owned(),
        whole_site,
        hosts,
        components,
        force: form.get("force").to_owned(),
    }
}

/// Takes the form.
///
/// # Errors
/// Those that the user can not mend in the form.
pub async fn take(post: Post) -> Result<Posted, Error> {
    let input = read(&post.form);
    let is_applied = post.form.get("do") == "apply";
    // A file can not be put back into its field: its text goes into the box.
    let form = post.form.clone().with("ics", input.ics.clone()).with("file", "");
    if is_applied {
        let done = post.services.import_freezes(&post.actor, &input, Some(post.form.get("seen"))).await;
        return Post { form, ..post }.done(done.map(|_| "/admin/freezes?done=imported"));
    }
    match post.services.plan_freeze_import(&post.actor, &input).await {
        // The page asks again for what it shows.
        Ok(import) => {
            let form = form.with("calendar", import.calendar.to_string());
            Ok(Posted::Shown(Submitted { data: Some(form), ..Submitted::default() }))
        }
        Err(error) => Post { form, ..post }.done(Err::<String, _>(error)),
    }
}

/// `/admin/freezes/import`
#[component]
pub fn ImportFreezes() -> impl IntoView {
    let submitted = context::submitted();
    let asked = submitted.data.clone().filter(|_| submitted.errors.is_empty());
    admin(
        |_| "Import a calendar".to_owned(),
        move |desk: Desk| async move {
            desk.actor.require(Permission::Administer)?;
            let look = desk.services.freezes(&desk.actor).await?;
            let planned = match asked {
                Some(form) => Some(desk.services.plan_freeze_import(&desk.actor, &read(&form)).await?),
                None => None,
            };
            Ok((look, planned))
        },
        |desk, (look, planned)| page(&desk, &look, planned),
    )
}

fn page(desk: &Desk, look: &FreezeLook, import: Option<FreezeImport>) -> AnyView {
    let form = Form::at(PATH, "");
    let seen = import.as_ref().map(|import| import.seen.clone());
    let ready = import.as_ref().is_some_and(|import| !import.comparison.is_empty());
    let check = if ready { Weight::Normal } else { Weight::Primary };
    let apply = ready.then(|| view! { <Button weight=Weight::Primary name="do" value="apply">"Apply"</Button> });
    let back = ("Freezes".to_owned(), "/admin/freezes".to_owned());
    view! {
        <PageHeader title="Import a calendar" back
            intro="Each entry of an .ics file becomes a freeze; what repeats is read for two years. First you see what would change. Importing the same calendar again changes only what has changed in it."/>
        {form.summary(&LABELS)}
        {import.map(|import| planned(desk, import))}
        <form class="form card mt" method="post" action=PATH enctype="multipart/form-data">
            <div class="field">
                <label for="file">"Calendar file"</label>
                <input class="input" type="file" id="file" name="file" accept=".ics,text/calendar"/>
            </div>
            <TextArea name="ics" label="Or its text" rows=6 optional=true value=form.value("ics", "")
                error=form.error("ics") hint="At most 200 KiB."/>
            <Field name="calendar" label="Name of the calendar" optional=true maxlength=120 value=form.value("calendar", "")
                error=form.error("calendar")
                hint="Import it under the same name the next time. What it calls itself, if you say nothing."/>
            {scope_fields(&form, true, &[], &[], look)}
            <Choices name="force" legend="Work in these times" error=form.error("force")
                options=forces(|value| form.chosen("force", value, value == "block"))/>
            {seen.map(|seen| view! { <Hidden name="seen" value=seen/> })}
            <Actions>
                {apply}
                <Button weight=check name="do" value="check">"Show what would change"</Button>
            </Actions>
        </form>
    }
    .into_any()
}

/// What the file would do.
fn planned(desk: &Desk, import: FreezeImport) -> AnyView {
    let left_out = (!import.left_out.is_empty()).then(|| {
        let lines = import.left_out.iter().take(SHOWN).map(|entry| {
            view! { <li><span dir="auto">{entry.entry.clone()}</span>": "<span class="muted">{entry.why.clone()}</span></li> }
        });
        let lines = lines.collect_view();
        let told = format!("{} can not be read:", count(import.left_out.len(), "entry", "entries"));
        view! {
            <Section id="left-out" title="Left out">
                <p>{told}</p>
                <ul class="lines mt">{lines}</ul>
            </Section>
        }
    });
    let told = &import.comparison;
    let same = match told.unchanged {
        0 => String::new(),
        n => format!(" {} as it is.", count(n, "entry stays", "entries stay")),
    };
    if told.is_empty() {
        return view! {
            <EmptyState title="Nothing to do" text=format!("This calendar changes nothing.{same}") good=true/>
            {left_out}
        }
        .into_any();
    }
    let row = |verb: &str, name: String, before: Option<&[FreezeTime]>, times: &[FreezeTime]| -> Vec<AnyView> {
        let was = before.map(|before| {
            view! { <span class="sub">{format!("was {}", times_text(desk, before))}</span> }
        });
        vec![
            view! { <span dir="auto">{name}</span> }.into_any(),
            verb.to_owned().into_any(),
            view! { {times_text(desk, times)}{was} }.into_any(),
        ]
    };
    let of = |freeze: &Freeze| freeze.name.to_string();
    let added = told.added.iter().map(|entry| row("Add", entry.name.to_string(), None, &entry.times));
    let changed = told.changed.iter().map(|named| {
        let before = Some(named.before.times.as_slice()).filter(|before| *before != named.after.times.as_slice());
        row("Change", of(&named.after), before, &named.after.times)
    });
    let removed = told.removed.iter().map(|freeze| row("Remove", of(freeze), None, &freeze.times));
    let rows: Vec<Vec<AnyView>> = added.chain(changed).chain(removed).take(SHOWN).collect();
    let all = told.added.len() + told.changed.len() + told.removed.len();
    let more = all.checked_sub(SHOWN).filter(|more| *more > 0);
    let more = more.map(|more| view! { <p class="muted">{format!("And {more} more.")}</p> });
    let summary = format!(
        "{} would be added, {} changed, {} removed. Nothing is done yet.{same}",
        told.added.len(),
        told.changed.len(),
        told.removed.len()
    );
    let columns = vec![ColumnView::new("Entry"), ColumnView::new("Change"), ColumnView::new("When")];
    view! {
        <Section id="changes" title="What would change">
            <div class="stack">
                <p>{summary}</p>
                <DataTable caption="Changes" columns rows/>
                {more}
            </div>
        </Section>
        {left_out}
    }
    .into_any()
}

/// The first time to come, and how many there are.
fn times_text(desk: &Desk, times: &[FreezeTime]) -> String {
    let ahead: Vec<&FreezeTime> = times.iter().filter(|time| time.stretch.to > desk.now).collect();
    let Some(first) = ahead.first() else { return "over".to_owned() };
    let rules = desk.services.zones.as_ref();
    let text = format_range(rules, &first.zone, first.stretch.from, first.stretch.to).main;
    match ahead.len() {
        1 => text,
        n => format!("{text}, and {} more", n - 1),
    }
}
