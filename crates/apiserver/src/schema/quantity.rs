//! Resource quantities: `500m`, `1.5Gi`, `12e6`.
//!
//! A quantity is parsed, rounded up to a billionth where it is finer, and written back in canonical form: no fraction,
//! the largest suffix that loses nothing. A text that Kubernetes takes for canonical at first sight is kept as it is
//! (`00012`, `+1`), because clients see that too.
//! Source: k8s.io/apimachinery, package resource (the grammar in the documentation of `Quantity`), and a real server.

use std::cmp::Ordering;

/// Why a text is no quantity. The messages are the real server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not of the form `<sign><digits>.<digits><suffix>`.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// The suffix is none that there is.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

/// Which suffixes a quantity is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuantityFormat {
    /// `12e6`
    DecimalExponent,
    /// `12Mi`
    BinarySi,
    /// `12M`
    DecimalSi,
}

/// A parsed quantity: `digits` × 10^`exponent`.
#[derive(Debug, Clone)]
pub struct Quantity {
    negative: bool,
    /// Decimal digits without leading zeros; empty for zero.
    digits: Vec<u8>,
    exponent: i64,
    format: QuantityFormat,
    /// The text as it was given, where that is taken for canonical.
    text: Option<Box<str>>,
}

/// 10^-9: nothing finer is kept.
const FINEST: i64 = -9;
/// Digits that surely fit in an `i64`.
const FAST_DIGITS: i64 = 18;
const DECIMAL_SUFFIXES: [(&str, i64); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
/// The index is the power of 1024.
const BINARY_SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

impl Quantity {
    /// Reads a quantity; blanks around it are ignored.
    ///
    /// # Errors
    /// When the text is not of the form, or has a suffix that does not exist.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let text = text.trim();
        let parts = Parts::split(text)?;
        let (power, format) = interpret(parts.suffix)?;
        let joined = [parts.whole, parts.fraction].concat();
        let quantity = match format {
            QuantityFormat::BinarySi => binary(&parts, joined, power),
            _ => decimal(&parts, joined, power, format),
        };
        Ok(if quantity.text.is_some() { Self { text: Some(text.into()), ..quantity } } else { quantity })
    }

    /// The text that a server answers with.
    pub fn canonical(&self) -> String {
        if let Some(text) = &self.text {
            return text.to_string();
        }
        if self.digits.is_empty() {
            return "0".into();
        }
        let sign = if self.negative { "-" } else { "" };
        if self.format == QuantityFormat::BinarySi
            && let Some((number, power)) = self.in_binary()
        {
            return format!("{sign}{number}{}", BINARY_SUFFIXES[power]);
        }
        // A suffix stands for a multiple of three.
        let mut exponent = self.exponent;
        let mut digits = self.digits.clone();
        while exponent.rem_euclid(3) != 0 {
            digits.push(b'0');
            exponent -= 1;
        }
        let number: String = digits.into_iter().map(char::from).collect();
        match self.format {
            QuantityFormat::DecimalExponent if exponent == 0 => format!("{sign}{number}"),
            QuantityFormat::DecimalExponent => format!("{sign}{number}e{exponent}"),
            _ => match DECIMAL_SUFFIXES.iter().find(|(_, power)| *power == exponent) {
                Some((suffix, _)) => format!("{sign}{number}{suffix}"),
                // Larger than any suffix: write the zeros out rather than lose them.
                None => format!("{sign}{number}{}E", "0".repeat((exponent - 18).max(0) as usize)),
            },
        }
    }

    /// Nothing, written without a suffix.
    pub fn zero() -> Self {
        Self::new(false, Vec::new(), 0, QuantityFormat::DecimalSi)
    }

    /// Is nothing.
    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// The amount in billionths, the finest that there is; amounts that are too large for it are cut to the largest.
    pub fn billionths(&self) -> i128 {
        let digits =
            self.digits.iter().try_fold(0_i128, |n, digit| n.checked_mul(10)?.checked_add(i128::from(digit - b'0')));
        let power = u32::try_from(self.exponent - FINEST).ok().and_then(|power| 10_i128.checked_pow(power));
        let amount = digits.zip(power).and_then(|(digits, power)| digits.checked_mul(power)).unwrap_or(i128::MAX);
        if self.negative { -amount } else { amount }
    }

    /// The sum, written as this one is, or as the other one when this one is nothing.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let format = if self.is_zero() { other.format } else { self.format };
        Self::of_billionths(self.billionths().saturating_add(other.billionths()), format)
    }

    /// The difference, written as this one is, or as the other one when this one is nothing.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let format = if self.is_zero() { other.format } else { self.format };
        Self::of_billionths(self.billionths().saturating_sub(other.billionths()), format)
    }

    /// The amount without what is finer than a whole number, rounded up.
    #[must_use]
    pub fn whole(&self) -> Self {
        let (amount, one) = (self.billionths(), 1_000_000_000);
        let whole = amount.div_euclid(one) + i128::from(amount.rem_euclid(one) > 0);
        if amount.rem_euclid(one) == 0 {
            self.clone()
        } else {
            Self::of_billionths(whole.saturating_mul(one), self.format)
        }
    }

    fn of_billionths(amount: i128, format: QuantityFormat) -> Self {
        Self::new(amount < 0, amount.unsigned_abs().to_string().into_bytes(), FINEST, format)
    }

    /// Less than zero.
    pub fn is_negative(&self) -> bool {
        self.negative && !self.digits.is_empty()
    }

    /// Compares the amounts, whatever they are written like.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self.is_negative(), other.is_negative()) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.compare_magnitude(other),
            (true, true) => other.compare_magnitude(self),
        }
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        if self.digits.is_empty() || other.digits.is_empty() {
            return other.digits.is_empty().cmp(&self.digits.is_empty());
        }
        // Digits carry no zeros at either end, so equal lengths before the point compare digit by digit.
        let before_point = |q: &Self| q.digits.len() as i64 + q.exponent;
        before_point(self).cmp(&before_point(other)).then_with(|| self.digits.cmp(&other.digits))
    }

    /// The amount as a whole number times a power of 1024, when it is whole and at least 1024.
    fn in_binary(&self) -> Option<(u128, usize)> {
        // Binary amounts are capped at i64::MAX, so a whole one has at most 19 digits.
        if self.exponent < 0 || self.digits.len() as i64 + self.exponent > 19 {
            return None;
        }
        let digits = self.digits.iter().fold(0u128, |n, digit| n * 10 + u128::from(digit - b'0'));
        let mut number = digits * 10u128.pow(self.exponent as u32);
        if number < 1024 {
            return None;
        }
        let mut power = 0;
        while number >= 1024 && number.is_multiple_of(1024) {
            number /= 1024;
            power += 1;
        }
        Some((number, power))
    }

    fn new(negative: bool, mut digits: Vec<u8>, mut exponent: i64, format: QuantityFormat) -> Self {
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..zeros);
        while digits.last() == Some(&b'0') {
            digits.pop();
            exponent += 1;
        }
        if digits.is_empty() {
            exponent = 0;
        }
        Self { negative, digits, exponent, format, text: None }
    }

    /// Rounds away from zero to a billionth.
    fn round_up(self) -> Self {
        let excess = FINEST - self.exponent;
        if excess <= 0 || self.digits.is_empty() {
            return self;
        }
        // What is cut off is not zero: digits have no zeros at their end.
        let keep = self.digits.len().saturating_sub(excess as usize);
        let mut digits = self.digits;
        digits.truncate(keep);
        let mut at = digits.len();
        loop {
            if at == 0 {
                digits.insert(0, b'1');
                break;
            }
            at -= 1;
            if digits[at] < b'9' {
                digits[at] += 1;
                break;
            }
            digits[at] = b'0';
        }
        Self::new(self.negative, digits, FINEST, self.format)
    }
}

