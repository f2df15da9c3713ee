//! Another process of the same tenant, with which the limit is shared: it reads beside, dies now and then, and has another clock. What
//! both share is away at times, and forgets.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use chrono::TimeDelta;
use fastrand::Rng;
use navan_sandbox::Sandbox;
use tokio::time::sleep;

use super::network::SimulatedNetwork;
use super::run;
use super::schedule::{Interruption, Schedule};
use crate::clock;
use crate::gateway::SharedModel;

/// By how much clocks may differ.
const MAX_SKEW_S: i64 = 60;

/// How often it reads.
const READS: u32 = 4;

/// How often the store is away.
const ABSENCES: u32 = 20;

pub(super) struct Neighbour {
    pub(super) network: Rc<SimulatedNetwork>,
    pub(super) store: Rc<SharedModel>,
    schedule: Schedule,
    skew: TimeDelta,
    rng: RefCell<Rng>,
}

impl Neighbour {
    pub(super) fn of(navan: &Rc<Sandbox>, schedule: &Schedule) -> Self {
        let mut rng = Rng::with_seed(!schedule.settings.seed);
        let skew = TimeDelta::seconds(rng.i64(-MAX_SKEW_S..=MAX_SKEW_S));
        // The store's clock is another one.
        let store_ahead = rng.u64(0..2 * MAX_SKEW_S.unsigned_abs());
        let store =
            SharedModel::start(Duration::from_secs(1_700_000_000 + store_ahead), Duration::from_millis(rng.u64(0..20)));
        let schedule = Schedule { changes_percent: 0, interruptions: Vec::new(), ..schedule.clone() };
        let mut network = SimulatedNetwork::new(Rc::clone(navan), schedule.clone());
        network.limit_store = Some(Rc::clone(&store));
        Self { network: Rc::new(network), store, schedule, skew, rng: RefCell::new(rng) }
    }

    /// Reads, and reads again.
    pub(super) async fn read_on(&self) {
        let no_states = BTreeMap::new();
        for _ in 0..READS {
            let (interruption, pause) = {
                let rng = &mut self.rng.borrow_mut();
                let ends = Interruption { after: rng.usize(1..300), is_heeded: rng.bool() };
                (rng.bool().then_some(ends), Duration::from_secs(rng.u64(0..300)))
            };
            let attempt = run::attempt(&self.network, &self.schedule, 1, &no_states, interruption);
            Skewed { by: self.skew, future: pin!(attempt) }.await;
            sleep(pause).await;
        }
        std::future::pending::<()>().await;
    }

    /// The store is away, and forgets what it knew.
    pub(super) async fn spoil_store(&self) {
        for _ in 0..ABSENCES {
            let (quiet, away, forgets) = {
                let rng = &mut self.rng.borrow_mut();
                (rng.u64(1..1_000), rng.u64(0..100), rng.bool())
            };
            sleep(Duration::from_secs(quiet)).await;
            self.store.is_away.set(true);
            sleep(Duration::from_secs(away)).await;
            self.store.is_away.set(false);
            if forgets {
                self.store.flush();
            }
        }
        std::future::pending::<()>().await;
    }
}

/// A process on a machine whose clock says something else.
struct Skewed<'a, F> {
    by: TimeDelta,
    future: Pin<&'a mut F>,
}

impl<F: Future> Future for Skewed<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        clock::set(clock::now() + self.by);
        let polled = self.future.as_mut().poll(context);
        clock::set(clock::now() - self.by);
        polled
    }
}
