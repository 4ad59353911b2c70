//! Pages for customers. They depend on their address alone, so that each is rendered once per
//! change; they set no cookie, and carry no script but the file that keeps some of them up to date.

pub mod announcements;
pub mod charts;
pub mod component;
pub mod head;
pub mod history;
pub mod home;
pub mod incident;
pub mod maintenance;
pub mod post_mortem;
mod reader;
pub mod reports;
pub mod requests;
pub mod subscribe;
pub mod subscription;
pub mod team_mail;
mod words;

use head::Head;
use head::private;
pub use reader::{Reader, zone_options};
