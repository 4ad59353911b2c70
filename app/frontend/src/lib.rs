//! The browser's entry: hydrates the islands of `app`, nothing else.

// Without a word about it the crate would not be linked, and the module would hold no island.
use app as _;

/// Called by the page's loader once the module is ready.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
