//! What happens next to a pod on a simulated node.
//!
//! ```text
//! New ─→ Creating ─start→ Running ─ready→ Ready ─run→ Over ─┬ restarted ─→ BackOff ─→ Running …
//!           └ an image that fails: stays                    └ Succeeded or Failed: stays
//! any, when deleted ─end→ gone
//! ```
//! All containers of a pod go this way together.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus,
    HostIP, Pod, PodCondition, PodIP, PodSpec, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::NodeOptions;
use super::script::Script;
use crate::workloads::pods::restarts;

/// The longest wait before a restart.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);

/// Where a pod is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// The node has not seen it yet.
    New,
    /// Its containers are being created, for ever if an image fails.
    Creating,
    /// Its containers run.
    Running,
    /// They have run long enough to be ready.
    Ready,
    /// They have ended, and wait to be restarted.
    BackOff,
    /// They have ended for good.
    Over,
    /// It has been deleted.
    Ending,
}

/// What to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is in this stage now; look again after the time, if there is one.
    Stay(Option<Duration>),
    /// It comes to this stage.
    Become(Stage),
    /// It is gone.
    Remove,
}

/// The stage that a pod's status tells of.
pub(super) fn stage(pod: &Pod) -> Stage {
    if pod.metadata.deletion_timestamp.is_some() {
        return Stage::Ending;
    }
    let Some(status) = pod.status.as_ref().filter(|status| status.start_time.is_some()) else { return Stage::New };
    if matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")) {
        return Stage::Over;
    }
    let containers = || status.container_statuses.iter().flatten();
    let running = |status: &ContainerStatus| status.state.as_ref().is_some_and(|state| state.running.is_some());
    if !containers().any(running) {
        let restarted =
            containers().any(|status| status.last_state.as_ref().is_some_and(|state| state.terminated.is_some()));
        return if restarted { Stage::BackOff } else { Stage::Creating };
    }
    if containers().any(|status| status.ready) { Stage::Ready } else { Stage::Running }
}

/// What happens to a pod that has been in its stage for so long.
pub(super) fn next(pod: &Pod, script: &Script, options: &NodeOptions, been: Duration) -> Next {
    let stage = stage(pod);
    let then = |wait: Duration, next: Next| if been >= wait { next } else { Next::Stay(Some(wait - been)) };
    let Some(spec) = &pod.spec else { return Next::Stay(None) };
    match stage {
        Stage::New => Next::Become(Stage::Creating),
        Stage::Creating if spec.containers.iter().any(|container| script.image_fails(&container.name)) => {
            Next::Stay(None)
        }
        Stage::Creating => then(options.start, Next::Become(Stage::Running)),
        Stage::BackOff => {
            let doubled = 2_u32.saturating_pow(restarts(pod).try_into().unwrap_or_default());
            then(options.start.saturating_mul(doubled).min(LONGEST_BACKOFF), Next::Become(Stage::Running))
        }
        Stage::Running | Stage::Ready => {
            let over = if restarted(spec, script) { Stage::BackOff } else { Stage::Over };
            let run = run(spec, script, options).map(|run| match stage {
                Stage::Ready => run.saturating_sub(options.ready),
                _ => run,
            });
            match run {
                Some(run) if stage == Stage::Ready || run <= options.ready => then(run, Next::Become(over)),
                _ if stage == Stage::Ready => Next::Stay(None),
                _ => then(options.ready, Next::Become(Stage::Ready)),
            }
        }
        Stage::Over => Next::Stay(None),
        Stage::Ending => {
            let grace =
                u64::try_from(pod.metadata.deletion_grace_period_seconds.unwrap_or_default()).unwrap_or_default();
            then(options.end.min(Duration::from_secs(grace)), Next::Remove)
        }
    }
}

/// How long the containers run; `None`: for ever.
fn run(spec: &PodSpec, script: &Script, options: &NodeOptions) -> Option<Duration> {
    let always = spec.restart_policy.as_deref().is_none_or(|policy| policy == "Always");
    script.run.or_else(|| (!always || script.exit_code.is_some()).then_some(options.run))
}

/// Whether the containers are started again when they end.
fn restarted(spec: &PodSpec, script: &Script) -> bool {
    match spec.restart_policy.as_deref() {
        Some("Never") => false,
        Some("OnFailure") => script.exit_code.unwrap_or_default() != 0,
        _ => true,
    }
}

/// Where a pod runs.
pub(super) struct Place<'a> {
    pub(super) host_ip: &'a str,
    pub(super) pod_ip: &'a str,
}

