//! Parts of objects, for server-side apply.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

/// A type that has an apply configuration: itself with all fields optional.
///
/// With server-side apply several writers share an object; each says the fields that it is responsible for, and no others. A type
/// whose fields are required can't be written in part: what is not said would be sent as its default, and taken from whoever
/// has set it. Derive this on a specification and on what lies in it, and there is a type for a part: for `SiteSpec` it is
/// `SiteSpecApplyConfiguration`, and for the `Site` that kube's derive makes of it `SiteApplyConfiguration`. These are client-go's
/// names; `kubewright types --apply-configurations` writes the same for definitions of others.
///
/// ```
/// use kubewright::kube::api::{Patch, PatchParams};
/// use kubewright::prelude::*;
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(CustomResource, ApplyConfiguration, Serialize, Deserialize, JsonSchema, Clone, Debug)]
/// #[kube(group = "example.com", version = "v1", kind = "Site", namespaced)]
/// #[serde(rename_all = "camelCase")]
/// pub struct SiteSpec {
///     pub title: String,
///     pub replicas: i32,
///     #[apply(nested)]
///     pub tls: Option<Tls>,
/// }
///
/// #[derive(ApplyConfiguration, Serialize, Deserialize, JsonSchema, Clone, Debug)]
/// #[serde(rename_all = "camelCase")]
/// pub struct Tls {
///     pub secret_name: String,
///     pub minimal_version: Option<String>,
/// }
///
/// /// Scales a Site, and leaves its title and all the rest to whoever has set them.
/// async fn scale(ctx: &Context, sites: Api<Site>, name: &str) -> Result<(), Error> {
///     let part = SiteApplyConfiguration::new(name).spec(SiteSpecApplyConfiguration::default().replicas(3));
///     sites.patch(name, &PatchParams::apply(ctx.field_manager()), &Patch::Apply(&part)).await?;
///     Ok(())
/// }
///
/// let part = SiteApplyConfiguration::new("home")
///     .label("team", "web")
///     .spec(SiteSpecApplyConfiguration::default().tls(TlsApplyConfiguration::default().secret_name("home-tls")));
/// assert_eq!(serde_json::to_value(&part).unwrap(), serde_json::json!({
///     "apiVersion": "example.com/v1", "kind": "Site", "metadata": {"name": "home", "labels": {"team": "web"}},
///     "spec": {"tls": {"secretName": "home-tls"}},
/// }));
/// ```
///
/// It is a [`Resource`](kube::Resource) too, so [`Context::own`](crate::prelude::Context::own) takes it for a child.
///
/// # Attributes
/// | at | attribute | means |
/// |---|---|---|
/// | a field | `#[apply(nested)]` | a part of it can be applied: its type, or that of its items, derives this too. Else it is applied whole |
/// | a field | `#[apply(skip)]` | it is not in the configuration |
/// | a struct | `#[apply(crate = "path")]` | where `kubewright` is. Default: `::kubewright` |
///
/// What serde's `rename`, `rename_all`, `alias` and `flatten` say holds for the configuration; `with` is refused, and so is any
/// attribute that is not known. An object's status, as kube's `status` names it, derives this too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no apply configuration",
    note = "derive `kubewright::ApplyConfiguration` on it, or have it applied whole: remove #[apply(nested)]"
)]
pub trait ApplyConfiguration {
    /// The type with all fields optional.
    type Part: Clone + Serialize + DeserializeOwned;
}

impl<T: ApplyConfiguration> ApplyConfiguration for Vec<T> {
    type Part = Vec<T::Part>;
}

impl<T: ApplyConfiguration> ApplyConfiguration for Option<T> {
    type Part = Option<T::Part>;
}

impl<T: ApplyConfiguration> ApplyConfiguration for Box<T> {
    type Part = Box<T::Part>;
}

impl<T: ApplyConfiguration> ApplyConfiguration for BTreeMap<String, T> {
    type Part = BTreeMap<String, T::Part>;
}
