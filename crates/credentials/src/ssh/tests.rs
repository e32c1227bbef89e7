use super::*;

const RSA: &str = include_str!("../../testdata/ssh_rsa.pub");
const RSA_1024: &str = include_str!("../../testdata/ssh_rsa1024.pub");
const ED25519: &str = include_str!("../../testdata/ssh_ed25519.pub");
const ECDSA: &str = include_str!("../../testdata/ssh_ecdsa.pub");
const RFC4716: &str = include_str!("../../testdata/ssh_rsa.rfc4716");
const SPKI: &str = include_str!("../../testdata/ssh_rsa.spki.pem");
const PKCS1: &str = include_str!("../../testdata/ssh_rsa.pkcs1.pem");

/// The line without its comment.
fn line(file: &str) -> String {
    file.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

fn base64_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

#[test]
fn every_form_of_a_key_is_the_same_key() {
    let key = SshPublicKey::parse(RSA).unwrap();
    for form in [RFC4716, SPKI, PKCS1, &base64_of(SPKI), &base64_of(PKCS1), &line(RSA)] {
        assert_eq!(SshPublicKey::parse(form).unwrap(), key, "{form}");
    }
}

#[test]
fn keys_are_written_as_openssh_and_openssl_write_them() {
    let key = SshPublicKey::parse(PKCS1).unwrap();
    assert_eq!(key.to_ssh(), line(RSA));
    assert_eq!(key.to_pem(), SPKI);
    let key = SshPublicKey::parse(ED25519).unwrap();
    assert_eq!(key.to_ssh(), line(ED25519));
    assert_eq!(SshPublicKey::parse(&key.to_pem()).unwrap(), key);
}

#[test]
fn the_fingerprint_is_what_ssh_keygen_shows() {
    let key = SshPublicKey::for_user(RSA).unwrap();
    assert_eq!(key.md5_fingerprint(), "bc:24:44:91:91:4e:b4:00:1f:47:03:2e:1e:d6:b6:a3");
}

#[test]
fn users_have_rsa_keys_of_2048_bits_or_more() {
    assert_eq!(SshPublicKey::for_user(RSA_1024), Err(SshKeyError::InvalidPublicKey));
    assert_eq!(SshPublicKey::for_user(ED25519), Err(SshKeyError::UnrecognizedPublicKeyEncoding));
    assert_eq!(SshPublicKey::for_user(ECDSA), Err(SshKeyError::UnrecognizedPublicKeyEncoding));
    assert!(SshPublicKey::parse(RSA_1024).is_ok());
}

#[test]
fn what_is_no_key_is_refused_by_kind() {
    let ed25519 = line(ED25519);
    let swapped = ed25519.replace("ssh-ed25519 ", "ssh-rsa ");
    let cut = line(RSA)[..200].to_owned();
    for text in [swapped.as_str(), &cut, "ssh-rsa AAAA", "ssh-rsa !", &SPKI.replace("MII", "MIJ")] {
        assert_eq!(SshPublicKey::parse(text), Err(SshKeyError::InvalidPublicKey), "{text}");
    }
    for text in [
        "",
        "hello",
        "hello world",
        "ssh-dss AAAA",
        "-----BEGIN EC PUBLIC KEY-----\nAA==\n-----END EC PUBLIC KEY-----",
    ] {
        assert_eq!(SshPublicKey::parse(text), Err(SshKeyError::UnrecognizedPublicKeyEncoding), "{text}");
    }
}

#[test]
fn numbers_that_are_no_rsa_key_are_refused() {
    let wire = |exponent: &[u8], modulus: &[u8]| {
        let mut wire = Vec::new();
        put_string(&mut wire, b"ssh-rsa");
        put_integer(&mut wire, exponent);
        put_integer(&mut wire, modulus);
        format!("ssh-rsa {}", STANDARD.encode(wire))
    };
    assert!(SshPublicKey::parse(&wire(&[1, 0, 1], &[0xff; 256])).is_ok());
    for (exponent, modulus) in
        [(vec![1], vec![0xff; 256]), (vec![2], vec![0xff; 256]), (vec![3], vec![0xfe; 256])]
    {
        assert_eq!(SshPublicKey::parse(&wire(&exponent, &modulus)), Err(SshKeyError::InvalidPublicKey));
    }
    assert!(SshPublicKey::parse(&wire(&[3], &[0xff; 64])).is_err(), "512 bits");
    assert!(SshPublicKey::parse(&wire(&[3], &[0xff; 4096])).is_err(), "32,768 bits");
}
