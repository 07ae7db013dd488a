//! What the built-in controllers promise. On a real cluster (`KUBEWRIGHT_TEST_KUBECONFIG`) the same tests say what
//! kube-controller-manager does.

#![allow(clippy::unwrap_used)]

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, RoleBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::ObjectMeta;
use kube::{Client, Resource, ResourceExt};
use kubewright_testing::TestEnv;
use serde_json::json;

struct World {
    env: TestEnv,
    client: Client,
    maps: Api<ConfigMap>,
}

impl World {
    async fn new() -> Self {
        let env = TestEnv::start().await.unwrap();
        let client = env.client();
        Self { maps: Api::namespaced(client.clone(), env.namespace()), client, env }
    }

    async fn create(&self, name: &str, owners: &[(&ConfigMap, bool)]) -> ConfigMap {
        let owners = owners.iter().map(|(owner, blocks)| OwnerReference {
            block_owner_deletion: Some(*blocks),
            ..owner.owner_ref(&()).unwrap()
        });
        let metadata =
            ObjectMeta { name: Some(name.into()), owner_references: Some(owners.collect()), ..ObjectMeta::default() };
        self.maps.create(&PostParams::default(), &ConfigMap { metadata, ..ConfigMap::default() }).await.unwrap()
    }

    async fn gone(&self, name: &str) {
        let check = async || self.maps.get_opt(name).await.unwrap().is_none().then_some(());
        self.env.eventually(&format!("{name} gone"), check).await;
    }

