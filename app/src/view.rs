//! What components show: plain values, words already chosen, times already written. Pages make
//! these from what the services answer; nothing here knows a service, a clock or a zone.

pub mod calendar;
pub mod chart;
pub mod incident;

use domain::announcement::{AnnouncementState, Category};
use domain::component::ComponentState;
use domain::coverage::State as Standing;
use domain::drill::DrillState;
use domain::impact::Known;
use domain::maintenance::{State, UpdateKind};
use domain::post_mortem::PostMortemState;
use domain::request::RequestState;
use domain::run::{Mark, RunState};
use domain::subscriber::SubscriberState;
use domain::time::{InstantText, TimeText};
use serde::{Deserialize, Serialize};

/// The colour family of a state. Never alone: a [`Shape`] and words go with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    /// All is well.
    Ok,
    /// Worth a look.
    Degraded,
    /// Partly broken.
    Partial,
    /// Broken, blocked, dangerous.
    Major,
    /// Planned work.
    Work,
    /// No judgement.
    #[default]
    Quiet,
}

impl Tone {
    /// The class of the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Ok => "tone-ok",
            Self::Degraded => "tone-degraded",
            Self::Partial => "tone-partial",
            Self::Major => "tone-major",
            Self::Work => "tone-work",
            Self::Quiet => "tone-quiet",
        }
    }
}

/// A symbol of the sprite `components/icons.svg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// Disc with a tick.
    Ok,
    /// Diamond with an exclamation mark.
    Degraded,
    /// Triangle.
    Partial,
    /// Octagon with a cross.
    Major,
    /// Gear.
    Work,
    /// The fermata: the product itself.
    Mark,
    /// The fermata closed: waits for a backup.
    Held,
    /// The fermata open: the backup is confirmed.
    Confirmed,
    /// Dashed ring.
    Draft,
    /// Calendar leaf.
    Scheduled,
    /// Magnifying glass.
    Verifying,
    /// Disc with an arrow.
    Postponed,
    /// Ring, struck through.
    Cancelled,
    /// Half-filled disc.
    Running,
    /// Ring with a question mark.
    Unknown,
    /// Shield.
    Exempt,
    /// Dot: a plain note.
    Note,
    /// Disc with an i.
    Info,
    /// Chevron to the reading direction's end.
    Next,
    /// Plus sign.
    Plus,
    /// Cross.
    Close,
    /// Three lines.
    Menu,
    /// Envelope.
    Mail,
}

impl Shape {
    /// The address of the symbol in the page.
    #[must_use]
    pub const fn href(self) -> &'static str {
        match self {
            Self::Ok => "#i-ok",
            Self::Degraded => "#i-degraded",
            Self::Partial => "#i-partial",
            Self::Major => "#i-major",
            Self::Work => "#i-work",
            Self::Mark => "#i-mark",
            Self::Held => "#i-held",
            Self::Confirmed => "#i-confirmed",
            Self::Draft => "#i-draft",
            Self::Scheduled => "#i-scheduled",
            Self::Verifying => "#i-verifying",
            Self::Postponed => "#i-postponed",
            Self::Cancelled => "#i-cancelled",
            Self::Running => "#i-running",
            Self::Unknown => "#i-unknown",
            Self::Exempt => "#i-exempt",
            Self::Note => "#i-note",
            Self::Info => "#i-info",
            Self::Next => "#i-next",
            Self::Plus => "#i-plus",
            Self::Close => "#i-close",
            Self::Menu => "#i-menu",
            Self::Mail => "#i-mail",
        }
    }
}

/// A state: colour, shape and words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateView {
    /// Its colour.
    pub tone: Tone,
    /// Its shape.
    pub shape: Shape,
    /// Its words.
    pub label: String,
    /// Shown without a surface: good news among many.
    pub plain: bool,
}

impl StateView {
    /// A state on its own surface.
    #[must_use]
    pub fn new(tone: Tone, shape: Shape, label: impl Into<String>) -> Self {
        Self { tone, shape, label: label.into(), plain: false }
    }

    /// The same without the surface, for lists and tables.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// The same with other words.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
}

