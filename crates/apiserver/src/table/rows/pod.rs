//! Pods and pod templates.

use serde_json::Value;

use super::{Row, text};
use crate::kinds::tree::Tree;
use crate::table::age;

pub(super) fn pod(row: Row<'_>) -> Vec<Value> {
    let state = State::of(row.object);
    let mut restarts = state.restarts.to_string();
    if state.restarts != 0
        && let Some(last) = state.last_restart
    {
        restarts = format!("{restarts} ({} ago)", age::since(last, row.now));
    }
    vec![
        row.name().into(),
        format!("{}/{}", state.ready, state.containers).into(),
        state.reason.into(),
        restarts.into(),
        row.age().into(),
        row.object.list("status.podIPs").first().map_or("", |ip| ip.text("ip")).if_empty("<none>"),
        row.text("spec.nodeName").if_empty("<none>"),
        row.text("status.nominatedNodeName").if_empty("<none>"),
        readiness_gates(row.object).into(),
    ]
}

pub(super) fn pod_template(row: Row<'_>) -> Vec<Value> {
    let [names, images] = text::containers(row.object.at("template.spec"));
    vec![row.name().into(), names, images, text::labels(row.object.at("template.metadata.labels")).into()]
}

struct State<'a> {
    reason: String,
    ready: usize,
    containers: usize,
    restarts: i64,
    last_restart: Option<&'a Value>,
}

impl<'a> State<'a> {
    fn of(pod: &'a Value) -> Self {
        let phase = pod.text("status.phase");
        let mut reason = match pod.text("status.reason") {
            "" => phase,
            reason => reason,
        }
        .to_string();
        let gated = |c: &Value| c.text("type") == "PodScheduled" && c.text("reason") == "SchedulingGated";
        if pod.list("status.conditions").iter().any(gated) {
            reason = "SchedulingGated".into();
        }
        let sidecars: Vec<&str> = pod
            .list("spec.initContainers")
            .iter()
            .filter(|container| container.text("restartPolicy") == "Always")
            .map(|container| container.text("name"))
            .collect();
        let mut state = State {
            reason,
            ready: 0,
            containers: pod.list("spec.containers").len() + sidecars.len(),
            restarts: 0,
            last_restart: None,
        };
        // Restarts of init containers count only until the pod has been initialised; those of sidecars always.
        let mut sidecar_restarts = (0, None);
        let initializing = state.look_at_init_containers(pod, &sidecars, &mut sidecar_restarts);
        if !initializing || has_condition(pod, "Initialized") {
            (state.restarts, state.last_restart) = sidecar_restarts;
            state.look_at_containers(pod);
        }
        if pod.has("metadata.deletionTimestamp") {
            if pod.text("status.reason") == "NodeLost" {
                state.reason = "Unknown".into();
            } else if !matches!(phase, "Failed" | "Succeeded") {
                state.reason = "Terminating".into();
            }
        }
        state
    }

    fn look_at_init_containers(
        &mut self,
        pod: &'a Value,
        sidecars: &[&str],
        sidecar_restarts: &mut (i64, Option<&'a Value>),
    ) -> bool {
        for (index, status) in pod.list("status.initContainerStatuses").iter().enumerate() {
            let sidecar = sidecars.contains(&status.text("name"));
            let restarts = status.int("restartCount").unwrap_or_default();
            self.restarts += restarts;
            later(&mut self.last_restart, status);
            if sidecar {
                sidecar_restarts.0 += restarts;
                later(&mut sidecar_restarts.1, status);
            }
            let ended = status.at("state.terminated");
            let waits_for = status.text("state.waiting.reason");
            if ended.is_object() && ended.int("exitCode").unwrap_or_default() == 0 {
                continue;
            }
            if sidecar && status.flag("started") {
                self.ready += usize::from(status.flag("ready"));
                continue;
            }
            self.reason = if ended.is_object() {
                format!("Init:{}", end_reason(ended))
            } else if !matches!(waits_for, "" | "PodInitializing") {
                format!("Init:{waits_for}")
            } else {
                format!("Init:{index}/{}", pod.list("spec.initContainers").len())
            };
            return true;
        }
        false
    }

    fn look_at_containers(&mut self, pod: &'a Value) {
        let mut running = false;
        let mut failure = None;
        for status in pod.list("status.containerStatuses").iter().rev() {
            self.restarts += status.int("restartCount").unwrap_or_default();
            later(&mut self.last_restart, status);
            let ended = status.at("state.terminated");
            let waits_for = status.text("state.waiting.reason");
            if !waits_for.is_empty() {
                self.reason = waits_for.into();
            } else if ended.is_object() {
                self.reason = end_reason(ended);
                if ended.int("exitCode").unwrap_or_default() != 0 {
                    failure = Some(self.reason.clone());
                }
            } else if status.flag("ready") && status.has("state.running") {
                running = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" {
            if running && has_condition(pod, "Ready") {
                self.reason = "Running".into();
            } else if let Some(failure) = failure {
                self.reason = failure;
            } else if running {
                self.reason = "NotReady".into();
            }
        }
    }
}

fn end_reason(ended: &Value) -> String {
    let signal = ended.int("signal").unwrap_or_default();
    match ended.text("reason") {
        "" if signal != 0 => format!("Signal:{signal}"),
        "" => format!("ExitCode:{}", ended.int("exitCode").unwrap_or_default()),
        reason => reason.into(),
    }
}

/// Takes the time at which a container ended last, if it is later. RFC 3339 in UTC sorts by time.
fn later<'a>(last: &mut Option<&'a Value>, status: &'a Value) {
    let time = status.at("lastState.terminated.finishedAt");
    if time.is_string() && last.is_none_or(|last| last.as_str() < time.as_str()) {
        *last = Some(time);
    }
}

fn has_condition(pod: &Value, kind: &str) -> bool {
    let found = pod.list("status.conditions").iter().find(|condition| condition.text("type") == kind);
    found.is_some_and(|condition| condition.text("status") == "True")
}

fn readiness_gates(pod: &Value) -> String {
    let gates = pod.list("spec.readinessGates");
    if gates.is_empty() {
        return "<none>".into();
    }
    let open = gates.iter().filter(|gate| has_condition(pod, gate.text("conditionType"))).count();
    format!("{open}/{}", gates.len())
}

trait IfEmpty {
    fn if_empty(self, other: &str) -> Value;
}

impl IfEmpty for &str {
    fn if_empty(self, other: &str) -> Value {
        if self.is_empty() { other.into() } else { self.into() }
    }
}
