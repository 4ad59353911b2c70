//! Files that people save from the pages.

use crate::router::AppState;
use crate::web;
use app::form::{FormData, encode};
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Uri};
use service::coverage::MatrixQuery;
use service::{Actor, Error};

/// `GET /admin/coverage.csv`: the matrix with the filters of its page, one line for each data set.
pub async fn coverage(State(state): State<AppState>, Extension(actor): Extension<Actor>, uri: Uri) -> Response {
    let asked = FormData::parse(uri.query().unwrap_or_default().as_bytes());
    let text = |name: &str| asked.get(name).to_owned();
    let query = MatrixQuery { host: text("host"), state: text("state"), sort: text("sort") };
    match state.services.coverage_csv(&actor, &query).await {
        Ok(text) => {
            let mut response = text.into_response();
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
            let name = HeaderValue::from_static("attachment; filename=\"coverage.csv\"");
            headers.insert(CONTENT_DISPOSITION, name);
            response
        }
        Err(Error::SignInNeeded) => {
            let next = uri.path_and_query().map_or("/admin/coverage", |place| place.as_str());
            Redirect::to(&format!("/sign-in?next={}", encode(next))).into_response()
        }
        // Without a body: the shell around writes the page.
        Err(error) => web::status(&error).into_response(),
    }
}
