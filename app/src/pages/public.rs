//! Pages for customers. They depend on their address alone, so that each is rendered once per
//! change; they carry no script and set no cookie.

pub mod charts;
pub mod component;
pub mod head;
pub mod history;
pub mod home;
pub mod maintenance;
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
