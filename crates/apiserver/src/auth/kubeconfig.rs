//! The kubeconfig that logs its user in as the administrator.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::pki::Pki;

/// A kubeconfig for the server at `url`, with everything inline.
pub(crate) fn kubeconfig(pki: &Pki, url: &str) -> String {
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
             client-key-data: {key}\n"
    )
}
