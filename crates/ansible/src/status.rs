//! The conditions of a custom resource, as operator-sdk writes them.
//!
//! | | `Running` | `Successful` | `Failure` |
//! |---|---|---|---|
//! | Ansible runs | True | False, if it was there | as it was |
//! | it has succeeded | True, awaiting the next run | True | False |
//! | it has failed | False | False | True |
//!
//! Other conditions and fields of the status belong to others, such as the role, and stay.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Ansible runs, or waits for the next time.
pub const RUNNING: &str = "Running";
/// The last run succeeded.
pub const SUCCESSFUL: &str = "Successful";
/// The last run failed.
pub const FAILURE: &str = "Failure";

/// The longest message of a condition, in characters.
const LONGEST: usize = 4096;

/// What a run comes to, by the recap of the playbook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsibleResult {
    /// Tasks that succeeded.
    pub ok: u64,
    /// Tasks that changed something.
    pub changed: u64,
    /// Tasks that were skipped.
    pub skipped: u64,
    /// Tasks that failed.
    pub failures: u64,
    /// When it ended, as Ansible says it.
    pub completion: String,
}

/// The conditions in a status.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditions(Vec<Value>);

impl Conditions {
    /// Those of a custom resource's status; what is no condition there counts as none.
    pub fn of(status: &Value) -> Self {
        let found = status["conditions"].as_array().cloned().unwrap_or_default();
        Self(found.into_iter().filter(Value::is_object).collect())
    }

    /// As the status has them.
    pub fn to_value(&self) -> Value {
        Value::Array(self.0.clone())
    }

    /// Ansible runs.
    pub fn running(&mut self, now: Timestamp) {
        self.fall(SUCCESSFUL, now);
        self.set(RUNNING, true, ("Running", "Running reconciliation"), None, now);
    }

    /// It has succeeded.
    pub fn succeeded(&mut self, result: &AnsibleResult, now: Timestamp) {
        self.set(RUNNING, true, ("Successful", "Awaiting next reconciliation"), Some(result), now);
        self.set(SUCCESSFUL, true, ("Successful", "Last reconciliation succeeded"), None, now);
        self.set(FAILURE, false, ("", ""), None, now);
    }

    /// It has failed, or has not even run.
    pub fn failed(&mut self, message: &str, result: Option<&AnsibleResult>, now: Timestamp) {
        let message: String = message.chars().take(LONGEST).collect();
        self.fall(RUNNING, now);
        self.set(FAILURE, true, ("Failed", &message), result, now);
        self.set(SUCCESSFUL, false, ("", ""), None, now);
    }

    /// Makes a condition false, if it is there, and leaves what it says.
    fn fall(&mut self, kind: &str, now: Timestamp) {
        if let Some(condition) = self.0.iter_mut().find(|condition| condition["type"] == kind)
            && condition["status"] != "False"
        {
            condition["status"] = "False".into();
            condition["lastTransitionTime"] = time(now);
        }
    }

    /// The time moves only with the status.
    fn set(&mut self, kind: &str, truth: bool, says: (&str, &str), result: Option<&AnsibleResult>, now: Timestamp) {
        let status = if truth { "True" } else { "False" };
        let (reason, message) = says;
        let mut condition = Map::new();
        if let Some(result) = result {
            condition.insert("ansibleResult".into(), json!(result));
        }
        condition.insert("lastTransitionTime".into(), time(now));
        condition.insert("message".into(), message.into());
        condition.insert("reason".into(), reason.into());
        condition.insert("status".into(), status.into());
        condition.insert("type".into(), kind.into());
        match self.0.iter_mut().find(|condition| condition["type"] == kind) {
            Some(before) => {
                if before["status"] == status && before["lastTransitionTime"].is_string() {
                    condition.insert("lastTransitionTime".into(), before["lastTransitionTime"].take());
                }
                *before = Value::Object(condition);
            }
            None => self.0.push(Value::Object(condition)),
        }
    }
}

fn time(now: Timestamp) -> Value {
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn texts(conditions: &Conditions) -> Vec<String> {
        let text = |condition: &Value, field: &str| condition[field].as_str().unwrap_or_default().to_string();
        let line = |condition| {
            format!(
                "{} {} {:?} {:?} {}",
                text(condition, "type"),
                text(condition, "status"),
                text(condition, "reason"),
                text(condition, "message"),
                &text(condition, "lastTransitionTime")[17..]
            )
        };
        conditions.0.iter().map(line).collect()
    }

    #[test]
    fn conditions_follow_the_runs_as_operator_sdk_has_them() {
        let mut conditions = Conditions::of(&Value::Null);
        conditions.running(at(1));
        assert_eq!(texts(&conditions), [r#"Running True "Running" "Running reconciliation" 01Z"#]);
        let result = AnsibleResult {
            ok: 2,
            changed: 1,
            completion: "2026-11-21T17:00:00.123456+00:00".into(),
            ..AnsibleResult::default()
        };
        conditions.succeeded(&result, at(2));
        let good = [
            r#"Running True "Successful" "Awaiting next reconciliation" 01Z"#,
            r#"Successful True "Successful" "Last reconciliation succeeded" 02Z"#,
            r#"Failure False "" "" 02Z"#,
        ];
        assert_eq!(texts(&conditions), good);
        let expected = json!({"ok": 2, "changed": 1, "skipped": 0, "failures": 0, "completion": "2026-11-21T17:00:00.123456+00:00"});
        assert_eq!(conditions.0[0]["ansibleResult"], expected);
        conditions.running(at(3));
        assert_eq!(texts(&conditions)[1], r#"Successful False "Successful" "Last reconciliation succeeded" 03Z"#);
        conditions.failed("no such image", Some(&result), at(4));
        let bad = [
            r#"Running False "Running" "Running reconciliation" 04Z"#,
            r#"Successful False "" "" 03Z"#,
            r#"Failure True "Failed" "no such image" 04Z"#,
        ];
        assert_eq!(texts(&conditions), bad);
    }

    #[test]
    fn the_conditions_of_others_stay() {
        let own = json!({"type": "Ready", "status": "True", "mine": 1});
        let mut conditions = Conditions::of(&json!({"conditions": [own, "x"], "nodes": []}));
        conditions.running(at(1));
        assert_eq!(conditions.0[0], own);
        assert_eq!(conditions.0.len(), 2);
    }
}
