//! What a stream is to the engine: one declaration, from which everything else follows.

use serde_json::Value;

use super::strategy::ReadStrategy;
use crate::api::Access;
use crate::error::Error;
use crate::files::FileFields;
use crate::protocol::{StreamDescription, SyncMode};
use crate::record::{ChildRecords, ChildRows, PersonalData, RecordFormat, RowSchema};

/// A stream that Navan's API is asked for.
pub struct Stream {
    /// Its name.
    pub name: &'static str,
    /// What else people call it, in the singular: the command line knows it by these names too.
    pub also_called: &'static [&'static str],
    /// Its JSON Schema, from schemas/.
    pub schema: &'static str,
    /// The field that identifies a row, if one is known to.
    pub key: Option<&'static str>,
    /// The field that tells when a row was last changed, if the stream is read by it.
    pub cursor_field: Option<&'static str>,
    /// The field that tells when it was created, if its list is asked for by that.
    pub created_field: Option<&'static str>,
    /// Paths of fields that Navan sends in two forms; they get the one that the schema promises
    /// (docs/navan-api.md#rows).
    pub coerced: &'static [&'static str],
    /// Columns that come from the members of objects whose names begin with `urn:`: each by its path there, and its name.
    pub extension: &'static [(&'static str, &'static str)],
    /// What it is opened with.
    pub access: Access,
    /// The files behind its rows, if there are any.
    pub files: Option<FileFields>,
    /// How it is read.
    pub strategy: &'static dyn ReadStrategy,
    /// The lists in its rows that are streams of their own. They are read with it, and as it is.
    pub children: &'static [ChildStream],
}

/// A stream whose rows are in those of another.
pub struct ChildStream {
    /// Its name.
    pub name: &'static str,
    /// Its JSON Schema, from schemas/.
    pub schema: &'static str,
    /// The columns that identify a row.
    pub key: &'static [&'static str],
    /// Where its rows are.
    pub rows: ChildRows,
    /// The files behind them, if there are any.
    pub files: Option<FileFields>,
}

/// What a read wants of the records.
#[derive(Default)]
pub struct RecordOptions<'a> {
    /// The namespace that the catalog gave the stream.
    pub namespace: Option<&'a str>,
    /// What becomes of personal data.
    pub personal: PersonalData,
    /// Only changes are read.
    pub is_incremental: bool,
}

impl Stream {
    /// What `discover` says of it and of its children.
    ///
    /// # Errors
    /// A `system_error` if a schema was broken when the binary was built.
    pub fn describe(&self) -> Result<Vec<StreamDescription>, Error> {
        let own = self.description(self.name, self.schema, self.key.as_slice(), self.files.is_some());
        let children = self.children.iter();
        let children =
            children.map(|child| self.description(child.name, child.schema, child.key, child.files.is_some()));
        [own].into_iter().chain(children).collect()
    }

    fn description(
        &self,
        name: &'static str,
        schema: &str,
        key: &[&'static str],
        is_file_based: bool,
    ) -> Result<StreamDescription, Error> {
        let json_schema: Value = serde_json::from_str(schema)
            .map_err(|e| Error::system("The connector was built with a broken schema.").with_cause(e))?;
        let modes = self.strategy.modes();
        let source_defined_cursor = modes.sync_modes.contains(&SyncMode::Incremental);
        Ok(StreamDescription {
            name,
            json_schema,
            supported_sync_modes: modes.sync_modes,
            source_defined_cursor,
            default_cursor_field: self.cursor_field.filter(|_| source_defined_cursor).into_iter().collect(),
            source_defined_primary_key: key.iter().map(|column| vec![*column]).collect(),
            is_resumable: modes.is_resumable,
            is_file_based,
        })
    }

    /// The files behind the rows of the stream itself or of the child of that name.
    pub fn files_of(&self, name: &str) -> Option<&FileFields> {
        let of_child = || self.children.iter().find(|child| child.name == name)?.files.as_ref();
        if self.name == name { self.files.as_ref() } else { of_child() }
    }

    /// The names of the stream and of its children.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.name].into_iter().chain(self.children.iter().map(|child| child.name))
    }

    /// How its rows become records, and those of the children that are asked for, each with the namespace that it is to have.
    ///
    /// # Errors
    /// As for [`Self::describe`].
    pub fn record_format(
        &self,
        options: RecordOptions<'_>,
        children: impl IntoIterator<Item = (&'static ChildStream, Option<String>)>,
    ) -> Result<RecordFormat, Error> {
        let RecordOptions { namespace, personal, is_incremental } = options;
        // By its creation alone a list is read without a look at the changes.
        let (tracks_keys, is_by_change) = match self.created_field {
            Some(_) => (is_incremental, is_incremental),
            None => (false, true),
        };
        let schema =
            RowSchema::compile(self.schema, self.key, self.cursor_field.filter(|_| is_by_change), self.coerced)?
                .with_created(self.created_field)
                .tracking_keys(tracks_keys)
                .with_extension(self.extension)
                .with_personal_data(personal);
        let format = RecordFormat::new(schema, self.name, namespace);
        Ok(format.with_children(children.into_iter().map(|(child, namespace)| ChildRecords {
            stream: child.name,
            namespace,
            key: child.key,
            rows: &child.rows,
        })))
    }
}

/// The scopes that there are, each with the first stream that takes it, in words.
pub fn scopes_in_words(streams: &[&Stream]) -> String {
    let is_first =
        |(number, stream): &(usize, &&Stream)| !streams[..*number].iter().any(|other| other.access == stream.access);
    let first = streams.iter().enumerate().filter(is_first);
    let words = first.filter_map(|(_, stream)| Some(format!("{} for {}", stream.access.scope()?, stream.name)));
    let words: Vec<_> = words.collect();
    words.join(", ")
}
