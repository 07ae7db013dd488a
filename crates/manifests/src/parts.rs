//! The documents, each with its folder and file.

use serde_json::{Map, Value, json};

use crate::certificates::{self, Certificate, host, secret};
use crate::{Description, ManifestError, ManifestOptions};

/// The port of metrics that nobody guards, and of health beside them.
const METRICS: u16 = 8080;
/// The port of guarded metrics.
const GUARDED_METRICS: u16 = 8443;
/// The port of health beside guarded metrics.
const HEALTH: u16 = 8081;
/// The port of the webhooks in the Pod.
const WEBHOOKS: u16 = 9443;
/// The file of the role that the operator needs to guard its metrics.
pub(crate) const METRICS_ROLE: &str = "metrics_auth_role.yaml";

/// A document.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// The folder, as kubebuilder names it: `crd/bases`, `rbac`, `manager`, …
    pub(crate) folder: &'static str,
    /// The file's name.
    pub(crate) file: String,
    pub(crate) document: Value,
}

/// All documents, in the order in which they can be applied.
pub(crate) fn parts(description: &Description, options: &ManifestOptions) -> Result<Vec<Part>, ManifestError> {
    let name = &description.name;
    let namespace = &namespace(description, options);
    let account = format!("{name}-controller-manager");
    let mut parts = Vec::new();
    let mut add = |folder: &'static str, file: &str, document: Value| {
        parts.push(Part { folder, file: format!("{file}.yaml"), document });
    };
    add(
        "manager",
        "namespace",
        json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": namespace, "labels": {"app.kubernetes.io/name": name, "pod-security.kubernetes.io/enforce": "restricted"}},
        }),
    );
    for crd in &description.crds {
        let mut crd = crd.clone();
        if let Some(longest) = options.descriptions {
            shorten(&mut crd["spec"]["versions"], longest);
        }
        if converted(description, &crd) {
            let path = format!("/convert/{}", text(&crd["metadata"]["name"]));
            let service = json!({"namespace": namespace, "name": format!("{name}-webhook"), "path": path, "port": 443});
            crd["spec"]["conversion"] = json!({
                "strategy": "Webhook",
                "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"service": service}},
            });
        }
        let file = format!("{}_{}", text(&crd["spec"]["group"]), text(&crd["spec"]["names"]["plural"]));
        add("crd/bases", &file, crd);
    }
    add(
        "rbac",
        "service_account",
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name, &account, Some(namespace)),
        }),
    );
    for (role, binding) in roles(description, &description.roles, namespace, &account)? {
        let file = match role["metadata"].get("namespace") {
            None => "role".to_string(),
            Some(namespace) => format!("role_in_{}", text(namespace).replace(&format!("{name}-system"), "system")),
        };
        add("rbac", &file, role);
        add("rbac", &format!("{file}_binding"), binding);
    }
    if let Some(metrics) = &description.metrics {
        for (role, binding) in roles(description, &metrics.roles, namespace, &account)? {
            let file = METRICS_ROLE.trim_end_matches(".yaml");
            add("rbac", file, role);
            add("rbac", &format!("{file}_binding"), binding);
        }
        add(
            "rbac",
            "metrics_reader_role",
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": metadata(name, &format!("{name}-metrics-reader"), None),
                "rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}],
            }),
        );
    }
    for crd in &description.crds {
        for (word, verbs, status) in [
            ("admin", &["*"][..], &["get"][..]),
            ("editor", &["create", "delete", "get", "list", "patch", "update", "watch"], &["get"]),
            ("viewer", &["get", "list", "watch"], &["get"]),
        ] {
            let (group, plural) = (&crd["spec"]["group"], text(&crd["spec"]["names"]["plural"]));
            let kind = text(&crd["spec"]["names"]["kind"]).to_lowercase();
            add(
                "rbac",
                &format!("{kind}_{word}_role"),
                json!({
                    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                    "metadata": metadata(name, &format!("{name}-{kind}-{word}"), None),
                    "rules": [
                        {"apiGroups": [group], "resources": [plural], "verbs": verbs},
                        {"apiGroups": [group], "resources": [format!("{plural}/status")], "verbs": status},
                    ],
                }),
            );
        }
    }
    for (file, document) in certificates::documents(description, options, namespace) {
        // Before the Deployment: a Pod does not start before its Secrets are there.
        add("certmanager", file, document);
    }
    add("manager", "manager", deployment(description, options, namespace, &account));
    let metrics = MetricsPort::of(description);
    let mut metrics_service = service(name, namespace, "metrics", metrics.number, metrics.number);
    metrics_service["spec"]["ports"][0]["name"] = metrics.name.into();
    add("manager", "metrics_service", metrics_service);
    if serves_webhooks(description) {
        add("webhook", "service", service(name, namespace, "webhook", 443, WEBHOOKS));
    }
    for configuration in &description.webhooks {
        let mut configuration = configuration.clone();
        for webhook in configuration["webhooks"].as_array_mut().into_iter().flatten() {
            if webhook["clientConfig"]["service"].is_object() {
                webhook["clientConfig"]["service"]["namespace"] = namespace.clone().into();
            }
        }
        let kind = text(&configuration["kind"]).replace("WebhookConfiguration", "").to_lowercase();
        add("webhook", &kind, configuration);
    }
    let labels = selector(name);
    let mut endpoint = json!({"path": "/metrics", "port": metrics.name, "scheme": metrics.scheme});
    if description.metrics.is_some() {
        // The ServiceAccount of Prometheus is bound to the role of readers.
        endpoint["bearerTokenFile"] = "/var/run/secrets/kubernetes.io/serviceaccount/token".into();
        endpoint["tlsConfig"] = match options.cert_manager {
            true => json!({
                "serverName": host(name, "metrics", namespace),
                "ca": {"secret": {"name": secret(name, "metrics"), "key": "ca.crt"}},
            }),
            // Nobody knows the authority of a certificate that is made at the start.
            false => json!({"insecureSkipVerify": true}),
        };
    }
    add(
        "prometheus",
        "monitor",
        json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
            "metadata": metadata(name, &format!("{name}-metrics"), Some(namespace)),
            "spec": {"endpoints": [endpoint], "selector": {"matchLabels": labels}},
        }),
    );
    let scraped = json!({"namespaceSelector": {"matchLabels": {"metrics": "enabled"}}});
    let mut allowed = vec![json!({"from": [scraped], "ports": [{"port": metrics.number, "protocol": "TCP"}]})];
    if serves_webhooks(description) {
        allowed.push(json!({"ports": [{"port": WEBHOOKS, "protocol": "TCP"}]}));
    }
    add(
        "network-policy",
        "allow",
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": metadata(name, &account, Some(namespace)),
            "spec": {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"], "ingress": allowed},
        }),
    );
    Ok(parts)
}

