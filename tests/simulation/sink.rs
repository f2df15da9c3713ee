//! Where messages go in the simulation: into memory, as a platform would take them, until it takes no more.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use navan_sandbox::Sandbox;
use serde_json::Value;
use tokio::sync::Notify;

use crate::protocol::Message;
use crate::record::RecordLines;
use crate::sink::Sink;

/// A message, and when it came by Navan's clock (epoch milliseconds).
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) at: i64,
    pub(super) message: Value,
}

/// Keeps messages.
pub(super) struct MemorySink {
    navan: Rc<Sandbox>,
    taken: RefCell<Vec<Taken>>,
    /// How long it takes to take a page.
    pause: Duration,
    /// After so many messages the process is to end.
    ends_after: Option<usize>,
    pub(super) end: Notify,
    pub(super) is_dead: Cell<bool>,
}

impl MemorySink {
    pub(super) fn new(navan: Rc<Sandbox>, pause: Duration, ends_after: Option<usize>) -> Self {
        Self { navan, taken: RefCell::default(), pause, ends_after, end: Notify::new(), is_dead: Cell::new(false) }
    }

    /// What it has taken.
    pub(super) fn take(&self) -> Vec<Taken> {
        self.taken.take()
    }

    fn push(&self, message: Value) {
        if self.is_dead.get() {
            return;
        }
        let mut taken = self.taken.borrow_mut();
        taken.push(Taken { at: self.navan.now().timestamp_millis(), message });
        if self.ends_after.is_some_and(|after| taken.len() >= after) {
            self.end.notify_one();
        }
    }
}

impl Sink for MemorySink {
    fn records(&self, lines: RecordLines) -> LocalBoxFuture<'_, ()> {
        for line in lines.as_bytes().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.push(serde_json::from_slice(line).expect("a RECORD is JSON"));
        }
        async move {
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
        }
        .boxed_local()
    }

    fn message(&self, message: &Message<'_>) {
        self.push(serde_json::to_value(message).expect("a message is JSON"));
    }

    fn flush(&self) -> LocalBoxFuture<'_, ()> {
        async {}.boxed_local()
    }
}
