//! Things to press.

use crate::view::{ActionView, Press, Weight};
use leptos::prelude::*;

fn class(weight: Weight, small: bool) -> String {
    format!("btn{}{}", weight.class(), if small { " is-small" } else { "" })
}

/// A row of buttons.
#[component]
pub fn Actions(
    /// The buttons.
    children: Children,
) -> AnyView {
    view! { <div class="actions">{children()}</div> }.into_any()
}

/// A button that sends the form around it, or the one it names.
#[component]
pub fn Button(
    /// How much it asks to be pressed.
    #[prop(optional)]
    weight: Weight,
    /// Less high.
    #[prop(optional)]
    small: bool,
    /// Id of the form, where it stands outside.
    #[prop(optional, into)]
    form: Option<String>,
    /// Its name in the form.
    #[prop(optional, into)]
    name: Option<String>,
    /// Its value in the form.
    #[prop(optional, into)]
    value: Option<String>,
    /// Not to be pressed.
    #[prop(optional)]
    disabled: bool,
    /// Sends the form without the browser's own checks: drafts, asking the gate.
    #[prop(optional)]
    unchecked: bool,
    /// What is written on it.
    children: Children,
) -> AnyView {
    view! {
        <button class=class(weight, small) type="submit" form=form name=name value=value disabled=disabled
            formnovalidate=unchecked>
            {children()}
        </button>
    }
    .into_any()
}

/// A link that looks like a button.
#[component]
pub fn ButtonLink(
    /// Where it leads.
    #[prop(into)]
    href: String,
    /// How much it asks to be pressed.
    #[prop(optional)]
    weight: Weight,
    /// Less high.
    #[prop(optional)]
    small: bool,
    /// What is written on it.
    children: Children,
) -> AnyView {
    view! { <a class=class(weight, small) href=href>{children()}</a> }.into_any()
}

/// A link, a button, or a form with one button.
#[component]
pub fn Action(
    /// What.
    action: ActionView,
    /// Less high.
    #[prop(optional)]
    small: bool,
) -> AnyView {
    let ActionView { label, about, press, weight, disabled } = action;
    let class = class(weight, small);
    let about = (!about.is_empty()).then(|| view! { <span class="vh">{format!(": {about}")}</span> });
    match press {
        Press::Link(href) => view! { <a class=class href=href>{label}{about}</a> }.into_any(),
        Press::Post { to, fields } => view! {
            <form method="post" action=to>
                {hidden(fields)}
                <button class=class type="submit" disabled=disabled>{label}{about}</button>
            </form>
        }
        .into_any(),
        Press::Submit { form, name, value, unchecked } => {
            let form = (!form.is_empty()).then_some(form);
            view! {
                <button class=class type="submit" form=form name=name value=value disabled=disabled
                    formnovalidate=unchecked>
                    {label}{about}
                </button>
            }
            .into_any()
        }
    }
}

/// Fields nobody sees.
pub(super) fn hidden(fields: Vec<(String, String)>) -> AnyView {
    fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view()
        .into_any()
}
