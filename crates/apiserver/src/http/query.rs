//! Query strings, read as Go reads them.

use percent_encoding::percent_decode;

use crate::status::{ApiError, ApiResult};

/// The parameters of a request, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=b&c=d`.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        });
        Self(pairs.collect())
    }

    /// Makes it the query of a watch, of one object if there is a name.
    pub(crate) fn watch_only(&mut self, name: &str) {
        self.0.retain(|(key, _)| key != "watch" && (name.is_empty() || key != "fieldSelector"));
        self.0.push(("watch".into(), "true".into()));
        if !name.is_empty() {
            self.0.push(("fieldSelector".into(), format!("metadata.name={name}")));
        }
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter, or the empty string.
    pub(crate) fn text(&self, key: &str) -> String {
        self.get(key).unwrap_or_default().to_string()
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, key: &str) -> Vec<String> {
        self.0.iter().filter(|(k, _)| k == key).map(|(_, value)| value.clone()).collect()
    }

    /// A truth value: anything but `0` and `false` is true, absent is `None`.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).map(|value| !(value == "0" || value.eq_ignore_ascii_case("false")))
    }

    /// An integer; absent or empty is `None`.
    pub(crate) fn integer(&self, key: &str) -> ApiResult<Option<i64>> {
        match self.get(key) {
            None => Ok(None),
            Some(text) => match text.parse::<i64>() {
                Ok(number) => Ok(Some(number)),
                Err(error) => {
                    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
                    let why = match error.kind() {
                        PosOverflow | NegOverflow => "value out of range",
                        _ => "invalid syntax",
                    };
                    Err(ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: {why}")))
                }
            },
        }
    }
}

fn decode(text: &str) -> String {
    let spaced: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        let query = Query::parse("labelSelector=a+in%20(b)&watch&limit=5&dryRun=All&dryRun=x");
        assert_eq!(query.get("labelSelector"), Some("a in (b)"));
        assert_eq!(query.flag("watch"), Some(true));
        assert_eq!(query.integer("limit").unwrap(), Some(5));
        assert_eq!(query.all("dryRun"), ["All", "x"]);
        assert_eq!(query.flag("pretty"), None);
    }

    #[test]
    fn a_malformed_number_is_named() {
        let error = Query::parse("limit=x").integer("limit").unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (400, "strconv.ParseInt: parsing \"x\": invalid syntax"));
    }
}
