//! Reminders of a window: the choice on its form, and what became of them on its page.

use super::desk::Desk;
use crate::components::{Field, Icon, Section, Select, TimeRange};
use crate::form::{FormData, Submitted};
use crate::view::{OptionView, Shape, Tone};
use domain::maintenance::{Maintenance, Reminders, State};
use leptos::prelude::*;
use service::maintenance::Detail;
use service::reminders::{ReminderLook, ReminderStanding};

/// The choice that has a list beside it.
const OWN: &str = "own";

/// What a form says of reminders; none where it does not speak of them.
#[must_use]
pub fn read(form: &FormData) -> Option<String> {
    form.has("remind").then(|| match form.get("remind") {
        OWN => form.get("leads").to_owned(),
        other => other.to_owned(),
    })
}

/// The choice.
#[must_use]
pub fn fields(desk: &Desk, stored: Option<&Reminders>, form: &Submitted) -> AnyView {
    let stored = stored.cloned().unwrap_or_default();
    let (way, leads) = match &stored {
        Reminders::AsSite => (Reminders::AS_SITE, String::new()),
        Reminders::Own(leads) if leads.iter().next().is_none() => ("none", String::new()),
        Reminders::Own(leads) => (OWN, leads.to_input()),
    };
    let way = form.value("remind", way);
    let usual = format!("As for the whole site: {}", before(&desk.site.reminders.to_input()));
    let options = [(Reminders::AS_SITE, usual), (OWN, "At other times".to_owned()), ("none", "None".to_owned())]
        .into_iter()
        .map(|(value, label)| OptionView::new(value, label).chosen(value == way))
        .collect();
    view! {
        <div class="fields" id="reminders">
            <Select name="remind" label="Reminders by mail" options wide=true/>
            <Field name="leads" label="At other times" optional=true wide=true
                hint="Before the start, like 48 h, 2 h, 30 min. At most six."
                value=form.value("leads", leads) error=form.error("reminders")/>
        </div>
    }
    .into_any()
}

fn before(list: &str) -> String {
    if list == "none" { "none".to_owned() } else { format!("{list} before") }
}

/// In one line, for what has not begun.
#[must_use]
pub fn in_short(desk: &Desk, m: &Maintenance) -> Option<String> {
    let ahead = m.state == State::Draft || m.state.is_ahead();
    ahead.then(|| {
        let list = before(&m.reminders.leads(&desk.site.reminders).to_input());
        match m.reminders {
            Reminders::AsSite => format!("{list}, as for the whole site"),
            Reminders::Own(_) => list,
        }
    })
}

/// Those that went and those to come.
#[must_use]
pub fn show(desk: &Desk, detail: &Detail) -> AnyView {
    if detail.reminders.is_empty() {
        return ().into_any();
    }
    let starts_at = detail.maintenance.planned.starts_at;
    let lines = detail.reminders.iter().map(|look| one(desk, look, look.starts_at == starts_at)).collect_view();
    view! { <Section id="reminders" title="Reminders"><ol class="timeline">{lines}</ol></Section> }.into_any()
}

fn one(desk: &Desk, look: &ReminderLook, is_current: bool) -> AnyView {
    let (tone, shape, at, text) = match look.standing {
        ReminderStanding::Coming { to } => {
            (Tone::Work, Shape::Scheduled, look.due_at, format!("Goes to {}, as things are now.", subscribers(to)))
        }
        ReminderStanding::Sent { at, to } => {
            let of =
                if is_current { String::new() } else { format!(" The start was {} then.", desk.short(look.starts_at)) };
            (Tone::Ok, Shape::Ok, at, format!("Went to {}.{of}", subscribers(to)))
        }
        ReminderStanding::Passed { too_soon } => {
            let text = if too_soon {
                "Not sent: the time was announced only then, or after it."
            } else {
                "Not sent in time: a later one took its place."
            };
            (Tone::Quiet, Shape::Cancelled, look.due_at, text.to_owned())
        }
    };
    let heading = format!("{} before the start", look.lead.in_words());
    view! {
        <li class=tone.class()>
            <Icon shape/>
            <div class="timeline-head"><h3>{heading}</h3><TimeRange when=desk.instant(at)/></div>
            <p class="small muted">{text}</p>
        </li>
    }
    .into_any()
}

fn subscribers(n: i64) -> String {
    match n {
        0 => "nobody".to_owned(),
        1 => "1 subscriber".to_owned(),
        n => format!("{n} subscribers"),
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::form::FormData;

    #[test]
    fn a_form_says_which_reminders_or_nothing_of_them() {
        let said = |form: &str| read(&FormData::parse(form.as_bytes()));
        assert_eq!(said("title=x"), None);
        assert_eq!(said("remind=default&leads=1+h").as_deref(), Some("default"));
        assert_eq!(said("remind=none").as_deref(), Some("none"));
        assert_eq!(said("remind=own&leads=2+h%2C+1+h").as_deref(), Some("2 h, 1 h"));
        assert_eq!(said("remind=own").as_deref(), Some(""));
    }
}
