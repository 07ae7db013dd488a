//! The checks of the Pod Security Standards. Source: the standards themselves, and what a real server says of Pods that
//! break them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::standard::{Level, Standard};
use crate::kinds::tree::Tree;

/// What a Pod does that it may not: in a word, and in full.
pub(super) struct Violation {
    reason: String,
    detail: String,
}

/// What a Pod does that it may not, all together.
pub(super) struct Violations(Vec<Violation>);

impl Violations {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `host namespaces, privileged`
    pub(super) fn reasons(&self) -> String {
        self.0.iter().map(|violation| violation.reason.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// `host namespaces (hostPID=true), privileged (container "c" must not …)`
    pub(super) fn details(&self) -> String {
        let texts = self.0.iter().map(|violation| match violation.detail.as_str() {
            "" => violation.reason.clone(),
            detail => format!("{} ({detail})", violation.reason),
        });
        texts.collect::<Vec<_>>().join(", ")
    }
}

/// A Pod, or the template of one.
#[derive(Clone, Copy)]
pub(super) struct Pod<'a> {
    pub metadata: &'a Value,
    pub spec: &'a Value,
}

/// Checks a Pod by a standard.
pub(super) fn check(pod: Pod<'_>, standard: Standard) -> Violations {
    let minor = standard.minor.unwrap_or(LATEST).min(LATEST);
    let restricted = standard.level == Level::Restricted;
    if standard.level == Level::Privileged {
        return Violations(Vec::new());
    }
    let active = |check: &&Check| check.since <= minor && (restricted || !check.restricted);
    let stricter = |check: &&Check| {
        let mut others = CHECKS.iter().filter(active);
        !(restricted && others.any(|other| other.replaces == check.id))
    };
    Violations(CHECKS.iter().filter(active).filter(stricter).filter_map(|check| (check.run)(pod, minor)).collect())
}

/// The newest version in which a check has changed.
const LATEST: u32 = 35;

struct Check {
    id: &'static str,
    restricted: bool,
    /// The minor version of Kubernetes in which it has come.
    since: u32,
    /// The weaker check whose place it takes.
    replaces: &'static str,
    run: fn(Pod<'_>, u32) -> Option<Violation>,
}

const fn baseline(id: &'static str, since: u32, run: fn(Pod<'_>, u32) -> Option<Violation>) -> Check {
    Check { id, restricted: false, since, replaces: "-", run }
}

const fn restricted(
    id: &'static str,
    since: u32,
    replaces: &'static str,
    run: fn(Pod<'_>, u32) -> Option<Violation>,
) -> Check {
    Check { id, restricted: true, since, replaces, run }
}

/// In the order in which they are told.
const CHECKS: [Check; 19] = [
    baseline("appArmorProfile", 0, app_armor),
    baseline("capabilities_baseline", 0, capabilities_baseline),
    baseline("hostNamespaces", 0, host_namespaces),
    baseline("hostPathVolumes", 0, host_path_volumes),
    baseline("hostPorts", 0, host_ports),
    baseline("hostProbesAndHostLifecycle", 34, probe_hosts),
    baseline("privileged", 0, privileged),
    baseline("procMount", 0, proc_mount_baseline),
    baseline("seLinuxOptions", 0, se_linux),
    baseline("seccompProfile_baseline", 0, seccomp_baseline),
    baseline("sysctls", 0, sysctls),
    baseline("windowsHostProcess", 0, windows_host_process),
    restricted("allowPrivilegeEscalation", 8, "-", privilege_escalation),
    restricted("capabilities_restricted", 22, "capabilities_baseline", capabilities_restricted),
    restricted("procMount_restricted", 35, "procMount", |pod, _| proc_mount(pod)),
    restricted("restrictedVolumes", 0, "hostPathVolumes", restricted_volumes),
    restricted("runAsNonRoot", 0, "-", run_as_non_root),
    restricted("runAsUser", 23, "-", run_as_user),
    restricted("seccompProfile_restricted", 19, "seccompProfile_baseline", seccomp_restricted),
];

fn violation(reason: impl Into<String>, detail: impl Into<String>) -> Option<Violation> {
    Some(Violation { reason: reason.into(), detail: detail.into() })
}

impl<'a> Pod<'a> {
    fn containers(self) -> impl Iterator<Item = &'a Value> {
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(move |list| self.spec.list(list))
    }

    /// The names of the containers of which something holds.
    fn containers_that(self, holds: impl Fn(&Value) -> bool) -> Vec<&'a str> {
        self.containers().filter(|container| holds(container)).map(|container| container.text("name")).collect()
    }

