//! A client of the sandbox, as plain as can be.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use chrono::{DateTime, Utc};
use navan_sandbox::{Sandbox, Settings};
use serde_json::Value;
use ureq::{Agent, Body, http::Response};

/// Noon of the day that the tests play on; the Expense API then begins at 2026-09-01.
pub(crate) fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A sandbox at a fixed time.
pub(crate) fn sandbox(change: impl FnOnce(&mut Settings)) -> Sandbox {
    let mut settings = Settings { now: Some(noon()), ..Settings::odd() };
    change(&mut settings);
    Sandbox::start(settings).unwrap()
}

pub(crate) struct Client {
    agent: Agent,
    url: String,
    token: String,
}

impl Client {
    /// A client with a token.
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .new_agent();
        let mut client = Self { agent, url: sandbox.url(), token: String::new() };
        client.renew(sandbox);
        client
    }

    /// Fetches another token, if the credential is still good.
    pub(crate) fn renew(&mut self, sandbox: &Sandbox) {
        let settings = sandbox.settings();
        let answer = self.ask_for_token(&[
            ("grant_type", "client_credentials"),
            ("client_id", &settings.client_id),
            ("client_secret", &settings.client_secret),
        ]);
        if let Some(token) = json(answer)["access_token"].as_str() {
            token.clone_into(&mut self.token);
        }
    }

    pub(crate) fn ask_for_token(&self, form: &[(&str, &str)]) -> Response<Body> {
        self.agent.post(format!("{}/ta-auth/oauth/token", self.url)).send_form(form.iter().copied()).unwrap()
    }

    pub(crate) fn try_get(&self, target: &str) -> Result<Response<Body>, ureq::Error> {
        let authorization = format!("Bearer {}", self.token);
        self.agent.get(format!("{}{target}", self.url)).header("Authorization", authorization).call()
    }

    pub(crate) fn get(&self, target: &str) -> Response<Body> {
        self.try_get(target).unwrap()
    }

    pub(crate) fn status(&self, target: &str) -> u16 {
        self.get(target).status().as_u16()
    }

    pub(crate) fn json(&self, target: &str) -> Value {
        json(self.get(target))
    }

    pub(crate) fn post(&self, target: &str, body: &Value) -> Value {
        json(self.agent.post(format!("{}{target}", self.url)).send_json(body).unwrap())
    }

    /// What comes back byte by byte until the connection closes, or until nothing came for a second.
    pub(crate) fn raw(&self, target: &str) -> Vec<u8> {
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let token = &self.token;
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        let mut chunk = [0; 16_384];
        while let Ok(count @ 1..) = stream.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..count]);
        }
        bytes
    }
}

pub(crate) fn json(mut response: Response<Body>) -> Value {
    response.body_mut().read_json().unwrap()
}

/// A header's text; empty if it is absent.
pub(crate) fn header(response: &Response<Body>, name: &str) -> String {
    response.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

/// All bookings of all times.
pub(crate) const BOOKINGS: &str = "/v1/bookings?createdFrom=0&createdTo=4000000000&size=100";
/// All fees that can still be read.
pub(crate) const FEES: &str = "/v1/expense/fees?date_modified.from=2026-09-01&date_modified.to=2026-11-22&page_size=50";
