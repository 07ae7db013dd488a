//! Calls to webhooks over HTTPS: those of admission, and those that convert custom resources.
//!
//! | file | what it holds |
//! |---|---|
//! | `destination` | `clientConfig`: where a webhook is, and how a Service leads there |
//! | `client` | connections that are kept, one call, what went wrong in the real server's words |
//! | `tls` | whether the certificate is one that the `caBundle` vouches for |
//!
//! A webhook that is named by a Service is called at the Service's endpoints: this server runs on machines that have no
//! cluster network, where no packet would ever reach a cluster IP. A Service of type `ExternalName`, or one without a
//! selector with an EndpointSlice (or Endpoints) that somebody wrote, leads to a process on the same machine.

mod client;
mod destination;
mod tls;

pub(crate) use client::Clients;
pub(crate) use destination::ClientConfig;
