//! How much trouble of each kind costs.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How much of its time trouble costs, in percent. A major outage always costs all of it; degraded
/// performance never more than a partial outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Typed", into = "Typed")]
pub struct Weights {
    partial: u8,
    degraded: u8,
}

/// The same, as anybody may write it.
#[derive(Serialize, Deserialize)]
struct Typed {
    partial: i64,
    degraded: i64,
}

/// Why these are no weights, in the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WeightsError {
    /// No percentage.
    #[error("Write a whole number between 0 and 100.")]
    Percent,
    /// Trouble that is less bad would cost more.
    #[error("Degraded performance can not cost more than a partial outage.")]
    Order,
}

impl Default for Weights {
    fn default() -> Self {
        Self { partial: 50, degraded: 0 }
    }
}

impl Weights {
    /// From percentages.
    ///
    /// # Errors
    /// One is none, or they are in the wrong order.
    pub fn new(partial: i64, degraded: i64) -> Result<Self, WeightsError> {
        let percent = |n: i64| u8::try_from(n).ok().filter(|n| *n <= 100).ok_or(WeightsError::Percent);
        let (partial, degraded) = (percent(partial)?, percent(degraded)?);
        if degraded > partial {
            return Err(WeightsError::Order);
        }
        Ok(Self { partial, degraded })
    }

    /// What a partial outage costs, in percent of its time.
    #[must_use]
    pub const fn partial(self) -> u8 {
        self.partial
    }

    /// What degraded performance costs, in percent of its time.
    #[must_use]
    pub const fn degraded(self) -> u8 {
        self.degraded
    }

    /// In one sentence, for every page that shows a figure.
    #[must_use]
    pub fn sentence(self) -> String {
        let counts = |percent: u8| match percent {
            0 => "does not count".to_owned(),
            100 => "counts in full".to_owned(),
            percent => format!("counts {percent} %"),
        };
        format!(
            "A major outage counts in full, a partial outage {}, degraded performance {}.",
            counts(self.partial),
            counts(self.degraded)
        )
    }
}

impl TryFrom<Typed> for Weights {
    type Error = WeightsError;
    fn try_from(typed: Typed) -> Result<Self, WeightsError> {
        Self::new(typed.partial, typed.degraded)
    }
}

impl From<Weights> for Typed {
    fn from(weights: Weights) -> Self {
        Self { partial: weights.partial.into(), degraded: weights.degraded.into() }
    }
}
