//! What a server serves: its groups, versions and resources, cached in memory and, if wanted, on disk as kubectl does.
//!
//! ```text
//! Discovery ─(memory, then disk, then the server)→ Resources ─find, mapping, category→ ServedResource ─→ ApiResource
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`discovery`](Discovery) | when the server is asked, and when it is not |
//! | [`resources`](Resources) | finding resources: by kind, by what a user types, by category |
//! | `server` | the requests: aggregated discovery, or a request for each version |
//! | `disk` | kubectl's cache directory |
//!
//! With [`ServedResource::api_resource`] a resource that is known at run time only is read and written through
//! [`kube::Api`] of [`kube::core::DynamicObject`].
//!
//! ```no_run
//! use kube::{Api, core::DynamicObject};
//! use kubewright_discovery::{Discovery, DiscoveryOptions};
//!
//! # async fn example(client: kube::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let discovery = Discovery::new(client.clone(), DiscoveryOptions::default());
//! let deployments = discovery.find("deploy").await?;
//! assert_eq!((&*deployments.group, &*deployments.kind), ("apps", "Deployment"));
//! let api: Api<DynamicObject> = Api::namespaced_with(client, "default", &deployments.api_resource());
//! # Ok(())
//! # }
//! ```

mod discovery;
mod disk;
mod resources;
mod server;

pub use discovery::{Discovery, DiscoveryError, DiscoveryOptions};
pub use disk::kubectl_cache_dir;
pub use resources::{Resources, ServedResource};
