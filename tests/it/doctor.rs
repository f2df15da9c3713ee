//! `doctor`: what it says of a company that is well, and of each thing that is not; and that it says nothing that nobody should see.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use navan_sandbox::{
    Every, ExpenseType, Fault, Faults, LimitAlgorithm, LimitHeaders, RateLimit, Sandbox, Settings, UpdatedFilter,
};
use serde_json::{Value, json};

use crate::between::{Proxy, TlsFront};
use crate::harness::{Connector, at, text_field, transactions};
use crate::scripted::{Reply, ScriptedNavan};

/// What came of a run.
struct Visit {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Visit {
    fn of(connector: &Connector) -> Self {
        let output = connector.start("doctor").wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// As JSON.
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// There is a line with that verdict and check that has all of the words.
    #[track_caller]
    fn assert_line(&self, verdict: &str, check: &str, words: &[&str]) {
        let head = format!("{verdict:5} {check:14} ");
        let lines: Vec<_> = self.stdout.lines().filter(|line| line.starts_with(&head)).collect();
        let has_all = |line: &&&str| words.iter().all(|word| line.contains(word));
        assert!(lines.iter().any(|line| has_all(&line)), "no {head} with {words:?} in\n{}", self.stdout);
    }
}

fn company() -> Settings {
    Settings { now: Some(at("2026-11-22T10:00:00Z")), ..Settings::default() }
}

fn sandbox(settings: Settings) -> Sandbox {
    Sandbox::start(settings).unwrap()
}

fn address(sandbox: &Sandbox) -> SocketAddr {
    sandbox.url().strip_prefix("http://").unwrap().parse().unwrap()
}

fn visit(sandbox: &Sandbox) -> Visit {
    Visit::of(&Connector::against(sandbox))
}

/// The text without what differs from run to run.
fn redacted(text: &str, sandbox: &Sandbox) -> String {
    let text = text.replace(&address(sandbox).to_string(), "[sandbox]");
    let words = text.split(' ').collect::<Vec<_>>();
    let redacted = words.iter().enumerate().map(|(number, word)| {
        let unit = words.get(number + 1).map_or("", |next| next.trim_end_matches([':', '\n']));
        let is_time = unit.starts_with("ms") && word.parse::<u64>().is_ok();
        let is_clock = unit == "s" && words.get(number + 2).is_some_and(|way| ["ahead", "behind"].contains(way));
        if word.ends_with("/config.json") {
            "[file]"
        } else if is_time || is_clock {
            "[n]"
        } else if *word == "behind" || (*word == "ahead") {
            "[way]"
        } else {
            word
        }
    });
    redacted.collect::<Vec<_>>().join(" ").replace("[way] of what", "[way] what")
}

#[test]
fn a_company_that_is_well() {
    let sandbox = sandbox(company());
    let visit = visit(&sandbox);
    assert_eq!((visit.code, visit.stderr.as_str()), (0, ""), "{}", visit.stdout);
    let text = redacted(&visit.stdout, &sandbox).replace("configuration  /", "configuration  [file]");
    let (before, rest) = text.split_once("[file]").unwrap();
    let (_, rest) = rest.split_once(" is understood").unwrap();
    insta::assert_snapshot!(format!("{before}[file] is understood{rest}"));
}

#[test]
fn where_the_environment_takes_part_it_is_said() {
    let sandbox = sandbox(company());
    let understood = |connector: Connector| {
        let visit = Visit::of(&connector);
        visit.stdout.lines().find(|line| line.contains("is understood")).unwrap().to_owned()
    };
    let said = "with the environment's properties is understood";
    assert!(!understood(Connector::against(&sandbox)).contains(said));
    let line = understood(Connector::against(&sandbox).environment("NAVAN_START_DATE", "2026-01-05T00:00:00Z"));
    assert!(line.contains(said) && line.contains("bookings since 2026-01-05"), "{line}");
}

#[test]
fn nothing_is_said_that_nobody_should_see() {
    let settings = Settings { new_field_every: 2, updated_filter: UpdatedFilter::Seconds, ..Settings::odd() };
    let sandbox = sandbox(Settings { now: company().now, ..settings });
    let scim = |connector: Connector| {
        connector
            .config("scim_url", format!("{}/scim/v2", sandbox.url()))
            .config("scim_token", sandbox.settings().scim_token.clone())
    };
    let visits = [None, Some("--json"), Some("--report")].map(|flag| {
        let connector = scim(Connector::against(&sandbox)).environment("RUST_LOG", "trace");
        Visit::of(&flag.into_iter().fold(connector, Connector::argument))
    });
    let settings = sandbox.settings();
    let mut unsaid = sandbox.counts().tokens;
    unsaid.extend([&settings.client_id, &settings.client_secret, &settings.scim_token].map(Clone::clone));
    for row in sandbox.bookings() {
        unsaid.push(text_field(&row, "uuid").to_owned());
    }
    for row in sandbox.users() {
        unsaid.extend([text_field(&row, "id"), text_field(&row, "userName")].map(str::to_owned));
    }
    unsaid.extend(transactions(&sandbox).iter().map(|row| text_field(row, "id").to_owned()));
    for visit in &visits {
        assert_eq!(visit.stderr, "");
        for text in &unsaid {
            assert!(!visit.stdout.contains(text.as_str()), "{text} in {}", visit.stdout);
        }
    }
    let [text, json, report] = &visits;
    text.assert_line("ok", "stream", &["SCIM_USER: can be read"]);
    assert_eq!(json.json()["checks"].as_array().unwrap().len(), report.stdout.lines().filter(|l| is_check(l)).count());
    for text in [settings.company_uuid.clone(), sandbox.url(), "127.0.0.1".to_owned(), "config.json".to_owned()] {
        assert!(!report.stdout.contains(&text), "{text} in {}", report.stdout);
    }
}

/// Whether it is a line of the report's first table.
fn is_check(line: &str) -> bool {
    ["| ok |", "| warn |", "| fail |", "| skip |"].iter().any(|head| line.starts_with(head))
}

#[test]
fn what_is_tried_is_told_as_it_is() {
    let (algorithm, headers) = (LimitAlgorithm::TokenBucket, LimitHeaders::RateLimit);
    let limit = RateLimit { per_second: 500.0, burst: 500.0, algorithm, headers, retry_after_s: 1 };
    let settings = Settings { updated_filter: UpdatedFilter::Iso, limit: Some(limit), new_field_every: 1, ..company() };
    let sandbox = sandbox(Settings { finds_by_uuid: false, scim_users: true, ..settings });
    let visit = Visit::of(&Connector::against(&sandbox).argument("--json"));
    // A field that no schema declares is worth a look.
    assert_eq!((visit.code, &visit.json()["verdict"]), (3, &json!("warn")), "{}", visit.stdout);
    let report = visit.json();
    let answer = |id: &str| {
        let tried = report["tried"].as_array().unwrap().iter().find(|tried| tried["id"] == id);
        tried.unwrap_or_else(|| panic!("{id} was not tried: {report}"))["answer"].clone()
    };
    for (id, expected) in [
        ("updated-filter", "yes"),
        ("created-ends", "yes"),
        ("one-row", "no"),
        ("page-cap", "yes"),
        ("field-groups", "yes"),
        ("retention", "yes"),
        ("limit-headers", "yes"),
        ("token-life", "yes"),
        ("allowed-ips", "no"),
    ] {
        assert_eq!(answer(id), expected, "{id}");
    }
    let check = |check: &str, of: &str| {
        let checks = report["checks"].as_array().unwrap().iter();
        checks.into_iter().find(|line| line["check"] == check && line["of"] == of).unwrap().clone()
    };
    assert!(check("endpoint", "/v1/users")["facts"]["form"].as_str().unwrap().starts_with("SCIM"), "{report}");
    assert_eq!(check("endpoint", "/v1/bookings")["facts"]["total"], 250);
    assert_eq!(check("fields", "BOOKING")["verdict"], "warn");
    assert!(!check("fields", "BOOKING")["facts"]["undeclared"].as_array().unwrap().is_empty());
    assert!(check("limits", "")["facts"]["headers"]["x-ratelimit-limit"].is_string(), "{report}");
}

#[test]
fn a_wrong_secret() {
    let sandbox = sandbox(company());
    let visit = Visit::of(&Connector::against(&sandbox).config("client_secret", "wrong-and-never-said"));
    assert_eq!(visit.code, 1);
    visit.assert_line("fail", "token", &["does not accept the credential", "`client_secret`", "`region`"]);
    visit.assert_line("ok", "clock", &[]);
    visit.assert_line("skip", "stream", &["BOOKING", "without a token"]);
    assert!(!visit.stdout.contains("wrong-and-never-said"));
}

#[test]
fn a_scope_that_is_missing() {
    let sandbox = sandbox(Settings { scopes: vec!["bookings:read".to_owned()], ..company() });
    let visit = visit(&sandbox);
    assert_eq!(visit.code, 3, "{}", visit.stdout);
    visit.assert_line("ok", "stream", &["BOOKING: can be read"]);
    visit.assert_line("warn", "stream", &["TRANSACTION", "liquid:read"]);
    visit.assert_line("warn", "stream", &["USER", "users:read"]);
}

#[test]
fn no_scope_at_all() {
    let visit = visit(&sandbox(Settings { scopes: Vec::new(), ..company() }));
    assert_eq!(visit.code, 1);
    visit.assert_line("fail", "token", &["no scope", "bookings:read"]);
}

#[test]
fn the_expense_api_is_off() {
    let visit = visit(&sandbox(Settings { expense_enabled: false, ..company() }));
    assert_eq!(visit.code, 1);
    visit.assert_line("fail", "endpoint", &["/v1/expense/fees", "switch on the Expense API"]);
    visit.assert_line("fail", "stream", &["TRANSACTION", "switch on the Expense API"]);
    visit.assert_line("warn", "stream", &["GL_CODE"]);
    visit.assert_line("ok", "stream", &["BOOKING: can be read"]);
}

#[test]
fn one_type_that_a_company_does_not_have() {
    let refused_types = [(ExpenseType::StatementPayments.path().to_owned(), 404)].into();
    let visit = visit(&sandbox(Settings { refused_types, ..company() }));
    assert_eq!(visit.code, 3, "{}", visit.stdout);
    visit.assert_line("warn", "endpoint", &["/v1/expense/statement-payments", "404"]);
    visit.assert_line("warn", "stream", &["TRANSACTION", "8 of its 9 endpoints"]);
}

fn elsewhere(url: &str) -> Connector {
    let config = json!({"client_id": "an id", "client_secret": "a secret", "api_url": url});
    Connector::with(config).environment("SOURCE_NAVAN_TIME_SCALE", "0.05")
}

#[test]
fn a_host_that_there_is_not() {
    let visit = Visit::of(&elsewhere("https://navan.invalid"));
    assert_eq!(visit.code, 1);
    visit.assert_line("warn", "configuration", &["api_url", "navan.invalid", "none of Navan's"]);
    visit.assert_line("fail", "dns", &["navan.invalid", "DNS"]);
    visit.assert_line("fail", "token", &["navan.invalid"]);
    visit.assert_line("skip", "clock", &[]);
}

#[test]
fn a_port_at_which_nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let visit = Visit::of(&elsewhere(&format!("http://{address}")));
    assert_eq!(visit.code, 1);
    visit.assert_line("fail", "tcp", &[&address, "refuses the connection"]);
}

#[test]
fn a_server_that_never_answers_ends_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let began = Instant::now();
    let visit = Visit::of(&elsewhere(&url));
    // 90 s, scaled, and some time for the process itself.
    assert!(began.elapsed() < Duration::from_secs(90).mul_f64(0.05) + Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(visit.code, 1);
    visit.assert_line("fail", "tls", &["No TLS connection"]);
    visit.assert_line("fail", "token", &[]);
}

#[test]
fn an_endpoint_that_stalls_costs_itself_only() {
    let stall =
        Every { n: 1, offset: 0, fault: Fault::Stall { stall_ms: 20_000 }, endpoint: Some("/v1/users".to_owned()) };
    let sandbox = sandbox(Settings { faults: Faults { every: vec![stall], ..Faults::default() }, ..company() });
    let began = Instant::now();
    let visit = Visit::of(&Connector::against(&sandbox).environment("SOURCE_NAVAN_TIME_SCALE", "0.05"));
    assert!(began.elapsed() < Duration::from_secs(90).mul_f64(0.05) + Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(visit.code, 1);
    visit.assert_line("fail", "stream", &["USER"]);
    visit.assert_line("ok", "stream", &["BOOKING: can be read"]);
}

#[test]
fn a_scim_token_that_is_wrong() {
    let sandbox = sandbox(company());
    let connector = Connector::against(&sandbox).config("scim_url", format!("{}/scim/v2", sandbox.url()));
    let visit = Visit::of(&connector.config("scim_token", "never-said-either"));
    assert_eq!(visit.code, 1);
    visit.assert_line("fail", "endpoint", &["/Users", "`scim_token`"]);
    assert!(!visit.stdout.contains("never-said-either"));
}

#[test]
fn a_clock_that_is_wrong() {
    let sandbox = sandbox(company());
    let at = |time: &str| Visit::of(&Connector::against(&sandbox).environment("SOURCE_NAVAN_NOW", time));
    let hours = at("2026-11-22T07:00:00Z");
    assert_eq!(hours.code, 3, "{}", hours.stdout);
    hours.assert_line("warn", "clock", &["behind what the answers tell"]);
    let days = at("2026-11-18T10:00:00Z");
    assert_eq!(days.code, 1, "{}", days.stdout);
    days.assert_line("fail", "clock", &["behind what the answers tell"]);
}

#[test]
fn a_certificate_by_somebody_unknown_whom_the_report_does_not_name() {
    let sandbox = sandbox(company());
    let front = TlsFront::start("127.0.0.1", "Example Ltd Root", address(&sandbox));
    let connector = elsewhere(&format!("https://{}", front.address)).environment("SOURCE_NAVAN_TIME_SCALE", "0.5");
    let visit = Visit::of(&connector);
    assert_eq!(visit.code, 1);
    visit.assert_line("fail", "tls", &["CN=Example Ltd Root", "SSL_CERT_FILE"]);
    let report = Visit::of(&connector.argument("--report"));
    assert!(report.stdout.contains("| fail | tls | API | host: (own host); problem: unknown issuer |"));
    assert!(!report.stdout.contains("Example Ltd"), "{}", report.stdout);
}

#[test]
fn a_certificate_by_a_proxy_that_looks_into_connections() {
    let sandbox = sandbox(company());
    for (authority, verdict, code) in [("Example Root", "ok", 0), ("Zscaler Root CA", "warn", 3)] {
        let front = TlsFront::start("127.0.0.1", authority, address(&sandbox));
        let connector = Connector::against(&sandbox).config("api_url", format!("https://{}", front.address));
        let visit = Visit::of(&connector.environment("SSL_CERT_FILE", front.authority()));
        assert_eq!(visit.code, code, "{}", visit.stdout);
        visit.assert_line(verdict, "tls", &["TLS 1.3", authority]);
    }
}

#[test]
fn behind_a_proxy() {
    let sandbox = sandbox(company());
    let front = TlsFront::start("api.navan.com", "Amazon Example", address(&sandbox));
    let proxy = Proxy::start(front.address);
    let connector = Connector::against(&sandbox)
        .config("api_url", "https://api.navan.com")
        .environment("HTTPS_PROXY", format!("http://somebody:and-a-password@{}", proxy.address))
        .environment("SSL_CERT_FILE", front.authority());
    let visit = Visit::of(&connector);
    assert_eq!(visit.code, 0, "{}", visit.stdout);
    visit.assert_line("ok", "proxy", &["api.navan.com", &proxy.address.to_string(), "HTTPS_PROXY"]);
    visit.assert_line("ok", "tls", &["TLS 1.3", "with api.navan.com"]);
    visit.assert_line("ok", "stream", &["BOOKING: can be read"]);
    assert!(proxy.asked().iter().all(|asked| asked == "CONNECT api.navan.com:443 HTTP/1.1"), "{:?}", proxy.asked());
    assert!(!visit.stdout.contains("and-a-password"));
    drop(proxy);
    let visit = Visit::of(&connector.environment("SOURCE_NAVAN_TIME_SCALE", "0.05"));
    assert_eq!(visit.code, 1);
    visit.assert_line("fail", "tcp", &["proxy on the way to api.navan.com cannot be reached"]);
}

#[test]
fn past_a_proxy() {
    let sandbox = sandbox(company());
    let connector = Connector::against(&sandbox).environment("HTTP_PROXY", "http://proxy.invalid:3128");
    let visit = Visit::of(&connector.environment("NO_PROXY", "127.0.0.1"));
    assert_eq!(visit.code, 0, "{}", visit.stdout);
    visit.assert_line("ok", "proxy", &["NO_PROXY", "HTTP_PROXY"]);
}

#[test]
fn an_address_that_is_not_on_the_allow_list() {
    let body = json!({"error": {"code": "IP_NOT_ALLOWED", "message": "not allowed"}}).to_string();
    let server =
        ScriptedNavan::start(move |asked| asked.path.ends_with("/token").then(|| Reply::new(403, body.clone())));
    let visit = Visit::of(&server.connector());
    assert_eq!(visit.code, 1);
    visit.assert_line("fail", "token", &["IP address", "allow-list"]);
}

#[test]
fn a_property_that_is_misspelt() {
    let sandbox = sandbox(company());
    let visit = Visit::of(&Connector::against(&sandbox).config("start_dat", "2026-01-01T00:00:00Z"));
    assert_eq!(visit.code, 3, "{}", visit.stdout);
    visit.assert_line("warn", "configuration", &["`start_dat`", "`start_date`"]);
    let visit = Visit::of(&Connector::with(json!({"client_id": "an id", "client_secrt": "never said"})));
    assert_eq!(visit.code, 1);
    visit.assert_line("warn", "configuration", &["`client_secrt`", "`client_secret`"]);
    visit.assert_line("fail", "configuration", &["`client_secret` is missing"]);
    assert!(!visit.stdout.contains("never said"));
}

#[test]
fn values_that_are_allowed_and_risky() {
    let sandbox = sandbox(company());
    let connector = Connector::against(&sandbox).config("booking_sweep_days", 0).config("max_concurrency", 32);
    let visit = Visit::of(&connector.config("end_date", "2026-01-01T00:00:00Z"));
    assert_eq!(visit.code, 3, "{}", visit.stdout);
    visit.assert_line("warn", "configuration", &["end_date", "2026-01-01"]);
    visit.assert_line("warn", "configuration", &["booking_sweep_days"]);
    visit.assert_line("warn", "configuration", &["max_concurrency"]);
}
