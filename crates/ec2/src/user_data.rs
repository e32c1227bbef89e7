//! User data: Base64 on the wire, sealed in the store.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rolecall_state::Sealed;
use rolecall_state::entities::Instance;
use rolecall_state::{Entropy, MasterKey, Secret, Snapshot, UniqueId};

use crate::error::Ec2Error;

/// EC2's limit, before encoding.
const MAX_BYTES: usize = 16_384;

/// Seals user data as it came, Base64.
///
/// # Errors
/// `InvalidUserData.Malformed` when it is no Base64, `InvalidParameterValue` when it is too long.
pub(crate) fn seal(
    text: &str,
    id: &UniqueId,
    master: &MasterKey,
    entropy: &dyn Entropy,
) -> Result<Sealed, Ec2Error> {
    let compact: String = text.split_ascii_whitespace().collect();
    let malformed =
        |_| Ec2Error::client("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.");
    let bytes = STANDARD.decode(&compact).map_err(malformed)?;
    if bytes.len() > MAX_BYTES {
        return Err(Ec2Error::client("InvalidParameterValue", "User data is limited to 16384 bytes"));
    }
    Ok(master.seal(compact.as_bytes(), &Instance::purpose(id), entropy))
}

/// An instance's user data, decoded; none when it has none, or when it can't be opened.
pub fn user_data(instance: &Instance, snapshot: &Snapshot) -> Option<Vec<u8>> {
    let text = encoded(instance, snapshot)?;
    STANDARD.decode(text.expose()).ok()
}

pub(crate) fn encoded(instance: &Instance, snapshot: &Snapshot) -> Option<Secret> {
    snapshot.open_sealed(instance.user_data.as_ref()?, &Instance::purpose(&instance.id))
}
