use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1::DecodeRsaPrivateKey;

use super::*;

const RSA: &str = include_str!("../../testdata/ssh_rsa");
const RSA_PPK: &str = include_str!("../../testdata/ssh_rsa.ppk");
const RSA_PUBLIC: &str = include_str!("../../testdata/ssh_rsa.pub");
const ED25519: &str = include_str!("../../testdata/ssh_ed25519");
const ED25519_PPK: &str = include_str!("../../testdata/ssh_ed25519.ppk");
const ED25519_PUBLIC: &str = include_str!("../../testdata/ssh_ed25519.pub");

/// The seed of the Ed25519 file, and the check bytes that OpenSSH chose when it wrote it.
const SEED: &str = "e08d37dc4676566e2459b7ba45e70c48949ce4d5c7d6df4b8f4a8c6ba865a1b4";
const CHECK: &str = "075ed0df";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn decoded(pem: &str) -> Vec<u8> {
    STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

/// A source that only tests may use: a counter under SHA-256.
fn counted() -> impl Fn(&mut [u8]) {
    let counter = Cell::new(0u64);
    move |buffer: &mut [u8]| {
        for chunk in buffer.chunks_mut(32) {
            counter.set(counter.get() + 1);
            let digest = ring::digest::digest(&ring::digest::SHA256, &counter.get().to_be_bytes());
            chunk.copy_from_slice(&digest.as_ref()[..chunk.len()]);
        }
    }
}

#[test]
fn an_ed25519_pair_is_written_as_openssh_and_putty_write_it() {
    let random =
        |buffer: &mut [u8]| buffer.copy_from_slice(&bytes(if buffer.len() == 32 { SEED } else { CHECK }));
    let made = create(KeyType::Ed25519, KeyFormat::Pem, "robot@example", &random).unwrap();
    assert_eq!(decoded(&made.key_material), decoded(ED25519));
    assert!(made.key_material.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    assert_eq!(made.public.openssh, ED25519_PUBLIC.trim());
    // `ssh-keygen -l` shows the same without the padding.
    assert_eq!(made.public.fingerprint, "RkkagHuaYOz+Pk2KmWs4hTsGLrVHDyVYaBHCh2tTNG4=");
    let putty = create(KeyType::Ed25519, KeyFormat::Ppk, "robot", &random).unwrap();
    assert_eq!(putty.key_material.as_str(), ED25519_PPK);
}

#[test]
fn an_rsa_pair_is_written_as_openssl_and_putty_write_it() {
    let key = rsa::PrivateKey::from_pkcs1_der(&decoded(RSA)).unwrap();
    let made = rsa_pair(&key, KeyFormat::Pem, "robot@example").unwrap();
    assert_eq!(made.key_material.as_str(), RSA);
    assert_eq!(made.public.openssh, RSA_PUBLIC.trim());
    // openssl pkcs8 -in KEY -inform PEM -outform DER -topk8 -nocrypt | openssl sha1 -c
    assert_eq!(made.public.fingerprint, "95:c2:66:58:29:e0:fe:eb:dc:0b:17:af:2d:6f:34:ec:6b:8a:0b:ab");
    assert_eq!(rsa_pair(&key, KeyFormat::Ppk, "robot").unwrap().key_material.as_str(), RSA_PPK);
}

#[test]
fn a_new_rsa_pair_has_2048_bits_and_its_halves_match() {
    let made = create(KeyType::Rsa, KeyFormat::Pem, "robot", &counted()).unwrap();
    let key = crate::private_key::PrivateKey::from_pem(&made.key_material).unwrap();
    let public = SshPublicKey::for_user(&made.public.openssh).unwrap();
    assert!(key.matches(&public.to_der()));
    assert!(!key.matches(&SshPublicKey::parse(RSA_PUBLIC).unwrap().to_der()));
    assert_eq!(made.public.fingerprint.len(), 59);
    assert!(!format!("{made:?}").contains("PRIVATE"));
}

#[test]
fn imported_keys_have_other_fingerprints() {
    // openssl rsa -in KEY -pubout -outform DER | openssl md5 -c
    let rsa = import(RSA_PUBLIC, "mine").unwrap();
    assert_eq!(rsa.fingerprint, "87:c6:06:07:14:c9:6b:10:e9:c0:5a:a2:d3:f2:32:a7");
    assert_eq!((rsa.key_type, rsa.openssh.ends_with(" mine")), (KeyType::Rsa, true));
    let ed25519 = import(ED25519_PUBLIC, "mine").unwrap();
    assert_eq!(ed25519.fingerprint, "RkkagHuaYOz+Pk2KmWs4hTsGLrVHDyVYaBHCh2tTNG4=");
    assert!(import("not a key", "mine").is_err());
}
