//! The files behind rows: receipts, invoices, itineraries.
//!
//! Where they are wanted, a record gets the file that its link leads to, before it is written: in Airbyte's staging directory, with a reference
//! in the record, or in a directory that a person names. A file that cannot be had is a reason in the record's column, and nothing else
//! suffers from it.

mod store;

use std::collections::BTreeMap;

use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::api::Api;
use crate::config::Config;
use crate::error::Error;
use crate::gateway::{Downloader, Timings};
use crate::protocol::ConfiguredStream;
use crate::record::{ERROR_COLUMN, PATH_COLUMN, RecordLines};
pub use store::FileStore;

/// Where the links of a stream are, and what its files are called.
#[derive(Clone, Copy)]
pub struct FileFields {
    /// The columns that may have a link; the first that has one counts.
    pub links: &'static [&'static str],
    /// The columns that make its name.
    pub name: &'static [&'static str],
}

/// Fetches the files of records.
pub struct FileTransfer<'a> {
    api: &'a Api<'a>,
    downloader: Downloader,
    store: FileStore,
    /// The files of all streams that have any are wanted, whatever the catalog says.
    is_for_all: bool,
    concurrency: usize,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    record: Record<'a>,
}

#[derive(Deserialize, Serialize)]
struct Record<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    stream: String,
    emitted_at: i64,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    meta: Option<&'a RawValue>,
}

/// What became of a record's file.
enum Fetched {
    /// It is there: its path below the directory, and its size.
    File {
        path: String,
        bytes: u64,
    },
    None {
        why: Option<String>,
    },
}

impl<'a> FileTransfer<'a> {
    /// Puts files into `store`: those of the streams of which the catalog says that it wants them, or of all.
    ///
    /// # Errors
    /// A `system_error` if there can be no client.
    pub fn new(
        config: &Config,
        api: &'a Api<'a>,
        timings: &Timings,
        store: FileStore,
        is_for_all: bool,
    ) -> Result<Self, Error> {
        let downloader = Downloader::new(config.api_url.as_ref(), timings)?;
        Ok(Self { api, downloader, store, is_for_all, concurrency: config.max_concurrency })
    }

    /// Whether the files of a stream are wanted.
    pub fn wants(&self, configured: &ConfiguredStream) -> bool {
        self.is_for_all || configured.include_files
    }

    /// The same records with their files; each with a reference to its file, if that is wanted.
    pub async fn attach(&self, fields: &FileFields, lines: &RecordLines, refers: bool) -> RecordLines {
        let lines = lines.as_bytes().split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let with_files = futures::stream::iter(lines).map(|line| self.attach_one(fields, line, refers));
        let with_files: Vec<_> = with_files.buffered(self.concurrency).collect().await;
        RecordLines::joined(&with_files)
    }

    async fn attach_one(&self, fields: &FileFields, record_line: &[u8], refers: bool) -> Vec<u8> {
        // What we have written is a record.
        let Ok(Line { record }) = serde_json::from_slice(record_line) else {
            return [record_line, b"\n"].concat();
        };
        let data: BTreeMap<&str, &RawValue> = serde_json::from_str(record.data.get()).unwrap_or_default();
        let text = |column: &&str| {
            let value: Value = serde_json::from_str(data.get(column)?.get()).ok()?;
            match value {
                Value::String(text) => Some(text).filter(|text| !text.is_empty()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }
        };
        let is_link = |text: &String| text.contains("://");
        let link = fields.links.iter().find_map(|column| text(column).filter(is_link));
        let key: Vec<_> = fields.name.iter().filter_map(text).collect();
        let name = store::file_name(&key.join("-"), link.as_deref().unwrap_or_default());
        let fetched = match &link {
            Some(link) => self.fetch(&record.stream, &name, link).await,
            None => Fetched::None { why: None },
        };
        self.written(&record, &name, fetched, refers)
    }

    async fn fetch(&self, stream: &str, name: &str, link: &str) -> Fetched {
        let why = match self.api.token().await {
            Ok(token) => match self.store.fetch(&self.downloader, stream, name, link, &token).await {
                Ok((path, bytes)) => return Fetched::File { path, bytes },
                Err(why) => why,
            },
            Err(error) => error.message().to_owned(),
        };
        Fetched::None { why: Some(why) }
    }

    /// The record's line with what became of its file.
    fn written(&self, record: &Record<'_>, name: &str, fetched: Fetched, refers: bool) -> Vec<u8> {
        let (columns, file) = match fetched {
            Fetched::File { path, bytes } => (format!(",\"{PATH_COLUMN}\":{}", json!(path)), Some((path, bytes))),
            Fetched::None { why: Some(why) } => {
                // Destinations that take files want one with each record.
                let file = refers.then(|| self.store.note(&record.stream, name, &why)).flatten();
                (format!(",\"{ERROR_COLUMN}\":{}", json!(why)), file)
            }
            Fetched::None { why: None } => {
                let why = "The record has no link to a file.";
                (String::new(), refers.then(|| self.store.note(&record.stream, name, why)).flatten())
            }
        };
        let data = record.data.get();
        let data = format!("{}{columns}}}", data.strip_suffix('}').unwrap_or(data));
        let reference = file.filter(|_| refers).map(|(path, bytes)| {
            json!({
                "staging_file_url": self.store.absolute(&path),
                "source_file_relative_path": path,
                "file_size_bytes": bytes,
            })
        });
        let head = json!({"stream": record.stream, "emitted_at": record.emitted_at});
        let mut head = head.to_string();
        if let Some(namespace) = &record.namespace {
            head.insert_str(1, &format!("\"namespace\":{},", json!(namespace)));
        }
        let meta = record.meta.map(|meta| format!(",\"meta\":{}", meta.get())).unwrap_or_default();
        let reference = reference.map(|reference| format!(",\"file_reference\":{reference}")).unwrap_or_default();
        let head = head.trim_end_matches('}');
        format!("{{\"type\":\"RECORD\",\"record\":{head},\"data\":{data}{meta}{reference}}}}}\n").into_bytes()
    }
}
