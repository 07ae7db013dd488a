//! Annotations that stage failures and lengths of time, so that an operator can be shown them.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::core::ObjectMeta;

/// Name of a container, or `*` for all, whose image can't be pulled.
const IMAGE: &str = "sim.kubewright.dev/image-fails";
/// Name of a container, or `*` for all, that runs but does not get ready.
const READINESS: &str = "sim.kubewright.dev/readiness-fails";
/// The exit code of the containers. With another one than 0 they are restarted as the pod's restart policy says.
const EXIT_CODE: &str = "sim.kubewright.dev/exit-code";
/// How long the containers run before they end, in seconds, such as `0.5`. Without it those of pods that are restarted
/// always run for ever.
const RUN: &str = "sim.kubewright.dev/run-seconds";

/// What the annotations of a pod say.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Script {
    image_fails: Option<String>,
    readiness_fails: Option<String>,
    /// What containers end with.
    pub(super) exit_code: Option<i32>,
    /// How long they run.
    pub(super) run: Option<Duration>,
}

impl Script {
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        let none = BTreeMap::new();
        let annotations = metadata.annotations.as_ref().unwrap_or(&none);
        let seconds = annotations.get(RUN).and_then(|seconds| seconds.parse::<f64>().ok());
        Self {
            image_fails: annotations.get(IMAGE).cloned(),
            readiness_fails: annotations.get(READINESS).cloned(),
            exit_code: annotations.get(EXIT_CODE).and_then(|code| code.parse().ok()),
            run: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        }
    }

    pub(super) fn image_fails(&self, container: &str) -> bool {
        names(self.image_fails.as_deref(), container)
    }

    pub(super) fn readiness_fails(&self, container: &str) -> bool {
        names(self.readiness_fails.as_deref(), container)
    }
}

fn names(list: Option<&str>, container: &str) -> bool {
    list.is_some_and(|list| list.split(',').map(str::trim).any(|name| name == "*" || name == container))
}