    async fn patch(&self, name: &str, metadata: serde_json::Value) {
        let patch = Patch::Merge(json!({"metadata": metadata}));
        self.maps.patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// The collector has looked at everything that was written before: a child without an owner is collected.
    async fn collected(&self) {
        let owner = self.create("fence-owner", &[]).await;
        self.create("fence", &[(&owner, false)]).await;
        self.maps.delete("fence-owner", &DeleteParams::background()).await.unwrap();
        self.gone("fence").await;
    }
}

#[tokio::test]
async fn dependents_go_in_the_background_all_the_way_down() {
    let world = World::new().await;
    let owner = world.create("owner", &[]).await;
    let child = world.create("child", &[(&owner, true)]).await;
    world.create("grandchild", &[(&child, true)]).await;
    world.maps.delete("owner", &DeleteParams::background()).await.unwrap();
    world.gone("owner").await;
    world.gone("child").await;
    world.gone("grandchild").await;
    world.env.stop().await;
}

#[tokio::test]
async fn in_the_foreground_the_owner_outlives_those_that_block_it() {
    let world = World::new().await;
    let owner = world.create("owner", &[]).await;
    world.create("child", &[(&owner, true)]).await;
    world.patch("child", json!({"finalizers": ["example.com/hold"]})).await;
    world.maps.delete("owner", &DeleteParams::foreground()).await.unwrap();

    let leaving = async || world.maps.get("child").await.unwrap().metadata.deletion_timestamp;
    world.env.eventually("the child on its way out", leaving).await;
    let owner = world.maps.get("owner").await.unwrap();
    assert_eq!(owner.finalizers(), ["foregroundDeletion"]);
    world.patch("child", json!({"finalizers": null})).await;
    world.gone("child").await;
    world.gone("owner").await;
    world.env.stop().await;
}

#[tokio::test]
async fn orphans_stay_and_lose_their_reference() {
    let world = World::new().await;
    let owner = world.create("owner", &[]).await;
    world.create("child", &[(&owner, true)]).await;
    world.collected().await;
    world.maps.delete("owner", &DeleteParams::orphan()).await.unwrap();
    world.gone("owner").await;
    assert_eq!(world.maps.get("child").await.unwrap().owner_references(), []);
    world.env.stop().await;
}

#[tokio::test]
async fn a_dependent_of_two_owners_stays_with_the_one_that_is_left() {
    let world = World::new().await;
    let (one, two) = (world.create("one", &[]).await, world.create("two", &[]).await);
    world.create("child", &[(&one, false), (&two, false)]).await;
    world.maps.delete("one", &DeleteParams::background()).await.unwrap();
    let left = async || {
        let owners = world.maps.get("child").await.unwrap().owner_references().to_vec();
        (owners.len() == 1).then_some(owners)
    };
    assert_eq!(world.env.eventually("one owner left", left).await[0].name, "two");
    world.maps.delete("two", &DeleteParams::background()).await.unwrap();
    world.gone("child").await;
    world.env.stop().await;
}

#[tokio::test]
async fn an_owner_that_never_was_is_an_owner_that_is_gone() {
    let world = World::new().await;
    let mut ghost = world.create("ghost", &[]).await;
    ghost.metadata.uid = Some("00000000-0000-0000-0000-000000000000".into());
    world.create("child", &[(&ghost, false)]).await;
    world.gone("child").await;
    assert!(world.maps.get_opt("ghost").await.unwrap().is_some(), "the object of that name is another one");
    world.env.stop().await;
}

#[tokio::test]
async fn every_namespace_has_a_service_account_and_the_root_certificate_and_gets_them_back() {
    let world = World::new().await;
    let accounts = Api::<ServiceAccount>::namespaced(world.client.clone(), world.env.namespace());
    let account = async || accounts.get_opt("default").await.unwrap();
    let first = world.env.eventually("ServiceAccount default", account).await;
    let root = async || {
        let map = world.maps.get_opt("kube-root-ca.crt").await.unwrap()?;
        map.data.filter(|data| data.len() == 1 && data["ca.crt"].starts_with("-----BEGIN CERTIFICATE-----"))
    };
    let certificate = world.env.eventually("kube-root-ca.crt", root).await;

    accounts.delete("default", &DeleteParams::default()).await.unwrap();
    let again = async || accounts.get_opt("default").await.unwrap().filter(|account| account.uid() != first.uid());
    world.env.eventually("ServiceAccount default again", again).await;
    let drift = Patch::Merge(json!({"data": {"ca.crt": "drift", "extra": "x"}}));
    world.maps.patch("kube-root-ca.crt", &PatchParams::default(), &drift).await.unwrap();
    let repaired = async || root().await.filter(|data| *data == certificate);
    world.env.eventually("the certificate repaired", repaired).await;
    world.env.stop().await;
}

#[tokio::test]
async fn a_namespace_goes_when_all_in_it_is_gone_and_says_what_it_waits_for() {
    let world = World::new().await;
    let name = world.env.new_namespace().await.unwrap();
    let maps = Api::<ConfigMap>::namespaced(world.client.clone(), &name);
    let held = ConfigMap {
        metadata: ObjectMeta {
            name: Some("held".into()),
            finalizers: Some(vec!["example.com/hold".into()]),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    };
    maps.create(&PostParams::default(), &held).await.unwrap();
    let namespaces = Api::<Namespace>::all(world.client.clone());
    namespaces.delete(&name, &DeleteParams::default()).await.unwrap();

    let waits = async || {
        let conditions = namespaces.get(&name).await.unwrap().status?.conditions?;
        let condition =
            conditions.into_iter().find(|c| c.type_ == "NamespaceFinalizersRemaining" && c.status == "True");
        condition?.message
    };
    let message = world.env.eventually("the condition", waits).await;
    assert!(message.contains("example.com/hold in 1 resource instances"), "{message}");
    let refused =
        maps.create(&PostParams::default(), &ConfigMap { metadata: meta("late"), ..ConfigMap::default() }).await;
    assert!(
        matches!(refused, Err(kube::Error::Api(status)) if status.code == 403 && status.message.contains("being terminated"))
    );

    maps.patch("held", &PatchParams::default(), &Patch::Merge(json!({"metadata": {"finalizers": null}})))
        .await
        .unwrap();
    let gone = async || namespaces.get_opt(&name).await.unwrap().is_none().then_some(());
    world.env.eventually("the namespace gone", gone).await;
    assert_eq!(maps.list(&ListParams::default()).await.unwrap().items, []);
    world.env.stop().await;
}

fn meta(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() }
}

#[tokio::test]
async fn an_aggregated_role_has_the_rules_of_those_that_it_selects() {
    let world = World::new().await;
    let roles = Api::<ClusterRole>::all(world.client.clone());
    let label = format!("aggregate-{}", world.env.namespace());
    let role = |name: &str, resource: &str| {
        let name = format!("{}-{name}", world.env.namespace());
        let rule = PolicyRule {
            verbs: vec!["get".into()],
            api_groups: Some(vec!["example.com".into()]),
            resources: Some(vec![resource.into()]),
            ..PolicyRule::default()
        };
        ClusterRole { metadata: meta(&name), rules: Some(vec![rule]), ..ClusterRole::default() }
    };
    let selects = json!({"clusterRoleSelectors": [{"matchLabels": {&label: "true"}}]});
    let mut whole = role("whole", "nothing");
    whole.aggregation_rule = Some(serde_json::from_value(selects).unwrap());
    let whole = roles.create(&PostParams::default(), &whole).await.unwrap().name_any();
    let resources = async || {
        let rules = roles.get(&whole).await.unwrap().rules.unwrap_or_default();
        rules.into_iter().flat_map(|rule| rule.resources.unwrap_or_default()).collect::<Vec<_>>()
    };
    let until = async |expected: &[&str]| {
        let check = async || (resources().await == expected).then_some(());
        world.env.eventually(&format!("the rules of {expected:?}"), check).await;
    };
    for (name, resource) in [("b", "bs"), ("a", "as")] {
        let mut part = role(name, resource);
        part.metadata.labels = Some([(label.clone(), "true".to_string())].into());
        roles.create(&PostParams::default(), &part).await.unwrap();
    }
    until(&["as", "bs"]).await;
    let name = |part: &str| format!("{}-{part}", world.env.namespace());
    roles.delete(&name("a"), &DeleteParams::default()).await.unwrap();
    until(&["bs"]).await;
    roles.delete(&name("b"), &DeleteParams::default()).await.unwrap();
    until(&[]).await;
    roles.delete(&whole, &DeleteParams::default()).await.unwrap();
    world.env.stop().await;
}

#[tokio::test]
async fn the_default_roles_are_aggregated_and_can_be_bound() {
    let world = World::new().await;
    let jane = Api::<ConfigMap>::namespaced(world.env.user("jane", &[]).unwrap(), world.env.namespace());
    let refused = jane.list(&ListParams::default()).await;
    assert!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 403));
    let binding = json!({
        "metadata": {"name": "jane"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}],
    });
    let bindings = Api::<RoleBinding>::namespaced(world.client.clone(), world.env.namespace());
    bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
    let map = ConfigMap { metadata: meta("own"), ..ConfigMap::default() };
    let created = async || jane.create(&PostParams::default(), &map).await.ok();
    world.env.eventually("jane may edit", created).await;
    world.env.stop().await;
}

