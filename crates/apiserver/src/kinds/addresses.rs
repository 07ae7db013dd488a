//! Checks of IP addresses, ranges, ports and protocols that several kinds share.

use std::net::IpAddr;

use serde_json::Value;

use super::names;
use crate::field::FieldError;

/// An IP address. Leading zeros, which old objects may have, are refused.
pub(super) fn ip(text: &str, path: impl Into<String>) -> Vec<FieldError> {
    let detail = match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => "must not be an IPv4-mapped IPv6 address",
        Ok(_) => return Vec::new(),
        Err(_) if without_zeros(text).parse::<IpAddr>().is_ok() => "must not have leading 0s",
        Err(_) => "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
    };
    vec![FieldError::invalid(path, text, detail)]
}

/// An IPv4 address, or a range of them, whose numbers begin with no zeros.
fn without_zeros(text: &str) -> String {
    let number = |part: &str| match part.trim_start_matches('0') {
        "" if !part.is_empty() => "0".to_owned(),
        rest => rest.to_owned(),
    };
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    // Those of IPv6 may.
    let address = match address.contains(':') {
        true => address.to_owned(),
        false => address.split('.').map(number).collect::<Vec<_>>().join("."),
    };
    length.map_or(address.clone(), |length| format!("{address}/{}", number(length)))
}

/// An IP address that traffic may be sent to.
pub(super) fn endpoint_ip(text: &str, path: impl Into<String>) -> Vec<FieldError> {
    let path = path.into();
    let Ok(address) = text.parse::<IpAddr>() else { return ip(text, path) };
    let mut details = Vec::new();
    if address.is_unspecified() {
        details.push(format!("may not be unspecified ({text})"));
    }
    if address.is_loopback() {
        details.push("may not be in the loopback range (127.0.0.0/8, ::1/128)".to_string());
    }
    let (link_local, multicast) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(v6) => (v6.is_unicast_link_local(), v6.segments()[0] & 0xff0f == 0xff02),
    };
    if link_local {
        details.push("may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_string());
    }
    if multicast {
        details.push("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_string());
    }
    details.into_iter().map(|detail| FieldError::invalid(path.as_str(), text, detail)).collect()
}

/// A range in CIDR notation.
pub(super) fn cidr(text: &str, path: impl Into<String>) -> Vec<FieldError> {
    let detail = match parse_cidr(text) {
        Some((IpAddr::V6(address), _)) if address.to_ipv4_mapped().is_some() => {
            "must not have an IPv4-mapped IPv6 address"
        }
        Some((address, length)) if has_host_bits(address, length) => "must not have bits set beyond the prefix length",
        Some(_) if without_zeros(text) == text => return Vec::new(),
        _ if parse_cidr(&without_zeros(text)).is_some() => "must not have leading 0s in IP or prefix length",
        _ => "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
    };
    vec![FieldError::invalid(path, text, detail)]
}

fn has_host_bits(address: IpAddr, length: u8) -> bool {
    let (bits, width) = match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    };
    let host = width - u32::from(length);
    host > 0 && bits & (u128::MAX >> (128 - host)) != 0
}

/// Address and prefix length of a range.
pub(super) fn parse_cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let address = address.parse::<IpAddr>().ok()?;
    let plain = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    let length = length.parse::<u8>().ok().filter(|_| plain)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (length <= most).then_some((address, length))
}

/// A port number.
pub(super) fn port(number: i64, path: impl Into<String>) -> Vec<FieldError> {
    if (1..=65535).contains(&number) {
        return Vec::new();
    }
    vec![FieldError::invalid(path, number, names::between(1, 65535))]
}

/// A port number, or the name of a port.
pub(super) fn port_or_name(value: &Value, path: impl Into<String>) -> Vec<FieldError> {
    let path = path.into();
    match value {
        Value::String(name) => names::port_name(name)
            .into_iter()
            .map(|message| FieldError::invalid(path.as_str(), name.as_str(), message))
            .collect(),
        other => port(other.as_i64().unwrap_or_default(), path),
    }
}

/// TCP, UDP or SCTP.
pub(super) fn protocol(text: &str, path: impl Into<String>) -> Vec<FieldError> {
    const ALL: [&str; 3] = ["SCTP", "TCP", "UDP"];
    match text {
        "" => vec![FieldError::required(path, "")],
        _ if ALL.contains(&text) => Vec::new(),
        _ => vec![FieldError::not_supported(path, text, &ALL)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ranges_are_written_in_one_way_only() {
        let told = |errors: Vec<FieldError>| errors.first().map(|error| error.detail.clone()).unwrap_or_default();
        for text in ["10.0.0.1", "::1", "2001:db8::0"] {
            assert_eq!(told(ip(text, "x")), "", "{text}");
        }
        for text in ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/64", "::/0"] {
            assert_eq!(told(cidr(text, "x")), "", "{text}");
        }
        assert_eq!(told(ip("010.0.0.1", "x")), "must not have leading 0s");
        assert_eq!(told(ip("::ffff:10.0.0.1", "x")), "must not be an IPv4-mapped IPv6 address");
        assert_eq!(told(cidr("10.0.0.1/8", "x")), "must not have bits set beyond the prefix length");
        assert_eq!(told(cidr("10.0.0.0/08", "x")), "must not have leading 0s in IP or prefix length");
        assert!(told(cidr("10.0.0.0/33", "x")).starts_with("must be a valid CIDR value"));
    }
}
