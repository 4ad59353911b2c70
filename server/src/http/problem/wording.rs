//! What a JSON parser says of a value, in our own words: a plain sentence, and the field where only its text names it.

/// What is wrong in a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wording {
    /// A field below the place at which the parser stood.
    pub(super) field: Option<String>,
    /// What is wrong and what would be right.
    pub(super) message: String,
}

/// Reads what the parser says. What our own types say of a value stays as it is.
pub(super) fn wording(said: &str) -> Wording {
    let said = without_place(said);
    let at = |field: &str, message: String| Wording { field: Some(field.to_owned()), message };
    if let Some(field) = said.strip_prefix("missing field ").and_then(quoted) {
        return at(field, "This is missing.".to_owned());
    }
    if let Some((field, known)) = said.strip_prefix("unknown field ").and_then(split) {
        return at(field, with_known("There is no such field.", known));
    }
    if let Some(field) = said.strip_prefix("duplicate field ").and_then(quoted) {
        return at(field, "This is there twice; send it once.".to_owned());
    }
    let message = if let Some((_, known)) = said.strip_prefix("unknown variant ").and_then(split) {
        with_known("There is no such choice.", known)
    } else if let Some(rest) = said.strip_prefix("invalid type: ").or_else(|| said.strip_prefix("invalid value: ")) {
        match rest.rsplit_once(", expected ") {
            Some((found, expected)) => format!("Send {}, not {}.", wanted(expected), seen(found)),
            None => UNREADABLE.to_owned(),
        }
    } else if said.starts_with("invalid length ") {
        "This has too few or too many parts.".to_owned()
    } else if said.starts_with("data did not match any variant") {
        UNREADABLE.to_owned()
    } else {
        said.to_owned()
    };
    Wording { field: None, message }
}

const UNREADABLE: &str = "This has another shape than what is read here.";

/// Without " at line 1 column 5" at its end.
fn without_place(said: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    match said.rsplit_once(" at line ") {
        Some((text, place))
            if place.split_once(" column ").is_some_and(|(line, column)| is_number(line) && is_number(column)) =>
        {
            text
        }
        _ => said,
    }
}

/// What stands between the first two backticks.
fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('`')?.split('`').next()
}

/// The name in "`name`, expected …" and the names that would do.
fn split(text: &str) -> Option<(&str, Vec<&str>)> {
    let name = quoted(text)?;
    let known = text.split_once(", expected ").map_or("", |(_, known)| known);
    Some((name, known.split('`').skip(1).step_by(2).collect()))
}

fn with_known(sentence: &str, known: Vec<&str>) -> String {
    match known.split_last() {
        None => sentence.to_owned(),
        Some((only, [])) => format!("{sentence} Send {only}."),
        Some((last, others)) => format!("{sentence} Send {} or {last}.", others.join(", ")),
    }
}

/// What is expected, as it is called by those who write JSON.
fn wanted(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a string" | "str" | "a borrowed string" => "a text",
        "a boolean" => "true or false",
        "unit" | "null" => "null",
        "a map" => "an object",
        "a character" => "one character",
        "i8" | "i16" | "i32" | "i64" | "i128" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number from 0 on",
        "f32" | "f64" => "a number",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("enum ") => "a text",
        _ if expected.starts_with("a tuple") => "a list",
        // Our own types say it as people would.
        other => other,
    }
}

/// What stands there: "string \"x\"", "integer `5`", "map".
fn seen(found: &str) -> String {
    let value = found.split('`').nth(1).unwrap_or_default();
    let (kind, _) = found.split_once([' ', '`']).unwrap_or((found, ""));
    match kind {
        "string" | "character" => "a text".to_owned(),
        "integer" | "floating" if !value.is_empty() => format!("the number {value}"),
        "boolean" if !value.is_empty() => value.to_owned(),
        "null" | "unit" | "Option" => "null".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "an object".to_owned(),
        _ => "this".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Side {
        Left,
        Right,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape counts")]
    struct Shape {
        name: String,
        count: Option<u32>,
        size: Option<f64>,
        on: Option<bool>,
        list: Option<Vec<i64>>,
        of: Option<BTreeMap<String, String>>,
        side: Option<Side>,
        pair: Option<(i64, i64)>,
    }

    fn said<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> Wording {
        wording(&serde_json::from_str::<T>(json).unwrap_err().to_string())
    }

    #[test]
    fn no_word_of_the_parser_reaches_who_sent_it() {
        let table = [
            (r"{}", Some("name"), "This is missing."),
            (r#"{"name":"x","name":"y"}"#, Some("name"), "This is there twice; send it once."),
            (r#"{"name":["x"]}"#, None, "Send a text, not a list."),
            (r#"{"name":null}"#, None, "Send a text, not null."),
            (r#"{"name":7}"#, None, "Send a text, not the number 7."),
            (r#"{"name":"x","count":-1}"#, None, "Send a whole number from 0 on, not the number -1."),
            (r#"{"name":"x","count":1.5}"#, None, "Send a whole number from 0 on, not the number 1.5."),
            (r#"{"name":"x","size":"`1`"}"#, None, "Send a number, not a text."),
            (r#"{"name":"x","on":"yes, expected no"}"#, None, "Send true or false, not a text."),
            (r#"{"name":"x","list":"1"}"#, None, "Send a list, not a text."),
            (r#"{"name":"x","list":[true]}"#, None, "Send a whole number, not true."),
            (r#"{"name":"x","of":[]}"#, None, "Send an object, not a list."),
            (r#"{"name":"x","side":"up"}"#, None, "There is no such choice. Send left or right."),
            (r#"{"name":"x","pair":[1]}"#, None, "This has too few or too many parts."),
            (r#""x""#, None, "Send an object, not a text."),
        ];
        for (json, field, message) in table {
            let expected = Wording { field: field.map(ToOwned::to_owned), message: message.to_owned() };
            assert_eq!(said::<Shape>(json), expected, "{json}");
        }
        let unknown = said::<Shape>(r#"{"nam":"x"}"#);
        assert_eq!(unknown.field.as_deref(), Some("nam"));
        assert!(unknown.message.starts_with("There is no such field. Send name, count, "), "{}", unknown.message);
    }

    #[test]
    fn what_our_own_types_say_stays() {
        assert_eq!(wording("This is no month. at line 1 column 5").message, "This is no month.");
        assert_eq!(wording("We meet at line three").message, "We meet at line three");
    }
}
