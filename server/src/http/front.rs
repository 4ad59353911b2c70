//! The first to see a request: answers kept pages and files from memory, before any layer, and hands the rest on.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures::future::{BoxFuture, Either, FutureExt};
use http::header::HOST;
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::ServiceExt;

use super::client::Peer;
use super::error_page::{Reader, error_page};
use super::headers;
use super::request_id::RequestId;
use super::shell::Shell;
use crate::assets::Assets;
use crate::cache::{Lookup, MARK, PageCache};

/// Longest address, in bytes.
const LONGEST_URI: usize = 8 * 1024;

/// A body from memory or from a handler.
pub type FrontBody = http_body_util::Either<Full<Bytes>, Body>;
/// An answer that is there already, or one that takes a while.
pub type Answer =
    Either<Ready<Result<Response<FrontBody>, Infallible>>, BoxFuture<'static, Result<Response<FrontBody>, Infallible>>>;

/// Everything behind the listener.
pub struct Front {
    /// Rendered pages.
    pub cache: PageCache,
    /// Files of the browser side.
    pub assets: Assets,
    /// All routes, with the shell around them.
    pub router: Router,
    /// For what is refused here.
    pub shell: Arc<Shell>,
}

impl Front {
    /// Answers one request of `peer`.
    pub fn answer(&self, peer: Peer, request: Request<Incoming>) -> Answer {
        // RFC 9112 §3.2.
        if request.version() == Version::HTTP_11 && request.headers().get_all(HOST).iter().count() != 1 {
            return self.refuse(&request, StatusCode::BAD_REQUEST, "Name one host in the field `Host`.");
        }
        let (method, uri) = (request.method(), request.uri());
        match self.cache.lookup(method, uri, request.headers()) {
            Lookup::Hit(response) => return now(response),
            Lookup::Rendering(answer) => {
                return Either::Right(answer.map(|response| Ok(response.map(FrontBody::Left))).boxed());
            }
            Lookup::Pass => {}
        }
        if let Some(file) = self.assets.get(uri.path())
            && (method == Method::GET || method == Method::HEAD)
        {
            return now(file.respond(method, request.headers()));
        }
        if uri.path_and_query().is_some_and(|address| address.as_str().len() > LONGEST_URI) {
            let detail = "An address may have 8 KiB. Send long input in a form.";
            return self.refuse(&request, StatusCode::URI_TOO_LONG, detail);
        }
        let is_head = method == Method::HEAD;
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        let router = self.router.clone();
        Either::Right(
            async move {
                let mut response = match router.oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                response.headers_mut().remove(MARK);
                if is_head {
                    *response.body_mut() = Body::empty();
                }
                Ok(response.map(FrontBody::Right))
            }
            .boxed(),
        )
    }

    fn refuse(&self, request: &Request<Incoming>, status: StatusCode, detail: &str) -> Answer {
        let path = request.uri().path();
        let reader = Reader::of(path, request.headers());
        let mut response = error_page(reader, status, detail, &RequestId::new(), &self.shell.stylesheet);
        headers::complete(response.headers_mut(), path, self.shell.is_https());
        Either::Left(ready(Ok(response.map(FrontBody::Right))))
    }
}

fn now(response: Response<Full<Bytes>>) -> Answer {
    Either::Left(ready(Ok(response.map(FrontBody::Left))))
}
