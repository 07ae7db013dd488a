//! When the server is asked what it serves, and when it is not.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::disk;
use crate::resources::{Resources, ServedResource};
use crate::server;

/// What discovery can be told.
#[derive(Debug, Clone)]
pub struct DiscoveryOptions {
    /// For how long an answer is believed, in memory and on disk. A name that is not found is looked for anew before
    /// that. Default: 6 h, as kubectl has it.
    pub ttl: Duration,
    /// For how long a name that the server did not know is not asked for again. Default: 10 s.
    pub retry: Duration,
    /// A directory that is shared with kubectl and with other processes, see
    /// [`kubectl_cache_dir`](crate::kubectl_cache_dir). One that cannot be written does no harm. Default: none.
    pub dir: Option<PathBuf>,
}

impl Default for DiscoveryOptions {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(6 * 3600), retry: Duration::from_secs(10), dir: None }
    }
}

/// It is not known what the server serves.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The server did not tell.
    #[error("the server did not tell what it serves: {0}")]
    Server(#[from] Box<kube::Error>),
    /// The server serves nothing of that name.
    #[error(
        "the server doesn't have a resource type {name:?}; is its CustomResourceDefinition there, and established? \
         Names are like deploy, deployments.apps, deployments.v1.apps or Deployment"
    )]
    Unknown {
        /// What was looked for.
        name: String,
    },
}

/// What a server serves, asked for when it is needed. Clones share what is known.
#[derive(Clone)]
pub struct Discovery {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    options: DiscoveryOptions,
    /// What is known, since when, and whether from the server itself.
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    resources: Arc<Resources>,
    since: Instant,
    from_server: bool,
}

impl Discovery {
    /// Nothing is asked of the server yet.
    pub fn new(client: Client, options: DiscoveryOptions) -> Self {
        Self { inner: Arc::new(Inner { client, options, known: Mutex::new(None) }) }
    }

    /// Everything that the server serves.
    pub async fn resources(&self) -> Result<Arc<Resources>, DiscoveryError> {
        Ok(self.inner.known(|_| true).await?.resources)
    }

    /// What somebody means who types `name`; see [`Resources::find`]. A name that is not known is asked for, as its
    /// definition may be new.
    pub async fn find(&self, name: &str) -> Result<ServedResource, DiscoveryError> {
        self.look(name.to_owned(), |resources| resources.find(name)).await
    }

    /// The resource of a kind, in this version or in the preferred one; see [`Resources::of_kind`]. One that is not known
    /// is asked for, as its definition may be new.
    pub async fn of_kind(
        &self,
        group: &str,
        kind: &str,
        version: Option<&str>,
    ) -> Result<ServedResource, DiscoveryError> {
        let name = [kind].into_iter().chain(version).chain((!group.is_empty()).then_some(group));
        let name = name.collect::<Vec<_>>().join(".");
        self.look(name, |resources| resources.of_kind(group, kind, version)).await
    }

    /// Forgets what is known, in memory and on disk.
    pub async fn invalidate(&self) {
        *self.inner.known.lock().await = None;
        if let Some(dir) = &self.inner.options.dir {
            // A directory that cannot be changed can be believed until its time is over.
            _ = disk::forget(dir);
        }
    }

    async fn look(
        &self,
        name: String,
        find: impl Fn(&Resources) -> Option<&ServedResource>,
    ) -> Result<ServedResource, DiscoveryError> {
        let known = self.inner.known(|resources| find(resources).is_some()).await?;
        find(&known.resources).cloned().ok_or(DiscoveryError::Unknown { name })
    }
}

impl Inner {
    /// What is known, if it is enough; what the server says otherwise, unless it has just said so.
    async fn known(&self, enough: impl Fn(&Resources) -> bool) -> Result<Known, DiscoveryError> {
        // Held while the server is asked: others want the same answer.
        let known = &mut *self.known.lock().await;
        let DiscoveryOptions { ttl, retry, dir } = &self.options;
        if known.is_none()
            && let Some(served) = dir.as_ref().and_then(|dir| disk::read(dir, *ttl))
        {
            let resources = Arc::new(served.resources());
            *known = Some(Known { resources, since: Instant::now(), from_server: false });
        }
        if let Some(known) = known {
            let age = known.since.elapsed();
            if age < *ttl && (enough(&known.resources) || (known.from_server && age < *retry)) {
                return Ok(known.clone());
            }
        }
        let served = server::ask(&self.client).await.map_err(Box::new)?;
        if let Some(dir) = dir {
            // Other processes ask for themselves then.
            _ = disk::write(dir, &served);
        }
        let fresh = Known { resources: Arc::new(served.resources()), since: Instant::now(), from_server: true };
        *known = Some(fresh.clone());
        Ok(fresh)
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery").field("options", &self.inner.options).finish_non_exhaustive()
    }
}
