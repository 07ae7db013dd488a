//! What a replica is called in a Lease.

use rand::{TryRng, rngs::SysRng};

/// The host's name, in a Pod the Pod's, and a random number.
pub(crate) fn fresh() -> String {
    format!("{}_{}", host(), suffix())
}

/// The host's name.
pub(crate) fn host() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if host.is_empty() { "unknown".into() } else { host }
}

/// What tells this from all others. It must not come from a seed that two replicas can share: two of one name would both
/// lead.
pub(crate) fn suffix() -> String {
    // Without a source of randomness the process id is what tells two on a host apart.
    let number = SysRng.try_next_u64().unwrap_or_else(|_| std::process::id().into());
    format!("{number:016x}")
}
