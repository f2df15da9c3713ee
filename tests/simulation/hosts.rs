//! A European company whose API is at the other of Navan's two hosts: real names, which only a simulated network can have.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use axum::body::Body;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use navan_sandbox::{Region, Sandbox, Settings};
use reqwest::{Request, Response};
use serde_json::json;

use crate::api::{Api, ListQuery, Paging};
use crate::config::Config;
use crate::gateway::{Network, NetworkError, Timings};
use crate::streams::STREAMS;
use crate::sync::RecordOptions;

/// Only one host has the API; tokens are at theirs.
struct Hosts {
    navan: Sandbox,
    api_host: &'static str,
    asked: RefCell<BTreeSet<String>>,
}

impl Network for Hosts {
    fn execute(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, NetworkError>> {
        async move {
            let host = request.url().host_str().unwrap().to_owned();
            let is_token = request.url().path().contains("oauth");
            self.asked.borrow_mut().insert(format!("{host}{}", request.url().path()));
            if !is_token && host != self.api_host {
                let answer = axum::http::Response::builder().status(500).body("").unwrap();
                return Ok(Response::from(answer));
            }
            let request: axum::http::Request<reqwest::Body> = request.try_into().unwrap();
            let (head, body) = self.navan.call(request.map(Body::new), None).await.unwrap().into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            Ok(Response::from(axum::http::Response::from_parts(head, body)))
        }
        .boxed_local()
    }
}

#[tokio::test(start_paused = true)]
async fn a_european_company_is_read_at_either_host() {
    for api_host in ["api.navan.com", "app-fra.navan.com"] {
        let navan = Sandbox::in_process(Settings { region: Region::Eu, users: 7, ..Settings::odd() });
        let settings = navan.settings().clone();
        let config = json!({"client_id": settings.client_id, "client_secret": settings.client_secret, "region": "eu"});
        let config = Config::parse(&config.to_string()).unwrap();
        let network = Rc::new(Hosts { navan, api_host, asked: RefCell::default() });
        let api = Api::new(&config, Rc::clone(&network) as Rc<dyn Network>, Timings::DEFAULT).unwrap();
        let format = STREAMS
            .iter()
            .find(|stream| stream.name == "USER")
            .unwrap()
            .record_format(RecordOptions::default(), [])
            .unwrap();
        let query = ListQuery::whole("/v1/users", 100);
        let page = api.list_page(&query, 0, Paging::default(), &format).await.unwrap();
        assert_eq!((page.rows.len(), api.host().as_str()), (7, api_host));
        let asked = network.asked.borrow();
        assert!(asked.contains("app-fra.navan.com/ta-auth/oauth/token"), "{asked:?}");
        assert_eq!(asked.contains("app-fra.navan.com/v1/users"), api_host == "app-fra.navan.com", "{asked:?}");
    }
}
