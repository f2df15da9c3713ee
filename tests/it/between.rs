//! What stands between a machine and Navan, as far as it lets requests through: a TLS front, and an HTTP proxy.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// Speaks TLS, and hands on what is in it.
pub(crate) struct TlsFront {
    pub(crate) address: SocketAddr,
    authority: NamedTempFile,
    _runtime: Runtime,
}

/// An HTTP proxy that opens its ways to one place, whoever is asked for.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _runtime: Runtime,
}

fn listener() -> (StdListener, SocketAddr, Runtime) {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    (listener, address, runtime)
}

impl TlsFront {
    /// In front of `to`, with a certificate for `name` that an authority called `authority` issued.
    pub(crate) fn start(name: &str, authority: &str, to: SocketAddr) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, authority);
        let authority_key = KeyPair::generate().unwrap();
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), params.self_signed(&authority_key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(params, authority_key);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = config.unwrap().with_no_client_auth().with_single_cert(vec![certificate.into()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (listener, address, runtime) = listener();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Whoever does not like the certificate goes.
                    let Ok(mut tls) = acceptor.accept(stream).await else { return };
                    let mut behind = TcpStream::connect(to).await.unwrap();
                    let _ = copy_bidirectional(&mut tls, &mut behind).await;
                });
            }
        });
        Self { address, authority: file, _runtime: runtime }
    }

    /// The file with the authority's certificate.
    pub(crate) fn authority(&self) -> String {
        self.authority.path().display().to_string()
    }
}

impl Proxy {
    /// Whose ways all lead to `to`.
    pub(crate) fn start(to: SocketAddr) -> Self {
        let (listener, address, runtime) = listener();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(open_way(stream, to, Arc::clone(&noted)));
            }
        });
        Self { address, asked, _runtime: runtime }
    }

    /// The first line of each request.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn open_way(mut stream: TcpStream, to: SocketAddr, asked: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    asked.lock().unwrap().push(String::from_utf8_lossy(&head).lines().next().unwrap().to_owned());
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    let mut behind = TcpStream::connect(to).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut behind).await;
}
