//! Fields. Each shows its label, what helps, what was typed, and what is wrong with it, beside it.

use super::{Icon, escape};
use crate::view::{OptionGroupView, OptionView, Shape};
use leptos::prelude::*;

/// What connects a field with its hint and its error for those who hear it.
struct Described {
    id: String,
    hint: Option<String>,
    error: Option<String>,
}

impl Described {
    fn new(name: &str, id: Option<String>, hint: Option<String>, error: Option<String>) -> Self {
        Self { id: id.unwrap_or_else(|| name.to_owned()), hint, error: error.filter(|error| !error.is_empty()) }
    }

    fn by(&self) -> Option<String> {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        match (hint, error) {
            (None, None) => None,
            (hint, error) => Some(hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")),
        }
    }

    const fn invalid(&self) -> Option<&'static str> {
        if self.error.is_some() { Some("true") } else { None }
    }

    fn class(&self, wide: bool) -> String {
        format!("field{}{}", if self.error.is_some() { " has-error" } else { "" }, if wide { " is-wide" } else { "" })
    }

    fn hint(&self) -> AnyView {
        let id = format!("{}-hint", self.id);
        self.hint.clone().map(|hint| view! { <p class="hint" id=id>{hint}</p> }).into_any()
    }

    fn error(&self) -> AnyView {
        let id = format!("{}-error", self.id);
        self.error
            .clone()
            .map(|error| {
                view! { <p class="error" id=id><Icon shape=Shape::Major/><span>{error}</span></p> }
            })
            .into_any()
    }
}

fn label(id: &str, text: String, optional: bool) -> AnyView {
    view! {
        <label for=id.to_owned()>
            {text}
            {optional.then(|| view! { " "<span class="optional">"(optional)"</span> })}
        </label>
    }
    .into_any()
}

/// One line to type.
#[component]
pub fn Field(
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// What was typed, or what is stored.
    #[prop(optional, into)]
    value: String,
    /// `text` if not said; `email`, `password`, `number`, `datetime-local`, `search`, `url` …
    #[prop(default = "text")]
    kind: &'static str,
    /// Id; the name if not said.
    #[prop(optional, into)]
    id: Option<String>,
    /// What helps, above the field.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with what was typed.
    #[prop(optional_no_strip, into)]
    error: Option<String>,
    /// Below the field: what follows from it.
    #[prop(optional_no_strip, into)]
    after: Option<String>,
    /// What browsers and password managers fill in.
    #[prop(optional)]
    autocomplete: Option<&'static str>,
    /// Unit shown at its end: `h`, `min`.
    #[prop(optional)]
    unit: Option<&'static str>,
    /// May stay empty; says so.
    #[prop(optional)]
    optional: bool,
    /// The browser insists on it.
    #[prop(optional)]
    required: bool,
    /// Letters of equal width: names of machines, addresses.
    #[prop(optional)]
    mono: bool,
    /// Takes a whole row among several fields.
    #[prop(optional)]
    wide: bool,
    /// Least value of a number or time.
    #[prop(optional, into)]
    min: Option<String>,
    /// Step of a number or time.
    #[prop(optional, into)]
    step: Option<String>,
    /// Most characters.
    #[prop(optional)]
    maxlength: Option<u32>,
) -> AnyView {
    let described = Described::new(&name, id, hint, error);
    let class = if mono { "input is-mono" } else { "input" };
    let input = view! {
        <input class=class type=kind id=described.id.clone() name=name value=value autocomplete=autocomplete
            required=required min=min step=step maxlength=maxlength.map(|n| n.to_string())
            dir=(kind == "text").then_some("auto")
            aria-invalid=described.invalid() aria-describedby=described.by()/>
    };
    let input = match unit {
        Some(unit) => view! { <div class="affix">{input}<span>{unit}</span></div> }.into_any(),
        None => input.into_any(),
    };
    view! {
        <div class=described.class(wide)>
            {self::label(&described.id, label, optional)}
            {described.hint()}
            {input}
            {after.map(|after| view! { <p class="after">{after}</p> })}
            {described.error()}
        </div>
    }
    .into_any()
}

