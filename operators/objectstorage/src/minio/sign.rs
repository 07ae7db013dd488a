//! AWS Signature Version 4, in headers: <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>.

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// What stays as it is in a path or a query (RFC 3986: unreserved).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";

/// A pair of keys.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

/// A request to be signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unsigned<'a> {
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
    /// Encoded already.
    pub(crate) path: &'a str,
    /// As it is going to be sent.
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

/// The headers that sign a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Headers {
    pub(crate) authorization: String,
    pub(crate) content_sha256: String,
    pub(crate) date: String,
}

/// Signs a request for the service `s3`, which is what the admin API goes by too.
pub(crate) fn sign(request: Unsigned<'_>, keys: &Credentials, region: &str, now: Timestamp) -> Headers {
    let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = &date[..8];
    let content_sha256 = hex(&Sha256::digest(request.body));
    let Unsigned { method, host, path, query, .. } = request;
    let headers = format!("host:{host}\nx-amz-content-sha256:{content_sha256}\nx-amz-date:{date}\n");
    let canonical = format!("{method}\n{path}\n{query}\n{headers}\n{SIGNED}\n{content_sha256}");
    let scope = format!("{day}/{region}/s3/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let first = format!("AWS4{}", keys.secret_key).into_bytes();
    let key = [day, region, "s3", "aws4_request"].iter().fold(first, |key, part| hmac(&key, part));
    let signature = hex(&hmac(&key, &text));
    let credential = format!("{}/{scope}", keys.access_key);
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={SIGNED}, Signature={signature}");
    Headers { authorization, content_sha256, date }
}

/// A part of a path, or a name or value in a query, as it is signed and sent.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A query as it is signed and sent: in order.
pub(crate) fn query(parameters: &[(&str, &str)]) -> String {
    let mut encoded: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    encoded.sort();
    encoded.join("&")
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example "GET Bucket (List Objects)" of the documentation of S3.
    #[test]
    fn the_documented_example_is_signed_as_documented() {
        let keys = Credentials {
            access_key: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        };
        let query = query(&[("prefix", "J"), ("max-keys", "2")]);
        assert_eq!(query, "max-keys=2&prefix=J");
        let host = "examplebucket.s3.amazonaws.com";
        let request = Unsigned { method: "GET", host, path: "/", query: &query, body: b"" };
        let headers = sign(request, &keys, "us-east-1", "2013-05-24T00:00:00Z".parse().unwrap());
        assert_eq!(headers.date, "20130524T000000Z");
        let signature = headers.authorization.rsplit('=').next().unwrap();
        assert_eq!(signature, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    }

    #[test]
    fn names_and_values_are_encoded_as_they_are_signed() {
        assert_eq!(query(&[("versions", ""), ("key-marker", "a b/ü+~")]), "key-marker=a%20b%2F%C3%BC%2B~&versions=");
    }
}
