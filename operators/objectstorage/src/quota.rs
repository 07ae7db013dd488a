//! The quota of a namespace: how many bytes its buckets may have.

use kubewright::k8s_openapi::api::core::v1::ResourceQuota;
use kubewright::patterns::external::Fault;
use kubewright::prelude::*;

/// The resource that a ResourceQuota limits.
const RESOURCE: &str = "objectstorage/size";

/// What ResourceQuota `quota-<namespace>` says; `None`: no limit.
pub(crate) fn of_namespace(ctx: &Context, namespace: &str) -> Result<Option<i64>, Fault> {
    let name = format!("quota-{namespace}");
    let Some(quota) = ctx.get::<ResourceQuota>(&ObjectRef::new(Some(namespace), &name))? else { return Ok(None) };
    let hard = quota.spec.and_then(|spec| spec.hard).unwrap_or_default();
    let Some(limit) = hard.get(RESOURCE) else { return Ok(None) };
    match bytes(&limit.0) {
        Some(bytes) => Ok(Some(bytes)),
        None => {
            let what = format!("ResourceQuota {name}: spec.hard[{RESOURCE}]: {:?} is not a number of bytes", limit.0);
            Err(Fault::permanent("InvalidQuota", what))
        }
    }
}

/// A quantity as Kubernetes writes it, in whole bytes: `10Gi`, `1.5G`, `2e9`. Parts of a byte count as one.
fn bytes(quantity: &str) -> Option<i64> {
    let digits =
        quantity.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(quantity.len());
    let (number, suffix) = quantity.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024_f64.powi(2),
        "Gi" => 1024_f64.powi(3),
        "Ti" => 1024_f64.powi(4),
        "Pi" => 1024_f64.powi(5),
        "Ei" => 1024_f64.powi(6),
        exponent => 10_f64.powi(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    let bytes = (number * factor).ceil();
    // A quota beyond what can be written is none that anybody reaches.
    bytes.is_finite().then_some(bytes as i64).filter(|bytes| *bytes >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        for (text, value) in [
            ("0", 0),
            ("1024", 1024),
            ("10Gi", 10 << 30),
            ("1.5G", 1_500_000_000),
            ("2e9", 2_000_000_000),
            ("1500m", 2),
            ("100Ei", i64::MAX),
        ] {
            assert_eq!(bytes(text), Some(value), "{text}");
        }
        for wrong in ["", "-1", "x", "1x", "Gi", "1e", "1e999999"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
