#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::time::testing::FixedRules;
use proptest::prelude::*;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn fill_with(components: &[&str], title: &str, zone: &str, text: &str) -> String {
    let components: Vec<String> = components.iter().map(ToString::to_string).collect();
    let facts = Facts {
        components: &components,
        title,
        starts_at: at("2014-05-15T19:00:00Z"),
        ends_at: at("2014-05-15T21:30:00Z"),
        link: "https://status.example.org/maintenance/0192f3c4",
    };
    facts.fill(&FixedRules, zone, text)
}

fn fill(text: &str) -> String {
    fill_with(&["Cluster 11", "Cluster 12", "DNS"], "Disks", "Europe/Dublin", text)
}

#[test]
fn each_placeholder_has_its_value() {
    assert_eq!(fill("{{components}}"), "Cluster 11\\, Cluster 12 and DNS");
    assert_eq!(fill("{{ Title }}!"), "Disks!");
    assert_eq!(fill("{{start}}"), "Thu 15 May 2014\\, 20\\:00 IST \\(UTC\\+1\\)");
    assert_eq!(fill("until {{end}}."), "until Thu 15 May 2014\\, 22\\:30 IST \\(UTC\\+1\\).");
    assert_eq!(fill("{{when}}"), "Thu 15 May 2014\\, 20\\:00–22\\:30 IST \\(UTC\\+1\\)");
    assert_eq!(fill("{{duration}}"), "2 hours 30 minutes");
    assert_eq!(fill("{{link}}"), "<https://status.example.org/maintenance/0192f3c4>");
}

#[test]
fn times_are_in_the_readers_zone() {
    let tokyo = fill_with(&[], "", "Asia/Tokyo", "{{start}}");
    assert_eq!(tokyo, "Fri 16 May 2014\\, 04\\:00 JST \\(UTC\\+9\\)");
}

#[test]
fn work_that_touches_nothing_known_touches_our_services() {
    assert_eq!(fill_with(&[], "", "UTC", "{{components}}"), "our services");
    assert_eq!(with_components("Work on {{components}}", &["A".to_owned(), "B".to_owned()]), "Work on A and B");
}

#[test]
fn what_is_no_placeholder_stays() {
    for text in [
        "plain",
        "{start}",
        "{{}}",
        "{{ }}",
        "{{start",
        "{{a b}}",
        "{{ .Event }}",
        "\\{{start}}",
        "a\\",
        "{ {start}}",
        "ü{{é}}",
        "{{\nstart\n",
        "}}{{",
    ] {
        assert_eq!(fill(text), text);
        assert_eq!(check(text), Ok(()), "{text}");
    }
    assert_eq!(fill("{{{title}}}"), "{Disks}");
    assert_eq!(fill("\\\\{{title}}"), "\\\\Disks");
}

#[test]
fn what_nothing_is_known_of_is_refused_with_all_that_is() {
    let error = check("Hello {{title}}, {{ Customer_Name }}!").unwrap_err();
    assert_eq!(
        error.to_string(),
        "There is no placeholder {{Customer_Name}}. There are {{components}}, {{title}}, {{when}}, {{start}}, {{end}}, \
         {{duration}}, {{link}}, {{reason}}. Write \\{{Customer_Name}} to show it as it stands."
    );
    assert_eq!(check("{{start}}\\{{nothing}}"), Ok(()));
    assert_eq!(fill("{{nothing}}"), "{{nothing}}", "what was stored before stays readable");
}

#[test]
fn a_title_holds_components_and_nothing_else() {
    assert_eq!(check_title("Work on {{components}}"), Ok(()));
    assert_eq!(check_title("Work at {{start}}"), Err(TemplateError::NotInTitle));
    assert!(matches!(check_title("{{x}}"), Err(TemplateError::Unknown { .. })));
}

#[test]
fn the_reason_is_written_out_when_the_text_is_saved() {
    assert_eq!(
        with_reason("Later: {{reason}}. {{end}}", " a *slow*\ndisk ").unwrap(),
        "Later: a \\*slow\\* disk. {{end}}"
    );
    assert_eq!(with_reason("Nothing asked", "x").unwrap(), "Nothing asked");
    assert_eq!(with_reason("Later: {{reason}}", " "), Err(TemplateError::NoReason));
    assert!(matches!(with_reason("{{x}}", ""), Err(TemplateError::Unknown { .. })));
}

#[test]
fn the_text_of_an_incident_has_its_components_and_no_facts_of_a_window() {
    assert_eq!(check_incident("{{components}} is down"), Ok(()));
    assert_eq!(check_incident("Since {{start}}"), Err(TemplateError::NotInIncident));
    assert!(matches!(check_incident("{{x}}"), Err(TemplateError::Unknown { .. })));
    let names = ["Cluster *12*".to_owned(), "DNS".to_owned()];
    assert_eq!(with_names("{{components}}: away", &names), "Cluster \\*12\\* and DNS: away");
}