    fn is_windows(self) -> bool {
        self.spec.text("os.name") == "windows"
    }

    /// A Pod in a user namespace of its own may do more from version 1.35 on.
    fn has_own_users(self, minor: u32) -> bool {
        minor >= 35 && self.spec.at("hostUsers") == &Value::Bool(false)
    }
}

fn quoted<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("\"{}\"", item.as_ref())).collect();
    items.join(", ")
}

fn plural(word: &str, count: usize) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// `container "c"`, `containers "c", "d"`
fn named(names: &[&str]) -> String {
    format!("{} {}", plural("container", names.len()), quoted(names))
}

/// `pod and containers "c", "d"`; none when nobody is to be named.
fn setters(pod: bool, containers: &[&str]) -> Option<String> {
    match (pod, containers.is_empty()) {
        (true, true) => Some("pod".into()),
        (true, false) => Some(format!("pod and {}", named(containers))),
        (false, false) => Some(named(containers)),
        (false, true) => None,
    }
}

fn app_armor(pod: Pod<'_>, _: u32) -> Option<Violation> {
    const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";
    let bad = |holder: &Value| {
        let profile = holder.at("securityContext.appArmorProfile");
        let kind = profile.text("type");
        (profile.is_object() && !matches!(kind, "RuntimeDefault" | "Localhost")).then(|| kind.to_owned())
    };
    let mut values: BTreeSet<String> = pod.containers().chain([pod.spec]).filter_map(bad).collect();
    let containers = pod.containers_that(|container| bad(container).is_some());
    let annotations: Vec<String> = pod
        .metadata
        .entries("annotations")
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
        .filter(|(key, value)| {
            let fine = value.is_empty() || *value == "runtime/default" || value.starts_with("localhost/");
            key.starts_with(ANNOTATION) && !fine
        })
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    let mut who: Vec<String> = setters(bad(pod.spec).is_some(), &containers).into_iter().collect();
    let mut all: Vec<String> = std::mem::take(&mut values).into_iter().collect();
    if !annotations.is_empty() {
        who.push(plural("annotation", annotations.len()));
        all.extend(annotations);
    }
    if who.is_empty() {
        return None;
    }
    let reason = plural("forbidden AppArmor profile", all.len());
    violation(reason, format!("{} must not set AppArmor profile type to {}", who.join(" and "), quoted(all)))
}

fn added_capabilities(container: &Value) -> impl Iterator<Item = &str> {
    container.list("securityContext.capabilities.add").iter().filter_map(Value::as_str)
}

fn capabilities_baseline(pod: Pod<'_>, _: u32) -> Option<Violation> {
    const ALLOWED: [&str; 13] = [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ];
    let bad = |name: &&str| !ALLOWED.contains(name);
    let names: BTreeSet<&str> = pod.containers().flat_map(added_capabilities).filter(bad).collect();
    let containers = pod.containers_that(|container| added_capabilities(container).any(|name| bad(&name)));
    (!containers.is_empty())
        .then(|| Violation { reason: "non-default capabilities".into(), detail: must_not_include(&containers, names) })
}

fn must_not_include(containers: &[&str], names: BTreeSet<&str>) -> String {
    format!("{} must not include {} in securityContext.capabilities.add", named(containers), quoted(names))
}

fn capabilities_restricted(pod: Pod<'_>, minor: u32) -> Option<Violation> {
    if minor >= 25 && pod.is_windows() {
        return None;
    }
    let drops_all =
        |container: &Value| container.list("securityContext.capabilities.drop").iter().any(|name| name == "ALL");
    let undropped = pod.containers_that(|container| !drops_all(container));
    let bad = |name: &&str| *name != "NET_BIND_SERVICE";
    let names: BTreeSet<&str> = pod.containers().flat_map(added_capabilities).filter(bad).collect();
    let adding = pod.containers_that(|container| added_capabilities(container).any(|name| bad(&name)));
    let mut details = Vec::new();
    if !undropped.is_empty() {
        details.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", named(&undropped)));
    }
    if !adding.is_empty() {
        details.push(must_not_include(&adding, names));
    }
    (!details.is_empty()).then(|| Violation { reason: "unrestricted capabilities".into(), detail: details.join("; ") })
}

fn host_namespaces(pod: Pod<'_>, _: u32) -> Option<Violation> {
    let shared: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|field| pod.spec.flag(field))
        .map(|field| format!("{field}=true"))
        .collect();
    (!shared.is_empty()).then(|| Violation { reason: "host namespaces".into(), detail: shared.join(", ") })
}

