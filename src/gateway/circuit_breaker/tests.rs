use proptest::prelude::*;
use tokio::time::{advance, timeout};

use super::*;

const OPEN_DURATION: Duration = Duration::from_mins(1);

fn breaker() -> CircuitBreaker {
    CircuitBreaker::new(&Timings::DEFAULT)
}

/// The permit of a request that has gone through nothing yet; it must not have to wait.
fn permit(breaker: &CircuitBreaker) -> BreakerPermit<'_> {
    breaker.permit(&mut ProbeFlag::default()).unwrap()
}

fn record_outcome(breaker: &CircuitBreaker, outcomes: impl IntoIterator<Item = RequestOutcome>) {
    for outcome in outcomes {
        permit(breaker).record_outcome(outcome);
    }
}

fn is_closed(breaker: &CircuitBreaker) -> bool {
    matches!(breaker.state.borrow_mut().phase, Phase::Closed { .. })
}

/// A breaker that has just opened.
fn opened() -> CircuitBreaker {
    let breaker = breaker();
    record_outcome(&breaker, [RequestOutcome::ServerError; 5]);
    breaker
}

/// Waits until it is half-open and sends the probe, with this outcome.
async fn probe(breaker: &CircuitBreaker, outcome: RequestOutcome) {
    advance(OPEN_DURATION).await;
    permit(breaker).record_outcome(outcome);
}

#[tokio::test(start_paused = true)]
async fn it_opens_after_five_server_errors_in_a_row() {
    let breaker = breaker();
    record_outcome(&breaker, [RequestOutcome::ServerError; 4]);
    assert!(is_closed(&breaker));
    record_outcome(&breaker, [RequestOutcome::ServerError]);
    assert!(!is_closed(&breaker));
}

#[tokio::test(start_paused = true)]
async fn any_other_answer_starts_the_count_anew() {
    let breaker = breaker();
    record_outcome(&breaker, [RequestOutcome::ServerError; 4]);
    record_outcome(&breaker, [RequestOutcome::Answer]);
    record_outcome(&breaker, [RequestOutcome::ServerError; 4]);
    assert!(is_closed(&breaker));
}

#[tokio::test(start_paused = true)]
async fn errors_count_in_the_order_in_which_they_come_back() {
    let breaker = breaker();
    // The answer to the request that was sent first comes last.
    let mut passes: Vec<_> = (0..6).map(|_| permit(&breaker)).collect();
    let first = passes.remove(0);
    for permit in passes {
        permit.record_outcome(RequestOutcome::ServerError);
    }
    first.record_outcome(RequestOutcome::Answer);
    assert!(!is_closed(&breaker));
}

#[tokio::test(start_paused = true)]
async fn connection_errors_do_not_count() {
    let breaker = breaker();
    record_outcome(&breaker, [RequestOutcome::Nothing; 50]);
    assert!(is_closed(&breaker));
}

#[tokio::test(start_paused = true)]
async fn connection_errors_do_not_start_the_count_anew() {
    let breaker = breaker();
    record_outcome(&breaker, [RequestOutcome::ServerError; 4]);
    record_outcome(&breaker, [RequestOutcome::Nothing; 3]);
    record_outcome(&breaker, [RequestOutcome::ServerError]);
    assert!(!is_closed(&breaker));
}

#[tokio::test(start_paused = true)]
async fn while_it_is_open_all_requests_wait() {
    let breaker = opened();
    assert!(breaker.permit(&mut ProbeFlag::default()).is_none());
    let began = Instant::now();
    breaker.closed(&mut ProbeFlag::default()).await.unwrap();
    assert_eq!(began.elapsed(), OPEN_DURATION);
}

