//! What an operator's administrator may set.

use kubewright::OptionsError;

/// Defaults for Services that do not say otherwise by annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Ingress class. Default: `nginx`.
    pub class: String,
    /// Host, or a template with `{name}`, `{namespace}` and `{domain}`. Default: `example.com`.
    pub host: String,
    /// What `{domain}` stands for. Default: `example.com`.
    pub domain: String,
    /// Path prefix. Default: `/`.
    pub path: String,
    /// How many Services are worked on at once. Default: 5.
    pub workers: usize,
}

impl Default for Options {
    fn default() -> Self {
        let text = str::to_string;
        Self {
            class: text("nginx"),
            host: text("example.com"),
            domain: text("example.com"),
            path: text("/"),
            workers: 5,
        }
    }
}

impl Options {
    /// Checks the options against a made-up Service, so that a mistake is found at the start and not with the first Service.
    pub fn check(&self) -> Result<(), OptionsError> {
        let wrong =
            |option, value: &str, right| Err(OptionsError { operator: "ingress", option, value: value.into(), right });
        if !is_dns_subdomain(&expand(&self.host, "name", "namespace", &self.domain)) {
            return wrong("host", &self.host, "use a DNS name, with {name}, {namespace} and {domain} as placeholders");
        }
        if !self.path.starts_with('/') {
            return wrong("path", &self.path, "start it with /");
        }
        if !is_dns_subdomain(&self.class) {
            return wrong("class", &self.class, "use the name of an IngressClass");
        }
        if self.workers == 0 {
            return wrong("workers", "0", "use at least 1");
        }
        Ok(())
    }
}

/// Fills in a host template.
pub(crate) fn expand(template: &str, name: &str, namespace: &str, domain: &str) -> String {
    template.replace("{name}", name).replace("{namespace}", namespace).replace("{domain}", domain)
}

/// RFC 1123: labels of letters, digits and `-`, joined by dots; the first may be `*` (a wildcard host).
pub(crate) fn is_dns_host(host: &str) -> bool {
    is_dns_subdomain(host.strip_prefix("*.").unwrap_or(host))
}

/// RFC 1123: the form of most object names.
pub(crate) fn is_dns_subdomain(text: &str) -> bool {
    let alphanumeric = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = |part: &str| {
        let bytes = part.as_bytes();
        matches!((bytes.first(), bytes.last()), (Some(&a), Some(&z)) if alphanumeric(a) && alphanumeric(z))
            && bytes.len() <= 63
            && bytes.iter().all(|&c| alphanumeric(c) || c == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Options::default().check(), Ok(()));
    }

    #[test]
    fn a_wrong_option_is_named_with_what_would_be_right() {
        let options = Options { host: "{name}.Example_com".into(), ..Options::default() };
        let error = options.check().unwrap_err().to_string();
        assert!(error.contains("option host") && error.contains("{name}.Example_com"), "{error}");
        assert!(Options { path: "x".into(), ..Options::default() }.check().is_err());
        assert!(Options { workers: 0, ..Options::default() }.check().is_err());
    }

    #[test]
    fn hosts_follow_rfc_1123() {
        for right in ["a", "a.b-c.d", "*.example.com", "1.2"] {
            assert!(is_dns_host(right), "{right}");
        }
        for wrong in ["", "-a", "a-", "A", "a..b", "a.*", "a_b", &"x".repeat(64)] {
            assert!(!is_dns_host(wrong), "{wrong}");
        }
    }
}