fn host_path_volumes(pod: Pod<'_>, _: u32) -> Option<Violation> {
    let volumes: Vec<&str> =
        pod.spec.list("volumes").iter().filter(|volume| volume.has("hostPath")).map(|v| v.text("name")).collect();
    (!volumes.is_empty()).then(|| Violation {
        reason: "hostPath volumes".into(),
        detail: format!("{} {}", plural("volume", volumes.len()), quoted(volumes)),
    })
}

fn restricted_volumes(pod: Pod<'_>, _: u32) -> Option<Violation> {
    const ALLOWED: [&str; 9] = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    let bad = |volume: &&Value| !ALLOWED.iter().any(|kind| volume.has(kind));
    let volumes: Vec<&Value> = pod.spec.list("volumes").iter().filter(bad).collect();
    if volumes.is_empty() {
        return None;
    }
    let kind = |volume: &Value| -> String {
        let kinds = volume.as_object().into_iter().flatten().filter(|(key, value)| *key != "name" && !value.is_null());
        kinds.map(|(key, _)| key.clone()).next().unwrap_or_else(|| "unknown".into())
    };
    let kinds: BTreeSet<String> = volumes.iter().map(|volume| kind(volume)).collect();
    let detail = format!(
        "{} {} {} {} {}",
        plural("volume", volumes.len()),
        quoted(volumes.iter().map(|volume| volume.text("name"))),
        if volumes.len() == 1 { "uses" } else { "use" },
        plural("restricted volume type", kinds.len()),
        quoted(kinds),
    );
    violation("restricted volume types", detail)
}

fn host_ports(pod: Pod<'_>, _: u32) -> Option<Violation> {
    let ports = |container: &Value| -> Vec<String> {
        let ports = container.list("ports").iter().filter_map(|port| port.int("hostPort")).filter(|port| *port != 0);
        ports.map(|port| port.to_string()).collect()
    };
    let containers = pod.containers_that(|container| !ports(container).is_empty());
    if containers.is_empty() {
        return None;
    }
    // In the order of texts, as on the real server.
    let all: BTreeSet<String> = pod.containers().flat_map(ports).collect();
    let all: Vec<String> = all.into_iter().collect();
    let uses = if containers.len() == 1 { "uses" } else { "use" };
    let detail = format!("{} {uses} {} {}", named(&containers), plural("hostPort", all.len()), all.join(", "));
    violation("hostPort", detail)
}

fn probe_hosts(pod: Pod<'_>, _: u32) -> Option<Violation> {
    const HANDLERS: [&str; 5] =
        ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"];
    let hosts = |container: &Value| -> Vec<String> {
        let of = |handler: &str| {
            let handler = container.at(handler);
            [handler.text("httpGet.host").to_owned(), handler.text("tcpSocket.host").to_owned()]
        };
        HANDLERS.into_iter().flat_map(of).filter(|host| !host.is_empty()).collect()
    };
    let mut containers = pod.containers_that(|container| !hosts(container).is_empty());
    containers.sort_unstable();
    containers.dedup();
    if containers.is_empty() {
        return None;
    }
    let all: BTreeSet<String> = pod.containers().flat_map(hosts).collect();
    let uses = if containers.len() == 1 { "uses" } else { "use" };
    let what = plural("probe or lifecycle host", all.len());
    violation("probe or lifecycle host", format!("{} {uses} {what} {}", named(&containers), quoted(all)))
}

fn privileged(pod: Pod<'_>, _: u32) -> Option<Violation> {
    let containers = pod.containers_that(|container| container.flag("securityContext.privileged"));
    (!containers.is_empty()).then(|| Violation {
        reason: "privileged".into(),
        detail: format!("{} must not set securityContext.privileged=true", named(&containers)),
    })
}

fn proc_mount_baseline(pod: Pod<'_>, minor: u32) -> Option<Violation> {
    if pod.has_own_users(minor) { None } else { proc_mount(pod) }
}

fn proc_mount(pod: Pod<'_>) -> Option<Violation> {
    let bad = |container: &Value| {
        let mount = container.at("securityContext.procMount").as_str()?;
        (mount != "Default").then(|| mount.to_owned())
    };
    let containers = pod.containers_that(|container| bad(container).is_some());
    let mounts: BTreeSet<String> = pod.containers().filter_map(bad).collect();
    (!containers.is_empty()).then(|| Violation {
        reason: "procMount".into(),
        detail: format!("{} must not set securityContext.procMount to {}", named(&containers), quoted(mounts)),
    })
}

