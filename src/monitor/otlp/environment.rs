//! What OpenTelemetry's own variables say: where spans and metrics are to go, and as whose.
//!
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>

use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// The only form of the protocol that is spoken here, and the default one.
const PROTOCOL: &str = "http/protobuf";

/// Where spans and metrics are to go.
#[derive(Clone)]
pub struct OtlpConfig {
    /// The name of the span that is around all others.
    pub(super) name: &'static str,
    pub(super) traces: Option<Endpoint>,
    pub(super) metrics: Option<Endpoint>,
    /// What they say of their origin.
    pub(super) resource: Vec<(String, String)>,
}

/// Where one kind of them goes.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) url: Url,
    /// As a rule a key, so that they are marked as secret.
    pub(super) headers: HeaderMap,
}

impl OtlpConfig {
    /// `None` if nothing is to be sent. `name` is what the whole run is called. A variable that cannot be used costs a warning: whoever
    /// sets them for many programs must not stop this one.
    pub fn from_variables(name: &'static str, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        // An empty one is as good as none.
        let variable = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
        if variable("OTEL_SDK_DISABLED").is_some_and(|text| text.trim().eq_ignore_ascii_case("true")) {
            return None;
        }
        let mut unusable = Vec::new();
        let mut of = |signal| {
            let endpoint = endpoint(signal, &variable);
            endpoint.unwrap_or_else(|why| {
                unusable.push(why);
                None
            })
        };
        let (traces, metrics) = (of("traces"), of("metrics"));
        unusable.dedup();
        for why in unusable {
            tracing::warn!("{why}. The sync goes on without.");
        }
        if traces.is_none() && metrics.is_none() {
            return None;
        }
        Some(Self { name, traces, metrics, resource: resource(&variable) })
    }
}

/// Where a signal goes: to the place of its own, or below that of all.
fn endpoint(signal: &str, variable: &impl Fn(&str) -> Option<String>) -> Result<Option<Endpoint>, String> {
    let capitals = signal.to_ascii_uppercase();
    // It may be a list.
    let exporters = variable(&format!("OTEL_{capitals}_EXPORTER"));
    if exporters.is_some_and(|names| !names.split(',').any(|name| name.trim() == "otlp")) {
        return Ok(None);
    }
    let given = |what: &str| {
        [format!("OTEL_EXPORTER_OTLP_{capitals}_{what}"), format!("OTEL_EXPORTER_OTLP_{what}")]
            .into_iter()
            .find_map(|name| Some((variable(&name)?, name)))
    };
    let Some((address, name)) = given("ENDPOINT") else { return Ok(None) };
    let url = Url::parse(address.trim()).ok().filter(|url| url.has_host() && ["http", "https"].contains(&url.scheme()));
    let mut url = url.ok_or_else(|| format!("{name} is no address that begins with http:// or https://"))?;
    if name == "OTEL_EXPORTER_OTLP_ENDPOINT"
        && let Ok(mut path) = url.path_segments_mut()
    {
        path.pop_if_empty().extend(["v1", signal]);
    }
    if let Some((_, name)) = given("PROTOCOL").filter(|(protocol, _)| protocol.trim() != PROTOCOL) {
        return Err(format!("{name} asks for another protocol than {PROTOCOL}, and this program speaks no other"));
    }
    let headers = match given("HEADERS") {
        Some((text, name)) => {
            headers(&text).ok_or_else(|| format!("{name} is no list of headers such as name=value,name=value"))?
        }
        None => HeaderMap::new(),
    };
    Ok(Some(Endpoint { url, headers }))
}

fn headers(text: &str) -> Option<HeaderMap> {
    let header = |(name, value): (String, String)| {
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    };
    pairs(text).map(|pair| header(pair?)).collect()
}

