//! Installs custom resource definitions, and waits until the server has them.

use std::time::Duration;

use kubewright::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kubewright::kube::api::{Api, Patch, PatchParams};
use kubewright::kube::{self, Client, ResourceExt};

/// How often it is looked whether the server has them.
const LOOK: Duration = Duration::from_millis(10);

/// How long a server may take; a real one needs a second or two.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why custom resource definitions could not be installed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CrdError {
    /// The server refused one, or did not answer.
    #[error("custom resource definition {name}: {cause}")]
    Refused { name: String, cause: Box<kube::Error> },
    /// The server took one but does not serve it.
    #[error("custom resource definition {name} is not served after {} s: {why}", PATIENCE.as_secs())]
    NotEstablished { name: String, why: String },
}

/// Applies them and waits until each is served.
pub(crate) async fn install(client: &Client, crds: &[CustomResourceDefinition]) -> Result<(), CrdError> {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    for crd in crds {
        let params = PatchParams::apply("kubewright").force();
        api.patch(&crd.name_any(), &params, &Patch::Apply(crd)).await.map_err(|cause| refused(crd, cause))?;
    }
    for crd in crds {
        established(&api, crd).await?;
    }
    Ok(())
}

async fn established(api: &Api<CustomResourceDefinition>, crd: &CustomResourceDefinition) -> Result<(), CrdError> {
    let begin = tokio::time::Instant::now();
    loop {
        let now = api.get(&crd.name_any()).await.map_err(|cause| refused(crd, cause))?;
        let conditions = now.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let (yes, no): (Vec<_>, Vec<_>) = conditions.partition(|condition| condition.status == "True");
        if yes.iter().any(|condition| condition.type_ == "Established") {
            return Ok(());
        }
        if begin.elapsed() > PATIENCE {
            let told: Vec<_> = no.iter().filter_map(|condition| condition.message.as_deref()).collect();
            let why = if told.is_empty() { "the server says nothing of it".into() } else { told.join("; ") };
            return Err(CrdError::NotEstablished { name: crd.name_any(), why });
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn refused(crd: &CustomResourceDefinition, cause: kube::Error) -> CrdError {
    CrdError::Refused { name: crd.name_any(), cause: Box::new(cause) }
}
