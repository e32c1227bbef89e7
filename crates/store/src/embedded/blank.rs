//! A store with nothing in it: made with one sync, and told from one that was not finished.

use std::io;
use std::path::Path;

use redb::backends::InMemoryBackend;
use redb::{Database, StorageBackend};

use super::backend::Guarded;
use super::file::{FACTS, FORMAT, KNOWN_FORMAT, REVISION, VALUES};

/// The first page has the header, which makes the file a store. What is less than a sector is
/// written whole or not at all.
const PAGE: usize = 4_096;
const SECTOR: usize = 512;
/// What a store begins with.
const MARK: usize = 9;

/// Makes the file if it is empty, or was left by one who did not come to its end. Whether it did.
pub(super) fn make_if_unfinished(storage: &dyn StorageBackend, path: &Path) -> Result<bool, String> {
    let len = storage.len().map_err(|cause| cause.to_string())?;
    let mut mark = [0; MARK];
    let marked = mark.len().min(usize::try_from(len).unwrap_or(usize::MAX));
    let (mark, _) = mark.split_at_mut(marked);
    storage.read(0, mark).map_err(|cause| cause.to_string())?;
    if mark.iter().any(|byte| *byte != 0) {
        return Ok(false);
    }
    let image = image().map_err(|cause| cause.to_string())?;
    if !is_part_of(storage, len, &image).map_err(|cause| cause.to_string())? {
        return Ok(false);
    }
    make(storage, &image).map_err(|cause| cause.to_string())?;
    sync_directory_of(path).map_err(|cause| cause.to_string())?;
    Ok(true)
}

/// Everything but the header is durable before the header is written, so that a store is never
/// found half made. The header becomes durable with the first transaction.
fn make(storage: &dyn StorageBackend, image: &[u8]) -> io::Result<()> {
    let (header, pages) = image.split_at(PAGE.min(image.len()));
    storage.set_len(image.len() as u64)?;
    storage.write(PAGE as u64, pages)?;
    storage.sync_data()?;
    storage.write(0, header)
}

/// Whether each sector was either written as `image` has it or not at all: then nothing is lost by
/// making it again.
fn is_part_of(storage: &dyn StorageBackend, len: u64, image: &[u8]) -> io::Result<bool> {
    if len > image.len() as u64 {
        return Ok(false);
    }
    let len = usize::try_from(len).unwrap_or(0);
    let mut found = vec![0; len];
    storage.read(0, &mut found)?;
    let sectors = found.chunks(SECTOR).zip(image.chunks(SECTOR));
    let mut sectors =
        sectors.map(|(found, made)| found.iter().all(|byte| *byte == 0) || made.starts_with(found));
    Ok(sectors.all(|fits| fits))
}

/// The bytes of a store with nothing in it, which are always the same.
fn image() -> Result<Vec<u8>, redb::Error> {
    let memory = Guarded::new(Box::new(InMemoryBackend::new()))?;
    let database = Database::builder().create_with_backend(memory.clone())?;
    let write = database.begin_write()?;
    {
        let mut facts = write.open_table(FACTS)?;
        facts.insert(FORMAT, KNOWN_FORMAT)?;
        facts.insert(REVISION, 0)?;
        write.open_table(VALUES)?;
    }
    write.commit()?;
    database.close()?;
    let mut image = vec![0; usize::try_from(memory.len()?).unwrap_or(0)];
    memory.read(0, &mut image)?;
    Ok(image)
}

/// A file whose name is not durable is lost with the power, whatever was synced into it.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    if !cfg!(unix) || !path.exists() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    std::fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
#[test]
fn the_image_is_always_the_same() {
    assert!(image().unwrap() == image().unwrap());
}
