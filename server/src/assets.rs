//! The files of the browser side: style sheet, icons, and the module of the islands. All are inside the binary and
//! compressed once. Their addresses hold one hash over all of them, so a browser may keep them for ever and never has
//! parts of two versions.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use leptos::config::LeptosOptions;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::http::headers;
use crate::http::stored::{Coded, Stored};

/// Name of the module that `wasm-bindgen` wrote: `fermata.js`, `fermata_bg.wasm`.
const MODULE: &str = "fermata";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// Built by `make`: the module, with `.gz` and `.br` beside each file.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../dist"]
#[allow_missing = true]
struct Built;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../style"]
#[allow_missing = true]
struct Style;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../app/public"]
#[allow_missing = true]
struct Public;

/// All files, ready to send. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Assets(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `assets/` and the hash, without a slash at either end.
    folder: String,
    files: HashMap<String, Stored>,
}

impl Assets {
    /// Reads what is embedded and compresses what `make` has not compressed. Takes a moment: once, at the start.
    pub fn load(https: bool) -> Self {
        let mut files = BTreeMap::new();
        for name in Style::iter() {
            take::<Style>(&mut files, name);
        }
        for name in Built::iter().filter(|name| !name.ends_with(".gz") && !name.ends_with(".br")) {
            take::<Built>(&mut files, name);
        }
        let mut at_root = BTreeMap::new();
        for name in Public::iter() {
            take::<Public>(&mut at_root, name);
        }
        let mut hash = Sha256::new();
        for (name, body) in files.iter().chain(&at_root) {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(Sha256::digest(body));
        }
        let folder = format!("assets/{}", &hex::encode(hash.finalize())[..16]);
        let mut stored = HashMap::new();
        for (name, body) in files.into_iter().chain(at_root.clone()) {
            let path = format!("/{folder}/{name}");
            stored.insert(path.clone(), store(&path, &name, body, FOR_EVER, https));
        }
        for (name, body) in at_root {
            let path = format!("/{name}");
            stored.insert(path.clone(), store(&path, &name, body, FOR_AN_HOUR, https));
        }
        Self(Arc::new(Inner { folder, files: stored }))
    }

    /// The file at this path.
    pub fn get(&self, path: &str) -> Option<&Stored> {
        self.0.files.get(path)
    }

    /// The address of a file, such as `main.css`.
    pub fn address(&self, name: &str) -> String {
        format!("/{}/{name}", self.0.folder)
    }

    /// Where the module of the islands is, as Leptos asks for it.
    pub fn leptos_options(&self) -> LeptosOptions {
        LeptosOptions::builder().output_name(MODULE).site_pkg_dir(self.0.folder.as_str()).build()
    }

    /// Whether the islands can come alive: `make` has built the module.
    pub fn has_module(&self) -> bool {
        self.get(&self.address(&format!("{MODULE}_bg.wasm"))).is_some()
    }
}

fn take<E: RustEmbed>(files: &mut BTreeMap<String, Bytes>, name: Cow<'static, str>) {
    if let Some(file) = E::get(&name) {
        let body = match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        files.insert(name.into_owned(), body);
    }
}

fn store(path: &str, name: &str, body: Bytes, keep: HeaderValue, https: bool) -> Stored {
    let mut headers = HeaderMap::new();
    let kind = mime_guess::from_path(name).first_or_octet_stream().to_string();
    let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind };
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::try_from(kind).unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    headers.insert(CACHE_CONTROL, keep);
    headers::complete(&mut headers, path, https);
    let beside = |ending: &str| {
        let mut files = BTreeMap::new();
        take::<Built>(&mut files, Cow::Owned(format!("{name}{ending}")));
        files.into_values().next().filter(|coded| coded.len() < body.len())
    };
    let coded = match (beside(".gz"), beside(".br")) {
        (None, None) => Coded::compress(&headers, &body),
        (gzip, brotli) => Coded { gzip, brotli },
    };
    Stored::new(headers, body, coded)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use http::Method;

    use super::*;

    #[test]
    fn the_address_changes_with_the_content_and_may_be_kept_for_ever() {
        let assets = Assets::load(true);
        let address = assets.address("main.css");
        assert!(address.starts_with("/assets/") && address.ends_with("/main.css"), "{address}");
        assert_eq!(address, Assets::load(true).address("main.css"), "the same in every process");
        let response = assets.get(&address).unwrap().respond(&Method::GET, &HeaderMap::new());
        assert_eq!(response.headers()["content-type"], "text/css; charset=utf-8");
        assert_eq!(response.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert!(response.headers().contains_key("strict-transport-security"));
    }

    #[test]
    fn leptos_asks_for_the_module_where_it_is() {
        let assets = Assets::load(false);
        let options = assets.leptos_options();
        let asked = format!("/{}/{}_bg.wasm", options.site_pkg_dir, options.output_name);
        assert_eq!(asked, assets.address("fermata_bg.wasm"));
        assert_eq!(assets.get(&asked).is_some(), assets.has_module());
    }
}
