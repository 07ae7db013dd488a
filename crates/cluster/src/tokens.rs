//! Tokens in Secrets of type `kubernetes.io/service-account-token`: they are filled in, and go with their ServiceAccount.
//!
//! Source: the behaviour of kube-controller-manager's `serviceaccount-token-controller`.

use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};
use kubewright_apiserver::ApiServer;
use kubewright_runtime::{Context, Controller, Error, ObjectRef, Outcome, Reconciler, Watch};

const NAME: &str = "kubernetes.io/service-account.name";
const UID: &str = "kubernetes.io/service-account.uid";

pub(crate) fn controller(server: &ApiServer) -> Controller {
    let secrets = Watch::<Secret>::all().fields("type=kubernetes.io/service-account-token");
    let certificate = ByteString(server.ca_pem().into_bytes());
    Controller::new("serviceaccount-token", secrets, SecretTokens { server: server.clone(), certificate })
}

struct SecretTokens {
    server: ApiServer,
    /// That of the server's authority, PEM.
    certificate: ByteString,
}

impl Reconciler for SecretTokens {
    type Object = Secret;

    async fn reconcile(&self, secret: Arc<Secret>, ctx: &Context) -> Result<Outcome, Error> {
        if secret.metadata.deletion_timestamp.is_some() {
            return Ok(Outcome::Settled);
        }
        let (namespace, name) = (secret.namespace().unwrap_or_default(), secret.name_any());
        let secrets = Api::<Secret>::namespaced(ctx.client().clone(), &namespace);
        let Some(account) = account(&secret, &namespace, ctx).await? else {
            // Only this one: another may have taken its name.
            let preconditions = Preconditions { uid: secret.uid(), ..Preconditions::default() };
            let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
            return settled(secrets.delete(&name, &params).await.map(drop));
        };
        let mut wanted = (*secret).clone();
        let data = wanted.data.get_or_insert_default();
        data.insert("ca.crt".into(), self.certificate.clone());
        if data.get("namespace").is_none_or(|namespace| namespace.0.is_empty()) {
            data.insert("namespace".into(), ByteString(namespace.into_bytes()));
        }
        if data.get("token").is_none_or(|token| token.0.is_empty()) {
            let token = self.server.secret_token(&serde_json::to_value(&account)?, &name);
            data.insert("token".into(), ByteString(token.map_err(Error::terminal)?.into_bytes()));
        }
        if wanted.data == secret.data {
            return Ok(Outcome::Settled);
        }
        wanted.annotations_mut().insert(NAME.into(), account.name_any());
        wanted.annotations_mut().insert(UID.into(), account.uid().unwrap_or_default());
        // Somebody who has changed it meanwhile wakes this again.
        settled(secrets.replace(&name, &PostParams::default(), &wanted).await.map(drop))
    }
}

/// The ServiceAccount that a Secret is for; none when it is not there, or is another one than that.
async fn account(secret: &Secret, namespace: &str, ctx: &Context) -> Result<Option<ServiceAccount>, Error> {
    let annotations = secret.annotations();
    let Some(name) = annotations.get(NAME) else { return Ok(None) };
    let is_meant =
        |account: &ServiceAccount| annotations.get(UID).is_none_or(|uid| account.uid().as_ref() == Some(uid));
    if let Some(account) = ctx.get::<ServiceAccount>(&ObjectRef::new(Some(namespace), name))?.filter(is_meant) {
        return Ok(Some(account));
    }
    // The cache may not know it yet.
    let accounts = Api::<ServiceAccount>::namespaced(ctx.client().clone(), namespace);
    Ok(accounts.get_opt(name).await?.filter(is_meant))
}

fn settled(result: Result<(), kube::Error>) -> Result<Outcome, Error> {
    match result {
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Outcome::Settled),
        result => result.map(|()| Outcome::Settled).map_err(Error::from),
    }
}
