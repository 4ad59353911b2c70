#![expect(clippy::panic, reason = "tests")]

use super::*;

/// Checks markup as a strict reader would: each `<` opens a known tag, the only attributes are `href` and `rel` of `a`,
/// and each address has an allowed scheme.
fn assert_safe(source: &str) {
    let markup = render(source).into_string();
    let mut rest = markup.as_str();
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').unwrap_or_else(|| panic!("open tag in {markup:?} from {source:?}"));
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        let name = tag.strip_prefix('/').unwrap_or(tag);
        let (name, attributes) = name.split_once(' ').unwrap_or((name, ""));
        assert!(TAGS.contains(&name), "{name} in {markup:?} from {source:?}");
        if attributes.is_empty() {
            continue;
        }
        assert_eq!(name, "a", "attributes in {markup:?} from {source:?}");
        let rel = "rel=\"nofollow noopener noreferrer\"";
        let address = attributes.replace(rel, "").trim().to_owned();
        if !address.is_empty() {
            let value = address.strip_prefix("href=\"").and_then(|value| value.strip_suffix('"'));
            let value = value.unwrap_or_else(|| panic!("{attributes:?} from {source:?}"));
            assert!(!value.contains('"'), "{value:?} from {source:?}");
            assert!(
                ["http://", "https://", "mailto:"].iter().any(|scheme| value.to_ascii_lowercase().starts_with(scheme)),
                "{value:?} from {source:?}"
            );
        }
    }
    assert!(!rest.contains('\0'));
    assert_eq!(ALLOWED.clean(&markup).to_string(), markup, "not stable: {source:?}");
}

#[test]
fn no_payload_gets_through() {
    let payloads = include_str!("payloads.txt");
    let payloads: Vec<&str> = payloads.lines().filter(|line| !line.is_empty()).collect();
    assert!(payloads.len() >= 100, "{}", payloads.len());
    for payload in payloads {
        let payload = payload.replace("\\n", "\n").replace("\\t", "\t").replace("\\0", "\0").replace("\\r", "\r");
        assert_safe(&payload);
        assert_safe(&format!("text {payload} text"));
        assert_safe(&format!("[link]({payload})"));
        assert_safe(&format!("[link](<{payload}> \"{payload}\")"));
        assert_safe(&format!("![image]({payload})"));
        assert_safe(&format!("[{payload}](https://example.org)"));
        assert_safe(&format!("<{payload}>"));
        assert_safe(&format!("`{payload}`"));
        assert_safe(&format!("```{payload}\n{payload}\n```"));
        assert_safe(&format!("| a | b |\n|---|---|\n| {payload} | {payload} |"));
        assert_safe(&format!("> {payload}\n\n# {payload}\n\n- {payload}"));
        assert_safe(&format!("[ref]\n\n[ref]: {payload}"));
        let text = to_text(&payload);
        assert!(text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "{text:?}");
    }
}

#[test]
fn the_second_wall_holds_without_the_first() {
    for payload in include_str!("payloads.txt").lines() {
        let markup = ALLOWED.clean(payload).to_string();
        let lower = markup.to_ascii_lowercase();
        for name in ["<script", "<img", "<svg", "<math", "<iframe", "<object", "<style", "<form", "<input", "<body"] {
            assert!(!lower.contains(name), "{markup:?} from {payload:?}");
        }
        assert!(!lower.contains("href=\"javascript"), "{markup:?} from {payload:?}");
    }
}

#[test]
fn what_operators_write_is_rendered() {
    let source = "# Disk in *vm3*\n\nOne disk **failed**; see [the plan](https://example.org/plan?a=1&b=2 \"x\").\n\
        Second line\\\nafter a break.\n\n1. shut down\n2. replace\n   - slot 4\n\n> keep calm\n\n```sh\nmdadm --add <disk>\n```\n\n\
        | host | state |\n|:-----|------:|\n| vm3  | `down` |\n\n---\n\nMail <ops@example.org>, host <vm3>, ![rack](https://example.org/r.png)";
    insta::assert_snapshot!(format!("{}\n=====\n{}", render(source), to_text(source)));
}

#[test]
fn typed_html_stays_visible() {
    assert_eq!(render("restart <vm3> & go").as_str(), "<p>restart &lt;vm3&gt; &amp; go</p>\n");
    assert_eq!(render("<div>hello</div>").as_str(), "<p>&lt;div&gt;hello&lt;/div&gt;</p>\n");
    assert_eq!(to_text("restart <vm3> & go"), "restart <vm3> & go");
}

#[test]
fn images_inside_links_leave_their_text() {
    assert_eq!(
        render("[![rack](https://a.example/r.png)](https://b.example/)").as_str(),
        "<p><a href=\"https://b.example/\" rel=\"nofollow noopener noreferrer\">rack</a></p>\n"
    );
    assert_eq!(to_text("[![rack](https://a.example/r.png)](https://b.example/)"), "rack (https://b.example/)");
}

#[test]
fn relative_and_foreign_addresses_are_dropped() {
    for address in
        ["/admin", "//evil.example", "irc://x", "magnet:?x", "webcal://x", "data:text/html,x", "#top", "a.html"]
    {
        let markup = render(&format!("[x]({address})")).into_string();
        assert!(!markup.contains("href"), "{markup}");
        assert_eq!(to_text(&format!("[x]({address})")), "x");
    }
}

#[test]
fn plain_text_writes_addresses_out_once() {
    assert_eq!(to_text("see <https://example.org/x>"), "see https://example.org/x");
    assert_eq!(to_text("[here](https://example.org)"), "here (https://example.org)");
    assert_eq!(to_text("<ops@example.org>"), "ops@example.org");
    assert_eq!(to_text(""), "");
}

#[test]
fn deep_nesting_ends_well() {
    let handle = std::thread::Builder::new().stack_size(2 << 20).spawn(|| {
        for source in
            [">".repeat(5_000), "- ".repeat(2_000), "[".repeat(20_000), "*a ".repeat(5_000), "<b>".repeat(20_000)]
        {
            assert_safe(&source);
            let _ = to_text(&source);
        }
    });
    assert!(handle.is_ok_and(|handle| handle.join().is_ok()));
}

#[test]
fn headings_begin_below_those_of_the_page_and_leave_out_no_level() {
    let text = "## Summary\n\n#### Detail\n\n# All\n\n### Part\n";
    let html = render(text).to_string();
    for heading in ["<h3>Summary</h3>", "<h4>Detail</h4>", "<h3>All</h3>", "<h4>Part</h4>"] {
        assert!(html.contains(heading), "{heading} in {html}");
    }
}
