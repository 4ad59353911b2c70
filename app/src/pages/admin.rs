//! Pages for those who work here: the frame around them, and how they write times.

pub mod desk;
