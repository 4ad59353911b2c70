//! What the alerts of an incident mean for the form of its next update.

use super::edit::Form;
use crate::components::Question;
use crate::view::OptionView;
use leptos::prelude::*;

/// The answer to the question whether it is over although alerts still fire.
pub(super) const STILL_FIRE: &str = "alerts_still_fire";

/// Whether it is over although alerts still fire; nothing where nobody has to ask.
pub(super) fn still_fire(form: &Form) -> AnyView {
    let (error, is_sure) = (form.error(STILL_FIRE), form.chosen(STILL_FIRE, "yes", false));
    if error.is_none() && !is_sure {
        return ().into_any();
    }
    let text = error.unwrap_or_else(|| "It is said to be over although alerts still fire.".to_owned());
    let yes = OptionView::new("yes", "Yes, it is over").chosen(is_sure);
    let back = OptionView::new("", "No: choose another state above").chosen(!is_sure);
    view! { <Question title="Resolve it anyway?" text name=STILL_FIRE options=vec![yes, back]/> }.into_any()
}
