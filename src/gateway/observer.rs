//! A network that takes note of the heads of what it carries, for who wants to tell what was seen.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use reqwest::{Request, Response};
use tokio::time::Instant;

use super::network::{Network, NetworkError};
use super::rate_limit::headers;
use crate::clock;

/// Carries requests over another network.
pub struct Observer {
    network: Rc<dyn Network>,
    seen: RefCell<Vec<Observed>>,
}

/// What was seen of a request.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The whole path that was asked.
    pub path: String,
    /// The status of the answer; `None` for no answer.
    pub status: Option<u16>,
    /// From the request to the head of the answer.
    pub took: Duration,
    /// How far the answer's `Date` was ahead of this machine's clock.
    pub ahead: Option<chrono::Duration>,
    /// The headers that speak of a limit.
    pub about_limit: BTreeMap<String, String>,
}

impl Observer {
    /// Of what goes over `network`.
    pub fn of(network: Rc<dyn Network>) -> Self {
        Self { network, seen: RefCell::default() }
    }

    /// What was seen up to now, in the order in which answers came.
    pub fn seen(&self) -> Vec<Observed> {
        self.seen.borrow().clone()
    }
}

impl Network for Observer {
    fn execute(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, NetworkError>> {
        async move {
            let (path, asked) = (request.url().path().to_owned(), Instant::now());
            let result = self.network.execute(request).await;
            let answer = result.as_ref().ok();
            self.seen.borrow_mut().push(Observed {
                path,
                status: answer.map(|answer| answer.status().as_u16()),
                took: asked.elapsed(),
                ahead: answer.and_then(|answer| headers::date(answer.headers())).map(|date| date - clock::wall()),
                about_limit: answer.map(|answer| headers::about_limit(answer.headers())).unwrap_or_default(),
            });
            result
        }
        .boxed_local()
    }
}
