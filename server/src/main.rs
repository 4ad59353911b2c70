//! The binary `fermata`.

fn main() {}
