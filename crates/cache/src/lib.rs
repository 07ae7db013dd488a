//! List and watch into a compact store: shared informers.
//!
//! ```text
//! API server ─bytes→ reflector ─objects→ store ─deltas→ followers (controllers)
//!                    (wire, scan,          │
//!                     state machine)       └─reads: by key, namespace, owner, labels, index→ Stored ─decode→ your type
//! ```
//!
//! What it promises:
//! - After the first sync an informer equals the server at some resourceVersion, always: a list is taken over at once
//!   when it is complete, and only what it changes is held twice until then.
//! - A delete is never missed. One that happened while the watch was away is found by comparing the next list with the
//!   store.
//! - Whatever comes over the wire, or does not, leads back to such a state; each watch has its own backoff. The table
//!   in `reflector/machine.rs` says what is done about what.
//! - There is one watch for each kind, scope and form in [`Caches`], however many ask for it, and none when nobody
//!   does.
//! - A slow follower misses no change and costs memory only for each object that changed.
//!
//! | module | what it holds |
//! |---|---|
//! | [`caches`](Caches) | all informers of a process |
//! | [`informer`](Informer) | one cache as controllers see it: reads, changes, health |
//! | [`delta`](Delta) | changes, and the queue of each follower |
//! | `store`, `contents`, `index` | the objects, the staging of a list, and the ways to find objects |
//! | [`stored`](Stored), `scan`, [`keep`](Keep), `pack`, `intern` | what is kept of an object, and how it is taken from its bytes |
//! | `reflector` | requests, the wire and the state machine |
//!
//! ```no_run
//! use k8s_openapi::api::core::v1::Service;
//! use kube::api::ApiResource;
//! use kubewright_cache::{CacheOptions, Caches, Keep, Scope};
//!
//! # async fn example(client: kube::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let caches = Caches::new(client, CacheOptions::default());
//! let services = caches.informer(&ApiResource::erase::<Service>(&()), Scope::default(), Keep::Whole)?;
//! services.wait_synced().await;
//! for service in services.list(Some("default")) {
//!     let service: Service = service.decode()?;
//! }
//! let mut changes = services.subscribe();
//! while let Some(delta) = changes.next().await {
//!     println!("{} changed", delta.reference);
//! }
//! # Ok(())
//! # }
//! ```

mod caches;
mod contents;
mod delta;
mod index;
mod informer;
mod intern;
mod keep;
mod options;
mod pack;
mod reference;
mod reflector;
mod scan;
mod store;
mod stored;
mod version;

pub use caches::{CacheError, Caches};
pub use delta::{Backlog, Delta, Deltas};
pub use informer::{Health, Index, Informer, InformerStats};
pub use keep::{Keep, View};
pub use options::{CacheOptions, Scope};
pub use reference::ObjectRef;
pub use reflector::State;
pub use stored::{DecodeError, Owner, Stored};
