//! Notes in a Secret on which day its ServiceAccount token was last used, so that a controller can clean up those that nobody
//! uses. Source: KEP-2799.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};

use super::core::Core;
use crate::kinds::tree::Tree;
use crate::store::{ObjectKey, WriteError};
use crate::verbs;

const LAST_USED: &str = "kubernetes.io/legacy-token-last-used";

/// Notes the use of a token, unless it is known already. The request does not wait for it.
pub(super) fn note(core: &Arc<Core>, token: &str) {
    let Some(key) = core.tokens.secret_of(&core.store, token) else { return };
    if is_noted(core, &key) {
        return;
    }
    let core = core.clone();
    tokio::spawn(async move {
        if let Err(error) = write(&core, &key).await {
            tracing::warn!(%error, ?key, "the use of the token in this Secret could not be noted");
        }
    });
}

fn is_noted(core: &Core, key: &ObjectKey) -> bool {
    let Some(secret) = core.store.collection("", "secrets").get(key) else { return true };
    let now = core.env.clock.now();
    // Another server may be ahead of this one.
    let tomorrow = now.checked_add(24.hours()).unwrap_or(now);
    secret.label(LAST_USED).is_some_and(|noted| noted == day(now) || noted == day(tomorrow))
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

async fn write(core: &Core, key: &ObjectKey) -> Result<(), WriteError> {
    let Some(resource) = core.registry.resolve("", "v1", "secrets") else { return Ok(()) };
    loop {
        let Some(stored) = resource.collection().get(key) else { return Ok(()) };
        let old = stored.tree();
        let mut new = old.clone();
        new.ensure("metadata").ensure("labels").set(LAST_USED, day(core.env.clock.now()));
        match verbs::update_own(core, &resource, "", &stored, &old, new).await {
            // Somebody else was faster: once more, on what they have left.
            Err(WriteError::Changed { .. }) => {}
            Err(WriteError::NotFound) => return Ok(()),
            result => return result.map(drop),
        }
    }
}