/// The status of a pod that has come to a stage, or stays in it.
pub(super) fn status(pod: &Pod, stage: Stage, script: &Script, place: &Place<'_>, now: Timestamp) -> PodStatus {
    let before = pod.status.clone().unwrap_or_default();
    let spec = pod.spec.clone().unwrap_or_default();
    let exit_code = script.exit_code.unwrap_or_default();
    let containers: Vec<ContainerStatus> =
        spec.containers.iter().map(|container| container_status(container, &before, stage, script, now)).collect();
    let started = !matches!(stage, Stage::New | Stage::Creating);
    let init: Vec<ContainerStatus> = spec
        .init_containers
        .iter()
        .flatten()
        .map(|container| init_status(container, &before, started, stage, now))
        .collect();
    let phase = match stage {
        Stage::New | Stage::Creating => "Pending",
        Stage::Over if exit_code == 0 => "Succeeded",
        Stage::Over => "Failed",
        Stage::Running | Stage::Ready | Stage::BackOff | Stage::Ending => "Running",
    };
    let unready: Vec<&str> =
        containers.iter().filter(|status| !status.ready).map(|status| status.name.as_str()).collect();
    let gates = spec.readiness_gates.iter().flatten();
    let closed = gates.map(|gate| gate.condition_type.as_str()).find(|kind| {
        let conditions = before.conditions.iter().flatten();
        !conditions.into_iter().any(|condition| condition.type_ == *kind && condition.status == "True")
    });
    let not_ready = match (stage, unready.is_empty(), closed) {
        (Stage::Over, ..) if exit_code == 0 => Some(("PodCompleted", String::new())),
        (_, false, _) => {
            Some(("ContainersNotReady", format!("containers with unready status: [{}]", unready.join(" "))))
        }
        (_, true, Some(gate)) => Some((
            "ReadinessGatesNotReady",
            format!("corresponding condition of pod readiness gate \"{gate}\" does not exist."),
        )),
        (_, true, None) => None,
    };
    let condition = |kind: &str, problem: Option<(&str, String)>| condition(&before, pod, kind, problem, now);
    let containers_ready = not_ready.clone().filter(|(reason, _)| *reason != "ReadinessGatesNotReady");
    let uninitialized = (!started && !init.is_empty()).then(|| {
        let names: Vec<&str> = init.iter().map(|status| status.name.as_str()).collect();
        ("ContainersNotInitialized", format!("containers with incomplete status: [{}]", names.join(" ")))
    });
    let mut conditions = vec![
        condition("PodReadyToStartContainers", (!started || stage == Stage::Over).then(|| ("", String::new()))),
        condition("Initialized", uninitialized),
        condition("Ready", not_ready),
        condition("ContainersReady", containers_ready),
        condition("PodScheduled", None),
    ];
    // What others say, such as readiness gates, is theirs.
    conditions.retain(|condition| !condition.type_.is_empty());
    let address = started.then(|| place.pod_ip.to_string());
    PodStatus {
        phase: Some(phase.into()),
        conditions: Some(conditions),
        start_time: before.start_time.clone().or(Some(Time(now))),
        host_ip: Some(place.host_ip.into()),
        host_ips: Some(vec![HostIP { ip: place.host_ip.into() }]),
        pod_ips: address.clone().map(|ip| vec![PodIP { ip }]),
        pod_ip: address,
        container_statuses: Some(containers),
        init_container_statuses: (!init.is_empty()).then_some(init),
        qos_class: before.qos_class,
        observed_generation: pod.metadata.generation,
        ..PodStatus::default()
    }
}

fn condition(
    before: &PodStatus,
    pod: &Pod,
    kind: &str,
    problem: Option<(&str, String)>,
    now: Timestamp,
) -> PodCondition {
    let status = if problem.is_some() { "False" } else { "True" };
    let present =
        before.conditions.iter().flatten().find(|condition| condition.type_ == kind && condition.status == status);
    let since = present.and_then(|present| present.last_transition_time.clone());
    let text = |text: String| (!text.is_empty()).then_some(text);
    let (reason, message) = problem.map_or((None, None), |(reason, message)| (text(reason.into()), text(message)));
    PodCondition {
        type_: kind.into(),
        status: status.into(),
        reason,
        message,
        last_transition_time: since.or(Some(Time(now))),
        observed_generation: pod.metadata.generation,
        last_probe_time: None,
    }
}

