//! What must never be in the output: the credential, the tokens, and, in the log, what is in rows; at any log level.

use navan_sandbox::{Every, Fault, Faults, Region, Sandbox, Settings};

use crate::harness::{Connector, Run, text_field};

fn assert_no_secret(sandbox: &Sandbox, run: &Run) {
    let settings = sandbox.settings();
    let mut secrets = sandbox.counts().tokens;
    assert!(run.stdout.contains(r#""level":"DEBUG""#) || run.status.code() == Some(1), "the log is not at TRACE");
    secrets.extend([settings.client_id.clone(), settings.client_secret.clone()]);
    for secret in secrets {
        assert!(!run.stdout.contains(&secret), "on stdout");
        assert!(!run.stderr.contains(&secret), "on stderr");
    }
}

fn traced(sandbox: &Sandbox) -> Connector {
    Connector::against(sandbox).environment("RUST_LOG", "trace").environment("SOURCE_NAVAN_TIME_SCALE", 0.01)
}

#[test]
fn check_and_read_say_no_secret_and_no_token() {
    let sandbox = Sandbox::start(Settings::odd()).unwrap();
    assert_no_secret(&sandbox, &traced(&sandbox).run("check"));
    assert_no_secret(&sandbox, &traced(&sandbox).read());
    assert_eq!(sandbox.counts().tokens.len(), 2);
}

#[test]
fn revoked_tokens_are_not_said() {
    let revoked = Every { n: 30, offset: 0, fault: Fault::RevokeToken, endpoint: None };
    let faults = Faults { every: vec![revoked], ..Faults::default() };
    let sandbox = Sandbox::start(Settings { faults, ..Settings::odd() }).unwrap();
    assert_no_secret(&sandbox, &traced(&sandbox).read());
    assert!(sandbox.counts().tokens.len() > 2);
}

#[test]
fn failing_reads_and_checks_say_no_secret_and_no_token() {
    let fault = |fault, endpoint: Option<&str>| Faults {
        every: vec![Every { n: 1, offset: 0, fault, endpoint: endpoint.map(str::to_owned) }],
        ..Faults::default()
    };
    let elsewhere = Fault::Redirect { to: "http://127.0.0.1:9/?a=1".to_owned() };
    let cases = [
        Settings { scopes: vec![], ..Settings::odd() },
        Settings { region: Region::Eu, ..Settings::odd() },
        Settings { expense_enabled: false, ..Settings::odd() },
        Settings { faults: fault(Fault::HtmlOk, None), ..Settings::odd() },
        Settings { faults: fault(Fault::RevokeToken, None), ..Settings::odd() },
        Settings { faults: fault(elsewhere, None), ..Settings::odd() },
        Settings { faults: fault(Fault::NotPromised, Some("/ta-auth")), ..Settings::odd() },
        Settings { faults: fault(Fault::TruncatedJson, Some("/ta-auth")), ..Settings::odd() },
        Settings { faults: fault(Fault::Status(400), Some("/ta-auth")), ..Settings::odd() },
    ];
    for settings in cases {
        let sandbox = Sandbox::start(settings).unwrap();
        for command in ["check", "read"] {
            assert_no_secret(&sandbox, &traced(&sandbox).run(command));
        }
    }
}

#[test]
fn a_wrong_secret_is_not_said() {
    let sandbox = Sandbox::start(Settings::odd()).unwrap();
    for secret in [r#""0123-wrong-secret-4567""#, r#"["0123-wrong-secret-4567"]"#, r#""0123-wrong-secret-4567"#] {
        let config = format!(r#"{{"api_url":"{}","client_id":"someone","client_secret":{secret}}}"#, sandbox.url());
        for command in ["check", "discover", "read"] {
            let run = traced(&sandbox).file_text("config.json", config.clone()).run(command);
            let said = run.stdout + &run.stderr;
            assert!(!said.contains("0123-wrong-secret-4567"), "{command}: {said}");
        }
    }
}

#[test]
fn the_log_holds_nothing_of_a_row() {
    let sandbox = Sandbox::start(Settings::odd()).unwrap();
    let run = traced(&sandbox).read();
    let log: String = run.stdout.lines().filter(|line| line.starts_with(r#"{"type":"LOG""#)).collect();
    for row in sandbox.bookings() {
        assert!(!log.contains(text_field(&row, "uuid")));
    }
    for row in sandbox.users() {
        assert!(!log.contains(text_field(&row, "id")) && !log.contains(text_field(&row, "userName")));
    }
}
