//! What each fault looks like on the wire.

use std::time::{Duration, Instant};

use navan_sandbox::{Every, Fault, Faults, Outage, RetryAfter, Sandbox};

use crate::client::{BOOKINGS, Client, FEES, header, json, sandbox};

/// A sandbox in which every API request has the fault.
fn always(fault: Fault) -> (Sandbox, Client) {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    sandbox.set_faults(once_in(1, fault));
    (sandbox, client)
}

fn once_in(n: u64, fault: Fault) -> Faults {
    Faults { every: vec![Every { n, offset: 0, fault, endpoint: None }], ..Faults::default() }
}

/// The promised length and the body that came.
fn split(raw: &[u8]) -> (usize, &[u8]) {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&raw[..end]).to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
    (length.parse().unwrap(), &raw[end + 4..])
}

#[test]
fn a_status_has_no_body() {
    let (_sandbox, client) = always(Fault::Status(503));
    let (length, body) = (client.get(BOOKINGS), client.raw(BOOKINGS));
    assert_eq!(length.status().as_u16(), 503);
    assert_eq!(split(&body), (0, &[][..]));
}

#[test]
fn html_comes_from_the_proxy() {
    for (fault, status) in [(Fault::Html(502), 502), (Fault::HtmlOk, 200)] {
        let (_sandbox, client) = always(fault);
        let mut answer = client.get(BOOKINGS);
        assert_eq!((answer.status().as_u16(), header(&answer, "content-type").as_str()), (status, "text/html"));
        assert!(answer.body_mut().read_to_string().unwrap().starts_with("<html>"));
    }
}

#[test]
fn a_cut_body_is_half_of_what_was_promised() {
    let (sandbox, client) = always(Fault::Cut);
    let raw = client.raw(BOOKINGS);
    let (length, body) = split(&raw);
    assert!(length > 200_000);
    assert_eq!(body.len(), length / 2);
    assert!(client.get(BOOKINGS).body_mut().read_to_string().is_err());
    assert_eq!(sandbox.counts().faults["cut"], 2);
}

#[test]
fn truncated_json_is_whole_to_http() {
    let (_sandbox, client) = always(Fault::TruncatedJson);
    let body = client.get(BOOKINGS).body_mut().read_to_string().unwrap();
    assert!(body.starts_with("{\"data\":["));
    assert!(serde_json::from_str::<serde_json::Value>(&body).is_err());
}

#[test]
fn an_answer_can_be_empty_json() {
    let (_sandbox, client) = always(Fault::NotPromised);
    assert_eq!(client.json(BOOKINGS), serde_json::json!({}));
}

#[test]
fn a_dropped_connection_has_no_answer() {
    let (sandbox, client) = always(Fault::Drop);
    assert_eq!(client.raw(BOOKINGS), b"");
    assert!(client.try_get(BOOKINGS).is_err());
    assert_eq!(sandbox.counts().responses("/v1/bookings", 0), 2);
}

#[test]
fn a_stall_sends_half_and_waits() {
    let (_sandbox, client) = always(Fault::Stall { stall_ms: 1_500 });
    let before = Instant::now();
    // The client gives up after a second without a byte.
    let raw = client.raw(BOOKINGS);
    let (length, body) = split(&raw);
    assert_eq!(body.len(), length / 2);
    assert!(before.elapsed() >= Duration::from_secs(1));
    let before = Instant::now();
    assert!(client.get(BOOKINGS).body_mut().read_to_string().is_err());
    assert!(before.elapsed() >= Duration::from_millis(1_500));
}

#[test]
fn a_revoked_token_is_replaced_by_a_new_one() {
    let (sandbox, mut client) = always(Fault::RevokeToken);
    assert_eq!(client.status(BOOKINGS), 401);
    sandbox.set_faults(Faults::default());
    assert_eq!(client.status(BOOKINGS), 401);
    client.renew(&sandbox);
    assert_eq!(client.status(BOOKINGS), 200);
}

#[test]
fn a_revoked_credential_gets_nothing_any_more() {
    let (sandbox, mut client) = always(Fault::RevokeCredential);
    assert_eq!(client.status(BOOKINGS), 401);
    sandbox.set_faults(Faults::default());
    client.renew(&sandbox);
    assert_eq!(client.status(BOOKINGS), 401);
    assert_eq!(sandbox.counts().responses("/ta-auth/oauth/token", 401), 1);
}