impl From<ComponentState> for StateView {
    fn from(state: ComponentState) -> Self {
        match state {
            ComponentState::Operational => Self::new(Tone::Ok, Shape::Ok, "Operational").plain(),
            ComponentState::UnderMaintenance => Self::new(Tone::Work, Shape::Work, "Under maintenance"),
            ComponentState::DegradedPerformance => Self::new(Tone::Degraded, Shape::Degraded, "Degraded performance"),
            ComponentState::PartialOutage => Self::new(Tone::Partial, Shape::Partial, "Partial outage"),
            ComponentState::MajorOutage => Self::new(Tone::Major, Shape::Major, "Major outage"),
        }
    }
}

/// What nobody knows is a state of its own.
impl From<Known> for StateView {
    fn from(known: Known) -> Self {
        match known {
            Known::State(state) => state.into(),
            Known::Unknown => Self::new(Tone::Quiet, Shape::Unknown, known.public_text()),
        }
    }
}

/// In the customers' words.
impl From<State> for StateView {
    fn from(state: State) -> Self {
        match state {
            State::Draft => Self::new(Tone::Quiet, Shape::Draft, "Draft"),
            State::Scheduled => Self::new(Tone::Work, Shape::Scheduled, "Scheduled"),
            State::Held => Self::new(Tone::Degraded, Shape::Held, "Delayed: waiting for a backup to be confirmed"),
            State::Postponed => Self::new(Tone::Degraded, Shape::Postponed, "Postponed: a new time will follow"),
            State::InProgress => Self::new(Tone::Work, Shape::Work, "In progress"),
            State::Verifying => Self::new(Tone::Work, Shape::Verifying, "Verifying"),
            State::Completed => Self::new(Tone::Ok, Shape::Ok, "Completed"),
            State::Cancelled => Self::new(Tone::Quiet, Shape::Cancelled, "Cancelled"),
        }
    }
}

impl From<Standing> for StateView {
    fn from(state: Standing) -> Self {
        let (tone, shape) = match state {
            Standing::NoJob => (Tone::Major, Shape::Cancelled),
            Standing::NothingDeclared => (Tone::Major, Shape::Draft),
            Standing::NeverRan => (Tone::Major, Shape::Unknown),
            Standing::Failed => (Tone::Major, Shape::Major),
            Standing::Stale => (Tone::Partial, Shape::Partial),
            Standing::Ageing => (Tone::Degraded, Shape::Running),
            Standing::Fresh => (Tone::Ok, Shape::Ok),
            Standing::Exempt => (Tone::Quiet, Shape::Exempt),
        };
        Self { plain: state.is_good(), ..Self::new(tone, shape, state.text()) }
    }
}

impl From<RunState> for StateView {
    fn from(state: RunState) -> Self {
        match state {
            RunState::Running => Self::new(Tone::Work, Shape::Running, "Running"),
            RunState::Succeeded => Self::new(Tone::Ok, Shape::Ok, "Succeeded"),
            RunState::Warning => Self::new(Tone::Degraded, Shape::Degraded, "Warnings"),
            RunState::Failed => Self::new(Tone::Major, Shape::Major, "Failed"),
            RunState::Lost => Self::new(Tone::Major, Shape::Unknown, "Lost: it never reported its end"),
        }
    }
}

impl From<DrillState> for StateView {
    fn from(state: DrillState) -> Self {
        match state {
            DrillState::Planned => Self::new(Tone::Work, Shape::Scheduled, "Planned"),
            DrillState::Running => Self::new(Tone::Work, Shape::Running, "Running"),
            DrillState::Succeeded => Self::new(Tone::Ok, Shape::Ok, "Succeeded"),
            DrillState::Failed => Self::new(Tone::Major, Shape::Major, "Failed"),
            DrillState::Abandoned => Self::new(Tone::Quiet, Shape::Cancelled, "Given up"),
        }
    }
}

impl From<SubscriberState> for StateView {
    fn from(state: SubscriberState) -> Self {
        match state {
            SubscriberState::Pending => Self::new(Tone::Degraded, Shape::Held, "Not confirmed yet"),
            SubscriberState::Confirmed => Self::new(Tone::Ok, Shape::Ok, "Confirmed"),
            SubscriberState::Unsubscribed => Self::new(Tone::Quiet, Shape::Close, "Left"),
            SubscriberState::Bounced => Self::new(Tone::Major, Shape::Major, "Undeliverable"),
        }
    }
}