#[test]
fn our_own_texts_are_ones_we_would_take() {
    for (name, used_for, title, body) in EXAMPLES {
        assert!(Name::parse(name).is_ok() && Prose::parse(body).is_ok());
        assert_eq!((check(body), check_title(title)), (Ok(()), Ok(())), "{name}");
        assert_eq!(title.is_empty(), !used_for.has_title());
        assert!(!used_for.is_of_incident() || (check_incident(title).is_ok() && check_incident(body).is_ok()));
        assert_eq!(TemplateUse::parse(used_for.as_str()), Ok(used_for));
    }
}

/// Texts full of what could be mistaken for something.
fn hostile() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "{{",
            "}}",
            "{{start}}",
            "{{reason}}",
            "{{x}}",
            "\\",
            "\n",
            "\r\n",
            "    ",
            "# ",
            "- ",
            "1. ",
            "> ",
            "*",
            "_",
            "`",
            "[a](https://evil.example)",
            "<b>",
            "![x](y)",
            "&amp;",
            "|",
            "~~",
            "---",
            "\u{2028}",
            "ü",
            "日",
            " a ",
        ]),
        0..12,
    )
    .prop_map(|parts| parts.concat())
}

/// A text without its backslash escapes: what Markdown would show of a line of escaped text.
fn unescaped(text: &str) -> Option<String> {
    let mut shown = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => shown.push(chars.next().filter(char::is_ascii_punctuation)?),
            c if c.is_ascii_punctuation() => return None,
            c => shown.push(c),
        }
    }
    Some(shown)
}

proptest! {
    #[test]
    fn a_value_is_a_text_and_never_markdown(component in hostile(), title in hostile()) {
        let filled = fill_with(&[&component], &title, "UTC", "{{title}}");
        prop_assert_eq!(unescaped(&filled), Some(one_line(&title)), "every sign is escaped");
        prop_assert!(!filled.contains(['\n', '\r']) && !filled.starts_with(' '));
        let filled = fill_with(&[&component], &title, "UTC", "{{components}}");
        prop_assert_eq!(unescaped(&filled), Some(listed(&[component])));
    }

    #[test]
    fn no_placeholder_is_left_and_none_comes_in(before in hostile(), component in hostile(), title in hostile()) {
        let filled = fill_with(&[&component], &title, "Europe/Berlin", &format!("{before}{{{{title}}}}{{{{components}}}}"));
        for known in Placeholder::ALL.into_iter().filter(|known| *known != Placeholder::Reason) {
            prop_assert!(!names(&filled, known), "{filled}");
        }
        prop_assert_eq!(fill_with(&[&component], &title, "Europe/Berlin", &filled), filled);
    }

    #[test]
    fn a_text_without_placeholders_stays(text in "[^{]{0,80}") {
        prop_assert_eq!(fill(&text), text.clone());
        prop_assert_eq!(check(&text), Ok(()));
        prop_assert_eq!(with_reason(&text, "x").unwrap(), text);
    }

    #[test]
    fn the_parts_are_the_text(text in hostile()) {
        let whole: String = pieces(&text).into_iter().map(|piece| match piece {
            Piece::Text(text) | Piece::Known(_, text) | Piece::Unknown(_, text) => text,
        }).collect();
        prop_assert_eq!(whole, text);
    }

    #[test]
    fn a_reason_asks_for_nothing_more(text in hostile(), reason in hostile()) {
        if let Ok(filled) = with_reason(&text, &reason) {
            prop_assert!(!names(&filled, Placeholder::Reason));
        }
    }
}

#[test]
fn a_template_takes_the_place_of_nothing_that_somebody_wrote() {
    let template = |title: &str, body: &str| MessageTemplate {
        id: TemplateId(uuid::Uuid::nil()),
        name: Name::parse("x").unwrap(),
        used_for: TemplateUse::Incident,
        title: title.to_owned(),
        body: Prose::parse(body).unwrap(),
        retired_at: None,
        version: 1,
    };
    let all = [template("Mail is late", "We look.\n\nMore soon."), template("", "It is over.")];
    let [late, over] = &all;
    for (typed, begun) in [
        ("", "It is over."),
        (" \r\n", "It is over."),
        ("We look.\r\n\r\nMore soon.\r\n", "It is over."),
        ("We look at it.", "We look at it.\n\nIt is over."),
        ("We look.\n\nMore soon. Or not.", "We look.\n\nMore soon. Or not.\n\nIt is over."),
    ] {
        assert_eq!(over.begun(typed, &all), begun, "{typed:?}");
    }
    for (typed, titled) in [("", "Mail is late"), ("Mail is late", "Mail is late"), ("My words", "My words")] {
        assert_eq!(late.titled(typed, &all), titled, "{typed:?}");
        assert_eq!(over.titled(typed, &all), typed, "it has none: {typed:?}");
    }
}
