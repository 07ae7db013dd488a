//! Addresses, networks and URLs.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::error::EvaluationError;
use crate::library::standard::one;
use crate::library::{Extension, Function};
use crate::value::{Entries, Map, Result, Value};

/// A network: an address and how many of its bits are fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

/// The parts of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    host: String,
    path: String,
    query: String,
}

pub(crate) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "ip" => |args| match args {
            [Value::Extension(_)] => Ok(Value::extension(Extension::Ip(cidr(&args[0])?.address))),
            _ => Ok(Value::extension(Extension::Ip(parse_ip(text(args)?).map_err(EvaluationError::new)?))),
        },
        "isIP" => |args| Ok(Value::Bool(parse_ip(text(args)?).is_ok())),
        "ip.isCanonical" => |args| {
            let text = text(args)?;
            Ok(Value::Bool(parse_ip(text).map_err(EvaluationError::new)?.to_string() == text))
        },
        "family" => |args| ip(one(args)?).map(|ip| Value::Int(if ip.is_ipv4() { 4 } else { 6 })),
        "isUnspecified" => |args| ip(one(args)?).map(|ip| Value::Bool(ip.is_unspecified())),
        "isLoopback" => |args| ip(one(args)?).map(|ip| Value::Bool(ip.is_loopback())),
        "isLinkLocalMulticast" => |args| ip(one(args)?).map(|ip| Value::Bool(is_link_local_multicast(ip))),
        "isLinkLocalUnicast" => |args| ip(one(args)?).map(|ip| Value::Bool(is_link_local_unicast(ip))),
        "isGlobalUnicast" => |args| {
            let ip = ip(one(args)?)?;
            let broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
            let other = ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || is_link_local_unicast(ip);
            Ok(Value::Bool(!broadcast && !other))
        },
        "cidr" => |args| {
            let parsed = parse_cidr(text(args)?);
            let failed = |error| {
                EvaluationError::new(format!("network address parse error during conversion from string: {error}"))
            };
            Ok(Value::extension(Extension::Cidr(parsed.map_err(failed)?)))
        },
        "isCIDR" => |args| Ok(Value::Bool(parse_cidr(text(args)?).is_ok())),
        "prefixLength" => |args| cidr(one(args)?).map(|cidr| Value::Int(i64::from(cidr.bits))),
        "masked" => |args| cidr(one(args)?).map(|cidr| Value::extension(Extension::Cidr(cidr.masked()))),
        "containsIP" => |args| match args {
            [network, Value::String(text)] => {
                let ip = parse_ip(text).map_err(EvaluationError::new)?;
                Ok(Value::Bool(cidr(network)?.contains(ip)))
            }
            [network, address] => Ok(Value::Bool(cidr(network)?.contains(ip(address)?))),
            _ => Err(EvaluationError::no_such_overload()),
        },
        "containsCIDR" => |args| {
            let (network, inner) = match args {
                [network, Value::String(text)] => {
                    let failed = |error| {
                        EvaluationError::new(format!(
                            "network address parse error during conversion from string: {error}"
                        ))
                    };
                    (cidr(network)?, parse_cidr(text).map_err(failed)?)
                }
                [network, inner] => (cidr(network)?, cidr(inner)?),
                _ => return Err(EvaluationError::no_such_overload()),
            };
            Ok(Value::Bool(network.bits <= inner.bits && network.contains(inner.masked().address)))
        },
        "url" => |args| {
            let text = text(args)?;
            let failed =
                |error| EvaluationError::new(format!("URL parse error during conversion from string: {error}"));
            Ok(Value::extension(Extension::Url(Url::parse(text).map_err(failed)?)))
        },
        "isURL" => |args| Ok(Value::Bool(Url::parse(text(args)?).is_ok())),
        "getScheme" => |args| url(args, |url| Value::text(&*url.scheme)),
        "getHost" => |args| url(args, |url| Value::text(&*url.host)),
        "getHostname" => |args| url(args, |url| Value::text(url.split_host().0)),
        "getPort" => |args| url(args, |url| Value::text(url.split_host().1)),
        "getEscapedPath" => |args| url(args, |url| Value::text(&*url.path)),
        "getQuery" => |args| url(args, Url::query),
        _ => return None,
    })
}