impl From<RequestState> for StateView {
    fn from(state: RequestState) -> Self {
        match state {
            RequestState::Requested => Self::new(Tone::Degraded, Shape::Scheduled, "Requested"),
            RequestState::Sent => Self::new(Tone::Work, Shape::Next, "Sent"),
            RequestState::Fetched => Self::new(Tone::Work, Shape::Next, "Fetched"),
            RequestState::Running => Self::new(Tone::Work, Shape::Running, "Running"),
            RequestState::Done => Self::new(Tone::Ok, Shape::Ok, "Done"),
            RequestState::Failed => Self::new(Tone::Major, Shape::Major, "Failed"),
            RequestState::TimedOut => Self::new(Tone::Major, Shape::Unknown, "Given up"),
            RequestState::Cancelled => Self::new(Tone::Quiet, Shape::Cancelled, "Taken back"),
        }
    }
}

/// What kind of news it is.
impl From<Category> for StateView {
    fn from(category: Category) -> Self {
        let (tone, shape) = match category {
            Category::Announcement => (Tone::Work, Shape::Info),
            Category::Changelog => (Tone::Ok, Shape::Plus),
            Category::Security => (Tone::Degraded, Shape::Exempt),
            Category::Policy => (Tone::Quiet, Shape::Note),
        };
        Self::new(tone, shape, category.text())
    }
}

impl From<PostMortemState> for StateView {
    fn from(state: PostMortemState) -> Self {
        match state {
            PostMortemState::Draft => Self::new(Tone::Quiet, Shape::Draft, "Draft"),
            PostMortemState::InReview => Self::new(Tone::Degraded, Shape::Verifying, "In review"),
            PostMortemState::Published => Self::new(Tone::Ok, Shape::Ok, "Published"),
        }
    }
}

impl From<AnnouncementState> for StateView {
    fn from(state: AnnouncementState) -> Self {
        match state {
            AnnouncementState::Draft => Self::new(Tone::Quiet, Shape::Draft, "Draft"),
            AnnouncementState::Scheduled => Self::new(Tone::Work, Shape::Scheduled, "Scheduled"),
            AnnouncementState::Published => Self::new(Tone::Ok, Shape::Ok, "Published"),
            AnnouncementState::Withdrawn => Self::new(Tone::Quiet, Shape::Cancelled, "Withdrawn"),
        }
    }
}

/// Colour, shape and heading of a line in a window's timeline.
impl From<UpdateKind> for StateView {
    fn from(kind: UpdateKind) -> Self {
        match kind {
            UpdateKind::Scheduled => Self::new(Tone::Work, Shape::Scheduled, "Scheduled"),
            UpdateKind::Rescheduled => Self::new(Tone::Work, Shape::Scheduled, "New time"),
            UpdateKind::Changed => Self::new(Tone::Quiet, Shape::Note, "Changed"),
            UpdateKind::Extended => Self::new(Tone::Work, Shape::Work, "Takes longer"),
            UpdateKind::Held => Self::new(Tone::Degraded, Shape::Held, "Delayed: waiting for a backup to be confirmed"),
            UpdateKind::Postponed => Self::new(Tone::Degraded, Shape::Postponed, "Postponed"),
            UpdateKind::Started => Self::new(Tone::Work, Shape::Work, "Started"),
            UpdateKind::Verifying => Self::new(Tone::Work, Shape::Verifying, "Verifying"),
            UpdateKind::Completed => Self::new(Tone::Ok, Shape::Ok, "Completed"),
            UpdateKind::Cancelled => Self::new(Tone::Quiet, Shape::Cancelled, "Cancelled"),
            UpdateKind::Note => Self::new(Tone::Quiet, Shape::Note, "Update"),
        }
    }
}

/// A time or a span of time, written in the reader's zone and in UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhenView {
    /// The (first) instant for machines, in UTC: `2026-12-02T02:00:00Z`.
    pub datetime: String,
    /// In the reader's zone: `2 Dec 2026, 03:00–06:00 CET (UTC+1)`.
    pub text: String,
    /// The same in UTC: `02:00–05:00 UTC`; empty where the text is UTC already.
    pub utc: String,
}

