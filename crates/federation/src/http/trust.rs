//! Whom an issuer's server is believed to be: by the public authorities, or by those whose thumbprint
//! the provider has.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_cert::der::Decode;

use crate::thumbprint;

/// The cryptography of every connection.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Trusts the roots, then the authorities with a thumbprint among those that the server presents.
#[derive(Debug)]
pub(super) struct Trust {
    roots: Arc<RootCertStore>,
    thumbprints: Vec<String>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    pub(super) fn new(roots: Arc<RootCertStore>, thumbprints: Vec<String>) -> Self {
        Self { roots, thumbprints, provider: provider() }
    }

    fn is_registered(&self, certificate: &CertificateDer<'_>) -> bool {
        let actual = thumbprint::of(certificate);
        self.thumbprints.iter().any(|registered| registered.eq_ignore_ascii_case(&actual))
    }

    fn by_roots(
        &self,
        roots: Arc<RootCertStore>,
        presented: &Presented<'_>,
    ) -> Result<ServerCertVerified, Error> {
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, self.provider.clone()).build();
        let verifier = verifier.map_err(|_| Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        verifier.verify_server_cert(presented.own, presented.above, presented.name, &[], presented.now)
    }

    /// A registered authority is a root for this server alone.
    fn by_thumbprint(&self, presented: &Presented<'_>) -> Option<ServerCertVerified> {
        if self.is_registered(presented.own) {
            return presented.stands_alone().then(ServerCertVerified::assertion);
        }
        let authority = presented.above.iter().find(|certificate| self.is_registered(certificate))?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned()).ok()?;
        self.by_roots(Arc::new(roots), presented).ok()
    }
}

/// What a server presents.
struct Presented<'a> {
    own: &'a CertificateDer<'a>,
    above: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
    now: UnixTime,
}

impl Presented<'_> {
    /// Whether the server's own certificate, being registered itself, has its name and is in its time.
    fn stands_alone(&self) -> bool {
        let named = ParsedCertificate::try_from(self.own)
            .is_ok_and(|certificate| verify_server_name(&certificate, self.name).is_ok());
        let valid = x509_cert::Certificate::from_der(self.own).is_ok_and(|certificate| {
            let validity = certificate.tbs_certificate().validity();
            let start = validity.not_before.to_unix_duration().as_secs();
            let end = validity.not_after.to_unix_duration().as_secs();
            (start..=end).contains(&self.now.as_secs())
        });
        named && valid
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let presented = Presented { own, above, name, now };
        let refused = match self.by_roots(self.roots.clone(), &presented) {
            Ok(verified) => return Ok(verified),
            Err(refused) => refused,
        };
        self.by_thumbprint(&presented).ok_or(refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Trusts anyone: only for looking at what a server presents, over a connection that carries nothing.
#[derive(Debug)]
pub(super) struct AcceptAny;

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _own: &CertificateDer<'_>,
        _above: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
