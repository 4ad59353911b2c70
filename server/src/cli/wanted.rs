//! `fermata wanted`: lets a host's own timer begin a run that somebody asked for:
//! `fermata wanted && fermata run -- borgmatic`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;

use super::door::{Asked, Knocker, Place};

/// Arguments of `fermata wanted`.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    #[command(flatten)]
    place: Place,
}

impl Wanted {
    /// 0: wanted, and Fermata knows that the run is about to begin; 1: not wanted; 2: nobody could say.
    pub(crate) async fn run(self) -> ExitCode {
        let asked = match (self.place.door(), Knocker::new()) {
            (Ok(door), Ok(knocker)) => knocker.ask(&door).await,
            (Err(error), _) | (_, Err(error)) => Asked::Unknown(format!("{error:#}")),
        };
        match asked {
            Asked::Wanted => ExitCode::SUCCESS,
            Asked::NotWanted => ExitCode::from(1),
            Asked::Unknown(why) => {
                let _ = writeln!(io::stderr(), "fermata: whether a run is wanted is not known: {why}");
                ExitCode::from(2)
            }
        }
    }
}
