//! The kubeconfig that logs its user in as the administrator.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::pki::Pki;
use super::user::User;

/// A kubeconfig for the server at `url`, with everything inline. `acting_as`: in whose name the administrator acts.
pub(crate) fn kubeconfig(pki: &Pki, url: &str, acting_as: Option<&User>) -> String {
    let impersonation = acting_as.map(impersonation).unwrap_or_default();
    let [ca, certificate, key] = [&pki.ca, &pki.admin, &pki.admin_key].map(|pem| STANDARD.encode(pem));
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         current-context: kubewright\n\
         clusters:\n\
         - name: kubewright\n  \
           cluster:\n    \
             server: {url}\n    \
             certificate-authority-data: {ca}\n\
         contexts:\n\
         - name: kubewright\n  \
           context:\n    \
             cluster: kubewright\n    \
             user: kubernetes-admin\n\
         users:\n\
         - name: kubernetes-admin\n  \
           user:\n    \
             client-certificate-data: {certificate}\n    \
             client-key-data: {key}\n{impersonation}"
    )
}

/// The lines by which clients name somebody else in the `Impersonate-*` headers; JSON is YAML too.
fn impersonation(user: &User) -> String {
    let extra: serde_json::Value = user.extra.iter().map(|(key, values)| (key.clone(), values.clone())).collect();
    let lines = [
        ("as", serde_json::Value::from(user.name.as_str())),
        ("as-uid", user.uid.as_str().into()),
        ("as-groups", user.groups.clone().into()),
        ("as-user-extra", extra),
    ];
    let is_empty = |value: &serde_json::Value| matches!(value.to_string().as_str(), "\"\"" | "[]" | "{}");
    lines.iter().filter(|(_, value)| !is_empty(value)).map(|(key, value)| format!("    {key}: {value}\n")).collect()
}
