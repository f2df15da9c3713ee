//! Which reads it takes to fill the chosen streams.
//!
//! A stream and its children come out of the same pages, so one read fills them all, as long as they are to be read in the same
//! way and from the same place. Of an incremental family, one that was chosen later has another state than the others; it is read on
//! its own, from its own beginning, so that none of them gets rows twice. When both have come to their ends, their states are the same, or
//! one stands for the other, since all reads of a sync end at one time, and from then on they are read together.

use std::rc::Rc;

use serde_json::Value;

use super::StreamRead;
use super::emitter::{FilledStreams, StreamEmitter, StreamOutput};
use super::state::{Resume, StreamState};
use super::stream::{RecordOptions, Stream};
use crate::config::Config;
use crate::error::Error;
use crate::files::FileTransfer;
use crate::protocol::{ConfiguredCatalog, ConfiguredStream, StreamStates};
use crate::record::PersonalData;
use crate::sink::Sink;

/// A read that is to be.
pub(super) struct PlannedRead {
    stream: &'static Stream,
    /// The streams that it fills, at least one: the stream itself, or children of it.
    wanted: Vec<ConfiguredStream>,
    given: Option<Value>,
    resume: Result<Resume, Error>,
}

/// The reads for those streams of a catalog that there are.
pub(super) fn plan(streams: &[&'static Stream], catalog: ConfiguredCatalog, states: &StreamStates) -> Vec<PlannedRead> {
    let mut reads: Vec<PlannedRead> = Vec::new();
    for wanted in catalog.streams {
        let stream = streams.iter().find(|stream| stream.names().any(|name| name == wanted.name));
        let Some(&stream) = stream else { continue };
        let given = states.of(&wanted.name).cloned();
        let resume = stream.strategy.resume(&wanted, given.as_ref());
        let read = PlannedRead { stream, wanted: vec![wanted], given, resume };
        match reads.iter_mut().find(|other| other.can_share(&read)) {
            Some(other) => other.share(read),
            None => reads.push(read),
        }
    }
    reads
}

impl PlannedRead {
    /// Whether one read can fill the streams of both.
    fn can_share(&self, other: &Self) -> bool {
        let both_begin = matches!((&self.resume, &other.resume), (Ok(Resume::Beginning), Ok(Resume::Beginning)));
        std::ptr::eq(self.stream, other.stream)
            && self.wanted[0].is_read_like(&other.wanted[0])
            && (both_begin || self.given == other.given || self.stands_for(other) || other.stands_for(self))
    }

    /// Whether a read from its state brings all that one from the other's would.
    fn stands_for(&self, other: &Self) -> bool {
        match (&self.resume, &other.resume) {
            (Ok(Resume::From(StreamState::List(one))), Ok(Resume::From(StreamState::List(other)))) => {
                one.stands_for(other)
            }
            _ => false,
        }
    }

    /// Fills the streams of another as well.
    fn share(&mut self, other: Self) {
        self.wanted.extend(other.wanted);
        if self.given == other.given {
            return;
        }
        let mut left = other.resume;
        if let (Ok(Resume::From(StreamState::List(own))), Ok(Resume::From(StreamState::List(others)))) =
            (&self.resume, &left)
            && !own.stands_for(others)
        {
            std::mem::swap(&mut self.resume, &mut left);
        }
        // What only one of them remembers as written, the streams of the other may lack.
        if let (Ok(Resume::From(StreamState::List(shared))), Ok(Resume::From(StreamState::List(left)))) =
            (&mut self.resume, &left)
            && let Some(cursor_field) = self.stream.cursor_field
        {
            shared.forget_unless_in(left);
            self.given = Some(shared.to_state(cursor_field));
        }
    }

    /// # Errors
    /// A `system_error` if a schema was broken when the binary was built.
    pub(super) fn prepare<'a>(
        mut self,
        config: &Config,
        files: Option<&Rc<FileTransfer<'a>>>,
        sink: &Rc<dyn Sink>,
    ) -> Result<StreamRead<'a>, Error> {
        let stream = self.stream;
        // The stream itself first, then its children as they are declared: what all of them have in common is said in the first one's name.
        self.wanted.sort_by_key(|wanted| stream.names().position(|name| name == wanted.name));
        let configured = self.wanted[0].clone();
        let emitter =
            StreamEmitter::new(filled(stream, self.wanted, config, sink)?, config, files.cloned(), Rc::clone(sink));
        Ok(StreamRead { stream, configured, emitter, given: self.given, resume: self.resume })
    }
}

/// What a read of `stream` fills: itself, or children of it.
fn filled(
    stream: &'static Stream,
    wanted: Vec<ConfiguredStream>,
    config: &Config,
    sink: &Rc<dyn Sink>,
) -> Result<FilledStreams, Error> {
    let name = wanted.first().map_or(stream.name, |first| &first.name).to_owned();
    let (mut own, children): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|wanted| wanted.name == stream.name);
    let own = own.pop();
    let lists = children.iter().filter_map(|wanted| {
        let child = stream.children.iter().find(|child| child.name == wanted.name)?;
        Some((child, wanted.namespace.clone()))
    });
    let options = RecordOptions {
        namespace: own.as_ref().and_then(|own| own.namespace.as_deref()),
        personal: PersonalData::of(config, stream.name),
        is_incremental: own.iter().chain(&children).any(ConfiguredStream::is_incremental),
    };
    let mut format = stream.record_format(options, lists)?;
    if let Some(columns) = own.as_ref().and_then(|own| sink.columns(&own.name)) {
        format = format.with_cells(&columns);
    }
    let output = |wanted: ConfiguredStream| {
        let files = stream.files_of(&wanted.name).copied();
        StreamOutput::new(wanted, files)
    };
    let (own, children) = (own.map(output), children.into_iter().map(output).collect());
    Ok(FilledStreams { name, own, children, format, cursor_field: stream.cursor_field })
}