fn container_status(
    container: &Container,
    before: &PodStatus,
    stage: Stage,
    script: &Script,
    now: Timestamp,
) -> ContainerStatus {
    let present = before.container_statuses.iter().flatten().find(|status| status.name == container.name);
    let state = present.and_then(|status| status.state.clone()).unwrap_or_default();
    let mut last_state = present.and_then(|status| status.last_state.clone());
    let mut restart_count = present.map(|status| status.restart_count).unwrap_or_default();
    let waiting = |reason: &str, message: Option<String>| ContainerState {
        waiting: Some(ContainerStateWaiting { reason: Some(reason.into()), message }),
        ..ContainerState::default()
    };
    let since = state.running.as_ref().and_then(|running| running.started_at.clone());
    let ended = || {
        let exit_code = script.exit_code.unwrap_or_default();
        ContainerState {
            terminated: Some(ContainerStateTerminated {
                exit_code,
                reason: Some(if exit_code == 0 { "Completed" } else { "Error" }.into()),
                started_at: since.clone(),
                finished_at: Some(Time(now)),
                container_id: Some(id(&container.name)),
                ..ContainerStateTerminated::default()
            }),
            ..ContainerState::default()
        }
    };
    let state = match stage {
        Stage::New | Stage::Creating if script.image_fails(&container.name) => {
            let message = format!("Back-off pulling image \"{}\"", container.image.as_deref().unwrap_or_default());
            waiting("ImagePullBackOff", Some(message))
        }
        Stage::New | Stage::Creating => waiting("ContainerCreating", None),
        Stage::Running | Stage::Ready | Stage::Ending => {
            if state.running.is_none() && last_state.as_ref().is_some_and(|state| state.terminated.is_some()) {
                restart_count += 1;
            }
            let started_at = since.or(Some(Time(now)));
            ContainerState { running: Some(ContainerStateRunning { started_at }), ..ContainerState::default() }
        }
        Stage::BackOff => {
            if state.running.is_some() {
                last_state = Some(ended());
            }
            let message = format!("back-off restarting failed container {}", container.name);
            waiting("CrashLoopBackOff", Some(message))
        }
        Stage::Over if state.terminated.is_some() => state,
        Stage::Over => ended(),
    };
    let running = state.running.is_some();
    let ready = running && stage == Stage::Ready && !script.readiness_fails(&container.name);
    let image = container.image.clone().unwrap_or_default();
    let known = running || state.terminated.is_some();
    ContainerStatus {
        name: container.name.clone(),
        image_id: if known { format!("{image}@simulated") } else { String::new() },
        image,
        ready,
        started: Some(running),
        restart_count,
        container_id: known.then(|| id(&container.name)),
        state: Some(state),
        last_state: last_state.or_else(|| Some(ContainerState::default())),
        ..ContainerStatus::default()
    }
}

/// Init containers end well at once; those that are restarted always run beside the others.
fn init_status(
    container: &Container,
    before: &PodStatus,
    started: bool,
    stage: Stage,
    now: Timestamp,
) -> ContainerStatus {
    let present = before.init_container_statuses.iter().flatten().find(|status| status.name == container.name);
    let state = present.and_then(|status| status.state.clone()).filter(|state| state.waiting.is_none());
    let sidecar = container.restart_policy.as_deref() == Some("Always");
    let at = || Some(Time(now));
    let state = match (started, sidecar && stage != Stage::Over) {
        (false, _) => ContainerState {
            waiting: Some(ContainerStateWaiting { reason: Some("PodInitializing".into()), message: None }),
            ..ContainerState::default()
        },
        (true, true) => state.unwrap_or_else(|| ContainerState {
            running: Some(ContainerStateRunning { started_at: at() }),
            ..ContainerState::default()
        }),
        (true, false) => state.filter(|state| state.terminated.is_some()).unwrap_or_else(|| ContainerState {
            terminated: Some(ContainerStateTerminated {
                reason: Some("Completed".into()),
                started_at: at(),
                finished_at: at(),
                container_id: Some(id(&container.name)),
                ..ContainerStateTerminated::default()
            }),
            ..ContainerState::default()
        }),
    };
    let image = container.image.clone().unwrap_or_default();
    ContainerStatus {
        name: container.name.clone(),
        image_id: if started { format!("{image}@simulated") } else { String::new() },
        image,
        ready: started,
        started: Some(state.running.is_some()),
        container_id: started.then(|| id(&container.name)),
        state: Some(state),
        last_state: Some(ContainerState::default()),
        ..ContainerStatus::default()
    }
}