impl From<TimeText> for WhenView {
    fn from(text: TimeText) -> Self {
        let utc = if text.is_utc { String::new() } else { text.utc };
        Self { datetime: text.datetime_start, text: text.main, utc }
    }
}

impl From<InstantText> for WhenView {
    fn from(text: InstantText) -> Self {
        let utc = if text.is_utc { String::new() } else { text.utc };
        Self { datetime: text.datetime, text: text.main, utc }
    }
}

/// A leaf of the calendar beside a planned window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayView {
    /// `Thu`
    pub weekday: String,
    /// `15`
    pub day: String,
    /// `May`
    pub month: String,
}

/// What a window's backup stands at, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofView {
    /// Its colour.
    pub tone: Tone,
    /// Its shape.
    pub shape: Shape,
    /// The line.
    pub text: String,
}

impl ProofView {
    /// The backup is there.
    #[must_use]
    pub fn confirmed(text: impl Into<String>) -> Self {
        Self { tone: Tone::Ok, shape: Shape::Confirmed, text: text.into() }
    }

    /// The gate will be asked.
    #[must_use]
    pub fn waiting(text: impl Into<String>) -> Self {
        Self { tone: Tone::Quiet, shape: Shape::Held, text: text.into() }
    }

    /// The gate says no.
    #[must_use]
    pub fn blocked(text: impl Into<String>) -> Self {
        Self { tone: Tone::Major, shape: Shape::Major, text: text.into() }
    }

    /// The gate says no, and two people decided otherwise.
    #[must_use]
    pub fn overridden(text: impl Into<String>) -> Self {
        Self { tone: Tone::Degraded, shape: Shape::Degraded, text: text.into() }
    }
}

/// How much a button asks to be pressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weight {
    /// One of several.
    #[default]
    Normal,
    /// The one on this page.
    Primary,
    /// Takes something away.
    Danger,
    /// Looks like a link.
    Quiet,
}

impl Weight {
    /// The class of the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Normal => "",
            Self::Primary => " is-primary",
            Self::Danger => " is-danger",
            Self::Quiet => " is-quiet",
        }
    }
}

/// What pressing does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Press {
    /// Goes there.
    Link(String),
    /// Posts these fields there, in a form of its own.
    Post {
        /// Where to.
        to: String,
        /// Names and values.
        fields: Vec<(String, String)>,
    },
    /// Sends the form with this id, with this name and value.
    Submit {
        /// Id of the form; empty for the one around the button.
        form: String,
        /// Name of the button.
        name: String,
        /// Value of the button.
        value: String,
        /// Without the browser's own checks of the form.
        unchecked: bool,
    },
}

/// Something to press.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionView {
    /// What is written on it.
    pub label: String,
    /// What it is about, for those who hear the label alone; may be empty.
    pub about: String,
    /// What it does.
    pub press: Press,
    /// How much it asks to be pressed.
    pub weight: Weight,
    /// Shown, but not to be pressed.
    pub disabled: bool,
}

impl ActionView {
    /// Goes to an address.
    #[must_use]
    pub fn link(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self::new(label, Press::Link(href.into()))
    }

    /// Posts fields to an address.
    #[must_use]
    pub fn post(label: impl Into<String>, to: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::new(label, Press::Post { to: to.into(), fields })
    }

    /// Sends a form.
    #[must_use]
    pub fn submit(
        label: impl Into<String>,
        form: impl Into<String>,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        let (form, name, value) = (form.into(), name.into(), value.into());
        Self::new(label, Press::Submit { form, name, value, unchecked: false })
    }

    fn new(label: impl Into<String>, press: Press) -> Self {
        Self { label: label.into(), about: String::new(), press, weight: Weight::Normal, disabled: false }
    }

    /// The same with another weight.
    #[must_use]
    pub const fn weigh(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// The same, saying what it is about to those who only hear it.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// The same, sending its form without the browser's own checks.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        if let Press::Submit { unchecked, .. } = &mut self.press {
            *unchecked = true;
        }
        self
    }

    /// The same, to be pressed only if `enabled`.
    #[must_use]
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.disabled = !enabled;
        self
    }
}

