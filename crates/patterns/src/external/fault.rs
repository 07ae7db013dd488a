//! What can go wrong with a remote system, sorted by what helps.

use std::{error::Error as StdError, fmt, time::Duration};

use kubewright_runtime::Error;

/// Why a step of an [`External`](super::External) did not succeed. The kind decides what follows:
///
/// | kind | what follows |
/// |---|---|
/// | [`temporary`](Fault::temporary) | another try with backoff; counts against the endpoint's circuit breaker |
/// | [`conflict`](Fault::conflict) | another try with backoff; the endpoint is well |
/// | [`waiting`](Fault::waiting) | another try with backoff; something is missing on our side, such as a Secret |
/// | [`permanent`](Fault::permanent) | `Ready` is False with the reason, a Warning event; looked at again in the next cycle |
/// | a [`kubewright_runtime::Error`] | as if the reconcile had failed with it: the Kubernetes API did not do its part |
///
/// The first three are no failure of the resource: its conditions stay as they are.
pub struct Fault(Box<Kind>);

enum Kind {
    Temporary { cause: Cause, retry_after: Option<Duration> },
    Conflict(Cause),
    Waiting(String),
    Permanent { reason: String, message: String },
    Kubernetes(Error),
}

type Cause = Box<dyn StdError + Send + Sync>;

impl Fault {
    /// The remote system is away or too busy: network errors, timeouts, HTTP 5xx and 429.
    pub fn temporary(cause: impl Into<Cause>) -> Self {
        Self(Box::new(Kind::Temporary { cause: cause.into(), retry_after: None }))
    }

    /// The remote system is well, and something else is being done to the resource: HTTP 409 and its like.
    pub fn conflict(cause: impl Into<Cause>) -> Self {
        Self(Box::new(Kind::Conflict(cause.into())))
    }

    /// Something on our side is not there yet. `what` names it, and what to do about it.
    pub fn waiting(what: impl Into<String>) -> Self {
        Self(Box::new(Kind::Waiting(what.into())))
    }

    /// Trying again does not help. `reason` is one word in CamelCase, for machines; `message` is for people: what happened,
    /// and what to do.
    pub fn permanent(reason: impl Into<String>, message: impl fmt::Display) -> Self {
        Self(Box::new(Kind::Permanent { reason: reason.into(), message: message.to_string() }))
    }

    /// With the time that the remote system asked to wait (HTTP `Retry-After`). Without effect on other kinds than
    /// temporary ones.
    pub fn after(mut self, wait: Duration) -> Self {
        if let Kind::Temporary { retry_after, .. } = &mut *self.0 {
            *retry_after = Some(wait);
        }
        self
    }

    /// Whether this is [`Fault::permanent`].
    pub fn is_permanent(&self) -> bool {
        matches!(*self.0, Kind::Permanent { .. })
    }

    /// Whether this is [`Fault::temporary`].
    pub fn is_temporary(&self) -> bool {
        matches!(*self.0, Kind::Temporary { .. })
    }

    /// Reason and message of a permanent fault.
    pub(super) fn failure(&self) -> Option<(&str, &str)> {
        match &*self.0 {
            Kind::Permanent { reason, message } => Some((reason, message)),
            _ => None,
        }
    }

    /// What is missing on our side.
    pub(super) fn missing(&self) -> Option<&str> {
        match &*self.0 {
            Kind::Waiting(what) => Some(what),
            _ => None,
        }
    }

    /// How long the remote system asked to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match &*self.0 {
            Kind::Temporary { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the Kubernetes API failed, and not the remote system.
    pub(super) fn is_kubernetes(&self) -> bool {
        matches!(*self.0, Kind::Kubernetes(_))
    }

    /// The same for a reconcile, which retries it.
    pub(super) fn into_error(self) -> Error {
        match *self.0 {
            Kind::Temporary { cause, .. } | Kind::Conflict(cause) => Error::temporary(cause),
            Kind::Waiting(what) => Error::temporary(what),
            Kind::Permanent { message, .. } => Error::temporary(message),
            Kind::Kubernetes(error) => error,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self(Box::new(Kind::Kubernetes(error)))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Temporary { cause, .. } | Kind::Conflict(cause) => {
                write!(f, "{cause}")?;
                let mut next = cause.source();
                while let Some(source) = next {
                    write!(f, ": {source}")?;
                    next = source.source();
                }
                Ok(())
            }
            Kind::Waiting(what) => f.write_str(what),
            Kind::Permanent { message, .. } => f.write_str(message),
            Kind::Kubernetes(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &*self.0 {
            Kind::Temporary { .. } => "temporary",
            Kind::Conflict(_) => "conflict",
            Kind::Waiting(_) => "waiting",
            Kind::Permanent { reason, .. } => reason,
            Kind::Kubernetes(_) => "kubernetes",
        };
        write!(f, "{kind}: {self}")
    }
}