fn text<'a>(args: &'a [Value<'_>]) -> Result<&'a str> {
    one(args)?.as_str().ok_or_else(EvaluationError::no_such_overload)
}

fn ip(value: &Value<'_>) -> Result<IpAddr> {
    match value {
        Value::Extension(extension) => match &**extension {
            Extension::Ip(ip) => Ok(*ip),
            _ => Err(EvaluationError::no_such_overload()),
        },
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn cidr(value: &Value<'_>) -> Result<Cidr> {
    match value {
        Value::Extension(extension) => match &**extension {
            Extension::Cidr(cidr) => Ok(*cidr),
            _ => Err(EvaluationError::no_such_overload()),
        },
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn url<'a>(args: &[Value<'a>], read: fn(&Url) -> Value<'a>) -> Result<Value<'a>> {
    match args {
        [Value::Extension(extension)] => match &**extension {
            Extension::Url(url) => Ok(read(url)),
            _ => Err(EvaluationError::no_such_overload()),
        },
        _ => Err(EvaluationError::no_such_overload()),
    }
}

fn is_link_local_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn is_link_local_multicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
        IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
    }
}

/// An address without a zone, and no IPv4 address in the clothes of IPv6.
fn parse_ip(text: &str) -> std::result::Result<IpAddr, String> {
    let quoted = format!("{text:?}");
    if text.contains('%') {
        return Err(format!("IP address {quoted} with zone value is not allowed"));
    }
    match text.parse() {
        Ok(IpAddr::V6(ip)) if ip.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {quoted} is not allowed"))
        }
        Ok(ip) => Ok(ip),
        Err(_) => Err(format!(
            "IP Address {quoted} parse error during conversion from string: ParseAddr({quoted}): unable to parse IP"
        )),
    }
}

fn parse_cidr(text: &str) -> std::result::Result<Cidr, String> {
    let failed = || format!("netip.ParsePrefix({text:?}): bad prefix");
    let (address, bits) = text.split_once('/').ok_or_else(|| format!("netip.ParsePrefix({text:?}): no '/'"))?;
    let address = parse_ip(address).map_err(|_| failed())?;
    let plain = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    let most = if address.is_ipv4() { 32 } else { 128 };
    match bits.parse() {
        Ok(bits) if plain && bits <= most => Ok(Cidr { address, bits }),
        _ => Err(failed()),
    }
}

impl Cidr {
    fn masked(self) -> Self {
        let address = match self.address {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(ip) & mask))
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(ip) & mask))
            }
        };
        Self { address, ..self }
    }

    fn contains(self, ip: IpAddr) -> bool {
        ip.is_ipv4() == self.address.is_ipv4() && Self { address: ip, ..self }.masked() == self.masked()
    }

    pub(crate) fn cost_size(self) -> u64 {
        u64::from(self.bits).div_ceil(8)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Url {
    /// An absolute URL, or an absolute path.
    pub(crate) fn parse(text: &str) -> std::result::Result<Self, String> {
        let failed = |reason: &str| format!("parse {text:?}: {reason}");
        if text.is_empty() {
            return Err(failed("empty url"));
        }
        if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
            return Err(failed("net/url: invalid control character in URL"));
        }
        let valid_scheme = |scheme: &str| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        };
        let (scheme, rest) = match text.split_once(':') {
            Some(("", _)) => return Err(failed("missing protocol scheme")),
            Some((scheme, rest)) if valid_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            _ => (String::new(), text),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if scheme.is_empty() && !rest.starts_with('/') {
            return Err(failed("invalid URI for request"));
        }
        let (host, path) = match rest.strip_prefix("//").filter(|_| !scheme.is_empty()) {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => ("", rest),
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let port = if host.starts_with('[') {
            let (_, after) = host.rsplit_once(']').ok_or_else(|| failed("missing ']' in host"))?;
            after
        } else {
            host.rfind(':').map_or("", |at| &host[at..])
        };
        let digits = port.strip_prefix(':').unwrap_or(port);
        if !port.is_empty() && (!port.starts_with(':') || !digits.bytes().all(|b| b.is_ascii_digit())) {
            return Err(failed(&format!("invalid port {port:?} after host")));
        }
        if host.contains([' ', '<', '>', '"']) {
            return Err(failed(&format!("invalid character {:?} in host name", " ")));
        }
        let mut escapes = path.split('%').skip(1);
        if let Some(bad) =
            escapes.find(|rest| rest.len() < 2 || !rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit))
        {
            let shown: String = bad.chars().take(2).collect();
            return Err(failed(&format!("invalid URL escape \"%{shown}\"")));
        }
        let path = path.chars().fold(String::new(), |mut path, c| {
            if c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c) {
                path.push(c);
            } else {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().for_each(|byte| path.push_str(&format!("%{byte:02X}")));
            }
            path
        });
        Ok(Self { scheme, host: host.to_owned(), path, query: query.to_owned() })
    }

    fn split_host(&self) -> (&str, &str) {
        if let Some((host, after)) = self.host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            return (host, after.trim_start_matches(':'));
        }
        self.host.rsplit_once(':').unwrap_or((&self.host, ""))
    }

    fn query<'a>(&self) -> Value<'a> {
        let mut lists: Vec<(String, Vec<Value<'a>>)> = Vec::new();
        for pair in self.query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(key), Some(value)) = (unescape_query(key), unescape_query(value)) else { continue };
            match lists.iter_mut().find(|(known, _)| *known == key) {
                Some((_, values)) => values.push(Value::text(value)),
                None => lists.push((key, vec![Value::text(value)])),
            }
        }
        let mut entries = Entries::new();
        for (key, values) in lists {
            let key = Value::text(key);
            if let Some(at) = key.key() {
                entries.insert(at, (key, Value::list(values)));
            }
        }
        Value::Map(Map::Values(Arc::new(entries)))
    }
}

fn unescape_query(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
