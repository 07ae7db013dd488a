//! Conditions of a status in their standard form (`metav1.Condition`).

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// What to say about one aspect of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State<'a> {
    /// The aspect, in CamelCase: `Ready`. One condition of each type is in a list.
    pub kind: &'a str,
    /// `Some(true)`: True, `Some(false)`: False, `None`: Unknown.
    pub status: Option<bool>,
    /// Why, for machines, in CamelCase; never empty: `AllReplicasAvailable`.
    pub reason: &'a str,
    /// Why, for people.
    pub message: &'a str,
}

/// Sets a condition, for the `generation` of the object that was looked at. `lastTransitionTime` moves only when the
/// status does, so that the same state twice is the same list. Tells whether anything changed.
///
/// ```
/// use kubewright_runtime::conditions::{State, set};
///
/// let mut conditions = Vec::new();
/// let ready = State { kind: "Ready", status: Some(true), reason: "Settled", message: "" };
/// let now = "2026-01-01T00:00:00Z".parse().unwrap();
/// assert!(set(&mut conditions, ready, Some(3), now));
/// let later = "2026-01-02T00:00:00Z".parse().unwrap();
/// assert!(!set(&mut conditions, ready, Some(3), later));
/// assert_eq!(conditions[0].last_transition_time.0, now);
/// ```
pub fn set(conditions: &mut Vec<Condition>, state: State<'_>, generation: Option<i64>, now: Timestamp) -> bool {
    let status = match state.status {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let before = conditions.iter_mut().find(|condition| condition.type_ == state.kind);
    let last_transition_time = match &before {
        Some(before) if before.status == status => before.last_transition_time.clone(),
        // The API stores whole seconds.
        _ => Time(Timestamp::from_second(now.as_second()).unwrap_or(now)),
    };
    let condition = Condition {
        type_: state.kind.to_string(),
        status: status.to_string(),
        reason: state.reason.to_string(),
        message: state.message.to_string(),
        observed_generation: generation,
        last_transition_time,
    };
    match before {
        Some(before) if *before == condition => false,
        Some(before) => {
            *before = condition;
            true
        }
        None => {
            conditions.push(condition);
            true
        }
    }
}

/// Whether the condition of this type is True.
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    conditions.iter().any(|condition| condition.type_ == kind && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let mut conditions = Vec::new();
        let ready = |status, message| State { kind: "Ready", status, reason: "Because", message };
        set(&mut conditions, ready(Some(false), "a"), Some(1), at(1));
        assert!(set(&mut conditions, ready(Some(false), "b"), Some(2), at(2)));
        assert_eq!(conditions[0].last_transition_time.0, at(1));
        assert_eq!(conditions[0].observed_generation, Some(2));
        assert!(set(&mut conditions, ready(Some(true), "b"), Some(2), at(3)));
        assert_eq!(conditions[0].last_transition_time.0, at(3));
        assert!(is_true(&conditions, "Ready"));
    }

    #[test]
    fn other_conditions_are_left_alone() {
        let mut conditions = Vec::new();
        set(&mut conditions, State { kind: "A", status: Some(true), reason: "R", message: "" }, None, at(1));
        set(&mut conditions, State { kind: "B", status: None, reason: "R", message: "" }, None, at(1));
        assert_eq!(
            conditions.iter().map(|c| (&*c.type_, &*c.status)).collect::<Vec<_>>(),
            [("A", "True"), ("B", "Unknown")]
        );
        assert!(!is_true(&conditions, "B"));
    }
}
