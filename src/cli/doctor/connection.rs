//! The way to each host that is asked: proxy, name, connection, TLS.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::iter;
use tokio::net::TcpStream;

use super::report::{Line, Report, Verdict};
use super::{hosts, issuers};
use crate::api::{Apis, Place};
use crate::clock;
use crate::gateway::reach::{Blocked, Route, TlsSession};

/// A certificate is renewed before it has so few days left.
const FEW_DAYS: i64 = 14;

/// Goes the way to each place, as far as it leads; each step may take so long.
pub(super) async fn check(apis: &Apis<'_>, patience: Duration, report: &mut Report) {
    let places = apis.places();
    let at_once = places.len();
    let mut ways = iter(places).map(|place| way_to(place, patience)).buffered(at_once);
    while let Some(lines) = ways.next().await {
        for line in lines {
            report.add(line);
        }
    }
}

async fn way_to(place: Place, patience: Duration) -> Vec<Line> {
    let route = Route::to(&place.url, patience);
    let mut lines: Vec<_> = proxy(&place, &route).into_iter().collect();
    let addresses = match route.addresses().await {
        Ok(addresses) => addresses,
        Err(blocked) => {
            lines.push(failed("dns", &place, &blocked));
            return lines;
        }
    };
    lines.extend(names(&place, &route, &addresses));
    let connections = join_all(addresses.iter().map(|address| route.connect(*address))).await;
    let (line, stream) = connected(&place, &addresses, connections);
    lines.push(line);
    let Some(stream) = stream else { return lines };
    if !route.is_tls() {
        let says = format!("{} is spoken to without encryption", route.target());
        lines.push(Line::new(Verdict::Ok, "tls", place.role, says).fact("encrypted", false));
        return lines;
    }
    lines.push(match route.secure(stream).await {
        Ok(session) => secured(&place, &route, &session),
        Err(blocked) => failed("tls", &place, &blocked),
    });
    lines
}

/// What is said of the proxy, if there is one or could be.
fn proxy(place: &Place, route: &Route) -> Option<Line> {
    let variable = route.proxy_variable();
    let Some(proxy) = route.proxy() else {
        let says = format!("{} is asked directly, as NO_PROXY wants it, and not by {}", route.target(), variable?);
        return Some(Line::new(Verdict::Ok, "proxy", place.role, says).fact("proxy", "none, by NO_PROXY"));
    };
    let by = variable.unwrap_or("this machine's settings");
    let says = format!(
        "{} is asked by way of {} ({by}); names and connections are those of the proxy",
        route.target(),
        proxy.address()
    );
    Some(if proxy.is_socks() {
        Line::new(Verdict::Fail, "proxy", place.role, format!("{says}; it is a SOCKS proxy, which cannot be used"))
            .next("Name an HTTP proxy, or the host in NO_PROXY.")
            .fact("proxy", "SOCKS")
    } else {
        Line::new(Verdict::Ok, "proxy", place.role, says).fact("proxy", "HTTP")
    })
}

fn failed(check: &'static str, place: &Place, blocked: &Blocked) -> Line {
    Line::new(Verdict::Fail, check, place.role, blocked.error.message())
        .fact("host", hosts::masked(&place.url))
        .fact("problem", blocked.by)
}

/// What is said of a name, if it is one and no address.
fn names(place: &Place, route: &Route, addresses: &[SocketAddr]) -> Option<Line> {
    let shown: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    let who = route.next_host();
    if shown.iter().any(|address| address == who) {
        return None;
    }
    let line = Line::new(Verdict::Ok, "dns", place.role, format!("{who} is {}", shown.join(", ")));
    Some(line.fact("host", hosts::masked(&place.url)).fact("addresses", addresses.len()))
}

/// What is said of the connections, and the first that came about. An address of version 6 often leads nowhere, which does no harm.
fn connected(
    place: &Place,
    addresses: &[SocketAddr],
    connections: Vec<Result<(TcpStream, Duration), Blocked>>,
) -> (Line, Option<TcpStream>) {
    let (mut shown, mut first, mut blocked, mut lacks_usual) = (Vec::new(), None, None, false);
    for (address, connection) in addresses.iter().zip(connections) {
        match connection {
            Ok((stream, took)) => {
                shown.push(format!("{address} in {} ms", took.as_millis()));
                first.get_or_insert((stream, took));
            }
            Err(by) => {
                shown.push(format!("{address} not ({})", by.by));
                lacks_usual |= address.is_ipv4();
                blocked.get_or_insert(by);
            }
        }
    }
    let reached = shown.len();
    match (first, blocked) {
        (Some((stream, took)), _) => {
            let verdict = if lacks_usual { Verdict::Warn } else { Verdict::Ok };
            let line = Line::new(verdict, "tcp", place.role, format!("connects to {}", shown.join(", ")))
                .fact("addresses", reached)
                .fact("ms", millis(took));
            (line, Some(stream))
        }
        (None, Some(blocked)) => (failed("tcp", place, &blocked), None),
        (None, None) => (Line::new(Verdict::Skipped, "tcp", place.role, "there is no address"), None),
    }
}

fn secured(place: &Place, route: &Route, session: &TlsSession) -> Line {
    let line = |verdict, says: String| {
        Line::new(verdict, "tls", place.role, says).fact("version", session.version).fact("ms", millis(session.took))
    };
    let Some(certificate) = session.certificates.first() else {
        return line(Verdict::Warn, format!("{} with a certificate that cannot be read", session.version));
    };
    let days = (certificate.expires - clock::wall()).num_days();
    let issuer = issuers::of(&session.certificates, hosts::is_navans(&place.url));
    let says = format!(
        "{} in {} ms with {}: certificate of {}, by {}, for {days} days more",
        session.version,
        session.took.as_millis(),
        route.target(),
        certificate.subject,
        certificate.issuer
    );
    let verdict = if issuer.is_suspect() || days < FEW_DAYS { Verdict::Warn } else { Verdict::Ok };
    let line = line(verdict, says).fact("days left", days).fact("issuer", issuer.in_a_word());
    if issuer.is_suspect() {
        return line.next(
            "A proxy of your company seems to open the connection. Have Navan's hosts exempted if requests fail or change.",
        );
    }
    if days < FEW_DAYS { line.next("It has to be renewed soon, by whom the host belongs to.") } else { line }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
