//! Which address leads where.

use crate::http::actor::{self, Doorkeeper};
use crate::http::problem::Problem;
use crate::http::{api_v1, deliveries, exports, feeds, ping, push, reports};
use app::context::Assets;
use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use http::StatusCode;
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

/// All routes. Each handler finds who asks as `Extension<Actor>`; the other layers are around this.
pub fn routes(state: AppState) -> Router {
    let keeper = Doorkeeper::new(state.clone());
    Router::new()
        .route("/api/fn/{*name}", post(crate::web::server_function))
        .merge(api_v1::routes())
        .merge(ping::routes())
        .merge(push::routes())
        .route("/api/{*rest}", any(no_such_api))
        .route("/calendar.ics", get(feeds::calendar))
        .route("/admin/deliveries/{notification}/{subscriber}/mail.eml", get(deliveries::mail))
        .route("/admin/coverage.csv", get(exports::coverage))
        .merge(pages())
        .with_state(state)
        .layer(from_fn_with_state(keeper, actor::find))
}

fn pages() -> Router<AppState> {
    let mut router = Router::new();
    for listing in leptos_axum::generate_route_list(app::App) {
        // The router knows no names with an ending, so the page and the file share a handler.
        let show = match listing.path() {
            "/maintenance/{id}" => get(feeds::window),
            "/reports/{month}" => get(reports::report),
            _ => get(crate::web::page),
        };
        router = router.route(listing.path(), show.post(crate::web::page));
    }
    router.fallback(crate::web::page)
}

async fn no_such_api() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
}
