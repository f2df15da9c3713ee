//! The older, SCIM-like form of the list of users.

use navan_sandbox::{Sandbox, Settings};

use crate::harness::{Connector, Run, assert_distinct, text_field};

fn read(users: u64) -> (Sandbox, Run) {
    let sandbox = Sandbox::start(Settings { scim_users: true, users, ..Settings::odd() }).unwrap();
    let run = Connector::against(&sandbox).stream("USER").read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    (sandbox, run)
}

#[test]
fn users_in_the_older_form_are_read_completely() {
    let (sandbox, run) = read(1_234);
    let users: Vec<_> = sandbox.users().map(|row| text_field(&row, "id").to_owned()).collect();
    assert_eq!(assert_distinct(&run.keys("USER")), assert_distinct(&users));
}

#[test]
fn a_last_page_that_is_just_full_is_read() {
    let (_sandbox, run) = read(200);
    assert_eq!(assert_distinct(&run.keys("USER")).len(), 200);
}

#[test]
fn no_users_are_no_error() {
    let (_sandbox, run) = read(0);
    assert_eq!(run.statuses("USER"), ["STARTED", "COMPLETE"]);
}

#[test]
fn check_accepts_the_older_form() {
    let sandbox = Sandbox::start(Settings { scim_users: true, ..Settings::odd() }).unwrap();
    let run = Connector::against(&sandbox).run("check");
    assert!(run.logs("INFO").contains(&"USER can be read."));
}
