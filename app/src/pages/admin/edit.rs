//! What the pages that edit the inventory have in common: forms that stand side by side, lists in
//! pages, and how a data set stands.

use crate::components::{ErrorSummary, Question};
use crate::context;
use crate::form::{FormData, Submitted, encode};
use crate::view::{OptionView, PagerView, ProblemView, Shape, StateView, Tone};
use domain::gate::Verdict;
use domain::ids::{DataSetId, HostId};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use service::Error;
use std::str::FromStr;

/// Rows on one page of a list.
pub const ROWS: usize = 100;

/// One of several forms on a page: it has what was typed only if it is the one that came back.
#[derive(Clone, Debug)]
pub struct Form {
    submitted: Submitted,
    prefix: &'static str,
}

impl Form {
    /// The form that posts to `path`; `prefix` makes the ids of its fields its own.
    #[must_use]
    pub fn at(path: &str, prefix: &'static str) -> Self {
        let came_back = context::uri().path().trim_end_matches('/') == path;
        let submitted = if came_back { context::submitted() } else { Submitted::default() };
        Self { submitted, prefix }
    }

    /// The same where it is this form that came back, of several that post to one address; else as if none had.
    #[must_use]
    pub fn only_if(&self, is_this: bool) -> Self {
        let submitted = if is_this { self.submitted.clone() } else { Submitted::default() };
        Self { submitted, prefix: self.prefix }
    }

    /// What was pressed, where it came back.
    #[must_use]
    pub fn pressed(&self) -> &str {
        self.submitted.data.as_ref().map_or("", |data| data.get("do"))
    }

    /// Whether it came back with this field.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.submitted.data.as_ref().is_some_and(|data| data.has(name))
    }

    /// What a hidden field carries: see [`Submitted::made_from`].
    #[must_use]
    pub fn made_from(&self, name: &str, stored: impl ToString) -> String {
        self.submitted.made_from(name, stored)
    }

    /// The version that the form was made from, to carry along.
    #[must_use]
    pub fn version(&self, stored: i64) -> String {
        self.made_from("version", stored)
    }

    /// The id of a field.
    #[must_use]
    pub fn id(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}-{name}", self.prefix) }
    }

    /// What was typed, or what is stored.
    #[must_use]
    pub fn value(&self, name: &str, stored: impl Into<String>) -> String {
        self.submitted.value(name, stored)
    }

    /// Whether an option is chosen.
    #[must_use]
    pub fn chosen(&self, name: &str, value: &str, stored: bool) -> bool {
        self.submitted.chosen(name, value, stored)
    }

    /// Whether a box is ticked.
    #[must_use]
    pub fn ticked(&self, name: &str, stored: bool) -> bool {
        self.submitted.ticked(name, stored)
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn error(&self, name: &str) -> Option<String> {
        self.submitted.error(name)
    }

    /// Whether somebody else stored something meanwhile.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.submitted.stale
    }

    /// What somebody else stored meanwhile, where it differs from what was typed.
    #[must_use]
    pub fn stored_now(&self, name: &str, stored: &str) -> Option<String> {
        let differs = self.submitted.stale && self.submitted.value(name, stored) != stored;
        differs
            .then(|| if stored.is_empty() { "Stored now: nothing".to_owned() } else { format!("Stored now: {stored}") })
    }

    /// Whether it came back.
    #[must_use]
    pub const fn came_back(&self) -> bool {
        self.submitted.data.is_some()
    }

    /// What stands against it, with the way to each field; nothing where it did not come back.
    #[must_use]
    pub fn summary(&self, labels: &[(&str, &str)]) -> AnyView {
        self.summary_at(labels, |_| None)
    }

    /// As [`Self::summary`], where some fields have ids of their own.
    #[must_use]
    pub fn summary_at(&self, labels: &[(&str, &str)], at: impl Fn(&str) -> Option<String>) -> AnyView {
        let line = |name: &str, message: &str| {
            let label = labels.iter().find(|(known, _)| *known == name).map_or(name, |(_, label)| *label);
            let field = at(name).unwrap_or_else(|| self.id(name));
            ProblemView { field, text: format!("{label}: {message}") }
        };
        let problems = self.submitted.errors.iter().map(|e| line(e.field, &e.message)).collect();
        let message = self.submitted.message.clone().map(|message| {
            if self.submitted.stale && !self.submitted.is_press() {
                format!(
                    "{message} Nothing was saved: what you typed is still here, and what is stored now stands beside \
                     it. Press the button again to go on with yours."
                )
            } else {
                message
            }
        });
        view! { <ErrorSummary problems message/> }.into_any()
    }
}

