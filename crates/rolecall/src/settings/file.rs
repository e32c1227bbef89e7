//! The settings file: TOML, every key known, every fault with its line and column.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::table::find;
use super::{Origin, Value};

/// Why a settings file is no good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It can't be read.
    #[error("the settings file {path} can't be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is no TOML, or holds what it must not.
    #[error("{path}:{line}:{column}: {cause}")]
    Bad {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong there.
        cause: String,
    },
}

/// The settings that the file sets.
pub(super) fn read(path: &Path) -> Result<Vec<(&'static str, Value)>, FileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| FileError::Unreadable { path: path.to_owned(), cause })?;
    let reader = Reader { path, text: &text };
    let table = DeTable::parse(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        reader.bad(at, error.message().to_owned())
    })?;
    let mut values = Vec::new();
    reader.collect("", table.get_ref(), &mut values)?;
    Ok(values)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn collect(
        &self,
        prefix: &str,
        table: &DeTable<'_>,
        values: &mut Vec<(&'static str, Value)>,
    ) -> Result<(), FileError> {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            if let DeValue::Table(inner) = value.get_ref() {
                self.collect(&format!("{key}."), inner, values)?;
                continue;
            }
            let at = name.span().start;
            let setting = find(&key).ok_or_else(|| self.bad(at, format!("there is no setting {key}")))?;
            let (line, _) = self.position(at);
            let origin = Origin::File(self.path.to_owned(), line);
            values.push((setting.key, Value { text: self.scalar(&key, value)?, origin }));
        }
        Ok(())
    }

    fn scalar(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<String, FileError> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.to_string()),
            DeValue::Boolean(truth) => Ok(truth.to_string()),
            _ => Err(self.bad(value.span().start, format!("{key} takes a string, a number or a boolean"))),
        }
    }

    fn bad(&self, at: usize, cause: String) -> FileError {
        let (line, column) = self.position(at);
        FileError::Bad { path: self.path.to_owned(), line, column, cause }
    }

    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        (line, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.toml");
        std::fs::write(&path, text).unwrap();
        read(&path).unwrap_err().to_string()
    }

    #[test]
    fn faults_have_their_line_and_column() {
        assert!(error_of("region = \"x\"\n  listn = 1\n").contains("r.toml:2:3: there is no setting listn"));
        assert!(error_of("region = \n").contains("r.toml:1:"));
        assert!(error_of("[sts]\nmin_session_seconds = [1]\n").contains("r.toml:2:23"));
    }
}
