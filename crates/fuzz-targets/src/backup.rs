//! Files of backups: what was written is read again, and a file that somebody made is refused without a panic, also
//! where its lines are sealed.

#[path = "../../rolecall/src/commands/backup/format.rs"]
mod format;

use rolecall_state::{Entropy, MasterKey, SystemEntropy};

use crate::Run;

const ID: &str = "00000000000000000000000000000000";

/// See the module.
pub(crate) fn start() -> Run {
    let master = MasterKey::new([7; 32]).expect("a key");
    Box::new(move |input| {
        drop(format::read(input, &master));
        drop(format::read(&*sealed(input, &master), &master));
        round_trip(input, &master);
    })
}

/// A file whose lines open, and hold the input's.
fn sealed(input: &[u8], master: &MasterKey) -> Vec<u8> {
    let entropy: &dyn Entropy = &SystemEntropy;
    let mut file = format!("rolecall-backup 1 {ID} 7\n");
    for (at, line) in input.split(|byte| *byte == b'\n').take(16).enumerate() {
        let what = if line.starts_with(b"end") { "end" } else { "piece" };
        let sealed = master.seal(line, &format!("backup/{ID}/{}/{what}", at + 2), entropy);
        file.push_str(&serde_json::to_string(&sealed).expect("JSON"));
        file.push('\n');
    }
    file.into_bytes()
}

fn round_trip(input: &[u8], master: &MasterKey) {
    let pairs: Vec<format::Pair> = input
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b'\t')?;
            Some((line.get(..at)?.to_vec(), line.get(at + 1..)?.to_vec()))
        })
        .collect();
    let mut writer = format::Writer::new(Vec::new(), master, &SystemEntropy).expect("a writer");
    for (key, value) in &pairs {
        writer.add(key, value).expect("a pair");
    }
    // As a backup over a connection is handed over: piece by piece.
    let mut file = writer.take();
    file.extend(writer.finish(7).expect("a file").1);
    assert_eq!(format::read(&*file, master).expect("a backup"), pairs);
}
