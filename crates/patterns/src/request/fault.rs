//! What can go wrong with a request, sorted by what helps.

use std::{error::Error as StdError, fmt};

use kubewright_runtime::Error;

/// Why a request was not done.
///
/// | kind | what follows |
/// |---|---|
/// | [`temporary`](Fault::temporary) | another try after [`RequestOptions::retry`](super::RequestOptions::retry); the request has not failed |
/// | [`waiting`](Fault::waiting) | another try when something that was read through the context changes, or after that time |
/// | [`permanent`](Fault::permanent) | the request has failed |
/// | a [`kubewright_runtime::Error`] | as if the reconcile had failed with it; a terminal one is permanent |
///
/// A [`kube::Error`] is sorted by itself: no connection, timeouts, 401, 409, 429 and 5xx are temporary, other answers
/// permanent.
pub struct Fault(pub(super) Kind);

pub(super) enum Kind {
    Temporary(String),
    Waiting(String),
    Permanent(String),
    Runtime(Error),
}

impl Fault {
    /// It may go better next time: a server that is away or too busy, a conflict. Nothing that must not be done twice was
    /// done.
    pub fn temporary(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Kind::Temporary(Error::temporary(cause).to_string()))
    }

    /// Something that it needs is not there yet. `what` names it; it is shown in the status, and must be the same as long as
    /// the same is missing.
    pub fn waiting(what: impl Into<String>) -> Self {
        Self(Kind::Waiting(what.into()))
    }

    /// Another try does not help. `message` says what is wrong, where, and what to do.
    pub fn permanent(message: impl fmt::Display) -> Self {
        Self(Kind::Permanent(message.to_string()))
    }

    /// Whether the request fails by it.
    pub fn is_permanent(&self) -> bool {
        matches!(self.0, Kind::Permanent(_))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        if error.is_terminal() { Self::permanent(error) } else { Self(Kind::Runtime(error)) }
    }
}

impl From<kube::Error> for Fault {
    fn from(error: kube::Error) -> Self {
        let permanent = match &error {
            kube::Error::Api(status) => !matches!(status.code, 401 | 409 | 429 | 500..),
            kube::Error::BuildRequest(_) | kube::Error::SerdeError(_) => true,
            _ => false,
        };
        let error = Error::from(error);
        if permanent {
            Self::permanent(error)
        } else if error.not_leading().is_some() {
            // No fault of the request: who works on it now does not fail.
            Self(Kind::Runtime(error))
        } else {
            Self(Kind::Temporary(error.to_string()))
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Temporary(what) | Kind::Waiting(what) | Kind::Permanent(what) => f.write_str(what),
            Kind::Runtime(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0 {
            Kind::Temporary(_) => "temporary",
            Kind::Waiting(_) => "waiting",
            Kind::Permanent(_) => "permanent",
            Kind::Runtime(_) => "runtime",
        };
        write!(f, "{kind}: {self}")
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn answers_of_the_api_server_are_sorted_by_whether_another_try_helps() {
        let fault =
            |code: u16| Fault::from(kube::Error::Api(Box::new(Status::failure("no", "Because").with_code(code))));
        for temporary in [401, 409, 429, 500, 503, 504] {
            assert!(!fault(temporary).is_permanent(), "{temporary}");
        }
        for permanent in [400, 403, 404, 422] {
            assert!(fault(permanent).is_permanent(), "{permanent}");
        }
        assert!(!Fault::from(kube::Error::Service("connection refused".into())).is_permanent());
    }
}
