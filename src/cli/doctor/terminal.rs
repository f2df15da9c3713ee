//! What a person reads, line by line as it is found.

use std::io::{IsTerminal as _, Stdout, Write as _};

use super::report::{Line, Verdict, in_words};
use crate::sync::strategy::Tried;

/// The widths of the first two columns.
const VERDICT: usize = 5;
const CHECK: usize = 14;

/// This program's output, to be written to. Whoever reads it may have gone, which is no error here.
pub(super) struct Terminal {
    stdout: Stdout,
    has_colours: bool,
}

impl Terminal {
    /// Colours are for a terminal, whose user does not mind them.
    pub(super) fn stdout() -> Self {
        let stdout = std::io::stdout();
        let minds = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { has_colours: stdout.is_terminal() && !minds, stdout }
    }

    /// A text as it is.
    pub(super) fn write(&mut self, text: &str) {
        let _ = self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush());
    }

    pub(super) fn line(&mut self, line: &Line) {
        let word = self.coloured(&format!("{:VERDICT$}", line.verdict.word()), colour(line.verdict));
        let indent = " ".repeat(VERDICT + 1 + CHECK + 1);
        let of = if line.of.is_empty() { String::new() } else { format!("{}: ", line.of) };
        let next = line.next.as_ref().map(|next| format!("{indent}→ {next}\n")).unwrap_or_default();
        self.write(&format!("{word} {:CHECK$} {of}{}\n{next}", line.check, line.says));
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.write(&format!("\n{text}\n"));
    }

    pub(super) fn tried(&mut self, tried: &Tried) {
        let (answer, seen) = in_words(&tried.answer);
        self.write(&format!("{answer:8} {} ({}): {seen}\n", tried.statement, tried.endpoint));
    }

    pub(super) fn end(&mut self, worst: Verdict, counts: &str) {
        let end = match worst {
            Verdict::Ok | Verdict::Skipped => "Everything that was looked at is as it should be",
            Verdict::Warn => "It works; see what is marked `warn`",
            Verdict::Fail => "Something does not work; see what is marked `fail`",
        };
        let end = self.coloured(end, colour(worst));
        self.write(&format!("\n{end}: {counts}.\nThe same to be pasted into an issue, without names: --report\n"));
    }

    fn coloured(&self, text: &str, colour: &str) -> String {
        if self.has_colours { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Skipped => "2",
        Verdict::Ok => "32",
        Verdict::Warn => "33",
        Verdict::Fail => "31",
    }
}