/// The operator's namespace.
pub(crate) fn namespace(description: &Description, options: &ManifestOptions) -> String {
    options.namespace.clone().unwrap_or_else(|| format!("{}-system", description.name))
}

pub(crate) fn serves_webhooks(description: &Description) -> bool {
    !description.webhooks.is_empty() || !description.conversions.is_empty()
}

/// Where metrics are.
struct MetricsPort {
    name: &'static str,
    number: u16,
    scheme: &'static str,
}

impl MetricsPort {
    fn of(description: &Description) -> Self {
        match description.metrics {
            Some(_) => Self { name: "https", number: GUARDED_METRICS, scheme: "https" },
            None => Self { name: "metrics", number: METRICS, scheme: "http" },
        }
    }
}

/// Whether the versions of a definition are converted by a webhook.
fn converted(description: &Description, crd: &Value) -> bool {
    description.conversions.iter().any(|name| crd["metadata"]["name"] == **name)
}

/// The roles, each with what gives it to the operator.
fn roles(
    description: &Description,
    roles: &str,
    namespace: &str,
    account: &str,
) -> Result<Vec<(Value, Value)>, ManifestError> {
    let name = &description.name;
    let documents: Vec<Value> = serde_saphyr::from_multiple(roles)
        .map_err(|error| ManifestError::Roles { name: name.clone(), cause: error.to_string() })?;
    let own = format!("{name}-system");
    let pair = |mut role: Value| {
        if role["metadata"]["namespace"] == json!(own) {
            role["metadata"]["namespace"] = namespace.into();
        }
        let kind = text(&role["kind"]).to_string();
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{kind}Binding"),
            "metadata": role["metadata"],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role["metadata"]["name"]},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        });
        (role, binding)
    };
    Ok(documents.into_iter().filter(Value::is_object).map(pair).collect())
}

