//! The files behind rows: each whole, or a reason in its row.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use navan_sandbox::{Sandbox, Settings, file_content};
use serde_json::{Value, json};

use crate::harness::{Connector, Run, at};
use crate::scripted::{Asked, Reply, ScriptedNavan, changes_page};

fn complete(connector: &Connector) -> Run {
    let run = connector.read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    run
}

/// What the directory has, by path.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in std::fs::read_dir(directory).unwrap() {
        let folder = folder.unwrap().path();
        for file in std::fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(directory).unwrap().display().to_string();
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn receipts_and_documents_land_byte_for_byte() {
    let now = Some(at("2026-11-22T10:00:00Z"));
    let settings =
        Settings { bookings: 150, transactions: 160, users: 5, now, file_links: true, ..Settings::default() };
    let sandbox = Sandbox::start(settings).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let streams =
        [("TRANSACTION_RECEIPT", "incremental"), ("BOOKING_DOCUMENT", "full_refresh"), ("USER", "full_refresh")];
    let connector = Connector::against(&sandbox).streams(&streams).config("max_concurrency", 8).debug();
    let run = complete(&connector.argument("--files").argument(directory.path().to_str().unwrap()));
    let files = files(directory.path());
    let mut landed = BTreeMap::<&str, usize>::new();
    for (stream, links) in
        [("TRANSACTION_RECEIPT", &["receipt_url", "e_receipt_url"][..]), ("BOOKING_DOCUMENT", &["reference"])]
    {
        for row in run.records(stream) {
            let link = links.iter().find_map(|link| row[*link].as_str()).filter(|link| link.starts_with("http"));
            let Some(link) = link else {
                assert!(row["file_path"].is_null() && row["file_error"].is_null(), "{row}");
                continue;
            };
            let (_, path) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
            let file = &files[row["file_path"].as_str().unwrap_or_else(|| panic!("{row}"))];
            assert!(*file == file_content(path), "{row}");
            *landed.entry(stream).or_default() += 1;
        }
    }
    assert!(landed["TRANSACTION_RECEIPT"] >= 1_000 && landed["BOOKING_DOCUMENT"] >= 200, "{landed:?}");
    assert_eq!(files.len(), landed.values().sum::<usize>());
    // The request log has each, by its host alone.
    assert!(!run.logs("DEBUG").iter().any(|line| line.contains("/e-receipt")));
    let told = run.logs("DEBUG").into_iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told: Vec<_> = told.filter(|line| !line["file_host"].is_null()).collect();
    assert_eq!(told.len(), files.len());
    let sizes: u64 = told.iter().map(|line| line["bytes"].as_u64().unwrap()).sum();
    assert_eq!(sizes, files.values().map(|file| file.len() as u64).sum::<u64>());
    assert!(
        told.iter().all(|line| line["file_host"] == "127.0.0.1" && line["attempt"] == 1 && line["error"].is_null())
    );
}

#[test]
fn the_platform_finds_each_file_by_its_reference() {
    let settings = Settings { transactions: 6, now: Some(at("2026-11-22T10:00:00Z")), ..Settings::default() };
    let sandbox = Sandbox::start(settings).unwrap();
    let staging = tempfile::tempdir().unwrap();
    let catalog = json!({"streams": [{"stream": {"name": "TRANSACTION_RECEIPT"}, "sync_mode": "incremental", "include_files": true}]});
    let connector = Connector::against(&sandbox).catalog(catalog);
    let run =
        complete(&connector.environment("AIRBYTE_STAGING_DIRECTORY", staging.path().to_str().unwrap().to_owned()));
    let records = run.of_type("RECORD");
    assert!(!records.is_empty());
    for message in records {
        let reference = &message["record"]["file_reference"];
        let bytes = std::fs::read(reference["staging_file_url"].as_str().unwrap()).unwrap();
        assert_eq!(reference["file_size_bytes"], bytes.len());
        let data = &message["record"]["data"];
        assert_eq!(reference["source_file_relative_path"], data["file_path"]);
        assert!(data["file_path"].as_str().unwrap().starts_with("TRANSACTION_RECEIPT/"));
    }
    let without = Connector::against(&sandbox).catalog(json!({"streams": [
        {"stream": {"name": "TRANSACTION_RECEIPT"}, "sync_mode": "incremental", "include_files": true}]}));
    let run = without.environment("AIRBYTE_STAGING_DIRECTORY", "/nowhere/at/all").read();
    crate::odd_answers::assert_error(&run, "config_error", "the directory for them");
}

const PATH: &str = "/v1/expense/transactions/receipts";