fn decimal(parts: &Parts<'_>, joined: String, power: i64, format: QuantityFormat) -> Quantity {
    let exponent = power.saturating_sub(parts.fraction.len() as i64);
    let fast = joined.len() as i64 <= FAST_DIGITS && exponent >= FINEST;
    let keep = fast && exponent % 3 == 0 && !joined.ends_with("000") && !joined.starts_with('0');
    let quantity = Quantity::new(parts.negative, joined.into_bytes(), exponent, format);
    Quantity { text: keep.then(Box::default), ..quantity.round_up() }
}

fn binary(parts: &Parts<'_>, joined: String, power: i64) -> Quantity {
    // 15 digits of precision, less about three per factor of 1024: the same estimate as upstream's, since it decides
    // which texts are kept.
    let precision = 15 - parts.whole.len() as i64 - (power * 3) - 1;
    let odd = parts.whole.parse::<i64>().is_ok_and(|value| value & 7 != 0);
    let keep = parts.fraction.is_empty() && precision >= 0 && odd;
    let mut digits = joined.into_bytes();
    for _ in 0..power {
        digits = times_1024(&digits);
    }
    let exact = Quantity::new(parts.negative, digits, -(parts.fraction.len() as i64), QuantityFormat::BinarySi);
    let mut quantity = exact.round_up();
    let magnitude = |number: i64| Quantity::new(false, number.to_string().into_bytes(), 0, QuantityFormat::BinarySi);
    let largest = magnitude(i64::MAX);
    if quantity.compare_magnitude(&largest) == Ordering::Greater {
        quantity = Quantity { negative: parts.negative, ..largest };
    }
    Quantity { text: keep.then(Box::default), ..quantity }
}

