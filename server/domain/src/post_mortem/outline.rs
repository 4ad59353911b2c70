//! A text to begin a post-mortem with.

/// One line of an incident's timeline, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// "Thu 15 May, 20:05 IST".
    pub when: String,
    /// "Investigating".
    pub state: String,
    /// Markdown; may be empty.
    pub body: String,
}

/// The timeline in Markdown, oldest first.
#[must_use]
pub fn timeline(said: &[Said]) -> String {
    let line = |said: &Said| {
        let head = format!("- **{}** {}", said.when, said.state);
        let body = said.body.trim();
        if body.is_empty() {
            return head;
        }
        // Further lines stay inside the list.
        let body: Vec<String> =
            body.lines().map(|line| if line.is_empty() { String::new() } else { format!("  {line}") }).collect();
        format!("{head}:\n{}", body.join("\n"))
    };
    said.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The section that has the timeline in its place.
const TIMELINE: &str = "Timeline";

/// The sections of a post-mortem, each with what is to be written there.
const SECTIONS: [(&str, &str); 7] = [
    ("Summary", "What happened, in two or three sentences."),
    ("Impact", "Who could not do what, from when to when."),
    (TIMELINE, "What happened when."),
    ("Root cause", "Why it happened, and why it was not noticed before."),
    ("What went well", "What helped."),
    ("What went badly", "What made it worse or longer."),
    ("Remedial measures", "What is done so that it does not happen again. Add each as an action item too."),
];

/// All sections of a post-mortem, with the timeline in its place.
#[must_use]
pub fn outline(said: &[Said]) -> String {
    let timeline = timeline(said);
    let text = |heading, asked| if heading == TIMELINE && !timeline.is_empty() { timeline.as_str() } else { asked };
    SECTIONS.map(|(heading, asked)| format!("# {heading}\n\n{}", text(heading, asked))).join("\n\n")
}

/// The sections of which a text still says what is to be written there, and nobody has written it.
#[must_use]
pub fn unwritten(body: &str) -> Vec<&'static str> {
    let is_left = |asked: &str| body.lines().any(|line| line.trim() == asked);
    SECTIONS.into_iter().filter(|(_, asked)| is_left(asked)).map(|(heading, _)| heading).collect()
}
