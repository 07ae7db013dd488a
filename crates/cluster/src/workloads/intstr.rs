//! Numbers that may be percentages.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// A number, or a percentage of `of`.
pub(crate) fn scaled(value: &IntOrString, of: i32, up: bool) -> i32 {
    match value {
        IntOrString::Int(number) => *number,
        IntOrString::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or_default();
            let product = percent.saturating_mul(i64::from(of));
            let scaled = if up { product.saturating_add(99) / 100 } else { product / 100 };
            i32::try_from(scaled).unwrap_or(i32::MAX)
        }
    }
}
