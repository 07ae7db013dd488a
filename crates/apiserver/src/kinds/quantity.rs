//! Quantities of resource lists, as far as checks compare them.

use std::cmp::Ordering;

use serde_json::Value;

use crate::schema::quantity::Quantity as Parsed;

/// An amount that orders by value, however it is written.
#[derive(Debug, Clone)]
pub(super) struct Quantity(Parsed);

impl Quantity {
    /// Reads `1`, `100m`, `1.5Gi` and the like; numbers too. None for anything else.
    pub(super) fn parse(value: &Value) -> Option<Self> {
        let parsed = match value {
            Value::String(text) => Parsed::parse(text),
            Value::Number(number) => Parsed::parse(&number.to_string()),
            _ => return None,
        };
        parsed.ok().map(Self)
    }

    /// What stands at a key of a resource list, if it is a quantity.
    pub(super) fn of(list: &Value, key: &str) -> Option<Self> {
        list.get(key).and_then(Self::parse)
    }

    pub(super) fn is_negative(&self) -> bool {
        self.0.is_negative()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.canonical() == "0"
    }

    pub(super) fn is_positive(&self) -> bool {
        !self.is_negative() && !self.is_zero()
    }

    /// As the server writes it.
    pub(super) fn text(&self) -> String {
        self.0.canonical().to_string()
    }

    /// The sum.
    pub(super) fn plus(&self, other: &Self) -> Self {
        Self(self.0.plus(&other.0))
    }

    pub(super) fn is_whole(&self) -> bool {
        // Fractions are written with a suffix below one, or a negative exponent.
        let text = self.0.canonical();
        !text.ends_with(['n', 'u', 'm']) && !text.contains("e-")
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.0.compare(&other.0) == Ordering::Equal
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.0.compare(&other.0))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_compare_by_value() {
        let q = |value: Value| Quantity::parse(&value).unwrap();
        assert_eq!(q(json!("1500m")), q(json!("1.5")));
        assert_eq!(q(json!("1Ki")), q(json!(1024)));
        assert!(q(json!("1Gi")) > q(json!("1G")));
        assert!(q(json!("0.5")) < q(json!(1)));
        assert!(q(json!("-1")).is_negative() && q(json!("0Gi")).is_zero() && q(json!("1n")).is_positive());
        for (text, whole) in
            [("1", true), ("2k", true), ("1e3", true), ("1500m", false), ("1.5", false), ("15e-1", false)]
        {
            assert_eq!(q(json!(text)).is_whole(), whole, "{text}");
        }
        assert!(Quantity::parse(&json!("much")).is_none());
        assert!(Quantity::parse(&Value::Null).is_none());
    }
}
