//! The users that the server knows.

/// Who a request is made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// A member of `system:masters`, who may do everything.
    Admin,
    /// Nobody in particular, who may ask for health and version.
    Anonymous,
}

impl Identity {
    /// The user name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admin => "kubernetes-admin",
            Self::Anonymous => "system:anonymous",
        }
    }

    /// The groups, the one that all authenticated users are in included.
    pub(crate) fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Admin => &["system:masters", "system:authenticated"],
            Self::Anonymous => &["system:unauthenticated"],
        }
    }
}