#[tokio::test(start_paused = true)]
async fn after_the_open_duration_a_single_probe_goes() {
    let breaker = opened();
    advance(OPEN_DURATION).await;
    let _probe = permit(&breaker);
    assert!(breaker.permit(&mut ProbeFlag::default()).is_none());
    assert!(timeout(10 * OPEN_DURATION, breaker.closed(&mut ProbeFlag::default())).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_answered_closes_it_for_those_who_wait() {
    let breaker = opened();
    let mut probe_flag = ProbeFlag::default();
    advance(OPEN_DURATION).await;
    let probe = permit(&breaker);
    let (closed, ()) =
        tokio::join!(breaker.closed(&mut probe_flag), async { probe.record_outcome(RequestOutcome::Answer) });
    closed.unwrap();
    assert!(is_closed(&breaker));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_in_any_way_opens_it_again() {
    for outcome in [RequestOutcome::ServerError, RequestOutcome::Nothing] {
        let breaker = opened();
        probe(&breaker, outcome).await;
        assert!(breaker.permit(&mut ProbeFlag::default()).is_none(), "{outcome:?}");
        assert_eq!(breaker.state.borrow_mut().openings, 2, "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_opens_it_again() {
    let breaker = opened();
    advance(OPEN_DURATION).await;
    drop(permit(&breaker));
    assert!(matches!(breaker.state.borrow_mut().phase, Phase::Open { .. }));
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_request_of_before_the_opening_does_not_close_it() {
    let breaker = breaker();
    let late = permit(&breaker);
    record_outcome(&breaker, [RequestOutcome::ServerError; 5]);
    advance(OPEN_DURATION).await;
    let _probe = permit(&breaker);
    late.record_outcome(RequestOutcome::Answer);
    assert_eq!(breaker.state.borrow_mut().phase, Phase::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn errors_of_before_the_opening_do_not_count_once_it_is_closed_again() {
    let breaker = breaker();
    let late: Vec<_> = (0..5).map(|_| permit(&breaker)).collect();
    record_outcome(&breaker, [RequestOutcome::ServerError; 5]);
    probe(&breaker, RequestOutcome::Answer).await;
    for permit in late {
        permit.record_outcome(RequestOutcome::ServerError);
    }
    assert!(is_closed(&breaker));
}

#[tokio::test(start_paused = true)]
async fn three_openings_in_a_row_end_whoever_was_held() {
    let breaker = opened();
    let mut held = ProbeFlag::default();
    breaker.closed(&mut held).await.unwrap();
    breaker.permit(&mut held).unwrap().record_outcome(RequestOutcome::ServerError);
    probe(&breaker, RequestOutcome::ServerError).await;
    let outage = breaker.closed(&mut held).await.unwrap_err();
    assert_eq!((outage.openings, outage.lasted), (3, 2 * OPEN_DURATION));
}

#[tokio::test(start_paused = true)]
async fn after_three_openings_a_later_request_gets_one_probe_at_once() {
    let breaker = opened();
    probe(&breaker, RequestOutcome::ServerError).await;
    probe(&breaker, RequestOutcome::ServerError).await;
    let mut later = ProbeFlag::default();
    timeout(Duration::ZERO, breaker.closed(&mut later)).await.unwrap().unwrap();
    breaker.permit(&mut later).unwrap().record_outcome(RequestOutcome::ServerError);
    breaker.closed(&mut later).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn the_probe_of_a_later_request_closes_it_for_all() {
    let breaker = opened();
    probe(&breaker, RequestOutcome::ServerError).await;
    probe(&breaker, RequestOutcome::ServerError).await;
    record_outcome(&breaker, [RequestOutcome::Answer]);
    assert!(is_closed(&breaker));
}

#[tokio::test(start_paused = true)]
async fn openings_count_anew_once_it_was_closed() {
    let breaker = opened();
    probe(&breaker, RequestOutcome::ServerError).await;
    probe(&breaker, RequestOutcome::Answer).await;
    record_outcome(&breaker, [RequestOutcome::ServerError; 5]);
    assert_eq!(breaker.state.borrow_mut().openings, 1);
}

/// The breaker as the design describes it, in the simplest words: which requests may go, and what an answer means.
#[derive(Debug)]
struct Model {
    state: Three,
    in_a_row: u32,
    openings: u32,
    /// Requests sent before are of no importance any more.
    from: usize,
}

#[derive(Debug, PartialEq)]
enum Three {
    Closed,
    Open { since: u64 },
    HalfOpen { probe: usize },
}

impl Model {
    fn new() -> Self {
        Self { state: Three::Closed, in_a_row: 0, openings: 0, from: 0 }
    }

    /// Whether a new request, the `number`-th to go, may.
    fn may_go(&mut self, number: usize, second: u64) -> bool {
        match self.state {
            Three::Closed => true,
            Three::Open { since } if second >= since + 60 || self.openings >= 3 => {
                self.state = Three::HalfOpen { probe: number };
                true
            }
            Three::Open { .. } | Three::HalfOpen { .. } => false,
        }
    }

    fn answered(&mut self, number: usize, outcome: RequestOutcome, sent: usize, second: u64) {
        match self.state {
            Three::HalfOpen { probe } if number != probe => return,
            Three::HalfOpen { probe } if outcome == RequestOutcome::Answer => {
                (self.state, self.in_a_row, self.openings, self.from) = (Three::Closed, 0, 0, probe);
                return;
            }
            Three::HalfOpen { .. } => {}
            Three::Open { .. } => return,
            Three::Closed if number < self.from || outcome == RequestOutcome::Nothing => return,
            Three::Closed if outcome == RequestOutcome::Answer => {
                self.in_a_row = 0;
                return;
            }
            Three::Closed => {
                self.in_a_row += 1;
                if self.in_a_row < 5 {
                    return;
                }
            }
        }
        (self.state, self.openings, self.from) = (Three::Open { since: second }, self.openings + 1, sent);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send,
    /// The answer to one of the requests that are under way, not in the order in which they were sent.
    Answer(prop::sample::Index, RequestOutcome),
    /// Seconds.
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![5 => Just(RequestOutcome::ServerError), 1 => Just(RequestOutcome::Answer), 1 => Just(RequestOutcome::Nothing)];
    let step = prop_oneof![
        5 => Just(Step::Send),
        5 => (any::<prop::sample::Index>(), outcome).prop_map(|(index, outcome)| Step::Answer(index, outcome)),
        1 => (1u64..70).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..300)
}

async fn follows_the_model(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (breaker, mut model) = (breaker(), Model::new());
    let mut under_way = Vec::new();
    let (mut sent, mut second) = (0, 0);
    for step in steps {
        match step {
            Step::Send => {
                let permit = breaker.permit(&mut ProbeFlag::default());
                prop_assert_eq!(permit.is_some(), model.may_go(sent, second), "{:?}", &model);
                if let Some(permit) = permit {
                    under_way.push((sent, permit));
                    sent += 1;
                }
            }
            Step::Answer(_, _) if under_way.is_empty() => {}
            Step::Answer(index, outcome) => {
                let (number, permit) = under_way.swap_remove(index.index(under_way.len()));
                permit.record_outcome(outcome);
                model.answered(number, outcome, sent, second);
            }
            Step::Wait(seconds) => {
                advance(Duration::from_secs(seconds)).await;
                second += seconds;
            }
        }
        prop_assert_eq!(is_closed(&breaker), model.state == Three::Closed, "{:?}", &model);
        prop_assert_eq!(breaker.state.borrow_mut().openings, model.openings, "{:?}", &model);
    }
    Ok(())
}

proptest! {
    #[test]
    fn it_behaves_as_a_model_of_three_states_also_with_late_answers(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(follows_the_model(steps))?;
    }
}
