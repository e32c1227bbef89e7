//! What the records of one caller have in common, worked out once: its identity as JSON, and which uses were
//! noted lately.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rolecall_state::Timestamp;

/// What is kept beside a caller's facts. Nothing in it says anything that the facts and the time do not.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    identity: OnceLock<Box<[u8]>>,
    noted: Mutex<Option<Noted>>,
}

/// A use, as precisely as uses are kept.
#[derive(Debug)]
struct Noted {
    at: Timestamp,
    service: &'static str,
    region: Arc<str>,
    actions: Vec<Cow<'static, str>>,
}

impl Memo {
    /// The caller's identity, which `make` writes the first time.
    pub(super) fn identity(&self, make: impl FnOnce() -> Vec<u8>) -> &[u8] {
        self.identity.get_or_init(|| make().into())
    }

    /// Whether this use differs from the last one. Uses are kept to the second: a caller that asks for the
    /// same thousands of times in one has nothing to note.
    pub(crate) fn is_news<'a>(
        &self,
        at: Timestamp,
        service: &'static str,
        region: &Arc<str>,
        actions: impl Iterator<Item = &'a Cow<'static, str>> + Clone,
    ) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let same = noted.as_ref().is_some_and(|noted| {
            noted.at == at
                && noted.service == service
                && noted.region == *region
                && noted.actions.iter().eq(actions.clone())
        });
        if !same {
            let (region, actions) = (region.clone(), actions.cloned().collect());
            *noted = Some(Noted { at, service, region, actions });
        }
        !same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_news_once_a_second() {
        let (memo, region) = (Memo::default(), Arc::from("us-east-1"));
        let (get, put) = ([Cow::Borrowed("s3:GetObject")], [Cow::Borrowed("s3:PutObject")]);
        assert!(memo.is_news(Timestamp(1), "s3", &region, get.iter()));
        assert!(!memo.is_news(Timestamp(1), "s3", &region, get.iter()));
        assert!(memo.is_news(Timestamp(1), "s3", &region, put.iter()));
        assert!(memo.is_news(Timestamp(2), "s3", &region, put.iter()));
        assert!(memo.is_news(Timestamp(2), "s3", &Arc::from("eu-west-1"), put.iter()));
        assert!(memo.is_news(Timestamp(2), "iam", &region, [].iter()));
    }
}
