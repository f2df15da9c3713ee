//! `source-navan`, the program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    source_navan::cli::main()
}
