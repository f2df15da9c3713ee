//! What stands between a machine and Navan: each has its own sentence, with the host, in `check` and in the trace.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;

use crate::harness::Connector;
use crate::scripted::{Reply, ScriptedNavan};

const TOKEN: &str = "/ta-auth/oauth/token";

fn connector(url: &str) -> Connector {
    let config = json!({"client_id": "an id", "client_secret": "a secret", "api_url": url});
    Connector::with(config).environment("SOURCE_NAVAN_TIME_SCALE", "0.01")
}

/// Both commands say all of the words.
fn assert_says(connector: &Connector, failure_type: &str, words: &[&str]) {
    let check = connector.run("check");
    let message = check.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["message"].as_str().unwrap().to_owned();
    let read = connector.run("read");
    // Each stream says so.
    let errors = read.errors();
    assert!(!errors.is_empty());
    for said in errors.iter().map(|error| error["message"].as_str().unwrap()).chain([message.as_str()]) {
        for word in words {
            assert!(said.contains(word), "{word:?} is not in {said:?}");
        }
    }
    for error in errors {
        assert_eq!(error["failure_type"], failure_type, "{error}");
    }
}

/// A server that answers the first bytes of each connection, whatever they are, with a text.
fn raw_server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

/// A certificate authority, and a server whose certificate it issued for `name`: the server's address, the authority's PEM.
fn tls_server(name: &str) -> (String, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Example Proxy CA");
    let ca_key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(params, ca_key);
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate.into()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || refuse(stream, config));
        }
    });
    (address, ca.pem())
}

/// Answers one request with 401.
fn refuse(mut stream: TcpStream, config: Arc<rustls::ServerConfig>) {
    let Ok(mut connection) = rustls::ServerConnection::new(config) else { return };
    let mut tls = rustls::Stream::new(&mut connection, &mut stream);
    let _ = tls.read(&mut [0; 4096]);
    let _ = tls.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
}

#[test]
fn a_host_that_there_is_not() {
    let connector = connector("https://navan.invalid").environment("SOURCE_NAVAN_TIME_SCALE", "0.1");
    let check = connector.run("check");
    let message = check.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["message"].as_str().unwrap();
    // A resolver that itself gets no answer says nothing in time.
    let is_named = ["DNS", "does not answer the attempt"].iter().any(|words| message.contains(words));
    assert!(message.contains("navan.invalid") && is_named, "{message}");
    assert_says(&connector, "transient_error", &["navan.invalid"]);
}

#[test]
fn a_port_at_which_nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    assert_says(&connector(&format!("http://{address}")), "transient_error", &[&address, "refuses the connection"]);
}

#[test]
fn a_certificate_by_somebody_unknown() {
    let (address, _) = tls_server("127.0.0.1");
    let words = [address.as_str(), "CN=Example Proxy CA", "SSL_CERT_FILE"];
    assert_says(&connector(&format!("https://{address}")), "config_error", &words);
}

#[test]
fn a_certificate_by_somebody_who_is_trusted_by_way_of_the_file_that_the_sentence_names() {
    let (address, ca) = tls_server("127.0.0.1");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), ca).unwrap();
    let connector = connector(&format!("https://{address}"));
    let connector = connector.environment("SSL_CERT_FILE", file.path().display());
    assert_says(&connector, "config_error", &[&address, "does not accept the credential"]);
}

#[test]
fn a_machine_without_certificates_which_only_tls_needs() {
    let (file, folder) = (tempfile::NamedTempFile::new().unwrap(), tempfile::tempdir().unwrap());
    let at = |address: &str| {
        let connector = connector(address).environment("SSL_CERT_FILE", file.path().display());
        connector.environment("SSL_CERT_DIR", folder.path().display())
    };
    assert_says(&at("https://127.0.0.1:1"), "system_error", &["check that this machine has CA certificates"]);
    let address = raw_server("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    let address = format!("http://{address}");
    assert_says(&at(&address), "config_error", &["does not accept the credential"]);
}

#[test]
fn a_certificate_for_another_name() {
    let (address, ca) = tls_server("portal.example");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), ca).unwrap();
    let connector = connector(&format!("https://{address}"));
    let connector = connector.environment("SSL_CERT_FILE", file.path().display());
    assert_says(&connector, "config_error", &[&address, "for another name"]);
}

