//! The binary `fermata`.

use std::process::ExitCode;

use clap::Parser;
use server::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Fails only where another provider was chosen before; nobody does.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let run = || tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(cli.run());
    run().unwrap_or_else(|error| {
        eprintln!("fermata: {error:#}");
        ExitCode::FAILURE
    })
}
