//! `format` of strings, as the real server checks it. Formats that it does not know are not checked.
//!
//! Source: the list in the documentation of `CustomResourceDefinition`, and go-openapi's strfmt.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use base64::Engine as _;
use regex::Regex;

use super::go_time;

/// Bits after the last byte do not matter.
const BASE64: base64::engine::GeneralPurpose = base64::engine::GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    base64::engine::general_purpose::PAD.with_decode_allow_trailing_bits(true),
);

/// Formats that are checked.
pub(crate) const KNOWN: [&str; 33] = [
    "bsonobjectid",
    "uri",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "cidr",
    "mac",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "ssn",
    "hexcolor",
    "rgbcolor",
    "byte",
    "password",
    "date",
    "duration",
    "datetime",
    "date-time",
    "int32",
    "float",
    "double",
    "uint32",
    "uint64",
    "int64",
    "k8s-short-name",
    "k8s-long-name",
];

/// `text` is of the format. Unknown formats fit every text.
pub(super) fn fits(format: &str, text: &str) -> bool {
    match format {
        "bsonobjectid" => text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit()),
        "uri" => is_request_uri(text),
        "email" => is_email(text),
        "hostname" => is_hostname(text),
        "ipv4" => ipv4_sloppy(text).is_some() || (text.contains('.') && text.parse::<Ipv6Addr>().is_ok()),
        "ipv6" => text.contains(':') && text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => is_mac(text),
        "uuid" => is_uuid(text, None),
        "uuid3" => is_uuid(text, Some(b'3')),
        "uuid4" => is_uuid(text, Some(b'4')),
        "uuid5" => is_uuid(text, Some(b'5')),
        "isbn" => is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10(text),
        "isbn13" => is_isbn13(text),
        "creditcard" => is_credit_card(text),
        "ssn" => matches(&SSN, text),
        "hexcolor" => matches(&HEX_COLOR, text),
        "rgbcolor" => matches(&RGB_COLOR, text),
        "byte" => !text.is_empty() && BASE64.decode(text).is_ok(),
        "date" => {
            text.len() == 10 && go_time::canonical(&format!("{text}T00:00:00Z"), go_time::Layout::Seconds).is_ok()
        }
        "duration" => is_duration(text),
        "datetime" | "date-time" => is_date_time(text),
        "k8s-short-name" => text.len() <= 63 && matches(&SHORT_NAME, text),
        "k8s-long-name" => text.len() <= 253 && text.split('.').all(|label| matches(&SHORT_NAME, label)),
        _ => true,
    }
}

/// A pattern of this file; tests compile each.
type Expression = LazyLock<Option<Regex>>;