fn deployment(description: &Description, options: &ManifestOptions, namespace: &str, account: &str) -> Value {
    let name = &description.name;
    let metrics = MetricsPort::of(description);
    let mut args = options.command.clone();
    args.push(format!("--metrics-bind-address=0.0.0.0:{}", metrics.number));
    let mut ports = vec![json!({"name": metrics.name, "containerPort": metrics.number, "protocol": "TCP"})];
    let mut health = metrics.number;
    if description.metrics.is_some() {
        health = HEALTH;
        args.extend(["--metrics-secure".to_string(), "--metrics-require-rbac".to_string()]);
        args.push(format!("--health-probe-bind-address=0.0.0.0:{health}"));
        ports.push(json!({"name": "health", "containerPort": health, "protocol": "TCP"}));
    }
    args.push("--leader-elect".to_string());
    if serves_webhooks(description) {
        args.push(format!("{}={namespace}/{name}-webhook", options.webhook_flag));
        ports.push(json!({"name": "webhook", "containerPort": WEBHOOKS, "protocol": "TCP"}));
    }
    let certificates = certificates::wanted(description, options);
    args.extend(certificates.iter().map(|of| format!("--{}-cert-path={}", of.of, of.path)));
    let probe = |path: &str, first: u32| json!({"httpGet": {"path": path, "port": health}, "initialDelaySeconds": first, "periodSeconds": 10});
    let labels = selector(name);
    let mut deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": metadata(name, account, Some(namespace)),
        "spec": {
            "replicas": options.replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": account,
                    "terminationGracePeriodSeconds": 40,
                    "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [{
                        "name": "manager",
                        "image": options.image,
                        "args": args,
                        "ports": ports,
                        "livenessProbe": probe("/healthz", 15),
                        "readinessProbe": probe("/readyz", 1),
                        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
                        },
                    }],
                },
            },
        },
    });
    let pod = &mut deployment["spec"]["template"]["spec"];
    if !certificates.is_empty() {
        let volume = |of: &&Certificate| json!({"name": of.volume, "secret": {"secretName": secret(name, of.of)}});
        let mount = |of: &&Certificate| json!({"name": of.volume, "mountPath": of.path, "readOnly": true});
        pod["volumes"] = certificates.iter().map(volume).collect();
        pod["containers"][0]["volumeMounts"] = certificates.iter().map(mount).collect();
    }
    if !options.env.is_empty() {
        pod["containers"][0]["env"] = options.env.clone().into();
    }
    deployment
}

fn service(name: &str, namespace: &str, what: &str, port: u16, target: u16) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": metadata(name, &format!("{name}-{what}"), Some(namespace)),
        "spec": {
            "selector": selector(name),
            "ports": [{"name": what, "port": port, "targetPort": target, "protocol": "TCP"}],
        },
    })
}

fn selector(name: &str) -> Value {
    json!({"app.kubernetes.io/name": name, "control-plane": "controller-manager"})
}

pub(crate) fn metadata(name: &str, object: &str, namespace: Option<&str>) -> Value {
    let mut metadata = json!({"name": object, "labels": selector(name)});
    if let Some(namespace) = namespace {
        metadata["namespace"] = namespace.into();
    }
    metadata
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Shortens descriptions in schemas. A property that is called `description` has a schema, not a text.
fn shorten(value: &mut Value, longest: usize) {
    match value {
        Value::Object(map) => {
            let short = match map.get("description") {
                Some(Value::String(text)) if text.chars().count() > longest => {
                    Some(text.chars().take(longest).collect::<String>())
                }
                _ => None,
            };
            match short {
                Some(text) if text.is_empty() => drop(map.remove("description")),
                Some(text) => drop(map.insert("description".into(), text.into())),
                None => {}
            }
            for (key, value) in map.iter_mut() {
                // What stands there is data of the user's, not a schema.
                if !["default", "enum", "example"].contains(&key.as_str()) || is_schema(value) {
                    shorten(value, longest);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shorten(item, longest)),
        _ => {}
    }
}

/// Whether it can be the schema of a property that has an unlucky name.
fn is_schema(value: &Value) -> bool {
    value.as_object().is_some_and(|map: &Map<String, Value>| {
        map.get("type").is_some_and(Value::is_string) && map.contains_key("properties")
    })
}
