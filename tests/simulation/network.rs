//! The network of a simulated run: the sandbox, called in this process, with what the schedule has happen at each request.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use fastrand::Rng;
use futures::future::LocalBoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use http_body::Frame;
use navan_sandbox::{Fault, Sandbox};
use reqwest::{Request, Response};
use tokio::time::Instant;

use super::schedule::Schedule;
use super::truth::{Table, Truth};
use crate::gateway::{Network, NetworkError, SharedModel};

/// Navan and all that happens to it.
pub(super) struct SimulatedNetwork {
    pub(super) navan: Rc<Sandbox>,
    pub(super) truth: RefCell<Truth>,
    /// Each request: when, what, and with which fault.
    pub(super) requests: RefCell<Vec<String>>,
    /// When those of this attempt were made.
    pub(super) requested: RefCell<Vec<Instant>>,
    /// How many were answered 429 by the limit, and not by a fault.
    pub(super) over_the_limit: Cell<u64>,
    /// Tokens that were answered 401, and how often one was used again.
    pub(super) refused_tokens: RefCell<HashSet<Vec<u8>>>,
    pub(super) used_again: Cell<u64>,
    /// Where its limit is shared, if it is.
    pub(super) limit_store: Option<Rc<SharedModel>>,
    schedule: Schedule,
    rng: RefCell<Rng>,
}

impl SimulatedNetwork {
    pub(super) fn new(navan: Rc<Sandbox>, schedule: Schedule) -> Self {
        let truth = RefCell::new(Truth::of(&navan, &schedule.types));
        let rng = RefCell::new(Rng::with_seed(!schedule.settings.seed));
        Self {
            navan,
            truth,
            requests: RefCell::default(),
            requested: RefCell::default(),
            over_the_limit: Cell::new(0),
            refused_tokens: RefCell::default(),
            used_again: Cell::new(0),
            limit_store: None,
            schedule,
            rng,
        }
    }

    /// How many requests there were.
    pub(super) fn count(&self) -> u64 {
        self.requests.borrow().len() as u64
    }

    fn fault(&self, number: u64) -> Option<Fault> {
        let rng = &mut self.rng.borrow_mut();
        let bursts = self.schedule.bursts.iter();
        let mut due = bursts.filter(|burst| (burst.from..burst.to).contains(&number) && rng.u8(..100) < burst.percent);
        let kinds = &due.next()?.kinds;
        kinds.get(rng.usize(..kinds.len())).cloned()
    }

    /// Rows come, go and change.
    fn change(&self, number: u64) {
        let rng = &mut self.rng.borrow_mut();
        if number >= self.schedule.changes_until || rng.u8(..100) >= self.schedule.changes_percent {
            return;
        }
        let (navan, truth, settings) = (&self.navan, &mut self.truth.borrow_mut(), self.navan.settings());
        for _ in 0..rng.u8(1..4) {
            let kind = self.schedule.types[rng.usize(..self.schedule.types.len())];
            let booking = rng.u64(..settings.bookings.max(1));
            let transaction = rng.u64(..settings.transactions.max(1));
            let user = rng.u64(..settings.users.max(1));
            match rng.u8(..8) {
                0..=2 if navan.touch_transaction(kind, transaction) => {
                    truth.changed(navan, Table::Transactions(kind), transaction);
                }
                3 => {
                    let inserted = navan.insert_transactions(kind, 1);
                    for index in inserted {
                        truth.changed(navan, Table::Transactions(kind), index);
                    }
                }
                4 if navan.delete_booking(booking) => truth.deleted(navan, Table::Bookings, booking),
                5 => {
                    let inserted = navan.insert_bookings(1);
                    for index in inserted {
                        truth.changed(navan, Table::Bookings, index);
                    }
                }
                6 if navan.delete_user(user) => truth.deleted(navan, Table::Users, user),
                7 => {
                    let inserted = navan.insert_users(1);
                    for index in inserted {
                        truth.changed(navan, Table::Users, index);
                    }
                }
                _ => {}
            }
        }
    }

    async fn exchange(&self, request: Request) -> Result<Response, NetworkError> {
        let number = self.count();
        let fault = self.fault(number);
        let (at, url) = (self.navan.now().timestamp_millis(), request.url());
        let line = format!("{at} {} {}?{} {fault:?}", request.method(), url.path(), url.query().unwrap_or_default());
        self.requests.borrow_mut().push(line);
        self.requested.borrow_mut().push(Instant::now());
        self.change(number);
        self.sleep_a_while().await;
        let request: axum::http::Request<reqwest::Body> =
            request.try_into().map_err(|error: reqwest::Error| NetworkError::new(error.to_string()))?;
        let token = request.headers().get("authorization").map(|token| token.as_bytes().to_vec());
        if token.as_ref().is_some_and(|token| self.refused_tokens.borrow().contains(token)) {
            self.used_again.update(|count| count + 1);
        }
        let is_stray = matches!(fault, Some(Fault::TooMany { .. }));
        let answer = self.navan.call(request.map(Body::new), fault).await;
        let (head, body) = answer.map_err(|error| NetworkError::new(error.to_string()))?.into_parts();
        if head.status == 429 && !is_stray {
            self.over_the_limit.update(|count| count + 1);
        }
        let chunks = body.into_data_stream().map(|chunk| chunk.map_err(io::Error::other)).collect().await;
        self.sleep_a_while().await;
        if head.status == 401 {
            self.refused_tokens.borrow_mut().extend(token);
        }
        Ok(Response::from(axum::http::Response::from_parts(head, reqwest::Body::wrap(Chunks(chunks)))))
    }

    async fn sleep_a_while(&self) {
        let ms = self.rng.borrow_mut().u64(..=self.schedule.latency_ms / 2);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

impl Network for SimulatedNetwork {
    fn execute(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, NetworkError>> {
        self.exchange(request).boxed_local()
    }
}

/// A body in pieces, which may end in an error.
struct Chunks(VecDeque<io::Result<Bytes>>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| chunk.map(Frame::data)))
    }
}
