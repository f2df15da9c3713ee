//! The way to a host, one step after the other, so that it can be told at which one it ends: name, connection, proxy, TLS. Requests
//! go another way, by the client; here goes who has to find out what is wrong. The rules are the client's: its proxies, its certificates.

mod proxy;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ProtocolVersion;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

use super::obstacle::Obstacle;
use super::tls;
use crate::error::Error;

pub use super::tls::Certificate;
pub use proxy::Proxy;

/// The way to a host.
pub struct Route {
    host: String,
    port: u16,
    is_tls: bool,
    proxy: Option<Proxy>,
    /// What each step may take.
    patience: Duration,
}

/// A step that did not come about.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Blocked {
    /// What is in the way, in words that tell nothing of who was asked.
    pub by: &'static str,
    /// The words for the user.
    pub error: Error,
}

/// A TLS connection that came about.
#[derive(Debug)]
pub struct TlsSession {
    /// Its version.
    pub version: &'static str,
    /// The other side's certificate, if it can be read, and those that it sent along.
    pub certificates: Vec<Certificate>,
    /// How long it took to come about.
    pub took: Duration,
}

/// What can be spoken over.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

impl Route {
    /// To the host of an address; each step may take so long.
    pub fn to(url: &Url, patience: Duration) -> Self {
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            host => host.map(|host| host.to_string()).unwrap_or_default(),
        };
        let port = url.port_or_known_default().unwrap_or_default();
        Self { host, port, is_tls: url.scheme() == "https", proxy: Proxy::on_the_way_to(url), patience }
    }

    /// Who is to be reached.
    pub fn target(&self) -> String {
        let is_usual = self.port == if self.is_tls { 443 } else { 80 };
        if is_usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The proxy that it goes through.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// The variable of the environment that names a proxy for such addresses, whether or not this one goes through it.
    pub fn proxy_variable(&self) -> Option<&'static str> {
        proxy::variable(self.is_tls)
    }

    /// Whether it ends with a TLS connection.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// The host that is connected to: the proxy, if there is one.
    pub fn next_host(&self) -> &str {
        self.next().0
    }

    fn next(&self) -> (&str, u16) {
        self.proxy.as_ref().map_or((self.host.as_str(), self.port), |proxy| (proxy.host.as_str(), proxy.port))
    }

    /// The addresses of who is connected to.
    ///
    /// # Errors
    /// If there is none.
    pub async fn addresses(&self) -> Result<Vec<SocketAddr>, Blocked> {
        let found = timeout(self.patience, tokio::net::lookup_host(self.next())).await;
        let mut addresses: Vec<_> = found.ok().and_then(Result::ok).into_iter().flatten().collect();
        addresses.dedup();
        if addresses.is_empty() { Err(self.unreached(Obstacle::UnknownHost)) } else { Ok(addresses) }
    }

    /// A connection to one of them, and how long it took.
    ///
    /// # Errors
    /// If none comes about.
    pub async fn connect(&self, address: SocketAddr) -> Result<(TcpStream, Duration), Blocked> {
        let began = Instant::now();
        match timeout(self.patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => Ok((stream, began.elapsed())),
            Ok(Err(error)) => Err(self.unreached(Obstacle::of_causes(&error).unwrap_or(Obstacle::Unreachable))),
            Err(_) => Err(self.unreached(Obstacle::NoConnection)),
        }
    }

    /// The proxy's way to the host, if there is a proxy, and TLS over it.
    ///
    /// # Errors
    /// If the proxy opens none, or no TLS connection comes about.
    pub async fn secure(&self, stream: TcpStream) -> Result<TlsSession, Blocked> {
        let no_settings = |error: rustls::Error| self.blocked_by(Obstacle::Tls(error.to_string()));
        let (config, verifier) = tls::client_config().map_err(no_settings)?;
        verifier.load().map_err(no_settings)?;
        let connector = TlsConnector::from(Arc::new(config));
        let began = Instant::now();
        let secured = timeout(self.patience, self.try_to_secure(stream, &connector));
        let no_answer = || Obstacle::Tls(format!("no answer within {:?}", self.patience));
        let secured = secured.await.unwrap_or_else(|_| Err(no_answer()));
        let stream = secured.map_err(|obstacle| self.blocked_by(obstacle))?;
        let (_, session) = stream.get_ref();
        let version = match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
            _ => "another version of TLS",
        };
        let certificates = session.peer_certificates().into_iter().flatten().filter_map(Certificate::read).collect();
        Ok(TlsSession { version, certificates, took: began.elapsed() })
    }

    async fn try_to_secure(
        &self,
        stream: TcpStream,
        connector: &TlsConnector,
    ) -> Result<TlsStream<Box<dyn Stream>>, Obstacle> {
        let mut stream: Box<dyn Stream> = Box::new(stream);
        if let Some(proxy) = &self.proxy {
            if proxy.is_tls {
                stream = Box::new(handshake(&proxy.host, stream, connector).await?);
            }
            proxy.open_way(&mut stream, &self.host, self.port).await?;
        }
        handshake(&self.host, stream, connector).await
    }

    /// Before there is a connection: that to a proxy, if there is one.
    fn unreached(&self, obstacle: Obstacle) -> Blocked {
        self.blocked_by(if self.proxy.is_some() { Obstacle::NoProxy } else { obstacle })
    }

    fn blocked_by(&self, obstacle: Obstacle) -> Blocked {
        Blocked { by: obstacle.name(), error: obstacle.into_error(&self.target()) }
    }
}

async fn handshake(
    host: &str,
    stream: Box<dyn Stream>,
    connector: &TlsConnector,
) -> Result<TlsStream<Box<dyn Stream>>, Obstacle> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| Obstacle::Tls(error.to_string()))?;
    let stream = connector.connect(name, stream).await;
    stream.map_err(|error| Obstacle::of_causes(&error).unwrap_or_else(|| Obstacle::Tls(error.to_string())))
}
