//! The commands, and the order of what they say.

use navan_sandbox::{Sandbox, Settings};

use crate::harness::{Connector, assert_distinct, streams};

#[test]
fn a_read_brings_every_row_once_and_ends_each_stream_in_order() {
    let sandbox = Sandbox::start(Settings::odd()).unwrap();
    let run = Connector::against(&sandbox).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    assert_eq!(assert_distinct(&run.keys("BOOKING")).len(), sandbox.bookings().count());
    assert_eq!(assert_distinct(&run.keys("USER")).len(), sandbox.users().count());
    let truth = sandbox.ground_truth();
    assert_eq!(assert_distinct(&run.keys("TRANSACTION")).len() as u64, truth.transaction.rows);
    for &(stream, _) in streams() {
        assert_eq!(run.statuses(stream), ["STARTED", "RUNNING", "COMPLETE"], "{stream}");
    }
}
