//! The colours of the style sheet keep their promises: words can be read, shapes can be seen, and
//! no two states look alike to eyes that lack a kind of cone (WCAG 2.2 1.4.3, 1.4.11; Machado et
//! al. 2009, severity 1).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

type Rgb = [f64; 3];

const STATES: [&str; 5] = ["ok", "degraded", "partial", "major", "work"];

const SIGHTS: [(&str, [Rgb; 3]); 4] = [
    ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protan",
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    ),
    (
        "deutan",
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ),
    (
        "tritan",
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ),
];

/// Linear light of `#rrggbb`.
fn rgb(hex: &str) -> Rgb {
    let number = u32::from_str_radix(hex.trim().trim_start_matches('#'), 16).unwrap();
    [number >> 16, number >> 8, number].map(|c| {
        let c = f64::from(c & 255) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    })
}

/// The colours of both themes, light first.
fn themes() -> [BTreeMap<String, Rgb>; 2] {
    let css = include_str!("../../style/main.css");
    let mut themes = [BTreeMap::new(), BTreeMap::new()];
    for line in css.lines() {
        let Some((name, rest)) = line.trim().strip_prefix("--").and_then(|l| l.split_once(": light-dark(")) else {
            continue;
        };
        let (light, dark) = rest.split_once(')').unwrap().0.split_once(',').unwrap();
        themes[0].insert(name.to_owned(), rgb(light));
        themes[1].insert(name.to_owned(), rgb(dark));
    }
    themes
}

fn luminance([r, g, b]: Rgb) -> f64 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn lab([r, g, b]: Rgb) -> Rgb {
    let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.950_47);
    let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
    let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn seen(colour: Rgb, sight: &[Rgb; 3]) -> Rgb {
    sight.map(|row| (0..3).map(|i| row[i] * colour[i]).sum::<f64>().clamp(0.0, 1.0))
}

#[test]
fn words_reach_four_and_a_half_to_one() {
    for theme in themes() {
        let surfaces = ["paper", "card", "sunk"].map(str::to_owned);
        for surface in surfaces.into_iter().chain(STATES.map(|s| format!("{s}-wash"))) {
            for words in ["ink", "ink-2", "accent", "major-ink"] {
                let ratio = contrast(theme[words], theme[&surface]);
                assert!(ratio >= 4.5, "{words} on {surface}: {ratio:.2}");
            }
        }
        assert!(contrast(theme["on-accent"], theme["accent"]) >= 4.5);
        assert!(contrast(theme["on-accent"], theme["accent-strong"]) >= 4.5);
    }
}

#[test]
fn shapes_and_edges_reach_three_to_one() {
    for theme in themes() {
        for surface in ["paper", "card", "sunk"] {
            for shape in STATES.into_iter().chain(["control", "focus"]) {
                let ratio = contrast(theme[shape], theme[surface]);
                assert!(ratio >= 3.0, "{shape} on {surface}: {ratio:.2}");
            }
        }
        for state in STATES {
            let ratio = contrast(theme[state], theme[&format!("{state}-wash")]);
            assert!(ratio >= 3.0, "{state} on its wash: {ratio:.2}");
        }
    }
}

#[test]
fn no_two_states_look_alike_to_anyone() {
    for theme in themes() {
        for (sight, matrix) in &SIGHTS {
            for (place, a) in STATES.iter().enumerate() {
                for b in &STATES[place + 1..] {
                    let (x, y) = (lab(seen(theme[*a], matrix)), lab(seen(theme[*b], matrix)));
                    let distance = (0..3).map(|i| (x[i] - y[i]).powi(2)).sum::<f64>().sqrt();
                    assert!(distance >= 27.0, "{a} and {b}, {sight}: {distance:.1}");
                }
            }
        }
    }
}
