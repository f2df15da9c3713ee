//! A running sandbox, as the library's user holds it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use chrono::{DateTime, Utc};
use tower::ServiceExt;

use crate::app::app;
use crate::counts::Counts;
use crate::expense_type::ExpenseType;
use crate::faults::{Fault, Faults};
use crate::ground_truth::{GroundTruth, Rows};
use crate::rate_limit::RateLimit;
use crate::server::Server;
use crate::settings::Settings;
use crate::state::{SandboxState, lock};
use crate::stream::Stream;
use crate::wire;

/// A simulated Navan that serves until it is dropped.
///
/// It can be changed while it is read from; what a change returns is whether the row was there.
#[derive(Debug)]
pub struct Sandbox {
    state: Arc<SandboxState>,
    router: Router,
    server: Option<Server>,
}

#[expect(clippy::must_use_candidate, reason = "a change is made for its effect")]
impl Sandbox {
    /// Starts to listen and serves on threads of its own.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened at.
    pub fn start(settings: Settings) -> anyhow::Result<Self> {
        let address = SocketAddr::new(settings.bind, settings.port);
        let sandbox = Self::in_process(settings);
        let server = Server::start(address, sandbox.router.clone());
        Ok(Self { server: Some(server.with_context(|| format!("cannot listen at {address}"))?), ..sandbox })
    }

    /// One that listens nowhere, and is only [called](Self::call). All its times follow the clock of the runtime that calls
    /// it, which may be paused.
    #[must_use]
    pub fn in_process(settings: Settings) -> Self {
        let state = Arc::new(SandboxState::new(settings));
        Self { router: app(&state), state, server: None }
    }

    /// Answers a request, with this fault if one is given.
    ///
    /// # Errors
    ///
    /// If the connection would close without an answer.
    pub async fn call(&self, mut request: Request, fault: Option<Fault>) -> io::Result<Response> {
        if let Some(fault) = fault {
            request.extensions_mut().insert(fault);
        }
        wire::close_if_dropped(self.router.clone().oneshot(request).await)
    }

    /// Its base URL, such as `http://127.0.0.1:4010`, for the API and for tokens. One that listens nowhere goes by the name
    /// `navan.invalid`.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.server {
            Some(server) => format!("http://{}", server.address),
            None => "http://navan.invalid".to_owned(),
        }
    }

    /// What it was started with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.state.settings
    }

    /// Its time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.state.now()
    }

    /// Sets its time, which runs on from there. Rows stay as they are, tokens may end.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.state.set_now(now);
    }

    /// Moves its time forward.
    pub fn advance(&self, by: Duration) {
        self.state.advance(by);
    }

    /// Replaces all faults; their requests are counted from here.
    pub fn set_faults(&self, faults: Faults) {
        self.state.set_faults(faults);
    }

    /// Replaces the limit, with a full bucket or a new window.
    pub fn set_limit(&self, limit: Option<RateLimit>) {
        self.state.set_limit(limit);
    }

    /// The requests since the start or the last reset.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state.counts()
    }

    /// Starts counting anew.
    pub fn reset_counts(&self) {
        lock(&self.state.recorder).reset();
    }

    /// How many rows there are now and what they add up to. Makes up every row, so it takes a while for
    /// millions.
    #[must_use]
    pub fn ground_truth(&self) -> GroundTruth {
        self.state.ground_truth()
    }

    /// All bookings as they are now, oldest first.
    #[must_use]
    pub fn bookings(&self) -> Rows {
        self.state.rows(Stream::Booking)
    }

    /// All transactions of the type as they are now, with all field groups, the earliest change first.
    #[must_use]
    pub fn transactions(&self, kind: ExpenseType) -> Rows {
        self.state.rows(Stream::Transaction(kind))
    }

    /// All users as they are now.
    #[must_use]
    pub fn users(&self) -> Rows {
        self.state.rows(Stream::User)
    }

    /// A booking as it is now, and when it was created (ms since the epoch); none if there is no such booking.
    pub fn booking(&self, index: u64) -> Option<(String, i64)> {
        self.state.row(Stream::Booking, index)
    }

    /// A user as it is now, and when it was created (ms since the epoch); none if there is no such user.
    pub fn user(&self, index: u64) -> Option<(String, i64)> {
        self.state.row(Stream::User, index)
    }

    /// A transaction as it is now, and when it was last modified (ms since the epoch); none if there is no such one.
    pub fn transaction(&self, kind: ExpenseType, index: u64) -> Option<(String, i64)> {
        self.state.row(Stream::Transaction(kind), index)
    }

    /// Changes a booking now: its status, its amount and `lastModified`.
    pub fn touch_booking(&self, index: u64) -> bool {
        self.state.touch(Stream::Booking, index)
    }

    /// Changes a user now: the department and the phone number.
    pub fn touch_user(&self, index: u64) -> bool {
        self.state.touch(Stream::User, index)
    }

    /// Changes a transaction now: its amount, its status and `modified_timestamp`.
    pub fn touch_transaction(&self, kind: ExpenseType, index: u64) -> bool {
        self.state.touch(Stream::Transaction(kind), index)
    }

    /// Adds bookings created now and returns their indexes.
    pub fn insert_bookings(&self, count: u64) -> Vec<u64> {
        self.state.insert(Stream::Booking, count)
    }

    /// Adds users and returns their indexes.
    pub fn insert_users(&self, count: u64) -> Vec<u64> {
        self.state.insert(Stream::User, count)
    }

    /// Adds transactions changed now and returns their indexes.
    pub fn insert_transactions(&self, kind: ExpenseType, count: u64) -> Vec<u64> {
        self.state.insert(Stream::Transaction(kind), count)
    }

    /// Removes a booking.
    pub fn delete_booking(&self, index: u64) -> bool {
        self.state.delete(Stream::Booking, index)
    }

    /// Removes a user.
    pub fn delete_user(&self, index: u64) -> bool {
        self.state.delete(Stream::User, index)
    }
}
