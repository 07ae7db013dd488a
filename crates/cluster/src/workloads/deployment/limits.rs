//! How many pods there may be, and must be, on the way from one template to the next.

use k8s_openapi::api::apps::v1::DeploymentSpec;

use crate::workloads::intstr::scaled;

/// Whether pods are replaced bit by bit, and not all at once.
pub(super) fn is_rolling(spec: &DeploymentSpec) -> bool {
    let kind = spec.strategy.as_ref().and_then(|strategy| strategy.type_.as_deref());
    kind != Some("Recreate")
}

/// How many pods there may be beyond those wanted.
pub(super) fn max_surge(spec: &DeploymentSpec) -> i32 {
    if is_rolling(spec) { bounds(spec).0 } else { 0 }
}

/// How many of those wanted may be unavailable.
pub(super) fn max_unavailable(spec: &DeploymentSpec) -> i32 {
    let wanted = spec.replicas.unwrap_or(1);
    if is_rolling(spec) && wanted > 0 { bounds(spec).1.min(wanted) } else { 0 }
}

fn bounds(spec: &DeploymentSpec) -> (i32, i32) {
    let rolling = spec.strategy.as_ref().and_then(|strategy| strategy.rolling_update.as_ref());
    let wanted = spec.replicas.unwrap_or(1);
    let surge = rolling.and_then(|rolling| rolling.max_surge.as_ref()).map_or(0, |value| scaled(value, wanted, true));
    let unavailable =
        rolling.and_then(|rolling| rolling.max_unavailable.as_ref()).map_or(0, |value| scaled(value, wanted, false));
    // Nothing could ever be replaced if both were 0, which rounding can make them.
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}
