//! Continue tokens of paged lists: base64url of `{"v":"meta.k8s.io/v1","rv":7,"start":"ns/name\u0000"}`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::store::ObjectKey;

/// Reads what Go reads, which does not look at bits that are left over.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// Where the next page starts, and in which state of the collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContinueToken {
    /// The revision of the first page; none: the newest, whatever that is when the list goes on.
    pub revision: Option<u64>,
    /// The last object of the page before.
    pub after: ObjectKey,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(default)]
    v: String,
    #[serde(default)]
    rv: i64,
    #[serde(default)]
    start: String,
}

impl ContinueToken {
    /// The token as clients see it. `namespace` is the one that is listed; empty for all.
    #[expect(clippy::expect_used, reason = "two strings and a number can always be encoded")]
    pub(crate) fn encode(&self, namespace: &str) -> String {
        // Keys are relative to what is listed: a namespace's own list starts its keys with a slash.
        let start = match (namespace.is_empty(), self.after.namespace().is_empty()) {
            (true, false) => format!("{}/{}\0", self.after.namespace(), self.after.name()),
            (true, true) => format!("{}\0", self.after.name()),
            (false, _) => format!("/{}\0", self.after.name()),
        };
        let wire = Wire { v: "meta.k8s.io/v1".into(), rv: self.revision.map_or(-1, |revision| revision as i64), start };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wire).expect("a token can be encoded"))
    }

    /// Reads a token. The error is the text that the real server gives.
    pub(crate) fn decode(text: &str, namespace: &str, namespaced: bool) -> Result<Self, String> {
        const INVALID: &str = "invalid continue token: continue key is not valid";
        let bytes = LENIENT
            .decode(text)
            .map_err(|_| format!("{INVALID}: illegal base64 data at input byte {}", bad_byte(text)))?;
        let wire: Wire = match crate::http::decode_json(&bytes) {
            Ok(value) => serde_json::from_value(value).map_err(|error| format!("{INVALID}: json: {error}"))?,
            Err(why) => return Err(format!("{INVALID}: {why}")),
        };
        if wire.v != "meta.k8s.io/v1" {
            return Err(format!("{INVALID}: server does not recognize this encoded version {}", wire.v));
        }
        if wire.rv == 0 {
            return Err(format!("{INVALID}: incorrect encoded start resourceVersion (version meta.k8s.io/v1)"));
        }
        if wire.start.is_empty() {
            return Err(format!("{INVALID}: encoded start key empty (version meta.k8s.io/v1)"));
        }
        let path = wire.start.strip_prefix('/').unwrap_or(&wire.start);
        if !path.is_empty() && path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(format!("{INVALID}: {}", wire.start));
        }
        let path = path.strip_suffix('\0').unwrap_or(path);
        let after = match (namespaced && namespace.is_empty(), path.split_once('/')) {
            (true, Some((namespace, name))) => ObjectKey::new(namespace, name),
            (true, None) => ObjectKey::new(path, ""),
            (false, _) => ObjectKey::new(namespace, path),
        };
        Ok(Self { revision: u64::try_from(wire.rv).ok(), after })
    }
}

fn bad_byte(text: &str) -> usize {
    let bad = text.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    // Otherwise it is a last letter that stands for too few bits.
    bad.unwrap_or(text.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_are_in_the_form_of_the_real_server() {
        let token = ContinueToken { revision: Some(253), after: ObjectKey::new("default", "a") };
        assert_eq!(token.encode("default"), "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MjUzLCJzdGFydCI6Ii9hXHUwMDAwIn0");
    }

    #[test]
    fn bad_tokens_are_refused_with_the_real_messages() {
        let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
        for (token, expected) in [
            (
                "foo".to_string(),
                "invalid continue token: continue key is not valid: invalid character '~' looking for beginning of value",
            ),
            (
                encode(r#"{"v":"meta.k8s.io/v1","rv":1,"start":"../x"}"#),
                "invalid continue token: continue key is not valid: ../x",
            ),
            (
                encode(r#"{"v":"x","rv":1,"start":"a"}"#),
                "invalid continue token: continue key is not valid: server does not recognize this encoded version x",
            ),
        ] {
            assert_eq!(ContinueToken::decode(&token, "default", true).unwrap_err(), expected);
        }
    }

    proptest! {
        #[test]
        fn a_token_leads_back_to_its_key(namespace in "[a-z]{0,4}", name in "[a-z.:]{1,4}[a-z]", listed in any::<bool>(), newest in any::<bool>()) {
            let namespaced = !namespace.is_empty();
            let token = ContinueToken { revision: (!newest).then_some(7), after: ObjectKey::new(&namespace, &name) };
            let listed = if listed { namespace.as_str() } else { "" };
            let text = token.encode(listed);
            prop_assert_eq!(ContinueToken::decode(&text, listed, namespaced).unwrap(), token);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,40}") {
            let _ = ContinueToken::decode(&text, "", true);
        }

        #[test]
        fn no_json_makes_the_reader_panic(json in r#"\{"v":"meta.k8s.io/v1","rv":-?[0-9]{1,20},"start":"[a-z/.]{0,9}"\}"#) {
            let _ = ContinueToken::decode(&URL_SAFE_NO_PAD.encode(json), "ns", true);
        }
    }
}
