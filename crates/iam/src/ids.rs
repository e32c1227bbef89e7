//! Ids that IAM gives to what passes.

use rolecall_state::Entropy;

/// A UUID, such as `2d6f3c1e-…`.
pub(crate) fn uuid(entropy: &dyn Entropy) -> String {
    let hex: String = entropy.bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