/// Several lines to type.
#[component]
pub fn TextArea(
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// What was typed, or what is stored.
    #[prop(optional, into)]
    value: String,
    /// Id; the name if not said.
    #[prop(optional, into)]
    id: Option<String>,
    /// What helps, above the field.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with what was typed.
    #[prop(optional_no_strip, into)]
    error: Option<String>,
    /// Lines shown.
    #[prop(default = 5)]
    rows: u32,
    /// May stay empty; says so.
    #[prop(optional)]
    optional: bool,
    /// The browser insists on it.
    #[prop(optional)]
    required: bool,
    /// Most characters.
    #[prop(optional)]
    maxlength: Option<u32>,
) -> AnyView {
    let described = Described::new(&name, id, hint, error);
    // The parser drops a line break right after the tag: one more keeps a value that begins with one.
    let value = if value.starts_with('\n') { format!("\n{value}") } else { value };
    view! {
        <div class=described.class(false)>
            {self::label(&described.id, label, optional)}
            {described.hint()}
            <textarea class="input" id=described.id.clone() name=name rows=rows.to_string() required=required
                maxlength=maxlength.map(|n| n.to_string()) dir="auto"
                aria-invalid=described.invalid() aria-describedby=described.by() inner_html=escape(&value)></textarea>
            {described.error()}
        </div>
    }
    .into_any()
}

/// One of several values, folded.
#[component]
pub fn Select(
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// The values.
    options: Vec<OptionView>,
    /// Id; the name if not said.
    #[prop(optional, into)]
    id: Option<String>,
    /// What helps, above the field.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with what was chosen.
    #[prop(optional_no_strip, into)]
    error: Option<String>,
    /// Takes a whole row among several fields.
    #[prop(optional)]
    wide: bool,
) -> AnyView {
    let described = Described::new(&name, id, hint, error);
    view! {
        <div class=described.class(wide)>
            {self::label(&described.id, label, false)}
            {described.hint()}
            <select class="input" id=described.id.clone() name=name
                aria-invalid=described.invalid() aria-describedby=described.by()>
                {self::options(options)}
            </select>
            {described.error()}
        </div>
    }
    .into_any()
}

/// The values of a `select`.
pub(super) fn options(options: Vec<OptionView>) -> AnyView {
    options
        .into_iter()
        .map(|option| view! { <option value=option.value selected=option.chosen>{option.label}</option> })
        .collect_view()
        .into_any()
}

/// Yes or no.
#[component]
pub fn Checkbox(
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// What is asked.
    #[prop(into)]
    label: String,
    /// What is sent when it is ticked.
    #[prop(default = "on".to_owned(), into)]
    value: String,
    /// Ticked.
    #[prop(optional)]
    checked: bool,
    /// What follows from it.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with ticking it.
    #[prop(optional_no_strip, into)]
    error: Option<String>,
) -> AnyView {
    let described = Described::new(&name, None, None, error);
    let id = described.invalid().map(|_| described.id.clone());
    view! {
        <label class="check">
            <input type="checkbox" id=id name=name value=value checked=checked
                aria-invalid=described.invalid() aria-describedby=described.by()/>
            <span>
                <span dir="auto">{label}</span>
                {hint.map(|hint| view! { <span class="hint">{hint}</span> })}
            </span>
        </label>
        {described.error()}
    }
    .into_any()
}

/// One of a few values, all shown.
#[component]
pub fn Choices(
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// What is asked.
    #[prop(into)]
    legend: String,
    /// The values.
    options: Vec<OptionView>,
    /// What helps, above the values; empty for nothing.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with what was chosen.
    #[prop(optional_no_strip, into)]
    error: Option<String>,
) -> AnyView {
    let described = Described::new(&name, None, Some(hint).filter(|hint| !hint.is_empty()), error);
    view! {
        <fieldset class=described.class(false) id=described.id.clone() aria-describedby=described.by()>
            <legend>{legend}</legend>
            {described.hint()}
            {choices(name, options)}
            {described.error()}
        </fieldset>
    }
    .into_any()
}

fn choices(name: String, options: Vec<OptionView>) -> AnyView {
    view! {
        <div class="choices">
            {options
                .into_iter()
                .map(|option| {
                    view! {
                        <label class="choice">
                            <input type="radio" name=name.clone() value=option.value checked=option.chosen/>
                            <span>
                                {option.label}
                                {(!option.hint.is_empty()).then(|| view! { <span class="hint">{option.hint}</span> })}
                            </span>
                        </label>
                    }
                })
                .collect_view()}
        </div>
    }
    .into_any()
}

