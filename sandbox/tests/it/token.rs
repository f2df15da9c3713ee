//! Tokens and what they give access to.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use navan_sandbox::{Region, Settings};

use crate::client::{BOOKINGS, Client, FEES, header, json, sandbox};

#[test]
fn a_token_ends_when_it_said_it_would() {
    let sandbox = sandbox(|settings| settings.token_life = Duration::from_mins(10));
    let mut client = Client::new(&sandbox);
    sandbox.advance(Duration::from_secs(590));
    assert_eq!(client.status(BOOKINGS), 200);
    sandbox.advance(Duration::from_secs(10));
    assert_eq!(client.status(BOOKINGS), 401);
    client.renew(&sandbox);
    assert_eq!(client.status(BOOKINGS), 200);
    assert_eq!(sandbox.counts().tokens.len(), 2);
}

#[test]
fn the_answer_names_life_scopes_and_company() {
    let sandbox = sandbox(|_| {});
    let settings = sandbox.settings();
    let basic = STANDARD.encode(format!("{}:{}", settings.client_id, settings.client_secret));
    let answer = ureq::post(format!("{}/ta-auth/oauth/token", sandbox.url()))
        .header("Authorization", format!("Basic {basic}"))
        .send_form([("grant_type", "client_credentials")])
        .unwrap();
    let answer = json(answer);
    assert_eq!(answer["expires_in"], 43_199);
    assert_eq!(answer["scope"], "bookings:read users:read liquid:read");
    assert_eq!(answer["token_type"], "bearer");
    assert_eq!(answer["company_uuid"], settings.company_uuid);
}

#[test]
fn a_wrong_secret_or_scope_is_an_invalid_client() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    let Settings { client_id, client_secret, .. } = sandbox.settings();
    let grant = ("grant_type", "client_credentials");
    let wrong_secret = [grant, ("client_id", client_id), ("client_secret", "x")];
    let wrong_scope = [grant, ("client_id", client_id), ("client_secret", client_secret), ("scope", "bookings:read")];
    for form in [&wrong_secret[..], &wrong_scope[..]] {
        let answer = client.ask_for_token(form);
        assert_eq!(answer.status().as_u16(), 401);
        assert_eq!(json(answer)["error"], "invalid_client");
    }
}

#[test]
fn a_scope_that_was_not_ticked_is_missing() {
    let sandbox = sandbox(|settings| settings.scopes = vec!["bookings:read".to_owned()]);
    let client = Client::new(&sandbox);
    assert_eq!(client.status(BOOKINGS), 200);
    assert_eq!(client.status("/v1/users"), 403);
    assert_eq!(client.status(FEES), 403);
}

#[test]
fn europe_wants_its_header() {
    let sandbox = sandbox(|settings| settings.region = Region::Eu);
    let client = Client::new(&sandbox);
    let mut bare = client.get(BOOKINGS);
    assert_eq!(bare.status().as_u16(), 500);
    assert_eq!(bare.body_mut().read_to_string().unwrap(), "");
}

#[test]
fn the_date_is_the_sandboxs() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    assert!(header(&client.get(BOOKINGS), "date").starts_with("Sun, 22 Nov 2026 12:00:"));
    sandbox.set_now("2027-01-02T03:04:05Z".parse().unwrap());
    assert!(header(&client.get(BOOKINGS), "date").starts_with("Sat, 02 Jan 2027 03:04:"));
}