static SSN: Expression = LazyLock::new(|| Regex::new(r"^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$").ok());
static HEX_COLOR: Expression = LazyLock::new(|| Regex::new(r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$").ok());
static RGB_COLOR: Expression = LazyLock::new(|| {
    let number = r"\s*(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])\s*";
    Regex::new(&format!(r"^rgb\({number},{number},{number}\)$")).ok()
});
static SHORT_NAME: Expression = LazyLock::new(|| Regex::new(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$").ok());
static HOST_LABEL: Expression =
    LazyLock::new(|| Regex::new(r"^[a-zA-Z0-9\p{S}\p{L}]([-a-zA-Z0-9\p{S}\p{L}]*[a-zA-Z0-9\p{S}\p{L}])?$").ok());
static TOP_DOMAIN: Expression = LazyLock::new(|| Regex::new(r"^[a-zA-Z\p{L}]{2,63}$").ok());
static DURATION_PART: Expression = LazyLock::new(|| Regex::new(r"([0-9]+)(?:[.,][0-9]+)?\s*([A-Za-zµ]+)").ok());
static DATE_TIME: Expression = LazyLock::new(|| {
    Regex::new(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:?[0-9]{2})$")
        .ok()
});

fn matches(expression: &Expression, text: &str) -> bool {
    expression.as_ref().is_some_and(|regex| regex.is_match(text))
}

fn is_request_uri(text: &str) -> bool {
    if text.bytes().any(|b| b <= b' ' || b == 0x7f) {
        return false;
    }
    if text.starts_with('/') {
        return true;
    }
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.bytes();
    letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && !(rest.starts_with("//") && rest[2..].split('/').next().is_some_and(|host| host.contains(['<', '>', '"'])))
}

fn is_email(text: &str) -> bool {
    // `Name <a@b>` is an address too.
    let address = match text.trim().strip_suffix('>').and_then(|t| t.rsplit_once('<')) {
        Some((_, inner)) => inner,
        None => text.trim(),
    };
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || !c.is_ascii();
    plain(domain) && domain.chars().all(atom) && (quoted || (plain(local) && local.chars().all(atom)))
}

fn is_hostname(text: &str) -> bool {
    if text.is_empty() || text.len() > 255 {
        return false;
    }
    let labels: Vec<&str> = text.split('.').collect();
    let fits = labels.iter().all(|label| label.len() <= 63 && matches(&HOST_LABEL, label));
    // A name of several labels ends in a top-level domain, which is letters.
    fits && (labels.len() == 1 || labels.last().is_some_and(|top| matches(&TOP_DOMAIN, top)))
}

/// An address that may have leading zeros.
fn ipv4_sloppy(text: &str) -> Option<Ipv4Addr> {
    let mut parts = text.split('.').map(|part| {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let number = part.trim_start_matches('0');
        if !digits {
            None
        } else if number.is_empty() {
            Some(0)
        } else {
            number.parse::<u8>().ok()
        }
    });
    let octets = [parts.next()??, parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let bits = if bits.bytes().all(|b| b.is_ascii_digit()) { bits.parse::<u8>().ok() } else { None };
    let most = if address.contains(':') {
        address.parse::<Ipv6Addr>().map(|_| 128).ok()
    } else {
        ipv4_sloppy(address).map(|_| 32)
    };
    bits.zip(most).is_some_and(|(bits, most)| bits <= most)
}

fn is_mac(text: &str) -> bool {
    let hex = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
    let groups = |separator: char, length: usize, counts: [usize; 3]| {
        let parts: Vec<&str> = text.split(separator).collect();
        counts.contains(&parts.len()) && parts.iter().all(|part| hex(part, length))
    };
    groups(':', 2, [6, 8, 20]) || groups('-', 2, [6, 8, 20]) || groups('.', 4, [3, 4, 10])
}

fn is_uuid(text: &str, version: Option<u8>) -> bool {
    // The dashes may be left out, each on its own.
    let mut digits = Vec::with_capacity(32);
    for byte in text.bytes() {
        match byte {
            b'-' if [8, 12, 16, 20].contains(&digits.len()) && digits.last() != Some(&b'-') => {}
            _ if byte.is_ascii_hexdigit() => digits.push(byte.to_ascii_lowercase()),
            _ => return false,
        }
    }
    let dashes = text.len() - digits.len();
    let versioned = version.is_none_or(|version| digits.get(12) == Some(&version));
    let variant = !matches!(version, Some(b'4' | b'5')) || digits.get(16).is_some_and(|digit| b"89ab".contains(digit));
    digits.len() == 32 && dashes <= 4 && !text.contains("--") && versioned && variant
}

fn is_isbn10(text: &str) -> bool {
    let digits = text.replace([' ', '-'], "");
    let value = |(index, byte): (usize, u8)| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'X' if index == 9 => Some(10),
        _ => None,
    };
    let values: Option<Vec<u32>> = digits.bytes().enumerate().map(value).collect();
    values.is_some_and(|v| v.len() == 10 && v.iter().zip(1..).map(|(v, weight)| v * weight).sum::<u32>() % 11 == 0)
}

fn is_isbn13(text: &str) -> bool {
    let digits = text.replace([' ', '-'], "");
    let values: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = values.iter().zip([1, 3].into_iter().cycle()).map(|(v, weight)| v * weight).sum();
    values.len() == 13 && digits.len() == 13 && sum.is_multiple_of(10)
}

fn is_credit_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if !(12..=19).contains(&digits.len()) || text.chars().any(|c| !c.is_ascii_digit() && c != ' ' && c != '-') {
        return false;
    }
    let doubled = |(index, digit): (usize, &u32)| match (index % 2, digit * 2) {
        (0, _) => *digit,
        (_, double) => double / 10 + double % 10,
    };
    digits.iter().rev().enumerate().map(doubled).sum::<u32>().is_multiple_of(10)
}

/// `1h30m`, or words: `3 days`.
fn is_duration(text: &str) -> bool {
    const UNITS: [&[&str]; 8] = [
        &["ns", "nano"],
        &["us", "µs", "micro"],
        &["ms", "milli"],
        &["s", "sec"],
        &["m", "min"],
        &["h", "hr", "hour"],
        &["d", "day"],
        &["w", "wk", "week"],
    ];
    let known = |unit: &str| {
        let unit = unit.to_lowercase();
        let starts = |names: &&[&str]| names.last().is_some_and(|name| unit.starts_with(name));
        UNITS.iter().any(|names| names.contains(&unit.as_str()) || starts(names))
    };
    let parts = DURATION_PART.as_ref().map(|regex| regex.captures_iter(text));
    text.trim_start_matches(['+', '-']) == "0" || parts.into_iter().flatten().any(|part| known(&part[2]))
}

fn is_date_time(text: &str) -> bool {
    matches(&DATE_TIME, text) && {
        let upper = text.to_ascii_uppercase();
        let zone = upper.len() - 5;
        // An offset may lack its colon.
        let colon = upper.as_bytes().get(zone).is_some_and(|b| b"+-".contains(b));
        let padded = if colon { format!("{}:{}", &upper[..zone + 3], &upper[zone + 3..]) } else { upper };
        go_time::canonical(&padded, go_time::Layout::Seconds).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        for (format, good, bad) in [
            ("date-time", &["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5+01:00"][..], &["x", "2024-01-01"][..]),
            ("date", &["2024-02-29"], &["2023-02-29", "x", "2024-1-1"]),
            ("duration", &["1h", "3 days", "1h30m", "0", "1.5h"], &["x", "1", "1 fortnight"]),
            ("email", &["a@b.c", "A <a@b.c>"], &["x", "a@", "@b"]),
            ("uri", &["http://a", "/a/b", "urn:a"], &["x", "a b", "://x"]),
            ("ipv4", &["1.2.3.4", "01.2.3.4"], &["1.2.3", "::1", "256.1.1.1"]),
            ("ipv6", &["::1", "fe80::1"], &["1.2.3.4", "x"]),
            ("cidr", &["1.2.3.0/24", "::/0"], &["1.2.3.4", "1.2.3.4/33"]),
            ("mac", &["01:23:45:67:89:ab", "0123.4567.89ab"], &["x", "01:23"]),
            ("uuid", &["01234567-89ab-cdef-0123-456789abcdef", "0123456789ABCDEF0123456789abcdef"], &["x", "0123"]),
            ("uuid4", &["01234567-89ab-4def-8123-456789abcdef"], &["01234567-89ab-1def-8123-456789abcdef"]),
            ("hostname", &["a", "a.example", "1a.example.com"], &["-x", "a.b", "a..b", ""]),
            ("byte", &["aGk=", "YR=="], &["!", "", "YQ", "YQ="]),
            ("isbn", &["0-306-40615-2", "978-0-306-40615-7"], &["0-306-40615-3"]),
            ("creditcard", &["4111 1111 1111 1111"], &["4111 1111 1111 1112", "x"]),
            ("ssn", &["123-45-6789"], &["123"]),
            ("hexcolor", &["#fff", "a0b1c2"], &["x", "#ffff"]),
            ("rgbcolor", &["rgb(1, 2, 255)"], &["rgb(1,2,256)"]),
            ("bsonobjectid", &["507f1f77bcf86cd799439011"], &["x"]),
            ("k8s-short-name", &["a-b"], &["_", "A", "a.b"]),
            ("k8s-long-name", &["a.b"], &["a..b"]),
            ("password", &["any"], &[]),
            ("nobody-knows", &["any"], &[]),
        ] {
            for text in good {
                assert!(fits(format, text), "{text} is a {format}");
            }
            for text in bad {
                assert!(!fits(format, text), "{text} is no {format}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}|[0-9TZtz:.+é-]{0,30}") {
            for format in KNOWN {
                fits(format, &text);
            }
        }
    }
}
