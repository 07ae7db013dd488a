//! Removes old requests at certain times, in place of the controllers.

use std::time::Duration;

use jiff::Timestamp;
use kubewright::patterns::request::{Swept, sweep as sweep_requests};
use kubewright::prelude::*;

use crate::deletion::Deletions;
use crate::operation::Operations;

/// A CronJob that removes old requests each hour, with what it needs; for [`RequestOptions::ttl`] `None`.
///
/// [`RequestOptions::ttl`]: kubewright::patterns::request::RequestOptions::ttl
pub const CRON_JOB: &str = include_str!("../manifests/sweep.yaml");

/// Deletes the completed and failed requests of the namespace that were finished at least `ttl` before `now`.
///
/// # Errors
/// Those of the API server. A second call goes on.
pub async fn sweep(client: &Client, namespace: &str, ttl: Duration, now: Timestamp) -> Result<Swept, Error> {
    let mut swept = sweep_requests::<Operations>(&Api::namespaced(client.clone(), namespace), ttl, now).await?;
    let deletions = sweep_requests::<Deletions>(&Api::namespaced(client.clone(), namespace), ttl, now).await?;
    swept.deleted.extend(deletions.deleted);
    swept.kept += deletions.kept;
    Ok(swept)
}
