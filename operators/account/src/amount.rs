//! Amounts of money: whole millionths of the currency.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many units one of the currency has.
const UNITS: u64 = 1_000_000;

/// An amount in millionths of the currency: 1,500,000 is 1.50. Its range is that of 64 bits, so about nine million million of
/// the currency; sums that leave it are refused, never rounded or wrapped.
///
/// ```
/// use kubewright_account::Amount;
///
/// assert_eq!(Amount(1_500_000).to_string(), "1.50");
/// assert_eq!(Amount(-1).to_string(), "-0.000001");
/// assert_eq!(Amount(i64::MAX).checked_add(Amount(1)), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Amount(pub i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The most that there can be.
    pub const MAX: Self = Self(i64::MAX);

    /// The sum, if it is in range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, if it is in range.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

/// As people write it: a decimal with two to six digits after the point.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, sign) = (self.0.unsigned_abs(), if self.0 < 0 { "-" } else { "" });
        let fraction = format!("{:06}", size % UNITS);
        let cents = fraction.trim_end_matches('0');
        f.pad(&format!("{sign}{}.{cents:0<2}", size / UNITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_as_decimals() {
        let shown = |units| Amount(units).to_string();
        assert_eq!(shown(0), "0.00");
        assert_eq!(shown(1), "0.000001");
        assert_eq!(shown(-2_300_000), "-2.30");
        assert_eq!(shown(12_345_678), "12.345678");
        assert_eq!(shown(100_000_000), "100.00");
        assert_eq!(shown(i64::MAX), "9223372036854.775807");
        assert_eq!(shown(i64::MIN), "-9223372036854.775808");
        assert_eq!(format!("{:>8}", Amount(1_000_000)), "    1.00");
    }
}
