//! Whom a read talks to, as the kernel sees it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use navan_sandbox::{Sandbox, Settings};
use serde_json::json;

use crate::metrics::{free_address, start};
use crate::otlp::ENDPOINT;

/// The variable with the program; without it, the one on the path, and no test where there is none.
const STRACE: (&str, &str) = ("SOURCE_NAVAN_STRACE", "strace");

/// The ports that a read connects to, with some property and some variable; `None` where that cannot be seen.
fn ports(sandbox: &Sandbox, property: (&str, serde_json::Value), variable: &str) -> Option<BTreeSet<u16>> {
    let directory = tempfile::tempdir().unwrap();
    let at = |file: &str| directory.path().join(file).display().to_string();
    let settings = sandbox.settings();
    let (id, secret) = (&settings.client_id, &settings.client_secret);
    let mut config = json!({"client_id": id, "client_secret": secret, "api_url": sandbox.url()});
    config[property.0] = property.1;
    fs::write(at("config.json"), config.to_string()).unwrap();
    let (trace, config) = (at("trace"), at("config.json"));
    let program = env!("CARGO_BIN_EXE_source-navan");
    let process = start(
        STRACE,
        &["-f", "-e", "trace=connect,sendto", "-o", &trace, "-E", variable, program, "read", "--config", &config],
        Stdio::piped,
    )?;
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let trace = fs::read_to_string(trace).unwrap();
    let named = trace.lines().filter_map(|line| line.split_once("htons(")?.1.split(')').next()?.parse().ok());
    Some(named.collect())
}

#[test]
fn with_nothing_configured_nobody_but_navan_is_connected_to() {
    let sandbox = Sandbox::start(Settings { bookings: 40, transactions: 3, users: 3, ..Settings::default() }).unwrap();
    let own = url::Url::parse(&sandbox.url()).unwrap().port().unwrap();
    let no_variable = "OTEL_SERVICE_NAME=navan";
    let property = || ("lookback_days", json!(7));
    let Some(connected) = ports(&sandbox, property(), no_variable) else { return };
    assert_eq!(connected, BTreeSet::from([own]));

    // What is configured is seen, so that it would be if it were not.
    let gateway = free_address();
    let monitoring = json!({"pushgateway_url": format!("http://{gateway}")});
    let connected = ports(&sandbox, ("monitoring", monitoring), no_variable).unwrap();
    assert_eq!(connected, BTreeSet::from([own, gateway.port()]));
    let connected = ports(&sandbox, property(), &format!("{ENDPOINT}=http://{gateway}")).unwrap();
    assert_eq!(connected, BTreeSet::from([own, gateway.port()]));
}
