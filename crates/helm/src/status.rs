//! The status of a custom resource, as operator-sdk writes it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// What is the case.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// The release that is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_release: Option<DeployedRelease>,
}

/// The release that is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployedRelease {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// The objects that it consists of, without what the operator puts on them.
    #[serde(default)]
    pub manifest: String,
}

/// One thing that is the case or not. Reason and message can be absent, other than in Kubernetes' own conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which: [`INITIALIZED`], [`DEPLOYED`], [`RELEASE_FAILED`] or [`IRRECONCILABLE`].
    #[serde(rename = "type")]
    pub kind: String,
    /// `True` or `False`.
    pub status: String,
    /// Why, for machines.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When `status` changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<String>,
}

/// The operator has seen the custom resource.
pub const INITIALIZED: &str = "Initialized";
/// The release is installed; its message is what the chart has to tell (NOTES.txt).
pub const DEPLOYED: &str = "Deployed";
/// The last attempt to install, upgrade or uninstall failed.
pub const RELEASE_FAILED: &str = "ReleaseFailed";
/// It can't be told what to do, or what was changed behind helm's back could not be put right.
pub const IRRECONCILABLE: &str = "Irreconcilable";

impl Status {
    /// What a custom resource has; one of another form counts as none.
    pub fn of(status: &Value) -> Self {
        serde_json::from_value(status.clone()).unwrap_or_default()
    }

    /// Sets a condition. Its time moves only when its status does.
    pub fn set(&mut self, kind: &str, truth: bool, reason: &str, message: &str, now: Timestamp) {
        let status = if truth { "True" } else { "False" };
        let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let mut condition = Condition {
            kind: kind.into(),
            status: status.into(),
            reason: reason.into(),
            message: message.into(),
            last_transition_time: Some(whole.to_string()),
        };
        match self.conditions.iter_mut().find(|before| before.kind == kind) {
            Some(before) => {
                if before.status == status && before.last_transition_time.is_some() {
                    condition.last_transition_time = before.last_transition_time.take();
                }
                *before = condition;
            }
            None => self.conditions.push(condition),
        }
    }

    /// Removes a condition.
    pub fn remove(&mut self, kind: &str) {
        self.conditions.retain(|condition| condition.kind != kind);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_have_the_form_of_operator_sdk() {
        let mut status = Status::of(&json!("no status"));
        status.set(INITIALIZED, true, "", "", Timestamp::UNIX_EPOCH);
        status.set(DEPLOYED, true, "InstallSuccessful", "done", Timestamp::UNIX_EPOCH);
        let expected = json!({"conditions": [
            {"type": "Initialized", "status": "True", "lastTransitionTime": "1970-01-01T00:00:00Z"},
            {"type": "Deployed", "status": "True", "reason": "InstallSuccessful", "message": "done",
             "lastTransitionTime": "1970-01-01T00:00:00Z"},
        ]});
        assert_eq!(serde_json::to_value(&status).unwrap(), expected);
        assert_eq!(Status::of(&expected), status);
    }

    #[test]
    fn the_time_moves_only_with_the_status() {
        let later: Timestamp = "2026-01-01T00:00:00.5Z".parse().unwrap();
        let mut status = Status::default();
        status.set(DEPLOYED, true, "InstallSuccessful", "", Timestamp::UNIX_EPOCH);
        status.set(DEPLOYED, true, "UpgradeSuccessful", "", later);
        assert_eq!(status.conditions[0].last_transition_time.as_deref(), Some("1970-01-01T00:00:00Z"));
        status.set(DEPLOYED, false, "UninstallSuccessful", "", later);
        assert_eq!(status.conditions[0].last_transition_time.as_deref(), Some("2026-01-01T00:00:00Z"));
        status.remove(DEPLOYED);
        assert_eq!(status, Status::default());
    }
}