/// A planned, held or past window in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowView {
    /// The leaf of the calendar.
    pub day: DayView,
    /// What will be done.
    pub title: String,
    /// Its page.
    pub href: String,
    /// When.
    pub when: WhenView,
    /// Where it stands.
    pub state: StateView,
    /// What its backup stands at.
    pub proof: Option<ProofView>,
    /// Names of the components.
    pub components: Vec<String>,
    /// The button at its end.
    pub action: Option<ActionView>,
}

/// A window in a list of what has been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogView {
    /// Where links to its day lead: the first of each day has one.
    pub anchor: Option<String>,
    /// `Thu 15 May`
    pub date: String,
    /// What was done.
    pub title: String,
    /// Its page; may be empty.
    pub href: String,
    /// The page of what was learned from it; may be empty.
    pub learned: String,
    /// When.
    pub when: WhenView,
    /// The last word about it: sanitised HTML; may be empty.
    pub html: String,
    /// How it ended.
    pub state: StateView,
    /// Names of the components.
    pub components: Vec<String>,
}

/// A line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryView {
    /// Whose line it is, unique on the page: what an open page tells it apart by, and what a link can point at.
    pub id: String,
    /// Colour, shape and heading.
    pub state: StateView,
    /// When.
    pub when: WhenView,
    /// Sanitised HTML; may be empty.
    pub html: String,
    /// Who, for colleagues; may be empty.
    pub author: String,
}

/// A component in its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentView {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Its state.
    pub state: StateView,
    /// How it has been.
    pub past: Option<PastView>,
}

/// A figure of availability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureView {
    /// Of what: "Last 30 days".
    pub label: String,
    /// "99.95 %"
    pub value: String,
    /// What else there is to know: the figure with planned work, time of which nobody knows.
    pub notes: Vec<String>,
}

/// How a component has been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastView {
    /// The worst of each day, the oldest first; none where there was no time.
    pub days: Vec<Option<Known>>,
    /// "99.95 %", or that nothing is known.
    pub figure: String,
    /// What the figure is about, for those who hear it: "available in the last 90 days".
    pub meaning: String,
}

/// A group of components.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// Its name.
    pub name: String,
    /// Worst of its components, in words that say how many: `1 under maintenance`.
    pub state: StateView,
    /// In order.
    pub components: Vec<ComponentView>,
    /// Shown unfolded.
    pub open: bool,
}

/// Something that stands for or against the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonView {
    /// Its colour: major for a reason, degraded for a warning.
    pub tone: Tone,
    /// Its shape.
    pub shape: Shape,
    /// `web-12 · database: the dump is not in any backup`
    pub heading: String,
    /// The facts, and what to do.
    pub detail: String,
    /// What can be done about it here.
    pub actions: Vec<ActionView>,
}

impl ReasonView {
    /// Stands against the work.
    #[must_use]
    pub fn reason(heading: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            tone: Tone::Major,
            shape: Shape::Major,
            heading: heading.into(),
            detail: detail.into(),
            actions: Vec::new(),
        }
    }

    /// Worth knowing, but not against the work.
    #[must_use]
    pub fn warning(heading: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { tone: Tone::Degraded, shape: Shape::Degraded, ..Self::reason(heading, detail) }
    }

    /// The same with one more thing to do about it.
    #[must_use]
    pub fn with(mut self, action: ActionView) -> Self {
        self.actions.push(action);
        self
    }
}

/// The gate's answer, as far as a heading goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Nothing to ask about yet.
    #[default]
    NotAsked,
    /// The work may go on.
    Confirmed,
    /// It may not.
    Blocked,
    /// It may although it should not: two people decided so.
    Overridden,
}

/// How old each backup is when the work begins, against the limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgesView {
    /// Age allowed, in minutes.
    pub limit: i64,
    /// Age of each data set's cut-off, in minutes.
    pub ages: Vec<i64>,
}

/// A line about one data set that is fine, or exempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FineView {
    /// `web-11 · files`
    pub place: String,
    /// `17 h 20 min old; the limit is 24 h`
    pub text: String,
}

