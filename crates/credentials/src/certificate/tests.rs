use super::*;

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../testdata/", $name))
    };
}

/// The validity of the RSA certificate, as OpenSSL shows it.
const START: i64 = 1_795_474_353;
const END: i64 = 4_949_074_353;
const NOW: i64 = START + 3_600;

fn chain() -> String {
    format!("{}{}", file!("intermediate.pem"), file!("root.pem"))
}

#[test]
fn a_certificate_is_read_as_openssl_reads_it() {
    let certificate = Certificate::from_pem(file!("rsa.pem")).unwrap();
    assert_eq!((certificate.not_before(), certificate.not_after()), (START, END));
    assert_eq!(certificate.subject(), "CN=rsa.example.com");
    assert_eq!(certificate.issuer(), "CN=Intermediate,O=Rolecall tests");
    assert_eq!(certificate.thumbprint(), "30b81ecffa26643ec0f3b9403baf8a661876d997");
    assert_eq!(certificate.to_pem(), file!("rsa.pem"));
    assert!(!certificate.is_authority());
    assert!(Certificate::from_pem(file!("intermediate.pem")).unwrap().is_authority());
    assert!(certificate.is_valid_at(START) && certificate.is_valid_at(END));
    assert!(!certificate.is_valid_at(START - 1) && !certificate.is_valid_at(END + 1));
}

#[test]
fn every_kind_of_key_is_matched_to_its_certificate() {
    let pairs = [
        (file!("rsa.pem"), file!("rsa.key")),
        (file!("rsa.pem"), file!("rsa.pkcs1.key")),
        (file!("rsa1024.pem"), file!("rsa1024.key")),
        (file!("p256.pem"), file!("p256.key")),
        (file!("p256.pem"), file!("p256.sec1.key")),
        (file!("p384.pem"), file!("p384.key")),
        (file!("ed25519.pem"), file!("ed25519.key")),
    ];
    for (index, (body, key)) in pairs.iter().enumerate() {
        assert!(ServerCertificate::check(body, None, key, NOW + 60).is_ok(), "{index}");
        for (other, _) in pairs.iter().filter(|(other, _)| other != body) {
            let refused = ServerCertificate::check(other, None, key, NOW + 60);
            assert_eq!(refused, Err(CertificateError::KeyPairMismatch), "{index}");
        }
    }
}

#[test]
fn a_chain_leads_up_in_order() {
    let check = |chain: &str| ServerCertificate::check(file!("rsa.pem"), Some(chain), file!("rsa.key"), NOW);
    assert_eq!(check(&chain()).unwrap().chain.len(), 2);
    assert_eq!(check(file!("intermediate.pem")).unwrap().chain.len(), 1);
    let backwards = format!("{}{}", file!("root.pem"), file!("intermediate.pem"));
    assert_eq!(check(&backwards), Err(CertificateError::Chain(-1)));
    let stranger = format!("{}{}", file!("intermediate.pem"), file!("rsa1024.pem"));
    assert_eq!(check(&stranger), Err(CertificateError::Chain(0)));
    let with_text = format!("Certificate:\n{}", chain());
    assert_eq!(check(&with_text), Err(CertificateError::Chain(-1)));
    assert!(check("").unwrap().chain.is_empty());
}

#[test]
fn a_chain_error_reads_as_aws_writes_it() {
    assert_eq!(
        CertificateError::Chain(-1).to_string(),
        "Unable to validate certificate chain. The certificate chain must start with the immediate signing \
         certificate, followed by any intermediaries in order. The index within the chain of the invalid \
         certificate is: -1"
    );
    assert_eq!(CertificateError::Chain(-1).code(), "MalformedCertificate");
}

#[test]
fn a_forged_signature_does_not_hold() {
    let intermediate = Certificate::from_pem(file!("intermediate.pem")).unwrap();
    let leaf = Certificate::from_pem(file!("rsa.pem")).unwrap();
    assert!(leaf.is_signed_by(&intermediate));
    let mut der = leaf.der().to_vec();
    let position = der.windows(15).position(|window| window == b"rsa.example.com").unwrap();
    der[position] = b'R';
    let forged = Certificate::from_der(&der).unwrap();
    assert_eq!(forged.subject(), "CN=Rsa.example.com");
    assert!(!forged.is_signed_by(&intermediate));
}

#[test]
fn a_certificate_out_of_its_time_is_refused() {
    for (now, expected) in
        [(START - 1, Err(CertificateError::NotValidNow)), (END + 1, Err(CertificateError::NotValidNow))]
    {
        let checked = ServerCertificate::check(file!("rsa.pem"), None, file!("rsa.key"), now);
        assert_eq!(checked.map(|_| ()), expected);
    }
    assert!(check_signing_certificate(file!("rsa.pem"), END).is_ok());
    assert_eq!(check_signing_certificate(file!("rsa.pem"), END + 1), Err(CertificateError::Invalid));
}

#[test]
fn what_is_no_certificate_or_key_is_refused() {
    let two = chain();
    for body in ["", "hello", file!("rsa.key"), &two, &file!("rsa.pem").replace("MII", "MIJ")] {
        assert_eq!(Certificate::from_pem(body), Err(CertificateError::Unparsable), "{body}");
    }
    for key in [file!("rsa.encrypted.key"), file!("rsa.encrypted.pkcs8.key")] {
        let refused = ServerCertificate::check(file!("rsa.pem"), None, key, NOW);
        assert_eq!(refused, Err(CertificateError::PrivateKey(PrivateKeyError::Encrypted)));
    }
    for key in ["", file!("rsa.pem"), &file!("rsa.key").replace("MII", "MIJ")] {
        let refused = ServerCertificate::check(file!("rsa.pem"), None, key, NOW);
        assert_eq!(refused, Err(CertificateError::PrivateKey(PrivateKeyError::Invalid)));
    }
}

#[test]
fn signing_certificate_ids_are_32_letters() {
    let id = signing_certificate_id(&|bytes| bytes.fill(200));
    assert_eq!(id.len(), 32);
    assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
}