#[test]
fn a_429_has_every_form_of_retry_after() {
    let date = RetryAfter::HttpDate(90);
    for (retry_after, said) in [
        (RetryAfter::None, ""),
        (RetryAfter::Seconds(7), "7"),
        (date, "Sun, 22 Nov 2026 12:01:3"),
        (RetryAfter::Raw("soon".to_owned()), "soon"),
    ] {
        let (sandbox, client) = always(Fault::TooMany { retry_after });
        let answer = client.get(BOOKINGS);
        assert_eq!(answer.status().as_u16(), 429);
        assert!(header(&answer, "retry-after").starts_with(said));
        assert_eq!(header(&answer, "retry-after").is_empty(), said.is_empty());
        assert_eq!(sandbox.counts().too_many, 1);
    }
}

#[test]
fn cursors_can_be_refused_and_repeated() {
    let (sandbox, client) = always(Fault::RefuseCursor(410));
    let first = client.json(FEES);
    let cursor = first["next_cursor"].as_str().unwrap();
    let encoded = cursor.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let second = format!("{FEES}&cursor={encoded}");
    assert_eq!(client.status(&second), 410);
    sandbox.set_faults(once_in(1, Fault::RepeatCursor));
    let answer = client.json(&second);
    assert_eq!(answer["next_cursor"], cursor);
    assert_eq!(answer["has_next"], true);
    assert_eq!(
        sandbox.counts().faults,
        [("refuse_cursor", 1), ("repeat_cursor", 1)].map(|(k, n)| (k.to_owned(), n)).into()
    );
}

#[test]
fn a_redirect_leads_elsewhere() {
    let (_sandbox, client) = always(Fault::Redirect { to: "https://example.com/login".to_owned() });
    // The answer itself, since the client would follow or fail.
    let raw = String::from_utf8(client.raw(BOOKINGS)).unwrap();
    assert!(raw.starts_with("HTTP/1.1 302"));
    assert!(raw.contains("location: https://example.com/login"));
}

#[test]
fn rules_choose_requests_by_number_and_endpoint() {
    let sandbox = sandbox(|_| {});
    let mut client = Client::new(&sandbox);
    let every = Every { n: 3, offset: 1, fault: Fault::Status(500), endpoint: Some("/v1/users".to_owned()) };
    sandbox.set_faults(Faults { every: vec![every], ..Faults::default() });
    let statuses: Vec<_> = (0..5).map(|_| client.status("/v1/users")).collect();
    assert_eq!(statuses, [500, 200, 200, 500, 200]);
    assert_eq!(client.status(BOOKINGS), 200);
    let token = Every { n: 1, offset: 0, fault: Fault::Html(502), endpoint: Some("/ta-auth".to_owned()) };
    sandbox.set_faults(Faults { every: vec![token], ..Faults::default() });
    let answer = client.ask_for_token(&[]);
    assert_eq!(answer.status().as_u16(), 502);
    sandbox.set_faults(Faults::default());
    client.renew(&sandbox);
}

#[test]
fn an_outage_begins_and_ends() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    let outage = |for_requests, for_ms| {
        let outage = Outage { after_requests: 1, for_requests, for_ms, fault: Fault::Status(503), endpoint: None };
        Faults { outage: vec![outage], ..Faults::default() }
    };
    sandbox.set_faults(outage(Some(2), None));
    let statuses: Vec<_> = (0..5).map(|_| client.status("/v1/users")).collect();
    assert_eq!(statuses, [200, 503, 503, 200, 200]);
    sandbox.set_faults(outage(None, Some(300)));
    assert_eq!([client.status("/v1/users"), client.status("/v1/users")], [200, 503]);
    std::thread::sleep(Duration::from_millis(350));
    assert_eq!(client.status("/v1/users"), 200);
}

#[test]
fn faults_can_be_set_over_http() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    let faults = serde_json::json!({
        "latency_ms": 120,
        "every": [{"n": 2, "fault": {"too_many": {"retry_after": {"seconds": 3}}}}],
        "outage": [{"after_requests": 5, "for_ms": 10, "fault": "drop", "endpoint": "/v1/users"}],
    });
    client.post("/sandbox/faults", &faults);
    let before = Instant::now();
    assert_eq!([client.status(BOOKINGS), client.status(BOOKINGS)], [200, 429]);
    assert!(before.elapsed() >= Duration::from_millis(240));
    let counts = json(client.get("/sandbox/counts"));
    assert_eq!(counts["requests"], 2);
    assert_eq!(counts["answers"]["/v1/bookings"]["429"], 1);
    assert_eq!(counts["log"][1]["target"], BOOKINGS);
}