/// The gate's answer, for the panel beside a form or a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictView {
    /// Which.
    pub answer: Answer,
    /// `Not safe to schedule: 3 reasons`
    pub title: String,
    /// `11 of 14 data sets are backed up well enough.`
    pub detail: String,
    /// Drawn where there are any.
    pub ages: Option<AgesView>,
    /// Reasons first, then warnings.
    pub reasons: Vec<ReasonView>,
    /// Data sets that are fine.
    pub fine: Vec<FineView>,
    /// Hosts that need no backup: name, and the reason with who gave it.
    pub exempt: Vec<FineView>,
    /// What restoring each host takes, against the window and the RTO.
    pub restores: Vec<FineView>,
}

/// One run of a plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkView {
    /// How high it stands; none where that is not known.
    pub value: Option<i64>,
    /// How it ended.
    pub mark: Mark,
}

impl MarkView {
    /// It belongs to the line: it ended well, or with warnings, and its value is known.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.value.is_some() && matches!(self.mark, Mark::Good | Mark::Warning)
    }
}

/// The last runs of a job, drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlotView {
    /// What is drawn: `How long they took`.
    pub title: String,
    /// The same in one line, for those who do not see it.
    pub summary: String,
    /// The greatest value: `1 h 40 min`.
    pub greatest: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// The runs, oldest first.
    pub marks: Vec<MarkView>,
}

/// A host of the blast radius with what runs on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Its page; may be empty.
    pub href: String,
    /// Why it is here: `named`, `runs on vm3 · behind Cluster 12`.
    pub why: String,
    /// Its data sets: the label says the name, hidden words say how it stands.
    pub sets: Vec<SetView>,
    /// What runs on it.
    pub children: Vec<NodeView>,
}

/// A data set in a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetView {
    /// Its name.
    pub name: String,
    /// How it stands: colour, shape and words (heard, not seen).
    pub state: StateView,
}

/// How many stand in a state, with the way to those.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountView {
    /// How many.
    pub count: usize,
    /// Colour, shape and words.
    pub state: StateView,
    /// Those alone; all again where they are shown already.
    pub href: String,
    /// They are shown now.
    pub current: bool,
}

/// A cell of the coverage matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellView {
    /// The data set's name; empty where the whole host is meant.
    pub name: String,
    /// Its page.
    pub href: String,
    /// How it stands.
    pub state: StateView,
    /// The facts behind it; may be empty.
    pub detail: String,
}

/// Everything that the work can destroy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlastView {
    /// `Blast radius: 5 hosts, 14 data sets`
    pub title: String,
    /// Hosts that run on none of the others.
    pub roots: Vec<NodeView>,
}

/// Something that needs the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttentionView {
    /// Its colour.
    pub tone: Tone,
    /// Its shape.
    pub shape: Shape,
    /// What.
    pub title: String,
    /// Its page.
    pub href: String,
    /// Since when, and what follows.
    pub detail: String,
    /// What can be done at once.
    pub actions: Vec<ActionView>,
}

/// A message on top of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlashView {
    /// Its colour.
    pub tone: Tone,
    /// May be empty.
    pub title: String,
    /// The message.
    pub text: String,
}

impl FlashView {
    /// It was done.
    #[must_use]
    pub fn done(text: impl Into<String>) -> Self {
        Self { tone: Tone::Ok, title: String::new(), text: text.into() }
    }

    /// It was not done.
    #[must_use]
    pub fn refused(text: impl Into<String>) -> Self {
        Self { tone: Tone::Major, title: String::new(), text: text.into() }
    }

    /// Something to know.
    #[must_use]
    pub fn warning(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tone: Tone::Degraded, title: title.into(), text: text.into() }
    }
}

/// A field that needs mending, for the summary on top of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemView {
    /// Id of the field.
    pub field: String,
    /// What is wrong, with the field's label.
    pub text: String,
}

/// One value to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionView {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// A second line; may be empty. Not for `Select`.
    pub hint: String,
    /// Chosen.
    pub chosen: bool,
}

