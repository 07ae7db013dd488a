//! Resource quantities, as far as they must be compared and added.

use serde_json::Value;

/// A quantity in billionths of its unit. Source: the serialisation format of `resource.Quantity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Quantity(i128);

impl Quantity {
    /// Reads `1`, `100m`, `1.5Gi`, `2e3` and the like; numbers too. None for anything else.
    pub(super) fn parse(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse_text(text),
            Value::Number(number) => Self::parse_text(&number.to_string()),
            _ => None,
        }
    }

    /// What stands at a key of a resource list, if it is a quantity.
    pub(super) fn of(list: &Value, key: &str) -> Option<Self> {
        list.get(key).and_then(Self::parse)
    }

    pub(super) fn is_negative(self) -> bool {
        self.0 < 0
    }

    pub(super) fn is_whole(self) -> bool {
        self.0 % NANO == 0
    }

    pub(super) fn is_zero(self) -> bool {
        self.0 == 0
    }

    fn parse_text(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (sign, digits) = match number.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty()
            || !(whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let (scale, divisor) = scale(suffix)?;
        let mut amount = format!("0{whole}").parse::<i128>().ok()?.checked_mul(scale)?;
        let mut place = scale;
        for digit in fraction.bytes() {
            place /= 10;
            amount = amount.checked_add(i128::from(digit - b'0').checked_mul(place)?)?;
        }
        Some(Self(sign * amount / divisor))
    }
}

impl std::ops::Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

const NANO: i128 = 1_000_000_000;

/// What one unit with a suffix is worth in billionths: multiplier and divisor.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    let decimal = |exponent: i32| -> Option<(i128, i128)> {
        let exponent = exponent + 9;
        if exponent >= 0 {
            Some((10i128.checked_pow(u32::try_from(exponent).ok()?)?, 1))
        } else {
            Some((1, 10i128.checked_pow(u32::try_from(-exponent).ok()?)?))
        }
    };
    Some(match suffix {
        "" => (NANO, 1),
        "n" => (1, 1),
        "u" => (1_000, 1),
        "m" => (1_000_000, 1),
        "k" => decimal(3)?,
        "M" => decimal(6)?,
        "G" => decimal(9)?,
        "T" => decimal(12)?,
        "P" => decimal(15)?,
        "E" => decimal(18)?,
        "Ki" => (NANO << 10, 1),
        "Mi" => (NANO << 20, 1),
        "Gi" => (NANO << 30, 1),
        "Ti" => (NANO << 40, 1),
        "Pi" => (NANO << 50, 1),
        "Ei" => (NANO << 60, 1),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            decimal(exponent.parse::<i8>().ok()?.into())?
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_compare_by_value_whatever_their_form() {
        let q = |value| Quantity::parse(&value);
        assert_eq!(q(json!("1500m")), q(json!("1.5")));
        assert_eq!(q(json!("1Ki")), q(json!(1024)));
        assert_eq!(q(json!("1e3")), q(json!("1k")));
        assert_eq!(q(json!("-1")).unwrap(), Quantity(-NANO));
        assert!(q(json!("1Gi")) > q(json!("1G")));
        assert_eq!(q(json!("0.5Gi")), q(json!("512Mi")));
        for wrong in ["", "Gi", "1 Gi", "1x", "1.2.3", "--1", "1e999"] {
            assert_eq!(q(json!(wrong)), None, "{wrong:?}");
        }
    }
}
