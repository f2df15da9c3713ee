//! That docs/sandbox.md names all that there is.

use std::process::Command;

use navan_sandbox::Settings;

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/sandbox.md")).unwrap()
}

#[test]
fn each_control_route_is_documented() {
    let source = include_str!("../../src/control.rs");
    let routes: Vec<_> = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")).collect();
    assert!(routes.len() > 10);
    for route in routes {
        let (path, methods) = route.split_once('"').unwrap();
        for method in ["get", "post"].into_iter().filter(|method| methods.contains(&format!("{method}("))) {
            let documented = format!("`{} /sandbox{path}`", method.to_uppercase());
            assert!(page().contains(&documented), "{documented}");
        }
    }
}

#[test]
fn each_option_is_documented() {
    let help = Command::new(env!("CARGO_BIN_EXE_navan-sandbox")).arg("--help").output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let options: Vec<_> = help.split_whitespace().filter(|word| word.starts_with("--")).collect();
    assert!(options.len() > 12);
    for option in options {
        let option = option.trim_end_matches([',', ';']);
        assert!(page().contains(&format!("`{option}")), "{option}");
    }
}

#[test]
fn each_setting_is_documented() {
    let settings = serde_json::to_value(Settings::default()).unwrap();
    for property in settings.as_object().unwrap().keys() {
        assert!(page().contains(&format!("`{property}`")), "{property}");
    }
}
