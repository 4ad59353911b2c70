//! A window that moved because the rules of its zone did: is it to be told?

use super::desk::Desk;
use crate::components::{Action, Actions, Flash};
use crate::view::{ActionView, AttentionView, FlashView, Shape, Tone};
use domain::maintenance::{Maintenance, ZoneMove};
use domain::people::Permission;
use leptos::prelude::*;
use service::maintenance::{Detail, ZoneMoveLook};

fn actions(desk: &Desk, m: &Maintenance) -> Vec<ActionView> {
    let to = format!("/admin/maintenances/{}", m.id);
    let about = format!("M-{} {}", m.number, m.title);
    if !desk.may(Permission::Maintain) {
        return vec![ActionView::link("Look", to).about(about)];
    }
    [("Tell subscribers", "tell-move"), ("Leave quiet", "leave-quiet")]
        .map(|(label, deed)| ActionView::post(label, to.clone(), &[("do", deed)]).about(about.clone()))
        .to_vec()
}

fn text(desk: &Desk, m: &Maintenance, z: &ZoneMove) -> String {
    format!(
        "The clocks of {} have new rules ({}): it stays at {} there, and moved from {} to {}. The page and calendars \
         show it; no mail has gone.",
        m.planned.zone,
        z.rules,
        m.planned.local_start.format("%H:%M"),
        desk.utc(z.old_starts_at),
        desk.utc(z.starts_at),
    )
}

/// On the page of the window.
pub(super) fn show(desk: &Desk, detail: &Detail) -> AnyView {
    let Some(z) = &detail.zone_move else { return ().into_any() };
    let m = &detail.maintenance;
    let with =
        if detail.series.is_some() { " What you choose counts for all windows of its series that moved." } else { "" };
    let flash = FlashView::warning("Shall subscribers be told of the move?", format!("{}{with}", text(desk, m, z)));
    let buttons = actions(desk, m).into_iter().map(|action| view! { <Action action small=true/> }).collect_view();
    view! { <Flash flash><Actions>{buttons}</Actions></Flash> }.into_any()
}

/// On "needs me now".
pub(super) fn item(desk: &Desk, look: &ZoneMoveLook) -> AttentionView {
    let m = &look.maintenance;
    let others = match look.others {
        0 => String::new(),
        1 => " 1 later window of its series moved with it.".to_owned(),
        n => format!(" {n} later windows of its series moved with it."),
    };
    AttentionView {
        tone: Tone::Degraded,
        shape: Shape::Scheduled,
        title: format!("M-{} {} moved: tell subscribers?", m.number, m.title),
        href: format!("/admin/maintenances/{}", m.id),
        detail: format!("{}{others}", text(desk, m, &look.zone_move)),
        actions: actions(desk, m),
    }
}
