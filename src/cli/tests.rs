//! A read within one process, into a sink that collects in memory instead of writing.

use std::cell::RefCell;
use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, ready};
use navan_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::api::Apis;
use crate::config::Config;
use crate::gateway::{Http, Network, Timings};
use crate::monitor::{Event, Listener, listen};
use crate::protocol::{ConfiguredCatalog, Message, StreamStates};
use crate::record::RecordLines;
use crate::sink::Sink;
use crate::streams::STREAMS;
use crate::sync::SyncRun;

/// Every message, in order.
#[derive(Default)]
struct MemorySink(RefCell<Vec<Value>>);

impl Sink for MemorySink {
    fn records(&self, lines: RecordLines) -> LocalBoxFuture<'_, ()> {
        let lines = lines.as_bytes().split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        self.0.borrow_mut().extend(lines.map(|line| serde_json::from_slice::<Value>(line).unwrap()));
        ready(()).boxed_local()
    }

    fn message(&self, message: &Message<'_>) {
        self.0.borrow_mut().push(serde_json::to_value(message).unwrap());
    }

    fn flush(&self) -> LocalBoxFuture<'_, ()> {
        ready(()).boxed_local()
    }
}

/// Counts what the layers say.
#[derive(Default)]
struct CountingListener {
    requests: RefCell<u64>,
    records: RefCell<u64>,
    tokens: RefCell<u64>,
}

impl Listener for CountingListener {
    fn on(&self, event: &Event<'_>) {
        match event {
            Event::RequestFinished { .. } => *self.requests.borrow_mut() += 1,
            Event::RecordsWritten { records, .. } => *self.records.borrow_mut() += records,
            Event::TokenFetched { succeeded: true } => *self.tokens.borrow_mut() += 1,
            _ => {}
        }
    }
}

/// Reads all streams of a sandbox, each in its richest mode; what the sink got.
async fn read_all(sandbox: &Sandbox) -> (bool, Vec<Value>) {
    let settings = sandbox.settings();
    let config = json!({"client_id": settings.client_id, "client_secret": settings.client_secret, "api_url": sandbox.url(),
            "scim_url": format!("{}/scim/v2", sandbox.url()), "scim_token": settings.scim_token});
    let config = Config::parse(&config.to_string()).unwrap();
    let chosen: Vec<_> = STREAMS
        .iter()
        .map(|stream| json!({"stream": {"name": stream.name}, "sync_mode": stream.strategy.modes().sync_modes.last()}))
        .collect();
    let catalog = ConfiguredCatalog::parse(&json!({"streams": chosen}).to_string()).unwrap();
    let network: Rc<dyn Network> = Rc::new(Http::new(&Timings::DEFAULT, config.some_speak_tls()).unwrap());
    let apis = Apis::new(&config, &network, &Timings::DEFAULT).unwrap();
    let memory = Rc::new(MemorySink::default());
    let sink: Rc<dyn Sink> = Rc::clone(&memory) as _;
    let sync = SyncRun::new(&apis, &config, STREAMS, catalog, &StreamStates::default(), None, &sink).unwrap();
    let complete = sync.run().await;
    (complete, memory.0.take())
}

#[tokio::test]
async fn a_sink_is_told_of_each_stream_from_its_start_to_its_end() {
    let sandbox = Sandbox::start(Settings { bookings: 230, users: 120, transactions: 90, ..Settings::odd() }).unwrap();
    let (complete, messages) = read_all(&sandbox).await;
    assert!(complete);
    for stream in STREAMS {
        let of_stream = messages.iter().filter_map(|message| {
            let status = &message["trace"]["stream_status"];
            let state = &message["state"]["stream"];
            if message["record"]["stream"] == stream.name {
                Some("RECORD")
            } else if state["stream_descriptor"]["name"] == stream.name {
                Some("STATE")
            } else if status["stream_descriptor"]["name"] == stream.name {
                status["status"].as_str()
            } else {
                None
            }
        });
        let mut kinds: Vec<_> = of_stream.collect();
        kinds.dedup();
        assert_eq!(kinds[..3], ["STARTED", "RUNNING", "RECORD"], "{}", stream.name);
        assert_eq!(kinds[kinds.len() - 2..], ["STATE", "COMPLETE"], "{}", stream.name);
    }
    let records = |name: &str| messages.iter().filter(|message| message["record"]["stream"] == name).count();
    assert_eq!((records("BOOKING"), records("USER")), (230, 120));
}

#[tokio::test]
async fn whoever_listens_hears_of_all_that_happens() {
    let sandbox = Sandbox::start(Settings { bookings: 230, users: 120, transactions: 90, ..Settings::odd() }).unwrap();
    let listener = Rc::new(CountingListener::default());
    listen(Rc::clone(&listener) as _);
    let (_, messages) = read_all(&sandbox).await;
    let records = messages.iter().filter(|message| message["type"] == "RECORD").count() as u64;
    assert_eq!(*listener.records.borrow(), records);
    assert_eq!(*listener.requests.borrow(), sandbox.counts().log.len() as u64);
    assert_eq!(*listener.tokens.borrow(), 1);
}
