//! How something was day by day: a row of ticks. The taller a tick, the worse the day; one of planned work is
//! split; of a day of which nobody knows there is only the foot.

use domain::component::ComponentState;
use domain::impact::Known;
use leptos::prelude::*;
use std::fmt::Write as _;

/// From one tick to the next, and the height of the worst.
const PITCH: usize = 4;
const HEIGHT: usize = 24;

/// The ticks, as one picture: for those who see it a picture, for others a sentence or nothing.
#[component]
pub fn AvailabilityBar(
    /// The worst of each day, the oldest first; none where there was no time.
    days: Vec<Option<Known>>,
    /// What it says, in a sentence; without one it is decoration.
    #[prop(optional, into)]
    label: Option<String>,
) -> AnyView {
    let view_box = format!("0 0 {} {HEIGHT}", (days.len() * PITCH).saturating_sub(1));
    let drawn = draw(&days);
    match label {
        Some(label) => view! {
            <svg class="bar" viewBox=view_box preserveAspectRatio="none" role="img" aria-label=label inner_html=drawn></svg>
        }
        .into_any(),
        None => view! {
            <svg class="bar" viewBox=view_box preserveAspectRatio="none" aria-hidden="true" inner_html=drawn></svg>
        }
        .into_any(),
    }
}

/// What each tick means.
#[component]
pub fn BarLegend(
    /// Those that there are.
    known: Vec<Known>,
) -> AnyView {
    let items = Known::ALL
        .into_iter()
        .filter(|one| known.contains(one))
        .map(|known| {
            let drawn = draw(&[Some(known); 3]);
            view! {
                <li>
                    <svg class="bar" aria-hidden="true" viewBox="0 0 11 24" inner_html=drawn></svg>
                    {known.public_text()}
                </li>
            }
        })
        .collect_view();
    view! { <ul class="bar-legend">{items}</ul> }.into_any()
}

/// The class of a tick, and the heights at which its strokes run; the style sheet knows how thick they are.
const fn strokes(known: Known) -> (&'static str, &'static [&'static str]) {
    match known {
        Known::State(ComponentState::Operational) => ("ok", &["17"]),
        Known::State(ComponentState::UnderMaintenance) => ("work", &["21.5", "12.5"]),
        Known::State(ComponentState::DegradedPerformance) => ("degraded", &["15.5"]),
        Known::State(ComponentState::PartialOutage) => ("partial", &["14"]),
        Known::State(ComponentState::MajorOutage) => ("major", &["12"]),
        Known::Unknown => ("unknown", &["22.5"]),
    }
}

/// One path for each state; a run of equal days is one stroke, which the style sheet cuts into ticks.
fn draw(days: &[Option<Known>]) -> String {
    let mut drawn = String::new();
    for known in Known::ALL {
        let (class, heights) = strokes(known);
        let mut path = String::new();
        let mut place = 0;
        for run in days.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Some(known)) {
                for height in heights {
                    // Writing to a string cannot fail.
                    let _ = write!(path, "M{} {height}h{}", place * PITCH, run.len() * PITCH - 1);
                }
            }
            place += run.len();
        }
        if !path.is_empty() {
            let _ = write!(drawn, r#"<path class="{class}" d="{path}"/>"#);
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_days_are_one_stroke_and_each_state_is_one_path() {
        let ok = Some(Known::State(ComponentState::Operational));
        let major = Some(Known::State(ComponentState::MajorOutage));
        let work = Some(Known::State(ComponentState::UnderMaintenance));
        assert_eq!(draw(&[ok; 90]), r#"<path class="ok" d="M0 17h359"/>"#);
        assert_eq!(
            draw(&[ok, ok, major, ok, None, work]),
            r#"<path class="ok" d="M0 17h7M12 17h3"/><path class="work" d="M20 21.5h3M20 12.5h3"/><path class="major" d="M8 12h3"/>"#
        );
        assert_eq!(draw(&[]), "");
    }
}
