//! The levels of the Pod Security Standards, and the labels by which a namespace chooses one.

use std::fmt;

use serde_json::Value;

use crate::field::FieldError;

/// What a Pod may do, from everything to little.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Privileged,
    Baseline,
    Restricted,
}

/// A level as of a version of Kubernetes; none: the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standard {
    pub level: Level,
    pub minor: Option<u32>,
}

/// What a namespace asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policy {
    pub enforce: Standard,
    pub audit: Standard,
    pub warn: Standard,
}

const PREFIX: &str = "pod-security.kubernetes.io/";
const OPEN: Standard = Standard { level: Level::Privileged, minor: None };

impl Level {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "privileged" => Self::Privileged,
            "baseline" => Self::Baseline,
            "restricted" => Self::Restricted,
            _ => return None,
        })
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Privileged => "privileged:",
            Level::Baseline => "baseline:",
            Level::Restricted => "restricted:",
        })?;
        match self.minor {
            Some(minor) => write!(f, "v1.{minor}"),
            None => f.write_str("latest"),
        }
    }
}

impl Policy {
    /// Reads the labels of a namespace. A level that can't be read enforces `restricted` and warns of nothing.
    pub(super) fn read(labels: &Value) -> (Self, Vec<FieldError>) {
        let mut policy = Self { enforce: OPEN, audit: OPEN, warn: OPEN };
        let mut errors = Vec::new();
        let text = |mode: &str| labels.get(format!("{PREFIX}{mode}")).and_then(Value::as_str);
        let mut has_level = [false; 3];
        let modes = [("enforce", &mut policy.enforce), ("audit", &mut policy.audit), ("warn", &mut policy.warn)];
        for (index, (mode, standard)) in modes.into_iter().enumerate() {
            let mut refuse = |label: &str, value: &str, detail: &str| {
                errors.push(FieldError::invalid(format!("metadata.labels[{PREFIX}{label}]"), value, detail));
            };
            if let Some(given) = text(mode) {
                has_level[index] = mode == "warn";
                match Level::parse(given) {
                    Some(level) => {
                        standard.level = level;
                        has_level[index] = true;
                    }
                    None => {
                        refuse(mode, given, "must be one of privileged, baseline, restricted");
                        standard.level = if mode == "enforce" { Level::Restricted } else { Level::Privileged };
                    }
                }
            }
            let label = format!("{mode}-version");
            if let Some(given) = text(&label) {
                standard.minor = given.strip_prefix("v1.").and_then(minor);
                if given != "latest" && standard.minor.is_none() {
                    refuse(&label, given, "must be \"latest\" or \"v1.x\"");
                }
            }
        }
        // Who enforces something is also warned of it where nothing is enforced: of workloads.
        if has_level[0] && !has_level[2] && policy.enforce.level > policy.warn.level {
            policy.warn.level = policy.enforce.level;
            if text("warn-version").is_none() {
                policy.warn.minor = policy.enforce.minor;
            }
        }
        (policy, errors)
    }
}

fn minor(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_choose_a_level_for_each_mode() {
        let (policy, errors) = Policy::read(&json!({
            "pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "v1.24",
            "pod-security.kubernetes.io/audit": "restricted"
        }));
        assert!(errors.is_empty());
        assert_eq!(policy.enforce.to_string(), "baseline:v1.24");
        assert_eq!(policy.audit.to_string(), "restricted:latest");
        assert_eq!(policy.warn.to_string(), "baseline:v1.24", "what is enforced is warned of");
    }

    #[test]
    fn a_wrong_label_closes_what_is_enforced() {
        let (policy, errors) = Policy::read(&json!({
            "pod-security.kubernetes.io/enforce": "strict", "pod-security.kubernetes.io/warn-version": "v1.04"
        }));
        assert_eq!(policy.enforce.level, Level::Restricted);
        assert_eq!(policy.warn.level, Level::Privileged);
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "metadata.labels[pod-security.kubernetes.io/enforce]",
                "metadata.labels[pod-security.kubernetes.io/warn-version]"
            ]
        );
    }
}
