//! The proxy on the way to a host, if there is one. Which one the client's own rules say, which are those of `HTTPS_PROXY` and its like.

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use url::Url;
use zeroize::Zeroizing;

use super::super::obstacle::Obstacle;

/// The longest head of a proxy's answer that is read.
const MAX_HEAD: usize = 16 * 1024;

/// A proxy.
pub struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// Whether it is itself spoken to by TLS.
    pub(super) is_tls: bool,
    /// Whether it is one of a kind that the client cannot use.
    is_socks: bool,
    /// What logs in there.
    login: Option<Zeroizing<String>>,
}

impl Proxy {
    /// That on the way to an address.
    pub(super) fn on_the_way_to(url: &Url) -> Option<Self> {
        let origin = url.origin().ascii_serialization();
        Self::of(&Matcher::from_system().intercept(&origin.parse().ok()?)?)
    }

    fn of(intercept: &Intercept) -> Option<Self> {
        let (address, scheme) = (intercept.uri(), intercept.uri().scheme_str().unwrap_or("http"));
        let is_tls = scheme == "https";
        let login = intercept.basic_auth().and_then(|login| login.to_str().ok());
        Some(Self {
            host: address.host()?.to_owned(),
            port: address.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            is_tls,
            is_socks: scheme.starts_with("socks"),
            login: login.map(|login| Zeroizing::new(login.to_owned())),
        })
    }

    /// Where it is.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether it is a SOCKS proxy, which the client cannot use.
    pub fn is_socks(&self) -> bool {
        self.is_socks
    }

    /// Has it open a way to a host over a connection to it.
    pub(super) async fn open_way<S>(&self, stream: &mut S, host: &str, port: u16) -> Result<(), Obstacle>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut request = Zeroizing::new(format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n"));
        if let Some(login) = &self.login {
            request.push_str("Proxy-Authorization: ");
            request.push_str(login);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|_| Obstacle::ProxyRefuses)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = stream.read_u8().await.map_err(|_| Obstacle::ProxyRefuses)?;
            head.push(byte);
            if head.len() > MAX_HEAD {
                return Err(Obstacle::ProxyRefuses);
            }
        }
        let status = head.split(|byte| *byte == b' ').nth(1);
        match status {
            Some([b'2', ..]) => Ok(()),
            Some(b"407") => Err(Obstacle::ProxyWantsLogin),
            _ => Err(Obstacle::ProxyRefuses),
        }
    }
}

/// The variable of the environment that names a proxy for addresses of that kind, whether or not it is used for this one.
pub(super) fn variable(is_tls: bool) -> Option<&'static str> {
    let own = if is_tls { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let is_set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    own.into_iter().chain(["ALL_PROXY", "all_proxy"]).find(is_set)
}