fn resource(variable: &impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    let defaults = [("service.name", env!("CARGO_PKG_NAME")), ("service.version", env!("CARGO_PKG_VERSION"))];
    let mut attributes: Vec<_> = defaults.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let given = variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let given: Vec<_> = pairs(&given).flatten().collect();
    let named = variable("OTEL_SERVICE_NAME").map(|name| ("service.name".to_owned(), name));
    for (name, value) in given.into_iter().chain(named) {
        attributes.retain(|(known, _)| *known != name);
        attributes.push((name, value));
    }
    attributes
}

/// `name=value,name=value`, where a value may have %-escapes; `None` in the place of what is no such pair.
fn pairs(text: &str) -> impl Iterator<Item = Option<(String, String)>> {
    text.split(',').filter(|pair| !pair.trim().is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        Some((name.trim().to_owned(), value.into_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Option<OtlpConfig> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, text)| (*text).to_owned())
        };
        OtlpConfig::from_variables("sync", variable)
    }

    /// Where spans and metrics go; empty for nowhere.
    fn places(variables: &[(&str, &str)]) -> [String; 2] {
        let place = |endpoint: Option<Endpoint>| endpoint.map(|endpoint| endpoint.url.to_string()).unwrap_or_default();
        config(variables).map(|config| [place(config.traces), place(config.metrics)]).unwrap_or_default()
    }

    #[test]
    fn each_signal_goes_below_the_address_of_all_or_to_its_own() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        let own = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://metrics.example/otlp");
        assert_eq!(places(&[]), ["", ""]);
        assert_eq!(places(&[all]), ["http://collector:4318/v1/traces", "http://collector:4318/v1/metrics"]);
        assert_eq!(
            places(&[(all.0, "https://otlp.example/base/")]),
            ["https://otlp.example/base/v1/traces", "https://otlp.example/base/v1/metrics"]
        );
        assert_eq!(places(&[all, own]), ["http://collector:4318/v1/traces", own.1]);
        assert_eq!(places(&[own]), ["", own.1]);
        assert_eq!(places(&[(all.0, " ")]), ["", ""]);
    }

    #[test]
    fn what_is_switched_off_or_cannot_be_used_is_not_sent() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        let (traces, metrics) = ("http://collector:4318/v1/traces", "http://collector:4318/v1/metrics");
        assert_eq!(places(&[all, ("OTEL_SDK_DISABLED", "True")]), ["", ""]);
        assert_eq!(places(&[all, ("OTEL_SDK_DISABLED", "false")]), [traces, metrics]);
        assert_eq!(places(&[all, ("OTEL_TRACES_EXPORTER", "none")]), ["", metrics]);
        assert_eq!(places(&[all, ("OTEL_METRICS_EXPORTER", "console, otlp")]), [traces, metrics]);
        assert_eq!(places(&[all, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]), ["", ""]);
        assert_eq!(places(&[all, ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")]), ["", metrics]);
        assert_eq!(places(&[all, ("OTEL_EXPORTER_OTLP_HEADERS", "a key")]), ["", ""]);
        assert_eq!(places(&[(all.0, "collector:4318")]), ["", ""]);
    }

    #[test]
    fn headers_and_origin_are_as_the_variables_say() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20YTpi+w==, x-team = data");
        let traces = config(&[all, headers]).unwrap().traces.unwrap();
        assert_eq!(traces.headers["authorization"], "Basic YTpi+w==");
        assert_eq!(traces.headers["x-team"], "data");
        assert!(traces.headers.values().all(HeaderValue::is_sensitive));

        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=navan,deployment.environment.name=a%2Cb");
        let origin = |variables: &[_]| {
            let resource = config(&[&[all], variables].concat()).unwrap().resource.into_iter();
            resource.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        let version = concat!("service.version=", env!("CARGO_PKG_VERSION"));
        assert_eq!(origin(&[]), ["service.name=source-navan", version]);
        assert_eq!(origin(&[attributes]), [version, "service.name=navan", "deployment.environment.name=a,b"]);
        let named = origin(&[attributes, ("OTEL_SERVICE_NAME", "travel")]);
        assert_eq!(named, [version, "deployment.environment.name=a,b", "service.name=travel"]);
    }
}
