//! A Navan that says what a test tells it to, for answers that the sandbox never gives.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};

use crate::harness::Connector;

/// The server's time.
pub(crate) const NOW: &str = "Sun, 22 Nov 2026 10:00:00 GMT";

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    /// The host that was asked, with its port.
    pub(crate) host: String,
    pub(crate) has_token: bool,
    /// How many requests with this path and query came before.
    pub(crate) before: usize,
}

/// What is said to it.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

type Script = dyn Fn(&Asked) -> Option<Reply> + Send + Sync;

type Shared = (Arc<Script>, Arc<Mutex<Vec<Asked>>>);

/// A running server.
pub(crate) struct ScriptedNavan {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Asked {
    /// A parameter; empty if there is none.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// A parameter that is a number.
    pub(crate) fn number(&self, name: &str) -> usize {
        self.parameter(name).parse().unwrap()
    }
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body: body.into() }
    }

    pub(crate) fn json(body: &Value) -> Self {
        Self::new(200, body.to_string())
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_string()));
        self
    }
}

/// A page of a numbered list.
pub(crate) fn list_page(rows: &[Value], total: usize, pages: usize) -> Reply {
    Reply::json(&json!({"data": rows, "page": {"totalPages": pages, "totalElements": total}}))
}

/// The only page of a window of changes.
pub(crate) fn changes_page(rows: &[Value]) -> Reply {
    Reply::json(&json!({"content": rows, "next_cursor": null, "has_next": false}))
}

impl ScriptedNavan {
    /// Answers what the script does not with a good token, or else with an empty page.
    pub(crate) fn start(script: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let state: Shared = (Arc::new(script), Arc::clone(&asked));
        let app = Router::new().fallback(answer).with_state(state);
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
        Self { url, asked, _runtime: runtime }
    }

    /// A connector that reads this server: all streams, all of the retention, one expense type.
    pub(crate) fn connector(&self) -> Connector {
        let config = json!({"client_id": "an id", "client_secret": "a secret", "api_url": self.url});
        Connector::with(config)
            .config("transaction_types", json!(["fees"]))
            .config("start_date", "2026-11-16T00:00:00Z")
            .environment("SOURCE_NAVAN_TIME_SCALE", "0.01")
            .environment("SOURCE_NAVAN_NOW", "2026-11-22T10:00:00Z")
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The requests to a path.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.path == path).cloned().collect()
    }
}

async fn answer(State((script, all)): State<Shared>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default();
    let query: BTreeMap<_, _> =
        url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into(), value.into())).collect();
    let host = request.headers().get("host").map(|host| host.to_str().unwrap().to_owned()).unwrap_or_default();
    let has_token = request.headers().contains_key("authorization");
    let asked = {
        let mut all = all.lock().unwrap();
        let before = all.iter().filter(|asked| asked.path == path && asked.query == query).count();
        let asked = Asked { path, query, host, has_token, before };
        all.push(asked.clone());
        asked
    };
    let reply = script(&asked).unwrap_or_else(|| usual(&asked.path));
    let mut response = Response::builder().status(reply.status).header("date", NOW);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}

fn usual(path: &str) -> Reply {
    if path.ends_with("/oauth/token") {
        let scope = "bookings:read liquid:read users:read";
        return Reply::json(
            &json!({"access_token": "a-token", "token_type": "bearer", "expires_in": 43_199, "scope": scope}),
        );
    }
    if path.starts_with("/v1/expense/") { changes_page(&[]) } else { list_page(&[], 0, 0) }
}
