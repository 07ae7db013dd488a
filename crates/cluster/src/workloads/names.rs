//! Generated parts of names.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The characters of Kubernetes' generated names, which spell no words.
const SAFE: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Ten characters that differ for other content. Kubernetes hashes how Go prints it, which no other language can; nothing
/// depends on its value.
pub(super) fn hash(content: &impl Serialize, collisions: i32) -> String {
    let mut text = serde_json::to_string(content).unwrap_or_default();
    // Writing to a String does not fail.
    let _ = write!(text, "{collisions}");
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(10).map(|byte| char::from(SAFE[usize::from(*byte) % SAFE.len()])).collect()
}