/// Several of a few values, all shown. An empty value goes along, so that none chosen is told from not asked.
#[component]
pub fn Boxes(
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// What is asked.
    #[prop(into)]
    legend: String,
    /// The values.
    options: Vec<OptionView>,
    /// What is wrong with what was chosen.
    #[prop(optional_no_strip, into)]
    error: Option<String>,
) -> AnyView {
    let described = Described::new(&name, None, None, error);
    view! {
        <fieldset class=described.class(false) id=described.id.clone() aria-describedby=described.by()>
            <legend>{legend}</legend>
            <input type="hidden" name=name.clone() value=""/>
            {options
                .into_iter()
                .map(|option| {
                    view! { <Checkbox name=name.clone() value=option.value label=option.label checked=option.chosen/> }
                })
                .collect_view()}
            {described.error()}
        </fieldset>
    }
    .into_any()
}

/// A question asked back: a time that exists twice, or not at all.
#[component]
pub fn Question(
    /// `01:30 happens twice that night`
    #[prop(into)]
    title: String,
    /// Why, and what to do.
    #[prop(into)]
    text: String,
    /// Name of the answer in the form.
    #[prop(optional, into)]
    name: String,
    /// The answers; none where the field itself must change.
    #[prop(optional)]
    options: Vec<OptionView>,
) -> AnyView {
    view! {
        <fieldset class="question">
            <legend>{title}</legend>
            <p class="small">{text}</p>
            {(!options.is_empty()).then(|| choices(name, options))}
        </fieldset>
    }
    .into_any()
}

/// Many boxes under headings, in a list that scrolls.
#[component]
pub fn Picker(
    /// Id, and the name that errors are found by.
    #[prop(into)]
    id: String,
    /// What is asked.
    #[prop(into)]
    legend: String,
    /// The boxes; ticked where chosen.
    groups: Vec<OptionGroupView>,
    /// What helps.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with what was chosen.
    #[prop(optional_no_strip, into)]
    error: Option<String>,
) -> AnyView {
    let described = Described::new(&id, None, hint, error);
    let chosen: Vec<String> = groups
        .iter()
        .flat_map(|group| &group.options)
        .filter(|option| option.chosen)
        .map(|option| option.label.clone())
        .collect();
    let summary = (!chosen.is_empty()).then(|| {
        view! {
            <div class="picker-chosen">
                {format!("{} chosen: ", chosen.len())}<strong dir="auto">{chosen.join(", ")}</strong>
            </div>
        }
    });
    view! {
        <fieldset class=described.class(false) id=described.id.clone() aria-describedby=described.by()>
            <legend>{legend.clone()}</legend>
            {described.hint()}
            <div class="picker">
                {summary}
                <div class="picker-list" tabindex="0" role="group" aria-label=legend>
                    {groups
                        .into_iter()
                        .filter(|group| !group.options.is_empty())
                        .map(|group| {
                            let name = group.name;
                            view! {
                                <fieldset>
                                    <legend dir="auto">{group.label}</legend>
                                    {group
                                        .options
                                        .into_iter()
                                        .map(|option| {
                                            let hint = (!option.hint.is_empty()).then_some(option.hint);
                                            view! {
                                                <label class="check">
                                                    <input type="checkbox" name=name.clone() value=option.value
                                                        checked=option.chosen/>
                                                    <span>
                                                        <span dir="auto">{option.label}</span>
                                                        {hint.map(|hint| view! { <span class="hint">{hint}</span> })}
                                                    </span>
                                                </label>
                                            }
                                        })
                                        .collect_view()}
                                </fieldset>
                            }
                        })
                        .collect_view()}
                </div>
            </div>
            {described.error()}
        </fieldset>
    }
    .into_any()
}

/// A field nobody sees.
#[component]
pub fn Hidden(
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// What is sent.
    #[prop(into)]
    value: String,
) -> AnyView {
    view! { <input type="hidden" name=name value=value/> }.into_any()
}

/// A field that only programs fill in.
#[component]
pub fn Trap(
    /// Name in the form.
    #[prop(into)]
    name: String,
) -> AnyView {
    view! {
        <div class="trap" aria-hidden="true">
            <label>"Leave this empty "<input type="text" name=name tabindex="-1" autocomplete="off"/></label>
        </div>
    }
    .into_any()
}
