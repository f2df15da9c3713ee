//! Has the linker put side by side what a read executes (link/read.ld). Less of the program then has to be in memory.

use std::env;
use std::path::Path;

#[allow(clippy::print_stdout)] // how cargo is told
fn main() {
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|given| given == value);
    println!("cargo::rerun-if-changed=link/read.ld");
    // Linkers of other systems know no such scripts; and whoever does not optimise has no need of it.
    if is("CARGO_CFG_TARGET_OS", "linux") && is("PROFILE", "release") {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("link/read.ld");
        println!("cargo::rustc-link-arg-bin=source-navan=-T{}", script.display());
    }
}
