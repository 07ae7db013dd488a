//! The name of an image: `registry.example.com:5000/team/site:v1@sha256:…`.

use std::fmt;

/// The registry of names that have none.
const DEFAULT_REGISTRY: &str = "docker.io";

/// The name of an image, as Docker and Kubernetes read it: without a registry it is in Docker's, without a tag it is `latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The host of the registry, and its port if it is a special one.
    pub registry: String,
    /// What the registry knows it by.
    pub repository: String,
    /// The tag, if it has one.
    pub tag: Option<String>,
    /// The digest, if it has one: it wins over the tag.
    pub digest: Option<String>,
}

/// Why something is no name of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReferenceError(String);

impl Reference {
    /// Reads a name.
    ///
    /// # Errors
    /// Which part of it can't be.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let wrong = |what: String| Err(ReferenceError(what));
        if text.is_empty() {
            return wrong("it is empty".into());
        }
        if text.len() == 64 && text.bytes().all(is_hex) {
            return wrong("64 hexadecimal digits are a digest, not a name".into());
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let (registry, rest) = match name.split_once('/') {
            Some((first, rest)) if is_registry(first) => (first, rest),
            _ => (DEFAULT_REGISTRY, name),
        };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        let registry = if registry == "index.docker.io" { DEFAULT_REGISTRY } else { registry };
        if !is_host(registry) {
            return wrong(format!("{registry:?} is no host of a registry"));
        }
        let repository = match path.contains('/') || registry != DEFAULT_REGISTRY {
            true => path.to_string(),
            false => format!("library/{path}"),
        };
        if let Some(part) = path.split('/').find(|part| !is_component(part)) {
            return wrong(format!(
                "{part:?} is no part of a name: lower case letters and digits, with . _ or - between them"
            ));
        }
        if repository.len() > 255 {
            return wrong("the name has more than 255 characters".into());
        }
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return wrong(format!(
                "{tag:?} is no tag: up to 128 letters, digits, _ . and -, the first a letter, digit or _"
            ));
        }
        if let Some(digest) = digest.filter(|digest| !is_digest(digest)) {
            return wrong(format!("{digest:?} is no digest: sha256: and 64 hexadecimal digits"));
        }
        Ok(Self { registry: registry.into(), repository, tag: tag.map(Into::into), digest: digest.map(Into::into) })
    }

    /// What the registry is asked for: the digest, else the tag, else `latest`.
    #[must_use]
    pub fn version(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Whether what stands before the first slash is a registry and not a part of a name.
fn is_registry(text: &str) -> bool {
    text.contains(['.', ':']) || text == "localhost" || text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, rest)) if address.bytes().all(|byte| is_hex(byte) || byte == b':') => {
                ("address", rest.strip_prefix(':').or(if rest.is_empty() { None } else { Some("") }))
            }
            _ => return false,
        },
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(label) && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn is_component(text: &str) -> bool {
    let word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(word) || !bytes.last().is_some_and(word) {
        return false;
    }
    // Between words stand one dot, one or two underscores, or dashes.
    bytes
        .split(word)
        .filter(|between| !between.is_empty())
        .all(|between| [b".".as_slice(), b"_", b"__"].contains(&between) || between.iter().all(|byte| *byte == b'-'))
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

fn is_digest(text: &str) -> bool {
    let hex = |hex: &str, length| hex.len() == length && hex.bytes().all(|b| is_hex(b) && !b.is_ascii_uppercase());
    match text.split_once(':') {
        Some(("sha256", rest)) => hex(rest, 64),
        Some(("sha384", rest)) => hex(rest, 96),
        Some(("sha512", rest)) => hex(rest, 128),
        _ => false,
    }
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_docker_reads_them() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for (text, shown, version) in [
            ("nginx", "docker.io/library/nginx".to_string(), "latest"),
            ("team/site:v1", "docker.io/team/site:v1".into(), "v1"),
            ("index.docker.io/nginx", "docker.io/library/nginx".into(), "latest"),
            ("localhost/site", "localhost/site".into(), "latest"),
            ("127.0.0.1:5000/a/b__c/d-e.f:V_1", "127.0.0.1:5000/a/b__c/d-e.f:V_1".into(), "V_1"),
            ("[::1]:5000/a", "[::1]:5000/a".into(), "latest"),
            (&format!("example.com/a:1@{digest}"), format!("example.com/a:1@{digest}"), digest.as_str()),
        ] {
            let parsed = Reference::parse(text).unwrap();
            assert_eq!((parsed.to_string(), parsed.version()), (shown, version), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_part_that_is_wrong() {
        for (text, cause) in [
            ("", "it is empty"),
            ("Nginx", "no part of a name"),
            ("example.com/a//b", "no part of a name"),
            ("example.com/a_.b", "no part of a name"),
            ("example.com/-a", "no part of a name"),
            ("https://example.com/a", "no host of a registry"),
            ("exa mple.com/a", "no host of a registry"),
            ("example.com:port/a", "no host of a registry"),
            ("example.com/a:-1", "no tag"),
            ("example.com/a:1:2", "no tag"),
            ("example.com/a@sha256:00", "no digest"),
            ("example.com/a@md5:00", "no digest"),
            (&"a".repeat(64), "not a name"),
            (&format!("example.com/{}", "a".repeat(256)), "more than 255"),
        ] {
            let error = Reference::parse(text).unwrap_err().to_string();
            assert!(error.contains(cause), "{text}: {error}");
        }
    }
}
