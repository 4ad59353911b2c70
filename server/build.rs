//! Makes a release binary follow the files embedded in it. Debug builds read them from disk instead.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let Ok(manifest) = std::env::var("CARGO_MANIFEST_DIR") else { return };
    let root = Path::new(&manifest).join("..");
    // The browser side is built by `make`; without it the server compiles all the same and serves pages without
    // islands.
    let built = root.join("dist");
    if let Err(error) = std::fs::create_dir_all(&built) {
        println!("cargo::warning={} cannot be made: {error}", built.display());
    }
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        for folder in ["dist", "style", "app/public"] {
            println!("cargo::rerun-if-changed={}", root.join(folder).display());
        }
    }
}
