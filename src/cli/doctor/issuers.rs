//! Who issued a certificate: an authority that everybody knows, or somebody in between who opens connections.

use crate::gateway::reach::Certificate;

/// Words in the names of authorities of programs that open connections to look into them.
const INSPECTORS: [&str; 31] = [
    "avast",
    "barracuda",
    "bitdefender",
    "blue coat",
    "burp",
    "charles proxy",
    "check point",
    "cisco umbrella",
    "decrypt",
    "eset ssl",
    "fiddler",
    "firewall",
    "forcepoint",
    "fortigate",
    "fortinet",
    "gateway ca",
    "iboss",
    "inspection",
    "interception",
    "kaspersky",
    "mcafee",
    "mitm",
    "netskope",
    "palo alto",
    "portswigger",
    "proxy",
    "skyhigh",
    "sophos",
    "squid",
    "websense",
    "zscaler",
];

/// Words in the names of authorities that are everybody's.
const PUBLIC: [&str; 16] = [
    "amazon",
    "certum",
    "cloudflare",
    "digicert",
    "entrust",
    "globalsign",
    "godaddy",
    "google trust services",
    "harica",
    "identrust",
    "internet security research group",
    "let's encrypt",
    "microsoft",
    "sectigo",
    "ssl.com",
    "starfield",
];

/// Who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Issuer {
    /// Everybody's.
    Public,
    /// By its name somebody who opens connections.
    Inspector,
    /// Somebody unknown, where one of everybody's was to be expected.
    Unexpected,
    /// Somebody else.
    Private,
}

/// Who issued the certificates of a chain; a host that `is_public` has one of everybody's.
pub(super) fn of(certificates: &[Certificate], is_public: bool) -> Issuer {
    let names: Vec<_> = certificates.iter().map(|certificate| certificate.issuer.to_lowercase()).collect();
    let has = |words: &[&str]| names.iter().any(|name| words.iter().any(|word| name.contains(word)));
    if has(&INSPECTORS) {
        Issuer::Inspector
    } else if has(&PUBLIC) {
        Issuer::Public
    } else if is_public {
        Issuer::Unexpected
    } else {
        Issuer::Private
    }
}

impl Issuer {
    /// Whether somebody seems to be in between.
    pub(super) fn is_suspect(self) -> bool {
        matches!(self, Self::Inspector | Self::Unexpected)
    }

    pub(super) fn in_a_word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Inspector => "an inspecting proxy, by its name",
            Self::Unexpected => "no public authority that is known",
            Self::Private => "private",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(name: &str, is_public: bool) -> Issuer {
        let certificate = Certificate {
            subject: "CN=api.navan.com".to_owned(),
            issuer: name.to_owned(),
            expires: chrono::Utc::now(),
        };
        of(&[certificate], is_public)
    }

    #[test]
    fn a_proxy_that_opens_connections_is_told_by_its_name_or_by_being_nobody_that_is_known() {
        assert_eq!(issuer("CN=Amazon RSA 2048 M02,O=Amazon,C=US", true), Issuer::Public);
        assert_eq!(issuer("CN=Zscaler Intermediate Root CA,O=Zscaler Inc.", true), Issuer::Inspector);
        assert_eq!(issuer("CN=Cloudflare Gateway CA", true), Issuer::Inspector);
        assert_eq!(issuer("CN=Example Ltd Root", true), Issuer::Unexpected);
        assert_eq!(issuer("CN=Example Ltd Root", false), Issuer::Private);
    }
}
