//! What a replica is called in a Lease.

use rand::{TryRng, rngs::SysRng};

/// The host's name, in a Pod the Pod's, and a random number. It must not come from a seed that two replicas can share: two
/// of one name would both lead.
pub(crate) fn fresh() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    // Without a source of randomness the process id is what tells two on a host apart.
    let number = SysRng.try_next_u64().unwrap_or_else(|_| std::process::id().into());
    format!("{}_{number:016x}", if host.is_empty() { "unknown" } else { &host })
}