/// The id in the address of the page.
///
/// # Errors
/// It can not be an id.
pub fn param<T: FromStr>(what: &'static str) -> Result<T, Error> {
    let id = use_params_map().with_untracked(|params| params.get("id").unwrap_or_default());
    self::id(&id, what)
}

/// An id in an address.
///
/// # Errors
/// It can not be one.
pub fn id<T: FromStr>(text: &str, what: &'static str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::NotFound(what))
}

/// The version that the form was made from; none of ours where it is missing.
#[must_use]
pub fn version(form: &FormData) -> i64 {
    form.get("version").parse().unwrap_or_default()
}

/// The query of the page's address.
#[must_use]
pub fn query() -> FormData {
    FormData::parse(context::uri().query().unwrap_or_default().as_bytes())
}

/// The part of a list that the query asks for, and the way to its neighbours.
#[must_use]
pub fn part<T>(rows: Vec<T>, path: &str, keep: &[(&str, &str)]) -> (Vec<T>, PagerView) {
    part_of(ROWS, rows, path, keep)
}

/// As [`part`], with so many rows on a page.
#[must_use]
pub fn part_of<T>(size: usize, rows: Vec<T>, path: &str, keep: &[(&str, &str)]) -> (Vec<T>, PagerView) {
    let all = rows.len();
    let last = all.saturating_sub(1) / size;
    let page = query().get("page").parse::<usize>().unwrap_or(1).saturating_sub(1).min(last);
    let shown: Vec<T> = rows.into_iter().skip(page * size).take(size).collect();
    let kept: String = keep
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("&{name}={}", encode(value)))
        .collect();
    let to = |page: usize| format!("{path}?page={}{kept}", page + 1);
    let pager = PagerView {
        text: format!("{}–{} of {all}", (page * size + 1).min(all), page * size + shown.len()),
        previous: (page > 0).then(|| to(page - 1)),
        next: (page < last).then(|| to(page + 1)),
    };
    (shown, pager)
}

/// How a data set stands, by a verdict over its host.
#[must_use]
pub fn standing(verdict: &Verdict, host: HostId, data_set: DataSetId) -> StateView {
    if verdict.exemptions.iter().any(|(exempt, _, _)| *exempt == host) {
        return StateView::new(Tone::Quiet, Shape::Exempt, "Exempt").plain();
    }
    let reasons: Vec<&str> = verdict
        .reasons()
        .iter()
        .filter(|finding| finding.data_set == Some(data_set))
        .map(|finding| finding.reason.headline())
        .collect();
    if let [first, more @ ..] = reasons.as_slice() {
        let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
        return StateView::new(Tone::Major, Shape::Major, format!("{}{more}", capital(first)));
    }
    let age = verdict.protections.iter().find(|p| p.data_set == data_set).and_then(|p| p.age.map(|age| (age, p.limit)));
    match age {
        Some((age, limit)) => {
            StateView::new(Tone::Ok, Shape::Ok, format!("Safe up to {age} ago (limit {limit})")).plain()
        }
        None => StateView::new(Tone::Quiet, Shape::Unknown, "Nothing known").plain(),
    }
}

/// With a capital letter.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Names with commas between them, each a link.
#[must_use]
pub fn links(items: Vec<(String, String)>) -> AnyView {
    let last = items.len().saturating_sub(1);
    items
        .into_iter()
        .enumerate()
        .map(|(n, (label, href))| {
            view! { <a href=href><span dir="auto">{label}</span></a>{(n < last).then_some(", ")} }
        })
        .collect_view()
        .into_any()
}

/// The words of a question that is asked back before something unusual is done.
#[derive(Clone, Copy, Debug)]
pub struct AskedBack {
    /// What is asked.
    pub title: &'static str,
    /// Why, where it was answered with yes and another field came back.
    pub said: &'static str,
    /// It is meant so.
    pub yes: &'static str,
    /// It is not, and what to do.
    pub no: &'static str,
}

/// A question at the field of this name, which says "yes" where it is meant so; nothing where nobody has to ask.
pub fn asked_back(form: &Form, name: &'static str, words: &AskedBack) -> AnyView {
    let (error, is_sure) = (form.error(name), form.chosen(name, "yes", false));
    if error.is_none() && !is_sure {
        return ().into_any();
    }
    let text = error.unwrap_or_else(|| words.said.to_owned());
    let yes = OptionView::new("yes", words.yes).chosen(is_sure);
    let no = OptionView::new("", words.no).chosen(!is_sure);
    view! { <Question title=words.title text name options=vec![yes, no]/> }.into_any()
}
