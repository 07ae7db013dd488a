//! The functions of the standard library and of Kubernetes.
//!
//! | module | functions |
//! |---|---|
//! | [`standard`] | conversions, `size`, `matches` and the like |
//! | [`time`] | timestamps and durations |
//! | [`strings`] | `split`, `join`, `substring`, … |
//! | [`format`](mod@format) | `string.format(list)` |
//! | [`lists`] | lists, sets and the insertion into maps that macros need |
//! | [`quantity`] | resource quantities |
//! | [`net`] | addresses, networks and URLs |
//! | [`version`] | semantic versions |
//! | [`names`] | named formats |
//! | [`authorizer`] | questions to the authorizer |
//! | [`patch`] | objects that expressions make: patches |

pub(crate) mod authorizer;
pub(crate) mod format;
pub(crate) mod lists;
pub(crate) mod names;
pub(crate) mod net;
pub(crate) mod patch;
pub(crate) mod quantity;
pub(crate) mod standard;
pub(crate) mod strings;
pub(crate) mod time;
pub(crate) mod version;

use base64::Engine as _;

use crate::error::EvaluationError;
use crate::types::Type;
use crate::value::{Result, Value};

/// What a function does with its arguments; the target of a member function is the first.
pub(crate) type Function = for<'a> fn(&[Value<'a>]) -> Result<Value<'a>>;

/// A value of a library.
#[derive(Debug)]
pub enum Extension<'a> {
    /// `quantity("1Gi")`
    Quantity(quantity::Quantity),
    /// `ip("10.0.0.1")`
    Ip(std::net::IpAddr),
    /// `cidr("10.0.0.0/8")`
    Cidr(net::Cidr),
    /// `url("https://example.com")`
    Url(net::Url),
    /// `semver("1.2.3")`
    Semver(::semver::Version),
    /// `format.dns1123Label()`
    Format(names::Format),
    /// `authorizer` and what is asked of it.
    Authorizer(Box<authorizer::Question<'a>>),
    /// `Object{…}` and `JSONPatch{…}`.
    Message(patch::Message<'a>),
}

impl Extension<'_> {
    pub(crate) fn type_of(&self) -> Type {
        let opaque = |name: &str| Type::Opaque(name.into(), std::sync::Arc::new([]));
        match self {
            Self::Quantity(_) => Type::object("kubernetes.Quantity"),
            Self::Ip(_) => opaque("net.IP"),
            Self::Cidr(_) => opaque("net.CIDR"),
            Self::Url(_) => Type::object("kubernetes.URL"),
            Self::Semver(_) => Type::object("kubernetes.Semver"),
            Self::Format(_) => Type::object("kubernetes.NamedFormat"),
            Self::Authorizer(question) => Type::object(question.type_name()),
            Self::Message(message) => Type::object(message.type_name()),
        }
    }

    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Quantity(a), Self::Quantity(b)) => a == b,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Cidr(a), Self::Cidr(b)) => a == b,
            (Self::Url(a), Self::Url(b)) => a == b,
            (Self::Semver(a), Self::Semver(b)) => a.cmp_precedence(b).is_eq(),
            (Self::Format(a), Self::Format(b)) => a == b,
            (Self::Message(a), Self::Message(b)) => a.equals(b),
            _ => false,
        }
    }

    pub(crate) fn cost_size(&self) -> u64 {
        match self {
            Self::Ip(ip) => {
                if ip.is_ipv4() {
                    4
                } else {
                    16
                }
            }
            Self::Cidr(cidr) => cidr.cost_size(),
            _ => 1,
        }
    }
}

/// The function of that name, or `None` for what the evaluator does itself.
pub(crate) fn function(name: &str) -> Option<Function> {
    standard::function(name)
        .or_else(|| time::function(name))
        .or_else(|| strings::function(name))
        .or_else(|| lists::function(name))
        .or_else(|| net::function(name))
        .or_else(|| names::function(name))
        .or_else(|| authorizer::function(name))
        .or_else(|| shared(name))
}

/// Names that more than one library has.
fn shared(name: &str) -> Option<Function> {
    Some(match name {
        "quantity" => quantity::parse,
        "isQuantity" => quantity::is_quantity,
        "semver" => version::parse,
        "isSemver" => version::is_semver,
        "isGreaterThan" | "isLessThan" | "compareTo" => match name {
            "isGreaterThan" => |args| Ok(Value::Bool(compare_extensions(args)?.is_gt())),
            "isLessThan" => |args| Ok(Value::Bool(compare_extensions(args)?.is_lt())),
            _ => |args| Ok(Value::Int(compare_extensions(args)? as i64)),
        },
        "sign" => quantity::sign,
        "asApproximateFloat" => quantity::as_float,
        "asInteger" => quantity::as_integer,
        "isInteger" => quantity::is_integer,
        "add" => |args| quantity::add(args, false),
        "sub" => |args| quantity::add(args, true),
        "major" => |args| version::part(args, |version| version.major),
        "minor" => |args| version::part(args, |version| version.minor),
        "patch" => |args| version::part(args, |version| version.patch),
        "indexOf" => |args| index_of(args, false),
        "lastIndexOf" => |args| index_of(args, true),
        "reverse" => lists::reverse,
        patch::ESCAPE_KEY => patch::escape_key,
        _ => return None,
    })
}

fn index_of<'a>(args: &[Value<'a>], last: bool) -> Result<Value<'a>> {
    match args {
        [Value::List(list), item] => lists::index_of(list, item, last),
        _ => strings::index_of(args, last),
    }
}

fn compare_extensions(args: &[Value<'_>]) -> Result<std::cmp::Ordering> {
    let [Value::Extension(a), Value::Extension(b)] = args else { return Err(EvaluationError::no_such_overload()) };
    match (&**a, &**b) {
        (Extension::Quantity(a), Extension::Quantity(b)) => Ok(a.cmp(b)),
        (Extension::Semver(a), Extension::Semver(b)) => Ok(a.cmp_precedence(b)),
        _ => Err(EvaluationError::no_such_overload()),
    }
}

/// Bytes in base64 as the real server reads them here: in the alphabet for URLs, breaks of lines ignored.
pub(crate) fn base64(text: &str) -> Result<Vec<u8>> {
    let clean: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    URLS.decode(&clean).map_err(|_| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'\r' | b'\n');
        let at = text.bytes().position(|byte| !known(byte)).unwrap_or(text.len());
        let message = format!("Invalid byte formatted string {text}: illegal base64 data at input byte {at}");
        EvaluationError::new(message)
    })
}

/// Bits after the last byte do not matter.
const URLS: base64::engine::GeneralPurpose = base64::engine::GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    base64::engine::general_purpose::PAD.with_decode_allow_trailing_bits(true),
);