fn se_linux(pod: Pod<'_>, minor: u32) -> Option<Violation> {
    const PATH: &str = "securityContext.seLinuxOptions";
    let allowed = |kind: &str| {
        matches!(kind, "" | "container_t" | "container_init_t" | "container_kvm_t")
            || (minor >= 31 && kind == "container_engine_t")
    };
    let bad = |holder: &Value| {
        let options = holder.at(PATH);
        !allowed(options.text("type")) || !options.text("user").is_empty() || !options.text("role").is_empty()
    };
    let containers = pod.containers_that(bad);
    let who = setters(bad(pod.spec), &containers)?;
    let holders = || pod.containers().chain([pod.spec]);
    let types: BTreeSet<&str> = holders().map(|holder| holder.at(PATH).text("type")).filter(|t| !allowed(t)).collect();
    let mut what = Vec::new();
    if !types.is_empty() {
        what.push(format!("{} {}", plural("type", types.len()), quoted(types)));
    }
    for field in ["user", "role"] {
        if holders().any(|holder| !holder.at(PATH).text(field).is_empty()) {
            what.push(format!("{field} may not be set"));
        }
    }
    violation("seLinuxOptions", format!("{who} set forbidden securityContext.seLinuxOptions: {}", what.join("; ")))
}

fn seccomp_type(holder: &Value) -> Option<&str> {
    let profile = holder.at("securityContext.seccompProfile");
    profile.is_object().then(|| profile.text("type"))
}

fn bad_seccomp(holder: &Value) -> bool {
    seccomp_type(holder).is_some_and(|kind| !matches!(kind, "Localhost" | "RuntimeDefault"))
}

fn seccomp_baseline(pod: Pod<'_>, minor: u32) -> Option<Violation> {
    if minor < 19 {
        return seccomp_annotations(pod);
    }
    let containers = pod.containers_that(bad_seccomp);
    let who = setters(bad_seccomp(pod.spec), &containers)?;
    let holders = pod.containers().chain([pod.spec]).filter(|holder| bad_seccomp(holder));
    let types: BTreeSet<&str> = holders.filter_map(seccomp_type).collect();
    violation("seccompProfile", format!("{who} must not set securityContext.seccompProfile.type to {}", quoted(types)))
}

fn seccomp_annotations(pod: Pod<'_>) -> Option<Violation> {
    let mut keys = vec!["seccomp.security.alpha.kubernetes.io/pod".to_owned()];
    keys.extend(pod.containers().map(|c| format!("container.seccomp.security.alpha.kubernetes.io/{}", c.text("name"))));
    let annotations = pod.metadata.at("annotations");
    let fine = |value: &str| matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/");
    let bad = keys.iter().filter_map(|key| Some((key, annotations.get(key)?.as_str()?)));
    let bad: BTreeSet<String> =
        bad.filter(|(_, value)| !fine(value)).map(|(key, value)| format!("{key}={value:?}")).collect();
    let bad: Vec<String> = bad.into_iter().collect();
    (!bad.is_empty()).then(|| Violation {
        reason: "seccompProfile".into(),
        detail: format!("forbidden {} {}", plural("annotation", bad.len()), bad.join(", ")),
    })
}

fn seccomp_restricted(pod: Pod<'_>, minor: u32) -> Option<Violation> {
    if minor >= 25 && pod.is_windows() {
        return None;
    }
    if let Some(explicit) = seccomp_baseline(pod, minor) {
        return Some(explicit);
    }
    if seccomp_type(pod.spec).is_some() {
        return None;
    }
    let containers = pod.containers_that(|container| seccomp_type(container).is_none());
    (!containers.is_empty()).then(|| Violation {
        reason: "seccompProfile".into(),
        detail: format!(
            "pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
            named(&containers)
        ),
    })
}