/// One receipt for each way in which a link can end.
fn links(elsewhere: &str, hanging: &str, asked: &Asked) -> Option<Reply> {
    let own = |path: &str| format!("http://{}/{path}?signature=secret", asked.host);
    let links = [
        ("good", own("files/good")),
        ("up", own("../../files/good")),
        ("../../etc/name", own("files/good")),
        ("gone", own("files/gone")),
        ("login", own("files/login")),
        ("large", own("files/large")),
        ("away", own("files/away")),
        ("circle", own("files/circle")),
        ("hangs", format!("http://{hanging}/receipt?signature=secret")),
        ("far", "http://8.8.8.8/receipt".to_owned()),
        ("odd", "ftp://files.example/receipt".to_owned()),
        ("none", "no link".to_owned()),
    ];
    let reply = |status: u16, body: &[u8]| Some(Reply::new(status, body).header("content-type", "application/pdf"));
    match asked.path.as_str() {
        PATH if asked.parameter("date_modified.from") == "2026-11-20" => {
            let rows: Vec<_> =
                links.iter().map(|(id, link)| json!({"transaction_id": id, "receipt_url": link})).collect();
            Some(changes_page(&rows))
        }
        PATH => Some(changes_page(&[])),
        "/files/good" => reply(200, b"a receipt"),
        "/files/gone" => reply(404, b""),
        "/files/login" => {
            Some(Reply::new(200, "<html>Sign in</html>").header("content-type", "text/html; charset=utf-8"))
        }
        "/files/large" => reply(200, &vec![b'x'; 101 * 1024 * 1024]),
        "/files/away" => Some(Reply::new(302, "").header("location", format!("{elsewhere}/files/taken"))),
        "/files/circle" => Some(Reply::new(302, "").header("location", "/files/circle")),
        "/files/taken" => reply(200, b"from elsewhere"),
        _ => None,
    }
}

#[test]
fn a_link_that_leads_to_no_file_is_a_reason_in_its_row() {
    let other = ScriptedNavan::start(|asked| links("", "", asked));
    let elsewhere = other.url().to_owned();
    // It takes connections, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging = silent.local_addr().unwrap().to_string();
    let server = ScriptedNavan::start(move |asked| links(&elsewhere, &hanging, asked));
    let directory = tempfile::tempdir().unwrap();
    let connector = server.connector().streams(&[("TRANSACTION_RECEIPT", "incremental")]).debug();
    let began = Instant::now();
    let run = complete(&connector.argument("--files").argument(directory.path().to_str().unwrap()));
    assert!(began.elapsed() < Duration::from_secs(60));
    let rows: BTreeMap<_, _> = run
        .records("TRANSACTION_RECEIPT")
        .into_iter()
        .map(|row| (row["transaction_id"].as_str().unwrap(), row))
        .collect();
    let why = |id: &str| rows[id]["file_error"].as_str().unwrap_or_else(|| panic!("{}", rows[id])).to_owned();
    for (id, says) in [
        ("gone", "has died"),
        ("login", "a page for people"),
        ("large", "more than 100 MB"),
        ("circle", "more than 5 redirects"),
        ("far", "without encryption"),
        ("odd", "without encryption"),
    ] {
        assert!(why(id).contains(says), "{id}: {}", why(id));
    }
    assert!(!why("hangs").is_empty());
    let told = run.logs("DEBUG").into_iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let failed = told.filter(|line| !line["file_host"].is_null() && !line["error"].is_null());
    let attempts: Vec<_> = failed.filter_map(|line| line["attempt"].as_u64()).collect();
    assert_eq!(attempts.iter().filter(|number| **number == 2).count(), 1, "{attempts:?}");
    // A link may open its file to whoever has it, and one that is none may be anything that a row holds.
    for level in ["DEBUG", "INFO", "WARN", "ERROR"] {
        let tells = |line: &&str| line.contains("signature") || line.contains("files.example");
        assert!(!run.logs(level).iter().any(tells), "{level}");
    }
    assert!(rows["none"].get("file_error").is_none_or(Value::is_null));
    let files = files(directory.path());
    for (id, holds) in [
        ("good", &b"a receipt"[..]),
        ("up", b"a receipt"),
        ("../../etc/name", b"a receipt"),
        ("away", b"from elsewhere"),
    ] {
        assert_eq!(files[rows[id]["file_path"].as_str().unwrap_or_else(|| panic!("{}", rows[id]))], holds, "{id}");
    }
    // Nothing that is not whole stays, and the token went to Navan's own host only.
    assert_eq!(files.len(), 4, "{:?}", files.keys());
    assert!(server.asked("/files/good").iter().all(|asked| asked.has_token));
    assert!(other.asked("/files/taken").iter().all(|asked| !asked.has_token));
    assert_eq!(other.asked("/files/taken").len(), 1);
}