impl OptionView {
    /// A value, not chosen.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new(), chosen: false }
    }

    /// The same with a second line.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same, chosen or not.
    #[must_use]
    pub const fn chosen(mut self, chosen: bool) -> Self {
        self.chosen = chosen;
        self
    }
}

/// Values under a heading, for `Picker`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionGroupView {
    /// The heading.
    pub label: String,
    /// Name of the boxes.
    pub name: String,
    /// The values.
    pub options: Vec<OptionView>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnView {
    /// Its heading.
    pub label: String,
    /// Numbers, set to the end of the cell.
    pub number: bool,
    /// The heading is heard, not seen: a column of buttons.
    pub unseen: bool,
}

impl ColumnView {
    /// A column of words.
    #[must_use]
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), number: false, unseen: false }
    }

    /// A column of numbers.
    #[must_use]
    pub fn number(label: impl Into<String>) -> Self {
        Self { number: true, ..Self::new(label) }
    }

    /// A column whose heading is heard, not seen.
    #[must_use]
    pub fn unseen(label: impl Into<String>) -> Self {
        Self { unseen: true, ..Self::new(label) }
    }
}

/// Where a list goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagerView {
    /// `26–50 of 112`
    pub text: String,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

/// What the frame of a public page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicFrame {
    /// The site's name.
    pub site: String,
    /// The zone times are shown in: `Europe/Dublin`.
    pub zone: String,
    /// Zones to choose; the label may say the offset.
    pub zones: Vec<OptionView>,
    /// Other parts of the query to keep when the zone changes.
    pub keep: Vec<(String, String)>,
    /// Where customers find help: an address or `mailto:`; may be empty.
    pub support: String,
    /// The query that keeps the chosen zone in the page's own links: `?tz=Asia%2FTokyo`, or empty.
    pub query: String,
    /// What stands on top of all pages.
    pub banners: Vec<BannerView>,
}

/// News on top of all public pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BannerView {
    /// What kind of news it is.
    pub state: StateView,
    /// What it says.
    pub title: String,
    /// Where more can be read.
    pub href: String,
}

/// An entry of the admin navigation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NavItem {
    /// What is written.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// How many wait there; none and 0 show nothing.
    pub count: u64,
    /// What the count means, for those who hear it: `need you`.
    pub meaning: String,
    /// How urgent they are.
    pub tone: Tone,
    /// This is where the reader is.
    pub current: bool,
}

/// A group of the admin navigation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NavGroup {
    /// May be empty.
    pub heading: String,
    /// In order.
    pub items: Vec<NavItem>,
}

/// What waits in the admin pages, for the counts in the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Things on the start page.
    pub attention: u64,
    /// Causes of alerts on which a person has to decide.
    pub alerts: u64,
    /// Data sets without a good run.
    pub unprotected: u64,
    /// Mails not going out.
    pub stuck_mails: u64,
    /// Webhooks that were switched off.
    pub webhooks_off: u64,
    /// Open findings.
    pub findings: u64,
    /// Incidents that are drafts, or of which customers heard nothing for too long.
    pub incidents: u64,
}

/// What the frame of an admin page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminFrame {
    /// The path of this page; the longest entry it begins with is marked.
    pub path: String,
    /// Who is signed in.
    pub user: String,
    /// Their role.
    pub role: String,
    /// Shows people and tokens.
    pub is_admin: bool,
    /// Shows the audit log.
    pub reads_audit: bool,
    /// Shows the button that reports an incident.
    pub runs_incidents: bool,
    /// The counts.
    pub waiting: Waiting,
}

