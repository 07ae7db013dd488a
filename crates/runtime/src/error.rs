//! What a reconcile answers when it could not do its work.

use std::{error::Error as StdError, fmt, time::Duration};

use kubewright_cache::Informer;

use crate::NotLeading;

/// Why a reconcile failed, and whether trying again can help.
///
/// Any error converts into a *temporary* one, so `?` works on everything: the key is tried again with backoff, which
/// is right for conflicts, timeouts and servers that are away. Say [`Error::terminal`] where only a change of the
/// object can help, such as a field with a value that makes no sense: the key is then left alone until something
/// about it changes.
///
/// ```
/// use kubewright_runtime::Error;
///
/// fn port(text: &str) -> Result<u16, Error> {
///     text.parse().map_err(|_| Error::terminal(format!("spec.port: {text:?} is not a port number")))
/// }
/// assert!(port("http").unwrap_err().is_terminal());
/// ```
///
/// It does not implement [`std::error::Error`] itself (that would forbid the conversion from any error); use
/// [`Error::cause`] to look inside.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    cause: Box<dyn StdError + Send + Sync>,
}

#[derive(Debug)]
enum Kind {
    Temporary,
    Terminal,
    /// A cache that the reconcile reads has not been filled yet.
    NotSynced(Informer),
}

/// A cache that is read has not been filled yet.
#[derive(Debug, thiserror::Error)]
#[error("the cache of {0}, which is read for the first time, is not in sync yet; the reconcile begins anew when it is")]
struct NotSynced(String);

impl Error {
    /// Trying again later can help. The key is queued again with its backoff, at most
    /// [`ControllerOptions::max_retries`](crate::ControllerOptions::max_retries) times.
    pub fn temporary(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Box::new(Inner { kind: Kind::Temporary, cause: cause.into() }))
    }

    /// Only a change of the object, or of something that the controller watches, can help: no retry.
    pub fn terminal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Box::new(Inner { kind: Kind::Terminal, cause: cause.into() }))
    }

    /// Whether the key is left alone until it changes.
    pub fn is_terminal(&self) -> bool {
        matches!(self.0.kind, Kind::Terminal)
    }

    /// The reconcile is to begin anew when this cache is in sync.
    pub(crate) fn not_synced(informer: Informer) -> Self {
        let cause = NotSynced(informer.resource().plural.clone());
        Self(Box::new(Inner { kind: Kind::NotSynced(informer), cause: cause.into() }))
    }

    /// The cache that has to be in sync before it makes sense to try again.
    pub(crate) fn awaited(&self) -> Option<&Informer> {
        match &self.0.kind {
            Kind::NotSynced(informer) => Some(informer),
            Kind::Temporary | Kind::Terminal => None,
        }
    }

    /// The error that was given or converted.
    pub fn cause(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0.cause
    }

    /// That a write was refused because another replica has the work, if that is the cause. Such an error is no fault of the
    /// key, and is not retried: who has the key now works on it.
    pub fn not_leading(&self) -> Option<NotLeading> {
        NotLeading::behind(self.cause())
    }

    /// How long the API server asked to wait before the next try (`details.retryAfterSeconds` of its answer).
    pub fn retry_after(&self) -> Option<Duration> {
        let status = match self.0.cause.downcast_ref::<kube::Error>()? {
            kube::Error::Api(status) => status,
            _ => return None,
        };
        let seconds = status.details.as_ref()?.retry_after_seconds;
        (seconds > 0).then(|| Duration::from_secs(seconds.into()))
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(cause: E) -> Self {
        Self::temporary(cause)
    }
}

/// The whole chain of causes in one line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.cause.to_string();
        let mut next = self.0.cause.source();
        while let Some(cause) = next {
            let cause_text = cause.to_string();
            // Many errors print their source themselves.
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            next = cause.source();
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0.kind {
            Kind::Temporary => "temporary",
            Kind::Terminal => "terminal",
            Kind::NotSynced(_) => "waiting",
        };
        write!(f, "{kind}: {:?}", self.0.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> kube::Error {
        let status = serde_json::json!({"code": 429, "reason": "TooManyRequests", "message": "later", "details": {"retryAfterSeconds": 7}});
        kube::Error::Api(serde_json::from_value(status).unwrap())
    }

    #[test]
    fn any_error_converts_into_a_temporary_one() {
        let error: Error = std::io::Error::other("disk").into();
        assert!(!error.is_terminal());
        assert_eq!(error.to_string(), "disk");
    }

    #[test]
    fn the_wait_that_the_server_asks_for_is_found() {
        assert_eq!(Error::from(busy()).retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(Error::temporary("x").retry_after(), None);
    }

    #[test]
    fn the_text_has_every_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(Error::from(Outer(std::io::Error::other("inner"))).to_string(), "outer: inner");
    }
}