#[tokio::test]
async fn quotas_come_into_force_and_are_given_back() {
    let world = World::new().await;
    // Beside those of this test there is this one, which is to be counted with the rest.
    let certificate = async || world.maps.get_opt("kube-root-ca.crt").await.unwrap();
    world.env.eventually("the root certificate is there", certificate).await;
    let quotas: Api<k8s_openapi::api::core::v1::ResourceQuota> =
        Api::namespaced(world.client.clone(), world.env.namespace());
    let quota =
        serde_json::from_value(json!({"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "3"}}})).unwrap();
    quotas.create(&PostParams::default(), &quota).await.unwrap();
    let used = async |count: &str| {
        let check = async || {
            let status = quotas.get("q").await.unwrap().status.unwrap_or_default();
            let (hard, used) = (status.hard.unwrap_or_default(), status.used.unwrap_or_default());
            (hard.contains_key("configmaps") && used.get("configmaps").is_some_and(|used| used.0 == count))
                .then_some(())
        };
        world.env.eventually(&format!("{count} ConfigMaps are used"), check).await;
    };
    used("1").await;
    world.create("a", &[]).await;
    world.create("b", &[]).await;
    used("3").await;
    let metadata = ObjectMeta { name: Some("c".into()), ..ObjectMeta::default() };
    let map = ConfigMap { metadata, ..ConfigMap::default() };
    let refused = world.maps.create(&PostParams::default(), &map).await.unwrap_err().to_string();
    assert!(refused.contains("exceeded quota: q, requested: configmaps=1, used: configmaps=3, limited: configmaps=3"));
    world.maps.delete("a", &DeleteParams::default()).await.unwrap();
    used("2").await;
    world.maps.create(&PostParams::default(), &map).await.unwrap();
}
