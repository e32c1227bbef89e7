//! The key that instance identity documents are signed with: made once for a data directory, beside
//! the certificate that they are verified with.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use ring::rand::SystemRandom;
use rolecall_imds::IdentitySigner;
use rolecall_state::Entropy;
use zeroize::Zeroizing;

const KEY: &str = "identity-key.der";
const CERTIFICATE: &str = "identity-certificate.pem";

/// The signer of the instances below `directory`; none, and a word in the log, when there can be none.
pub(crate) fn signer(directory: &Path, entropy: &dyn Entropy) -> Option<IdentitySigner> {
    let made = key(directory, entropy)
        .and_then(|key| IdentitySigner::new(&key, Box::new(SystemRandom::new())).map_err(io::Error::other));
    match made {
        Ok(signer) => {
            let written = fs::write(directory.join(CERTIFICATE), signer.certificate_pem());
            if let Err(cause) = written {
                tracing::warn!(%cause, "the certificate of instance identities could not be written");
            }
            Some(signer)
        }
        Err(cause) => {
            tracing::error!(%cause, "instance identity documents will not be signed");
            None
        }
    }
}

fn key(directory: &Path, entropy: &dyn Entropy) -> io::Result<Zeroizing<Vec<u8>>> {
    let path = directory.join(KEY);
    match fs::read(&path) {
        Ok(key) => return Ok(Zeroizing::new(key)),
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        Err(_) => {}
    }
    let random = |buffer: &mut [u8]| entropy.fill(buffer);
    let key = rolecall_credentials::key_pair::signing_key(&random).map_err(io::Error::other)?;
    fs::create_dir_all(directory)?;
    let scratch = directory.join("identity-key.new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&scratch)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(scratch, path)?;
    Ok(key)
}