#[test]
fn tls_at_a_port_that_has_none() {
    let address = raw_server("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    assert_says(&connector(&format!("https://{address}")), "config_error", &[&address, "does not speak TLS"]);
}

#[test]
fn a_proxy_that_wants_a_login() {
    let proxy = raw_server("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    let connector = connector("https://navan.example").environment("HTTPS_PROXY", format!("http://{proxy}"));
    assert_says(&connector, "config_error", &["navan.example", "407", "HTTPS_PROXY"]);
}

#[test]
fn a_proxy_that_refuses() {
    let proxy = raw_server("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let connector = connector("https://navan.example").environment("HTTPS_PROXY", format!("http://{proxy}"));
    assert_says(&connector, "transient_error", &["navan.example", "proxy", "NO_PROXY"]);
}

#[test]
fn a_proxy_that_cannot_be_reached() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let connector = connector("https://navan.example").environment("HTTPS_PROXY", format!("http://{address}"));
    assert_says(&connector, "transient_error", &["navan.example", "The proxy", "cannot be reached"]);
}

#[test]
fn a_load_balancers_page_says_nothing_of_a_firewall() {
    let page = || Reply::new(502, "<html>Bad Gateway</html>").header("content-type", "text/html");
    for at_token in [true, false] {
        let server = ScriptedNavan::start(move |asked| ((asked.path == TOKEN) == at_token).then(page));
        let run = server.connector().run("read");
        assert!(!run.errors().is_empty());
        for error in run.errors() {
            assert_eq!(error["failure_type"], "transient_error", "{error}");
            assert!(!error["message"].as_str().unwrap().contains("firewall"), "{error}");
        }
    }
}

#[test]
fn a_portal_in_place_of_navan() {
    let page =
        || Reply::new(200, "\n<html><title>Welcome to the guest network</title>").header("content-type", "text/html");
    for at_token in [true, false] {
        let server = ScriptedNavan::start(move |asked| ((asked.path == TOKEN) == at_token).then(page));
        assert_says(&server.connector(), "transient_error", &["127.0.0.1", "portal page"]);
    }
}

#[test]
fn a_firewall_that_refuses() {
    for status in [403, 404, 413] {
        for at_token in [true, false] {
            let page = move || Reply::new(status, "<html>Blocked</html>").header("content-type", "text/html");
            let server = ScriptedNavan::start(move |asked| ((asked.path == TOKEN) == at_token).then(page));
            let words = ["127.0.0.1", "firewall", &status.to_string()];
            assert_says(&server.connector(), "config_error", &words);
        }
    }
}

#[test]
fn a_login_page_in_between() {
    let to_login = || Reply::new(302, "").header("location", "https://login.example/sso?from=navan");
    for at_token in [true, false] {
        let server = ScriptedNavan::start(move |asked| ((asked.path == TOKEN) == at_token).then(to_login));
        assert_says(&server.connector(), "config_error", &["127.0.0.1", "login.example", "login page"]);
    }
}

#[test]
fn a_redirect_does_not_carry_the_secret_into_the_words() {
    let server = ScriptedNavan::start(|asked| {
        let to = "https://s3cr3t-of-this-run.login.example/";
        (asked.path == TOKEN).then(|| Reply::new(302, "").header("location", to))
    });
    let connector = server.connector().config("client_secret", "S3cr3t-of-this-run");
    for command in ["check", "read"] {
        let run = connector.run(command);
        assert!(!run.stdout.to_lowercase().contains("s3cr3t"), "{}", run.stdout);
        assert!(run.stdout.contains("another host"), "{}", run.stdout);
    }
}

#[test]
fn an_address_that_is_not_on_the_allow_list() {
    let body = json!({"error": {"code": "IP_NOT_ALLOWED", "message": "not allowed"}}).to_string();
    for at_token in [true, false] {
        let body = body.clone();
        let refused = move || Reply::new(403, body.clone());
        let server = ScriptedNavan::start(move |asked| ((asked.path == TOKEN) == at_token).then(&refused));
        assert_says(&server.connector(), "config_error", &["127.0.0.1", "IP address", "allow-list"]);
    }
}

#[test]
fn a_wrong_credential_and_a_missing_scope_are_navans_own_words_and_no_obstacles() {
    let wrong = json!({"error": "invalid_client"}).to_string();
    let server = ScriptedNavan::start(move |asked| (asked.path == TOKEN).then(|| Reply::new(401, wrong.clone())));
    assert_says(&server.connector(), "config_error", &["127.0.0.1", "`client_secret`", "`region`"]);
    let missing = json!({"error": {"code": "FORBIDDEN", "message": "missing scope"}}).to_string();
    let server = ScriptedNavan::start(move |asked| (asked.path != TOKEN).then(|| Reply::new(403, missing.clone())));
    assert_says(&server.connector(), "config_error", &["scope"]);
}
