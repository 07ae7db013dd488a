//! Whether a manager has the rights that it needs, asked from the server when it starts.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::{Api, Client, api::PostParams};
use tokio::time::sleep;

use super::{Ledger, Right, Rights, RightsCheck};
use crate::ManagerError;

/// Questions that are under way at the same time.
const PARALLEL: usize = 8;

/// How long to wait before it is asked again, at first and at most.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// Asks until nothing is missing. With [`RightsCheck::Enforce`] something that is missing is an error.
pub(crate) async fn run(
    client: Client,
    whose: String,
    rights: Rights,
    check: RightsCheck,
    ledger: Ledger,
) -> Result<(), ManagerError> {
    if check == RightsCheck::Off {
        return Ok(());
    }
    let [mut again, longest] = AGAIN;
    let mut told = None;
    loop {
        match missing(&client, &rights).await {
            Ok(missing) if missing.is_empty() => {
                ledger.set_missing(&whose, missing);
                return Ok(());
            }
            Ok(missing) if check == RightsCheck::Enforce => return Err(ManagerError::MissingRights { missing }),
            Ok(missing) => {
                if told.as_ref() != Some(&missing) {
                    let list: Vec<String> = missing.iter().map(ToString::to_string).collect();
                    tracing::warn!(part = whose, missing = list.join(", "), "rights are missing");
                }
                ledger.set_missing(&whose, missing.clone());
                told = Some(missing);
            }
            // The watches tell that the server is away.
            Err(error) => tracing::debug!(part = whose, %error, "whether the rights are there can't be asked"),
        }
        sleep(again).await;
        again = (again * 2).min(longest);
    }
}

async fn missing(client: &Client, rights: &Rights) -> Result<Vec<Right>, kube::Error> {
    let reviews = Api::<SelfSubjectAccessReview>::all(client.clone());
    let questions = rights.iter().cloned().map(|right| {
        let reviews = reviews.clone();
        async move {
            let answer = reviews.create(&PostParams::default(), &question(&right)).await?;
            let allowed = answer.status.is_some_and(|status| status.allowed);
            Ok::<_, kube::Error>((!allowed).then_some(right))
        }
    });
    let questions: Vec<_> = questions.collect();
    stream::iter(questions).buffered(PARALLEL).try_filter_map(|missing| async { Ok(missing) }).try_collect().await
}

fn question(right: &Right) -> SelfSubjectAccessReview {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_string())),
        None => (right.resource.as_str(), None),
    };
    let attributes = ResourceAttributes {
        namespace: right.namespace.clone(),
        group: Some(right.group.clone()),
        resource: Some(resource.into()),
        subresource,
        verb: Some(right.verb.clone()),
        ..ResourceAttributes::default()
    };
    let spec =
        SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() };
    SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() }
}