fn times_1024(digits: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(digits.len() + 4);
    let mut carry = 0u32;
    for digit in digits.iter().rev() {
        let product = u32::from(digit - b'0') * 1024 + carry;
        out.push(b'0' + (product % 10) as u8);
        carry = product / 10;
    }
    while carry > 0 {
        out.push(b'0' + (carry % 10) as u8);
        carry /= 10;
    }
    out.reverse();
    out
}

/// The power of ten, or of 1024 for a binary suffix.
fn interpret(suffix: &str) -> Result<(i64, QuantityFormat), QuantityError> {
    if let Some((_, power)) = DECIMAL_SUFFIXES.iter().find(|(name, _)| *name == suffix) {
        return Ok((*power, QuantityFormat::DecimalSi));
    }
    if let Some(power) = BINARY_SUFFIXES.iter().skip(1).position(|name| *name == suffix) {
        return Ok((power as i64 + 1, QuantityFormat::BinarySi));
    }
    let exponent = suffix.strip_prefix(['e', 'E']).and_then(|exponent| exponent.parse::<i32>().ok());
    exponent.map(|power| (i64::from(power), QuantityFormat::DecimalExponent)).ok_or(QuantityError::Suffix)
}

struct Parts<'a> {
    negative: bool,
    /// Without leading zeros; "0" when there are no others.
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError::Format);
        }
        let negative = text.starts_with('-');
        let rest = text.strip_prefix(['-', '+']).unwrap_or(text).trim_start_matches('0');
        let (whole, rest) = split_while(rest, |c| c.is_ascii_digit());
        let whole = if whole.is_empty() { "0" } else { whole };
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => split_while(rest, |c| c.is_ascii_digit()),
            None => ("", rest),
        };
        let (_, tail) = split_while(suffix, |c| "eEinumkKMGTP".contains(c));
        let tail = tail.strip_prefix(['-', '+']).unwrap_or(tail);
        if !tail.chars().all(|c| c.is_ascii_digit()) {
            return Err(QuantityError::Format);
        }
        Ok(Self { negative, whole, fraction, suffix })
    }
}