fn sysctls(pod: Pod<'_>, minor: u32) -> Option<Violation> {
    /// With the minor version from which on they are allowed.
    const ALLOWED: [(&str, u32); 12] = [
        ("kernel.shm_rmid_forced", 0),
        ("net.ipv4.ip_local_port_range", 0),
        ("net.ipv4.tcp_syncookies", 0),
        ("net.ipv4.ping_group_range", 0),
        ("net.ipv4.ip_unprivileged_port_start", 0),
        ("net.ipv4.ip_local_reserved_ports", 27),
        ("net.ipv4.tcp_keepalive_time", 29),
        ("net.ipv4.tcp_fin_timeout", 29),
        ("net.ipv4.tcp_keepalive_intvl", 29),
        ("net.ipv4.tcp_keepalive_probes", 29),
        ("net.ipv4.tcp_rmem", 32),
        ("net.ipv4.tcp_wmem", 32),
    ];
    let names = pod.spec.list("securityContext.sysctls").iter().map(|sysctl| sysctl.text("name"));
    let bad = |name: &&str| !ALLOWED.iter().any(|(allowed, since)| allowed == name && *since <= minor);
    let bad: Vec<&str> = names.filter(bad).collect();
    (!bad.is_empty()).then(|| Violation { reason: "forbidden sysctls".into(), detail: bad.join(", ") })
}

fn windows_host_process(pod: Pod<'_>, _: u32) -> Option<Violation> {
    let bad = |holder: &Value| holder.flag("securityContext.windowsOptions.hostProcess");
    let who = setters(bad(pod.spec), &pod.containers_that(bad))?;
    violation("hostProcess", format!("{who} must not set securityContext.windowsOptions.hostProcess=true"))
}

fn privilege_escalation(pod: Pod<'_>, minor: u32) -> Option<Violation> {
    if minor >= 25 && pod.is_windows() {
        return None;
    }
    let allowed = |container: &Value| container.at("securityContext.allowPrivilegeEscalation") != &Value::Bool(false);
    let containers = pod.containers_that(allowed);
    (!containers.is_empty()).then(|| Violation {
        reason: "allowPrivilegeEscalation != false".into(),
        detail: format!("{} must set securityContext.allowPrivilegeEscalation=false", named(&containers)),
    })
}

fn run_as_non_root(pod: Pod<'_>, minor: u32) -> Option<Violation> {
    if pod.has_own_users(minor) {
        return None;
    }
    let set = |holder: &Value| holder.at("securityContext.runAsNonRoot").as_bool();
    let explicit = pod.containers_that(|container| set(container) == Some(false));
    if let Some(who) = setters(set(pod.spec) == Some(false), &explicit) {
        return violation("runAsNonRoot != true", format!("{who} must not set securityContext.runAsNonRoot=false"));
    }
    let implicit = pod.containers_that(|container| set(container).is_none() && set(pod.spec) != Some(true));
    (!implicit.is_empty()).then(|| Violation {
        reason: "runAsNonRoot != true".into(),
        detail: format!("pod or {} must set securityContext.runAsNonRoot=true", named(&implicit)),
    })
}

fn run_as_user(pod: Pod<'_>, minor: u32) -> Option<Violation> {
    if pod.has_own_users(minor) {
        return None;
    }
    let root = |holder: &Value| holder.int("securityContext.runAsUser") == Some(0);
    let who = setters(root(pod.spec), &pod.containers_that(root))?;
    violation("runAsUser=0", format!("{who} must not set runAsUser=0"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(spec: &Value, level: Level, minor: Option<u32>) -> String {
        check(Pod { metadata: &json!({}), spec }, Standard { level, minor }).details()
    }

    #[test]
    fn a_plain_pod_is_baseline_and_not_restricted() {
        let spec = json!({"containers": [{"name": "c"}]});
        assert_eq!(told(&spec, Level::Baseline, None), "");
        assert_eq!(
            told(&spec, Level::Restricted, None),
            "allowPrivilegeEscalation != false (container \"c\" must set \
             securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"c\" must set \
             securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"c\" must set \
             securityContext.runAsNonRoot=true), seccompProfile (pod or container \"c\" must set \
             securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
        );
    }

    #[test]
    fn a_careful_pod_is_restricted() {
        let spec = json!({
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "c", "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}}],
            "volumes": [{"name": "v", "emptyDir": {}}]
        });
        assert_eq!(told(&spec, Level::Restricted, None), "");
    }

    #[test]
    fn checks_are_those_of_the_version() {
        let sysctl = json!({"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_rmem"}]}, "containers": []});
        assert_eq!(told(&sysctl, Level::Baseline, Some(31)), "forbidden sysctls (net.ipv4.tcp_rmem)");
        assert_eq!(told(&sysctl, Level::Baseline, Some(99)), "");
        let adding = json!({"containers": [{"name": "c", "securityContext": {"capabilities": {"add": ["SYS_TIME"]}}}]});
        let text = told(&adding, Level::Restricted, Some(21));
        assert!(text.starts_with("non-default capabilities (container \"c\" must not include \"SYS_TIME\""), "{text}");
    }
}
