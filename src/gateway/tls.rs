//! TLS, with certificates that this machine trusts. Of one that it does not trust, the issuer is told: behind a proxy that opens
//! connections it is the proxy's, and whoever runs the connector knows by its name which certificate to trust.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_platform_verifier::Verifier;
use x509_cert::der::Decode as _;

/// The certificate's issuer is not among those that this machine trusts.
#[derive(Debug, thiserror::Error)]
#[error("unknown issuer {0}")]
pub(super) struct UnknownIssuer(pub(super) String);

/// What a certificate says of itself.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// Until when it is valid.
    pub expires: DateTime<Utc>,
}

impl Certificate {
    /// `None` for one that cannot be read.
    pub(super) fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = x509_cert::Certificate::from_der(certificate).ok()?.tbs_certificate;
        Some(Self {
            subject: certificate.subject.to_string(),
            issuer: certificate.issuer.to_string(),
            expires: certificate.validity.not_after.to_system_time().into(),
        })
    }
}

/// The settings of connections, and what decides whom they are made to.
///
/// # Errors
/// If TLS cannot be set up.
pub(super) fn client_config() -> Result<(ClientConfig, Arc<NamingVerifier>), rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Arc::new(NamingVerifier { provider: Arc::clone(&provider), platform: OnceLock::new() });
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::<NamingVerifier>::clone(&verifier));
    Ok((config.with_no_client_auth(), verifier))
}

/// The platform's verifier, which decides; only the words of its refusal are others.
///
/// It is there from the first certificate on that is to be verified: to read those of this machine is most of what is done before
/// the first request, and a connection without TLS needs none.
#[derive(Debug)]
pub(super) struct NamingVerifier {
    provider: Arc<CryptoProvider>,
    platform: OnceLock<Result<Verifier, rustls::Error>>,
}

impl NamingVerifier {
    /// Reads the certificates of this machine.
    ///
    /// # Errors
    /// If it has none that are usable.
    pub(super) fn load(&self) -> Result<&Verifier, rustls::Error> {
        self.platform.get_or_init(|| Verifier::new(Arc::clone(&self.provider))).as_ref().map_err(Clone::clone)
    }
}

impl ServerCertVerifier for NamingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.load()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verified.map_err(|error| match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                let issuer = UnknownIssuer(issuer(intermediates.last().unwrap_or(end_entity)));
                CertificateError::Other(OtherError(Arc::new(issuer))).into()
            }
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.load()?.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.load()?.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Who issued a certificate, by the name that stands in it.
fn issuer(certificate: &CertificateDer<'_>) -> String {
    Certificate::read(certificate).map_or_else(|| "that cannot be read".to_owned(), |read| read.issuer)
}
