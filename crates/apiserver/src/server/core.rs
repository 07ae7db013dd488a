//! The parts of a server that requests need.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{bootstrap, token_use};
use crate::admission::Admission;
use crate::auth::{Tokens, User};
use crate::authorization::{self, Authorizer};
use crate::discovery::Discovery;
use crate::env::Env;
use crate::kinds::allocation::Allocations;
use crate::registry::{Registry, Resource};
use crate::status::{ApiError, ApiResult};
use crate::store::Store;
use crate::webhook;

/// A running server.
pub(crate) struct Core {
    /// All objects.
    pub store: Store,
    /// What is served.
    pub registry: Registry,
    /// What is served, in the words of discovery.
    pub discovery: ArcSwap<Discovery>,
    /// What may be written.
    pub admission: Admission,
    /// Connections to webhooks.
    pub webhooks: webhook::Clients,
    /// Cluster IPs and node ports in use.
    pub allocations: Allocations,
    /// Time and randomness.
    pub env: Env,
    /// Cancelled when the server ends: watches end, the listener closes.
    pub shutdown: CancellationToken,
    /// What the server does on its own: connections, clean-up.
    pub tasks: TaskTracker,
    /// Held once by each watch that is open.
    pub watches: Arc<()>,
    /// Of the flow schema that all requests count for.
    pub flow_schema_uid: String,
    /// Of the priority level that all requests have.
    pub priority_level_uid: String,
    /// Who may do what.
    pub authorizer: Authorizer,
    /// ServiceAccount tokens.
    pub tokens: Tokens,
    /// The administrator.
    pub admin: Arc<User>,
    /// Those who have not logged in.
    pub anonymous: Arc<User>,
    pub(super) token: String,
    /// Held while definitions change what is served.
    pub(super) definitions: tokio::sync::Mutex<()>,
    /// Default objects that wait until somebody asks for their resource.
    pub(super) late_defaults: Mutex<BTreeSet<&'static str>>,
    /// Whether the default roles and bindings are made.
    pub(super) access_defaults: AtomicBool,
}

impl Core {
    /// Whether a bearer token is the administrator's.
    pub(crate) fn is_admin_token(&self, token: &str) -> bool {
        // Every byte is compared, so that the time tells nothing of the token.
        let pairs = token.bytes().zip(self.token.bytes());
        token.len() == self.token.len() && pairs.fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }

    /// Who logs in with a bearer token, and for which of the audiences it is. The error says why nobody does.
    pub(crate) fn token_user(
        self: &Arc<Self>,
        token: &str,
        audiences: &[String],
    ) -> Result<(Arc<User>, Vec<String>), String> {
        if self.is_admin_token(token) {
            return Ok((self.admin.clone(), audiences.to_vec()));
        }
        match self.tokens.authenticate(&self.store, token, audiences, self.env.clock.now()) {
            Ok(Some((user, audiences))) => {
                token_use::note(self, token);
                Ok((Arc::new(user), audiences))
            }
            Ok(None) => Err("invalid bearer token".into()),
            Err(why) => Err(format!("[invalid bearer token, {why}]")),
        }
    }

    /// Makes the default roles and bindings when somebody's rights are looked at for the first time.
    pub(crate) async fn ensure_access_defaults(self: &Arc<Self>) -> ApiResult<()> {
        if self.access_defaults.load(Ordering::Acquire) {
            return Ok(());
        }
        for plural in authorization::RESOURCES {
            if let Some(resource) = self.registry.resolve(authorization::GROUP, "v1", plural) {
                self.ensure_defaults(&resource).await?;
            }
        }
        self.access_defaults.store(true, Ordering::Release);
        Ok(())
    }

    /// Makes the default objects of a resource when it is asked for the first time.
    pub(crate) async fn ensure_defaults(self: &Arc<Self>, resource: &Arc<Resource>) -> ApiResult<()> {
        let waits = |core: &Self| core.late_defaults.lock().contains(resource.plural.as_str());
        if resource.is_custom() || !waits(self) {
            return Ok(());
        }
        // Two first requests at once both try; what one has made, the other leaves.
        bootstrap::late_defaults(self.clone(), resource.clone()).await.map_err(ApiError::internal)?;
        self.late_defaults.lock().remove(resource.plural.as_str());
        Ok(())
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}
