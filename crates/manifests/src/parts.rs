//! The documents, each with its folder and file.

use serde_json::{Map, Value, json};

use crate::{Description, ManifestError, ManifestOptions};

/// The port of metrics and health.
const METRICS: u16 = 8080;
/// The port of the webhooks in the Pod.
const WEBHOOKS: u16 = 9443;
/// Where cert-manager's certificate is in the Pod.
const CERTIFICATES: &str = "/var/run/webhook-certificates";

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
    for (role, binding) in roles(description, namespace, &account)? {
        let file = match role["metadata"].get("namespace") {
            None => "role".to_string(),
            Some(namespace) => format!("role_in_{}", text(namespace).replace(&format!("{name}-system"), "system")),
        };
        add("rbac", &file, role);
        add("rbac", &format!("{file}_binding"), binding);
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
    if certified(description, options) {
        // A Pod does not start before its Secret is there.
        let issuer = format!("{name}-selfsigned");
        add(
            "certmanager",
            "issuer",
            json!({
                "apiVersion": "cert-manager.io/v1", "kind": "Issuer",
                "metadata": metadata(name, &issuer, Some(namespace)), "spec": {"selfSigned": {}},
            }),
        );
        let host = format!("{name}-webhook.{namespace}.svc");
        add(
            "certmanager",
            "certificate",
            json!({
                "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
                "metadata": metadata(name, &certificate(name), Some(namespace)),
                "spec": {
                    "secretName": certificate(name),
                    "dnsNames": [host, format!("{host}.cluster.local")],
                    "issuerRef": {"kind": "Issuer", "name": issuer},
                },
            }),
        );
    }
    add("manager", "manager", deployment(description, options, namespace, &account));
    add("manager", "metrics_service", service(name, namespace, "metrics", METRICS, METRICS));
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
    add(
        "prometheus",
        "monitor",
        json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
            "metadata": metadata(name, &format!("{name}-metrics"), Some(namespace)),
            "spec": {
                "endpoints": [{"path": "/metrics", "port": "metrics", "scheme": "http"}],
                "selector": {"matchLabels": labels},
            },
        }),
    );
    let allowed = json!([
        {"from": [{"namespaceSelector": {"matchLabels": {"metrics": "enabled"}}}], "ports": [{"port": METRICS, "protocol": "TCP"}]},
        {"ports": [{"port": WEBHOOKS, "protocol": "TCP"}]},
    ]);
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

fn serves_webhooks(description: &Description) -> bool {
    !description.webhooks.is_empty() || !description.conversions.is_empty()
}

/// Whether cert-manager has something to do.
fn certified(description: &Description, options: &ManifestOptions) -> bool {
    options.cert_manager && serves_webhooks(description)
}

/// The name of cert-manager's certificate, and of the Secret that it is in.
fn certificate(name: &str) -> String {
    format!("{name}-webhook-server-cert")
}

/// Whether the versions of a definition are converted by a webhook.
fn converted(description: &Description, crd: &Value) -> bool {
    description.conversions.iter().any(|name| crd["metadata"]["name"] == **name)
}

/// The roles, each with what gives it to the operator.
fn roles(description: &Description, namespace: &str, account: &str) -> Result<Vec<(Value, Value)>, ManifestError> {
    let name = &description.name;
    let documents: Vec<Value> = serde_saphyr::from_multiple(&description.roles)
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
    let mut args = options.command.clone();
    args.extend([format!("--metrics-bind-address=0.0.0.0:{METRICS}"), "--leader-elect".to_string()]);
    let mut ports = vec![json!({"name": "metrics", "containerPort": METRICS, "protocol": "TCP"})];
    if serves_webhooks(description) {
        args.push(format!("{}={namespace}/{name}-webhook", options.webhook_flag));
        if options.cert_manager {
            args.push(format!("--webhook-cert-path={CERTIFICATES}"));
        }
        ports.push(json!({"name": "webhook", "containerPort": WEBHOOKS, "protocol": "TCP"}));
    }
    let probe = |path: &str, first: u32| json!({"httpGet": {"path": path, "port": METRICS}, "initialDelaySeconds": first, "periodSeconds": 10});
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
    if certified(description, options) {
        pod["volumes"] = json!([{"name": "certificates", "secret": {"secretName": certificate(name)}}]);
        pod["containers"][0]["volumeMounts"] =
            json!([{"name": "certificates", "mountPath": CERTIFICATES, "readOnly": true}]);
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

fn metadata(name: &str, object: &str, namespace: Option<&str>) -> Value {
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
