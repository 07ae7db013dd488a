//! Checks of IP addresses, ranges, ports and protocols that several kinds share.

use std::net::IpAddr;

use serde_json::Value;

use super::names;
use crate::field::FieldError;

/// An IP address. Leading zeros, which old objects may have, are refused.
pub(super) fn ip(text: &str, path: impl Into<String>) -> Vec<FieldError> {
    match text.parse::<IpAddr>() {
        Ok(_) => Vec::new(),
        Err(_) => {
            vec![FieldError::invalid(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
        }
    }
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
    if parse_cidr(text).is_some() {
        return Vec::new();
    }
    let detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    vec![FieldError::invalid(path, text, detail)]
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