fn split_while(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !wanted(c)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> String {
        Quantity::parse(text).map(|quantity| quantity.canonical()).unwrap_or_else(|error| error.to_string())
    }

    /// Each line was answered by a real server.
    #[test]
    fn sums_are_written_as_their_first_part() {
        let q = |text: &str| Quantity::parse(text).unwrap();
        for (one, two, sum, rest) in [
            ("1Gi", "512Mi", "1536Mi", "512Mi"),
            ("500m", "1", "1500m", "-500m"),
            ("0", "1Ki", "1Ki", "-1Ki"),
            ("2", "2", "4", "0"),
            ("1e3", "1", "1001", "999"),
        ] {
            assert_eq!(q(one).plus(&q(two)).canonical(), sum, "{one} + {two}");
            assert_eq!(q(one).minus(&q(two)).canonical(), rest, "{one} - {two}");
        }
        assert_eq!(q("1500m").whole().canonical(), "2");
    }

    #[test]
    fn the_canonical_form_equals_the_real_servers() {
        for (given, expected) in [
            ("0.5", "500m"),
            ("1.5Gi", "1536Mi"),
            ("0.1m", "100u"),
            ("100000", "100k"),
            ("1000000", "1M"),
            ("1e3", "1e3"),
            ("1E3", "1E3"),
            ("12e-1", "1200e-3"),
            ("1Ei", "1Ei"),
            ("100Ei", "9223372036854775807"),
            ("1.1n", "2n"),
            ("0.5n", "1n"),
            ("+1", "+1"),
            (" 1", "1"),
            (".5", "500m"),
            ("1.", "1."),
            ("1024", "1024"),
            ("1024Ki", "1Mi"),
            ("0", "0"),
            ("0Gi", "0"),
            ("1536Mi", "1536Mi"),
            ("1.5Ki", "1536"),
            ("0.5Ki", "512"),
            ("1e19", "10e18"),
            ("9223372036854775808", "9223372036854775808"),
            ("1.2345678901234", "1234567891n"),
            ("1023Mi", "1023Mi"),
            ("1000Ki", "1000Ki"),
            ("1k", "1k"),
            ("1000k", "1M"),
            ("1000m", "1"),
            ("0.00000000001", "1n"),
            ("1e-12", "1e-9"),
            ("1e-9", "1e-9"),
            ("1000u", "1m"),
            ("12345678901234567890n", "12345678901234567890n"),
            ("0.000001Ki", "1024u"),
            ("00012", "00012"),
            ("1e99", "1e99"),
        ] {
            assert_eq!(canonical(given), expected, "{given}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused_with_the_real_servers_words() {
        for text in ["1e", "1Kim", "1ki"] {
            assert_eq!(canonical(text), "unable to parse quantity's suffix", "{text}");
        }
        for text in ["", "1x", "0x1", "1..2", "x", "true"] {
            assert!(canonical(text).starts_with("quantities must match"), "{text}");
        }
    }

    #[test]
    fn amounts_compare_whatever_they_are_written_like() {
        for (a, b, expected) in [
            ("1", "1000m", Ordering::Equal),
            ("1Gi", "1G", Ordering::Greater),
            ("-1", "0", Ordering::Less),
            ("-2", "-1", Ordering::Less),
            ("0", "-0", Ordering::Equal),
            ("0", "1n", Ordering::Less),
            ("999", "1k", Ordering::Less),
        ] {
            assert_eq!(Quantity::parse(a).unwrap().compare(&Quantity::parse(b).unwrap()), expected, "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,24}|[+-]?[0-9.]{0,30}[eEinumkKMGTP+-]{0,3}[0-9]{0,3}") {
            let _ = canonical(&text);
        }

        #[test]
        fn the_canonical_form_is_the_same_amount_and_stable(
            whole in 0u64..1_000_000_000_000, fraction in "(\\.[0-9]{0,4})?", suffix in "|n|u|m|k|M|G|Ki|Mi|Gi|e3|e-3|E2"
        ) {
            let given = Quantity::parse(&format!("{whole}{fraction}{suffix}")).unwrap();
            let once = given.canonical();
            let again = Quantity::parse(&once).unwrap();
            prop_assert_eq!(given.compare(&again), Ordering::Equal);
            prop_assert_eq!(again.canonical(), once);
        }
    }
}
