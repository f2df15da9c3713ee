//! Where a configuration comes from: a file, stdin, the environment.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{file, unreadable};
use crate::config::environment::{self, KEY_COMMAND};
use crate::config::{self, Config, ENCRYPTION_KEY, REDIS_URL};
use crate::error::Error;
use crate::streams;

/// The variable that Airbyte's images have, ours as well. There the platform gives a file, and what the environment happens to
/// hold must change nothing.
const IMAGE_VARIABLE: &str = "AIRBYTE_ENTRYPOINT";

/// How long that program may take.
const KEY_COMMAND_TIME: Duration = Duration::from_secs(10);

/// The file name that means stdin.
const STDIN: &str = "-";

#[derive(Args)]
pub(super) struct ConfigArguments {
    /// The configuration: a JSON file as `spec` describes it, or - for stdin.
    ///
    /// Each property may also be given in the environment, as `NAVAN_` and its name in capitals: `NAVAN_CLIENT_ID`,
    /// `NAVAN_CLIENT_SECRET`, `NAVAN_REGION`, `NAVAN_API_URL`, … What `NAVAN_ENCRYPTION_KEY_COMMAND` runs prints the key of shared state.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which wins where the file and the environment both give a property [default: over; in the image: ignored].
    #[arg(long, value_enum, value_name = "RULE")]
    environment: Option<EnvironmentRule>,
}

/// What becomes of properties in the environment.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EnvironmentRule {
    /// The environment wins over the file.
    Over,
    /// The file wins over the environment.
    Under,
    /// The environment says nothing.
    Ignored,
}

impl ConfigArguments {
    /// Where it comes from, in words.
    ///
    /// # Errors
    /// A `system_error` if spec.json was broken when the binary was built.
    pub(super) fn place(&self) -> Result<String, Error> {
        let file = match self.config.as_deref() {
            Some(path) if path.as_os_str() == STDIN => "what came on stdin".to_owned(),
            Some(path) => path.display().to_string(),
            None => return Ok("the environment".to_owned()),
        };
        let has_more = self.rule() != EnvironmentRule::Ignored && environment::says_anything(variables())?;
        Ok(if has_more { format!("{file} with the environment's properties") } else { file })
    }

    fn rule(&self) -> EnvironmentRule {
        self.environment.unwrap_or_else(|| {
            let is_in_image = std::env::var_os(IMAGE_VARIABLE).is_some();
            if is_in_image { EnvironmentRule::Ignored } else { EnvironmentRule::Over }
        })
    }

    /// The configuration, with some properties that win over all others.
    ///
    /// # Errors
    /// A `config_error` if there is none, or if it cannot be used.
    pub(super) fn config(&self, overriding: Map<String, Value>) -> Result<Config, Error> {
        let rule = self.rule();
        let environment = match rule {
            EnvironmentRule::Ignored => Map::new(),
            _ => environment::properties(variables())?,
        };
        let file = self.config.as_deref().map(properties).transpose()?;
        if file.is_none() && environment.is_empty() {
            return Err(Error::config(
                "There is no configuration: give a file by --config FILE, or NAVAN_CLIENT_ID and NAVAN_CLIENT_SECRET in the environment.",
            ));
        }
        let mut given = file.unwrap_or_default();
        for (name, value) in environment {
            let other = given.get(&name).filter(|other| is_given(&given, &name) && **other != value);
            if other.is_some() && rule == EnvironmentRule::Over {
                tracing::warn!(
                    "{} in the environment takes the place of the file's `{name}`; --environment says which of them wins.",
                    environment::variable(&name)
                );
            }
            if other.is_none() || rule == EnvironmentRule::Over {
                given.insert(name, value);
            }
        }
        given.extend(overriding);
        if is_given(&given, REDIS_URL) && !is_given(&given, ENCRYPTION_KEY) {
            match key_from_command() {
                None => {}
                Some(Ok(key)) => {
                    given.insert(ENCRYPTION_KEY.to_owned(), Value::String(key));
                }
                Some(Err(why)) => {
                    tracing::warn!(
                        "Shared state is not used: the program that {KEY_COMMAND} names gives no key, {why}. The sync goes on without it; run the program by hand to see what is wrong."
                    );
                    given.remove(REDIS_URL);
                    given.remove(ENCRYPTION_KEY);
                }
            }
        }
        let config = Config::from_properties(given)?;
        streams::check_exceptions(&config)?;
        Ok(config)
    }
}

/// Whether a property has a value.
fn is_given(given: &Map<String, Value>, name: &str) -> bool {
    given.get(name).is_some_and(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        _ => true,
    })
}

/// What the program prints that is to be asked for the key, a key service's, so that the key itself stands nowhere; or why it prints none.
/// Only who runs the connector may name it: whoever edits a source must not run programs.
fn key_from_command() -> Option<Result<String, String>> {
    let command = std::env::var_os(KEY_COMMAND).filter(|command| !command.is_empty())?;
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut process = Command::new(shell);
    // What it says of itself goes nowhere: a program that it started and left behind would keep our own stderr open.
    process.arg(option).arg(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    Some(printed(process).and_then(|key| match key.trim() {
        "" => Err("it prints nothing".to_owned()),
        key => Ok(key.to_owned()),
    }))
}

/// What a program prints that takes no longer than it may.
fn printed(mut command: Command) -> Result<Zeroizing<String>, String> {
    let words = |error: std::io::Error| error.to_string();
    let mut process = command.spawn().map_err(words)?;
    let began = Instant::now();
    let status = loop {
        match process.try_wait().map_err(words)? {
            Some(status) => break status,
            None if began.elapsed() > KEY_COMMAND_TIME => {
                let _ = process.kill();
                return Err(format!("it takes longer than {} s", KEY_COMMAND_TIME.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    if !status.success() {
        return Err(format!("it ends with {status}"));
    }
    let mut printed = Zeroizing::new(String::new());
    // A key is short, so that it fits into the pipe.
    process.stdout.take().map_or(Ok(0), |mut output| output.read_to_string(&mut printed)).map_err(words)?;
    Ok(printed)
}

/// Those of the environment that are text.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn properties(path: &Path) -> Result<Map<String, Value>, Error> {
    let what = "configuration";
    let text = if path.as_os_str() == STDIN {
        let mut text = Zeroizing::new(String::new());
        std::io::stdin().read_to_string(&mut text).map_err(|e| unreadable(path, what, &e))?;
        text
    } else {
        Zeroizing::new(file(path, what)?)
    };
    config::properties(&text)
}
