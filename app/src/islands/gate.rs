//! The gate beside the scheduling form, asked again whenever the form changes.

use super::{asking, when_changed};
use crate::api::plan::{GateView, InTheWayView, SlotsView, ask_gate};
use crate::components::{Action, Actions, BlastRadius, Button, Reason, VerdictPanel};
use crate::view::{ActionView, Answer, Weight};
use leptos::prelude::*;
use std::time::Duration;

/// Runs are reported while somebody fills in the form.
const AGAIN: Duration = Duration::from_secs(10);

/// The panel with its buttons, which send the form `plan`.
#[island]
pub fn GateIsland(
    /// What the server knew when it made the page.
    initial: GateView,
    /// Label, name and value of each button; the first may be pressed only when the gate says yes.
    buttons: Vec<(String, String)>,
) -> impl IntoView {
    let view = RwSignal::new(initial);
    let live = RwSignal::new(false);
    let away = RwSignal::new(false);
    let ask = asking("plan", view, ask_gate, move |answered: bool| away.set(!answered));
    Effect::new(move || {
        live.set(true);
        ask();
        when_changed("plan", ask);
        if let Ok(again) = set_interval_with_handle(ask, AGAIN) {
            on_cleanup(move || again.clear());
        }
    });
    let title = move || {
        view.with(|view| match view.in_the_way.blocks {
            true => format!("{}. {}", view.verdict.title, view.in_the_way.title),
            false => view.verdict.title.clone(),
        })
    };
    view! {
        <div>
            {move || panel(view.get(), &buttons, live.get(), away.get())}
            <p class="vh" aria-live="polite">{move || live.get().then(title)}</p>
        </div>
    }
}

/// The panel as it is now.
fn panel(view: GateView, buttons: &[(String, String)], live: bool, away: bool) -> AnyView {
    let blocked = view.verdict.answer == Answer::Blocked || view.in_the_way.blocks;
    let note = if away {
        Some("The answer could not be renewed. It is checked again when you schedule.")
    } else if live {
        None
    } else {
        Some("Press Check after a change: the answer belongs to what was chosen then.")
    };
    let buttons = buttons
        .iter()
        .enumerate()
        .map(|(place, (label, value))| {
            let action = ActionView::submit(label.clone(), "plan", "do", value.clone());
            let action = if place == 0 {
                action.weigh(Weight::Primary).enabled(!(blocked && value == "schedule"))
            } else {
                action
            };
            view! { <Action action/> }
        })
        .collect_view();
    let check = (!live).then(|| {
        view! { <Button weight=Weight::Quiet form="plan" name="do" value="check" unchecked=true>"Check"</Button> }
    });
    view! {
        <VerdictPanel verdict=view.verdict>
            {in_the_way(view.in_the_way)}
            {slots(view.slots)}
            {view.blast.map(|blast| view! { <BlastRadius blast/> })}
            {(!view.told.is_empty()).then(|| view! { <div class="block"><p class="small muted">{view.told}</p></div> })}
            <div class="verdict-foot">
                <Actions>{view.request_all.map(|action| view! { <Action action/> })}{buttons}{check}</Actions>
                {note.map(|note| view! { <p class="small muted">{note}</p> })}
            </div>
        </VerdictPanel>
    }
    .into_any()
}

/// What stands in the way beside the gate, with every reason.
fn in_the_way(view: InTheWayView) -> AnyView {
    if view.title.is_empty() {
        return ().into_any();
    }
    let list = (!view.conflicts.is_empty()).then(|| {
        let reasons = view.conflicts.into_iter().map(|reason| view! { <Reason reason/> }).collect_view();
        view! { <ol class="reasons">{reasons}</ol> }
    });
    let class = if view.blocks { "block in-the-way tone-major" } else { "block in-the-way" };
    let why = view.asks_why.then(|| {
        view! { <p class="small">"It may go ahead: say why under “Go ahead in spite of a warning”."</p> }
    });
    view! {
        <div class=class><h3>{view.title}</h3>{why}</div>
        {list}
    }
    .into_any()
}

/// Times to choose.
fn slots(view: SlotsView) -> AnyView {
    if view.title.is_empty() {
        return ().into_any();
    }
    let buttons = view.slots.into_iter().map(|action| view! { <Action action small=true/> }).collect_view();
    let notes = view.notes.into_iter().map(|note| view! { <p class="small muted">{note}</p> }).collect_view();
    view! { <div class="block slots"><h3>{view.title}</h3><Actions>{buttons}</Actions>{notes}</div> }.into_any()
}
