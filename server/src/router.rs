//! Which address leads where.

use app::context::Assets;
use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use leptos::config::LeptosOptions;
use service::Services;

/// What handlers share.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The use cases.
    pub services: Services,
    /// How Leptos names its files.
    pub options: LeptosOptions,
    /// Addresses of style sheet and icons.
    pub assets: Assets,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.options.clone()
    }
}

/// All routes, without the layers around them.
pub fn routes(state: AppState) -> Router {
    Router::new().route("/api/fn/{*name}", post(crate::web::server_function)).merge(pages()).with_state(state)
}

fn pages() -> Router<AppState> {
    let mut router = Router::new();
    for listing in leptos_axum::generate_route_list(app::App) {
        router = router.route(listing.path(), get(crate::web::page).post(crate::web::page));
    }
    router.fallback(crate::web::page)
}
