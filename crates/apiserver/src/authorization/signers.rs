//! Certificate requests are approved and signed by those alone who may do so for their signer.

use serde_json::Value;

use super::Authorizer;
use super::attributes::{Attributes, ResourceTarget, Target};
use crate::auth::User;
use crate::kinds::tree::Tree;
use crate::registry::Resource;
use crate::status::{ApiError, ApiResult};

const GROUP: &str = "certificates.k8s.io";
const PLURAL: &str = "certificatesigningrequests";

/// Refuses an approval or a certificate by somebody who may not give it for the signer of the request.
pub(crate) fn check(
    authorizer: &Authorizer,
    user: &User,
    resource: &Resource,
    subresource: &str,
    new: &Value,
    old: &Value,
) -> ApiResult<()> {
    if resource.group != GROUP || resource.plural != PLURAL || authorizer.allows_all(user) {
        return Ok(());
    }
    let verb = match subresource {
        "approval" => "approve",
        "status" if new.text("status.certificate") != old.text("status.certificate") => "sign",
        _ => return Ok(()),
    };
    let signer = old.text("spec.signerName");
    let domain = signer.split('/').next().unwrap_or_default();
    let may = |name: &str| {
        let target = ResourceTarget { group: GROUP, resource: "signers", name, ..ResourceTarget::default() };
        authorizer.allows(&Attributes { user, verb, target: Target::Resource(target) })
    };
    if may(signer) || may(&format!("{domain}/*")) {
        return Ok(());
    }
    let why = format!("user not permitted to {verb} requests with signerName {signer:?}");
    Err(ApiError::forbidden(GROUP, PLURAL, old.text("metadata.name"), why))
}
