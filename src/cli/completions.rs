//! What shells and `man` know of the program, made from its own arguments.

use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Arguments;
use crate::error::Error;

/// Prints a shell's completions.
pub(super) fn print_for(shell: Shell) -> Result<bool, Error> {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    super::print(&script).map(|()| true)
}

/// Writes a manual page for the program and for each command.
pub(super) fn write_manual(directory: &Path) -> Result<bool, Error> {
    let written =
        std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(Arguments::command(), directory));
    written
        .map(|()| true)
        .map_err(|e| Error::config(format!("The manual pages cannot be written to {}: {e}.", directory.display())))
}
