//! Pages for those who work here: the frame around them, and how they write times.

pub mod account;
pub mod audit;
pub mod desk;
pub mod people;
pub mod settings;
pub mod tokens;