impl AdminFrame {
    /// The navigation with the reader's place marked.
    #[must_use]
    pub fn navigation(&self) -> Vec<NavGroup> {
        let item = |label: &str, href: &str| NavItem {
            label: label.to_owned(),
            href: href.to_owned(),
            count: 0,
            meaning: String::new(),
            tone: Tone::Quiet,
            current: false,
        };
        let counted = |label: &str, href: &str, count: u64, meaning: &str, tone: Tone| NavItem {
            count,
            meaning: meaning.to_owned(),
            tone,
            ..item(label, href)
        };
        let group = |heading: &str, items: Vec<NavItem>| NavGroup { heading: heading.to_owned(), items };
        let waiting = self.waiting;
        let mut groups = vec![
            group(
                "",
                vec![
                    counted("Needs me now", "/admin", waiting.attention, "waiting", Tone::Major),
                    counted("Incidents", "/admin/incidents", waiting.incidents, "waiting", Tone::Major),
                    counted("Alerts", "/admin/alerts", waiting.alerts, "waiting", Tone::Major),
                    item("Maintenance", "/admin/maintenances"),
                    item("Calendar", "/admin/calendar"),
                    item("Freezes", "/admin/freezes"),
                    item("Redundancy", "/admin/redundancy"),
                    item("Repeating work", "/admin/series"),
                ],
            ),
            group(
                "Backups",
                vec![
                    item("Coverage", "/admin/coverage"),
                    counted("Findings", "/admin/findings", waiting.findings, "open", Tone::Degraded),
                    item("Hosts", "/admin/hosts"),
                    counted("Data sets", "/admin/data-sets", waiting.unprotected, "without a good run", Tone::Major),
                    item("Backup jobs", "/admin/jobs"),
                    item("Runs", "/admin/runs"),
                    item("Restore drills", "/admin/drills"),
                ],
            ),
            group(
                "Page",
                vec![
                    item("Announcements", "/admin/announcements"),
                    item("Action items", "/admin/action-items"),
                    item("Components", "/admin/components"),
                    item("Metrics", "/admin/metrics"),
                    item("Reports", "/admin/reports"),
                    item("Corrections", "/admin/corrections"),
                    item("Templates", "/admin/templates"),
                    item("Subscribers", "/admin/subscribers"),
                    counted("Webhooks", "/admin/webhooks", waiting.webhooks_off, "switched off", Tone::Major),
                    counted("Deliveries", "/admin/deliveries", waiting.stuck_mails, "not going out", Tone::Major),
                ],
            ),
        ];
        let mut site = vec![item("Settings", "/admin/settings")];
        if self.is_admin {
            site.extend([item("People", "/admin/people"), item("Tokens", "/admin/tokens")]);
        }
        if self.reads_audit {
            site.push(item("Audit log", "/admin/audit"));
        }
        groups.push(group("Site", site));
        let here = groups
            .iter()
            .flat_map(|group| &group.items)
            .filter(|item| is_below(&self.path, &item.href))
            .map(|item| item.href.clone())
            .max_by_key(String::len);
        for item in groups.iter_mut().flat_map(|group| &mut group.items) {
            item.current = here.as_ref() == Some(&item.href);
        }
        groups
    }
}

/// Whether `path` is `base` or lies below it; all team pages lie below `/admin`, so that counts only alone.
fn is_below(path: &str, base: &str) -> bool {
    if base == "/admin" {
        return path == base;
    }
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(path: &str) -> Vec<String> {
        let frame = AdminFrame { path: path.to_owned(), is_admin: true, ..AdminFrame::default() };
        frame.navigation().into_iter().flat_map(|g| g.items).filter(|i| i.current).map(|i| i.label).collect()
    }

    #[test]
    fn navigation_marks_the_nearest_entry() {
        assert_eq!(marked("/admin"), ["Needs me now"]);
        assert_eq!(marked("/admin/hosts/0190/edit"), ["Hosts"]);
        assert_eq!(marked("/admin/deliveries/0190/0191"), ["Deliveries"]);
        assert!(marked("/admin/hostsx").is_empty() && marked("/admin/account").is_empty());
        assert!(marked("/sign-in").is_empty());
    }

    #[test]
    fn navigation_shows_what_the_role_may_see() {
        let site = |frame: AdminFrame| -> Vec<String> {
            frame
                .navigation()
                .into_iter()
                .flat_map(|g| g.items)
                .map(|i| i.label)
                .skip_while(|l| l != "Settings")
                .collect()
        };
        assert_eq!(site(AdminFrame::default()), ["Settings"]);
        let approver = AdminFrame { reads_audit: true, ..AdminFrame::default() };
        assert_eq!(site(approver.clone()), ["Settings", "Audit log"]);
        assert_eq!(site(AdminFrame { is_admin: true, ..approver }), ["Settings", "People", "Tokens", "Audit log"]);
    }
}
