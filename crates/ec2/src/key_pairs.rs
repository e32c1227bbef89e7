//! Key pairs.

use rolecall_aws_model::ec2 as wire;
use rolecall_credentials::key_pair::{self, KeyFormat, KeyType, PublicHalf};
use rolecall_state::entities::{Format, KeyPair, Tags};
use rolecall_state::{Txn, UniqueId};

use crate::env::{Env, account};
use crate::error::Ec2Error;
use crate::filters::{Filtered, keep};
use crate::{ids, tags, views};

fn check_name(txn: &mut Txn, name: &str) -> Result<(), Ec2Error> {
    if name.is_empty() || name.len() > 255 || !name.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(Ec2Error::value(name, "KeyName", "Key names take 1 to 255 printable ASCII characters."));
    }
    // FIDELITY: EC2 tells names apart by case; here two that differ in case alone are one.
    match txn.read(|a| &a.key_pairs, name) {
        Some(_) => {
            let words = format!("The keypair '{name}' already exists.");
            Err(Ec2Error::client("InvalidKeyPair.Duplicate", words))
        }
        None => Ok(()),
    }
}

fn made(env: &Env<'_>, name: &str, public: &PublicHalf, tags: Tags) -> KeyPair {
    KeyPair {
        v: Format,
        id: UniqueId::from_stored(&ids::new("key", env.entropy)),
        name: name.to_owned(),
        key_type: public.key_type.name().to_owned(),
        fingerprint: public.fingerprint.clone(),
        public_key: public.openssh.clone(),
        created: env.now,
        tags,
    }
}

pub(crate) fn create_key_pair(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateKeyPairRequest,
) -> Result<wire::KeyPair, Ec2Error> {
    let wire::CreateKeyPairRequest { key_name, key_type, tag_specifications, key_format, dry_run: _ } =
        request;
    check_name(txn, key_name)?;
    let kind = match key_type.as_deref() {
        None | Some("rsa") => KeyType::Rsa,
        Some("ed25519") => KeyType::Ed25519,
        Some(other) => return Err(Ec2Error::value(other, "KeyType", "")),
    };
    let format = match key_format.as_deref() {
        None | Some("pem") => KeyFormat::Pem,
        Some("ppk") => KeyFormat::Ppk,
        Some(other) => return Err(Ec2Error::value(other, "KeyFormat", "")),
    };
    let tags = tags::of_specifications(tag_specifications, "key-pair", &[])?;
    let random = |buffer: &mut [u8]| env.entropy.fill(buffer);
    let new = key_pair::create(kind, format, key_name, &random).map_err(|_| Ec2Error::NoKey)?;
    let pair = made(env, key_name, &new.public, tags);
    txn.put(&pair);
    Ok(wire::KeyPair {
        key_pair_id: Some(pair.id.to_string()),
        tags: views::tags(&pair.tags),
        key_name: Some(pair.name),
        key_fingerprint: Some(pair.fingerprint),
        key_material: Some(new.key_material.as_str().into()),
    })
}

pub(crate) fn import_key_pair(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ImportKeyPairRequest,
) -> Result<wire::ImportKeyPairResult, Ec2Error> {
    let wire::ImportKeyPairRequest { tag_specifications, dry_run: _, key_name, public_key_material } =
        request;
    check_name(txn, key_name)?;
    let invalid = || Ec2Error::client("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
    let text = std::str::from_utf8(public_key_material).map_err(|_| invalid())?;
    let public = key_pair::import(text.trim(), key_name).map_err(|_| invalid())?;
    let tags = tags::of_specifications(tag_specifications, "key-pair", &[])?;
    let pair = made(env, key_name, &public, tags);
    txn.put(&pair);
    Ok(wire::ImportKeyPairResult {
        key_fingerprint: Some(pair.fingerprint),
        key_name: Some(pair.name),
        key_pair_id: Some(pair.id.to_string()),
        tags: views::tags(&pair.tags),
    })
}

pub(crate) fn delete_key_pair(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteKeyPairRequest,
) -> Result<wire::DeleteKeyPairResult, Ec2Error> {
    let wire::DeleteKeyPairRequest { key_name, key_pair_id, dry_run: _ } = request;
    let found = match (key_name, key_pair_id) {
        (Some(name), _) => txn.read(|a| &a.key_pairs, name),
        (None, Some(id)) => account(txn)?.key_pairs.by_id_str(id).cloned(),
        (None, None) => {
            let words = "The request must contain the parameter keyName or keyPairId";
            return Err(Ec2Error::client("MissingParameter", words));
        }
    };
    if let (None, Some(id)) = (&found, key_pair_id) {
        let words = format!("The key pair ID '{id}' does not exist");
        return Err(Ec2Error::client("InvalidKeyPair.NotFound", words));
    }
    if let Some(pair) = &found {
        txn.depend_on(pair);
        txn.delete(&*pair.value);
    }
    // A name that there is no key pair of is no error.
    Ok(wire::DeleteKeyPairResult { r#return: Some(true), key_pair_id: found.map(|pair| pair.id.to_string()) })
}

impl Filtered for &KeyPair {
    fn values(&self, name: &str) -> Option<Vec<String>> {
        Some(vec![match name {
            "key-name" => self.name.clone(),
            "key-pair-id" => self.id.to_string(),
            "fingerprint" => self.fingerprint.clone(),
            _ => return None,
        }])
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }
}

pub(crate) fn describe_key_pairs(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DescribeKeyPairsRequest,
) -> Result<wire::DescribeKeyPairsResult, Ec2Error> {
    let wire::DescribeKeyPairsRequest { key_names, key_pair_ids, include_public_key, dry_run: _, filters } =
        request;
    let account = account(txn)?;
    if let Some(absent) =
        key_names.iter().find(|name| account.key_pairs.get(name).is_none_or(|pair| pair.name != **name))
    {
        let words = format!("The key pair '{absent}' does not exist");
        return Err(Ec2Error::client("InvalidKeyPair.NotFound", words));
    }
    if let Some(absent) = key_pair_ids.iter().find(|id| account.key_pairs.by_id_str(id).is_none()) {
        let words = format!("The key pair ID '{absent}' does not exist");
        return Err(Ec2Error::client("InvalidKeyPair.NotFound", words));
    }
    let pairs = account.key_pairs.iter().map(|entry| &*entry.value).filter(|pair| {
        (key_names.is_empty() && key_pair_ids.is_empty())
            || key_names.contains(&pair.name)
            || key_pair_ids.iter().any(|id| id == pair.id.as_str())
    });
    let key_pairs = keep(filters, pairs)?.into_iter().map(|pair| wire::KeyPairInfo {
        key_pair_id: Some(pair.id.to_string()),
        key_type: Some(pair.key_type.clone()),
        tags: views::tags(&pair.tags),
        public_key: (*include_public_key == Some(true)).then(|| pair.public_key.clone()),
        create_time: views::time(pair.created),
        key_name: Some(pair.name.clone()),
        key_fingerprint: Some(pair.fingerprint.clone()),
    });
    Ok(wire::DescribeKeyPairsResult { key_pairs: key_pairs.collect() })
}
