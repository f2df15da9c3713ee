//! What was found: lines with a verdict each, and what was tried. It is told as it comes, as one JSON object, or as a page to be
//! pasted.
//!
//! A line has two kinds of content. Its words are for who runs the program, and name hosts, files and companies. Its facts are counts,
//! statuses, times and names of fields, fit for anybody: the page is made of them alone.

use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::terminal::Terminal;
use crate::sync::strategy::{Answer, Tried};

/// How it stands. The worst one decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// It could not be looked at, since something before it failed.
    #[serde(rename = "skip")]
    Skipped,
    /// As it should be.
    Ok,
    /// It works, but somebody should look at it.
    Warn,
    /// It does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Serialize)]
pub(super) struct Line {
    pub(super) verdict: Verdict,
    /// What was looked at.
    pub(super) check: &'static str,
    /// Of what: a role, a path of Navan's, a stream.
    pub(super) of: String,
    /// What was found, for who runs the program.
    pub(super) says: String,
    /// What to do about it, where the words do not say so already.
    pub(super) next: Option<String>,
    /// What was found, for anybody.
    pub(super) facts: Map<String, Value>,
}

/// All of it.
pub(super) struct Report {
    pub(super) lines: Vec<Line>,
    pub(super) tried: Vec<Tried>,
    /// Where it is told as it comes, if it is.
    terminal: Option<Terminal>,
}

impl Line {
    pub(super) fn new(verdict: Verdict, check: &'static str, of: impl Into<String>, says: impl Into<String>) -> Self {
        // Certificates and servers have their say in it, and might tell a terminal what to do.
        let says = says.into().chars().filter(|character| !character.is_control()).collect();
        Self { verdict, check, of: of.into(), says, next: None, facts: Map::new() }
    }

    /// With what to do about it.
    pub(super) fn next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }

    /// With something that anybody may see.
    pub(super) fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// The same with all of these.
    pub(super) fn facts(mut self, facts: Map<String, Value>) -> Self {
        self.facts.extend(facts);
        self
    }
}

impl Verdict {
    /// In a word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skip",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Report {
    pub(super) fn new(terminal: Option<Terminal>) -> Self {
        Self { lines: Vec::new(), tried: Vec::new(), terminal }
    }

    /// A line was found.
    pub(super) fn add(&mut self, line: Line) {
        if let Some(terminal) = &mut self.terminal {
            terminal.line(&line);
        }
        self.lines.push(line);
    }

    /// Something was tried.
    pub(super) fn add_tried(&mut self, tried: Tried) {
        if let Some(terminal) = &mut self.terminal {
            if self.tried.is_empty() {
                terminal.heading("What nobody is sure of about Navan's API, tried here (docs/navan-api.md):");
            }
            terminal.tried(&tried);
        }
        self.tried.push(tried);
    }

    /// All was looked at.
    pub(super) fn end(&mut self) {
        let (worst, counts) = (self.worst(), self.counts());
        if let Some(terminal) = &mut self.terminal {
            terminal.end(worst, &counts);
        }
    }

    /// How it stands in all.
    pub(super) fn worst(&self) -> Verdict {
        self.lines.iter().map(|line| line.verdict).max().unwrap_or(Verdict::Ok).max(Verdict::Ok)
    }

    /// How many lines have which verdict, in words.
    pub(super) fn counts(&self) -> String {
        let count = |verdict| self.lines.iter().filter(|line| line.verdict == verdict).count();
        format!("{} ok, {} warn, {} fail", count(Verdict::Ok), count(Verdict::Warn), count(Verdict::Fail))
    }

    /// 2 is a wrong argument's.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self.worst() {
            Verdict::Ok | Verdict::Skipped => ExitCode::SUCCESS,
            Verdict::Warn => ExitCode::from(3),
            Verdict::Fail => ExitCode::FAILURE,
        }
    }

    /// All of it, for programs.
    pub(super) fn to_json(&self) -> Value {
        let tried = self.tried.iter().map(|tried| {
            let (answer, seen) = in_words(&tried.answer);
            json!({"id": tried.id, "endpoint": tried.endpoint, "statement": tried.statement, "answer": answer, "seen": seen})
        });
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "verdict": self.worst(),
            "checks": self.lines,
            "tried": tried.collect::<Vec<_>>(),
        })
    }
}

/// Whether it holds, and what was seen.
pub(super) fn in_words(answer: &Answer) -> (&'static str, &str) {
    match answer {
        Answer::Yes(seen) => ("yes", seen),
        Answer::No(seen) => ("no", seen),
        Answer::Unknown(seen) => ("unknown", seen),
    }
}