fn id(container: &str) -> String {
    format!("kubewright://{container}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const PLACE: Place<'static> = Place { host_ip: "172.30.0.1", pod_ip: "10.244.0.5" };

    fn pod(spec: Value, annotations: Value) -> Pod {
        let mut spec = spec;
        spec["containers"] = json!([{"name": "main", "image": "app:1"}]);
        serde_json::from_value(json!({"metadata": {"name": "p", "annotations": annotations}, "spec": spec})).unwrap()
    }

    /// Lives until it stays as it is; gives its stages.
    fn live(pod: &mut Pod) -> Vec<Stage> {
        let script = Script::of(&pod.metadata);
        let options = NodeOptions::default();
        let mut stages = Vec::new();
        for _ in 0..10 {
            match next(pod, &script, &options, Duration::from_secs(1000)) {
                Next::Become(stage) => {
                    pod.status = Some(status(pod, stage, &script, &PLACE, Timestamp::UNIX_EPOCH));
                    assert_eq!(super::stage(pod), stage, "the status tells the stage");
                    stages.push(stage);
                }
                Next::Stay(_) | Next::Remove => break,
            }
        }
        stages
    }

    fn main(pod: &Pod) -> ContainerStatus {
        pod.status.clone().unwrap().container_statuses.unwrap().remove(0)
    }

    #[test]
    fn a_pod_gets_ready_and_stays_so() {
        let mut pod = pod(json!({}), json!({}));
        assert_eq!(live(&mut pod), [Stage::Creating, Stage::Running, Stage::Ready]);
        let status = pod.status.clone().unwrap();
        assert_eq!((status.phase.as_deref(), status.pod_ip.as_deref()), (Some("Running"), Some("10.244.0.5")));
        assert!(status.conditions.unwrap().iter().all(|condition| condition.status == "True"));
        assert!(main(&pod).ready);
    }

    #[test]
    fn it_takes_the_time_that_the_options_say() {
        let (mut pod, options) = (pod(json!({}), json!({})), NodeOptions::default());
        let script = Script::default();
        pod.status = Some(status(&pod, Stage::Creating, &script, &PLACE, Timestamp::UNIX_EPOCH));
        let wait = next(&pod, &script, &options, Duration::from_millis(20));
        assert_eq!(wait, Next::Stay(Some(Duration::from_millis(30))));
        assert_eq!(next(&pod, &script, &options, Duration::from_millis(50)), Next::Become(Stage::Running));
    }

    #[test]
    fn a_pod_that_is_not_restarted_ends() {
        let mut well = pod(json!({"restartPolicy": "Never"}), json!({}));
        assert_eq!(live(&mut well), [Stage::Creating, Stage::Running, Stage::Ready, Stage::Over]);
        assert_eq!(well.status.unwrap().phase.as_deref(), Some("Succeeded"));
        let mut badly = pod(json!({"restartPolicy": "Never"}), json!({"sim.kubewright.dev/exit-code": "3"}));
        live(&mut badly);
        assert_eq!(main(&badly).state.unwrap().terminated.unwrap().exit_code, 3);
        assert_eq!(badly.status.unwrap().phase.as_deref(), Some("Failed"));
    }

    #[test]
    fn a_container_that_fails_is_restarted_and_counted() {
        let mut pod = pod(json!({"restartPolicy": "OnFailure"}), json!({"sim.kubewright.dev/exit-code": "1"}));
        let stages = live(&mut pod);
        let round = [Stage::Running, Stage::Ready, Stage::BackOff];
        assert_eq!(stages[1..7], [round, round].concat());
        let main = main(&pod);
        assert!(main.restart_count >= 2);
        assert_eq!(main.last_state.unwrap().terminated.unwrap().reason.as_deref(), Some("Error"));
    }

    #[test]
    fn a_failing_image_keeps_it_pending_until_the_annotation_goes() {
        let mut pod = pod(json!({}), json!({"sim.kubewright.dev/image-fails": "main"}));
        assert_eq!(live(&mut pod), [Stage::Creating]);
        assert_eq!(main(&pod).state.unwrap().waiting.unwrap().reason.as_deref(), Some("ImagePullBackOff"));
        pod.metadata.annotations = None;
        assert_eq!(live(&mut pod), [Stage::Running, Stage::Ready]);
    }

    #[test]
    fn a_failing_probe_keeps_it_unready() {
        let mut pod = pod(json!({}), json!({"sim.kubewright.dev/readiness-fails": "*"}));
        let script = Script::of(&pod.metadata);
        pod.status = Some(status(&pod, Stage::Ready, &script, &PLACE, Timestamp::UNIX_EPOCH));
        let conditions = pod.status.clone().unwrap().conditions.unwrap();
        let ready = conditions.iter().find(|condition| condition.type_ == "Ready").unwrap();
        assert_eq!(ready.message.as_deref(), Some("containers with unready status: [main]"));
        assert_eq!(pod.status.unwrap().phase.as_deref(), Some("Running"));
    }

    #[test]
    fn a_deleted_pod_ends_within_its_grace() {
        let (mut pod, script) = (pod(json!({}), json!({})), Script::default());
        pod.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
        pod.metadata.deletion_grace_period_seconds = Some(30);
        let options = NodeOptions::default();
        assert_eq!(next(&pod, &script, &options, Duration::ZERO), Next::Stay(Some(options.end)));
        assert_eq!(next(&pod, &script, &options, options.end), Next::Remove);
        pod.metadata.deletion_grace_period_seconds = Some(0);
        assert_eq!(next(&pod, &script, &options, Duration::ZERO), Next::Remove);
    }
}
