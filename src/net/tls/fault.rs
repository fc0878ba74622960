//! What an error of TLS says about the peer.

use crate::net::Refusal;
use rustls::{AlertDescription, CertificateError, Error};
use std::io;

/// The reason that is counted.
pub(super) fn refusal_of(error: &Error) -> Refusal {
    match error {
        Error::NoCertificatesPresented => Refusal::Uncertified,
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::AlertReceived(alert) => of_alert(*alert),
        _ => Refusal::NoTls,
    }
}

fn of_certificate(error: &CertificateError) -> Refusal {
    use CertificateError as Certificate;
    match error {
        Certificate::Expired
        | Certificate::ExpiredContext { .. }
        | Certificate::NotValidYet
        | Certificate::NotValidYetContext { .. } => Refusal::Expired,
        // An authority of the same name and with another key; peers hear `DecryptError`.
        Certificate::UnknownIssuer | Certificate::BadSignature => Refusal::Untrusted,
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => Refusal::Misnamed,
        _ => Refusal::Unfit,
    }
}

/// What the peer says about this node's certificate.
const fn of_alert(alert: AlertDescription) -> Refusal {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateExpired => Refusal::Expired,
        Alert::UnknownCA | Alert::DecryptError => Refusal::Untrusted,
        Alert::CertificateRequired | Alert::NoCertificate => Refusal::Uncertified,
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateUnknown
        | Alert::AccessDenied => Refusal::Unfit,
        _ => Refusal::NoTls,
    }
}

/// An error of TLS as one of input and output.
pub(super) fn broken(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_of_a_certificate_has_its_reason() {
        let certificate = |error| refusal_of(&Error::InvalidCertificate(error));
        assert_eq!(certificate(CertificateError::Expired), Refusal::Expired);
        assert_eq!(certificate(CertificateError::NotValidYet), Refusal::Expired);
        assert_eq!(certificate(CertificateError::UnknownIssuer), Refusal::Untrusted);
        assert_eq!(certificate(CertificateError::NotValidForName), Refusal::Misnamed);
        assert_eq!(certificate(CertificateError::BadSignature), Refusal::Untrusted);
        assert_eq!(certificate(CertificateError::BadEncoding), Refusal::Unfit);
        assert_eq!(refusal_of(&Error::NoCertificatesPresented), Refusal::Uncertified);
        assert_eq!(refusal_of(&Error::DecryptError), Refusal::NoTls);
    }

    #[test]
    fn what_a_peer_says_of_a_certificate_is_the_reason_that_it_counts() {
        use AlertDescription as Alert;
        let said = |alert| refusal_of(&Error::AlertReceived(alert));
        assert_eq!(said(Alert::CertificateExpired), Refusal::Expired);
        assert_eq!(said(Alert::UnknownCA), Refusal::Untrusted);
        assert_eq!(said(Alert::CertificateRequired), Refusal::Uncertified);
        assert_eq!(said(Alert::UnsupportedCertificate), Refusal::Unfit);
        assert_eq!(said(Alert::ProtocolVersion), Refusal::NoTls);
    }
}
