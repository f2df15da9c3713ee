//! Where a configuration comes from: a file, stdin, the environment.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{file, unreadable};
use crate::config::{self, Config, ENCRYPTION_KEY, REDIS_URL, environment};
use crate::error::Error;
use crate::streams;

/// The variable that Airbyte's images have, ours as well. There the platform gives a file, and what the environment happens to
/// hold must change nothing.
const IMAGE_VARIABLE: &str = "AIRBYTE_ENTRYPOINT";

/// The variable with the program that prints the key of shared state.
const KEY_COMMAND: &str = "NAVAN_ENCRYPTION_KEY_COMMAND";

/// The file name that means stdin.
const STDIN: &str = "-";

#[derive(Args)]
pub(super) struct ConfigArguments {
    /// The configuration: a JSON file as `spec` describes it, or - for stdin.
    ///
    /// Each property may also be given in the environment, as `NAVAN_` and its name in capitals: `NAVAN_CLIENT_ID`,
    /// `NAVAN_CLIENT_SECRET`, `NAVAN_REGION`, `NAVAN_API_URL`, …
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
    pub(super) fn place(&self) -> String {
        match self.config.as_deref() {
            Some(path) if path.as_os_str() == STDIN => "what came on stdin".to_owned(),
            Some(path) => path.display().to_string(),
            None => "the environment".to_owned(),
        }
    }

    /// The configuration, with some properties that win over all others.
    ///
    /// # Errors
    /// A `config_error` if there is none, or if it cannot be used.
    pub(super) fn config(&self, overriding: Map<String, Value>) -> Result<Config, Error> {
        let rule = self.environment.unwrap_or_else(|| {
            let is_in_image = std::env::var_os(IMAGE_VARIABLE).is_some();
            if is_in_image { EnvironmentRule::Ignored } else { EnvironmentRule::Over }
        });
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
            let other = given.get(&name).filter(|other| !other.is_null() && **other != value);
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
        if given.contains_key(REDIS_URL) && !given.contains_key(ENCRYPTION_KEY) {
            given.extend(key_from_command()?.map(|key| (ENCRYPTION_KEY.to_owned(), Value::String(key))));
        }
        let config = Config::from_properties(given)?;
        streams::check_exceptions(&config)?;
        Ok(config)
    }
}

/// What the program prints that is to be asked for the key: a key service's, so that the key itself stands nowhere. Only who runs the
/// connector may name it: whoever edits a source must not run programs.
fn key_from_command() -> Result<Option<String>, Error> {
    let Some(command) = std::env::var_os(KEY_COMMAND).filter(|command| !command.is_empty()) else { return Ok(None) };
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let failed = |why: String| {
        Error::config(format!(
            "The program that {KEY_COMMAND} names gives no encryption key: {why}. Run it by hand to see what is wrong."
        ))
    };
    let mut process = std::process::Command::new(shell);
    process.arg(option).arg(command).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = process.output().map_err(|error| failed(error.to_string()))?;
    let printed = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(failed(format!("it ended with {}", output.status)));
    }
    let key = std::str::from_utf8(&printed).map_err(|_| failed("what it prints is not text".to_owned()))?.trim();
    if key.is_empty() { Err(failed("it prints nothing".to_owned())) } else { Ok(Some(key.to_owned())) }
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
