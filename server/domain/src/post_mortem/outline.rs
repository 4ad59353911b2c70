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

/// All sections of a post-mortem, with the timeline in its place.
#[must_use]
pub fn outline(said: &[Said]) -> String {
    let timeline = timeline(said);
    let parts = [
        ("Summary", "What happened, in two or three sentences."),
        ("Impact", "Who could not do what, from when to when."),
        ("Timeline", if timeline.is_empty() { "What happened when." } else { timeline.as_str() }),
        ("Root cause", "Why it happened, and why it was not noticed before."),
        ("What went well", "What helped."),
        ("What went badly", "What made it worse or longer."),
        ("Remedial measures", "What is done so that it does not happen again. Add each as an action item too."),
    ];
    parts.map(|(heading, text)| format!("# {heading}\n\n{text}")).join("\n\n")
}
