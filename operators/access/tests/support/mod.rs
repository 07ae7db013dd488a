//! An environment with the operator in it, and what tests do to it.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "each test uses its part of it, and ends at the first surprise"
)]

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Event};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::core::object::HasSpec;
use kube::{Client, Resource, ResourceExt};
use kubewright::patterns::request::{Phase, RequestStatus};
use kubewright::runtime::conditions;
use kubewright_access::{
    Action, Deleterequest, DeleterequestSpec, Operationrequest, OperationrequestSpec, Options, Requester, Role, Sealer,
    User, UserSpec, add_controllers_to,
};
use kubewright_testing::{Operator, TestEnv};
use serde::Serialize;
use serde_json::Value;

pub struct World {
    pub env: TestEnv,
    pub operator: Operator,
    pub sealer: Sealer,
}

/// The administrator, as the API server knows them.
pub fn admin() -> Requester {
    person("kubernetes-admin", &["system:masters"])
}

pub fn person(name: &str, groups: &[&str]) -> Requester {
    let mut groups: Vec<String> = groups.iter().map(|group| (*group).to_string()).collect();
    groups.push("system:authenticated".into());
    Requester { username: name.into(), uid: None, groups, extra: Default::default() }
}

impl World {
    /// On any server, without the webhook: tests seal requests themselves.
    pub async fn new() -> Self {
        let env = TestEnv::start().await.unwrap();
        let options = Options::in_namespace(env.namespace());
        Self::with(env, options).await
    }

    pub async fn with(env: TestEnv, options: Options) -> Self {
        env.install_crds(&kubewright_access::crds()).await.unwrap();
        remove_users(&env).await;
        let sealer = Sealer::load(&env.client(), env.namespace()).await.unwrap();
        let operator = env.operator(move |manager| add_controllers_to(manager, &options).unwrap());
        operator.idle().await;
        Self { env, operator, sealer }
    }

    pub async fn stop(self) {
        self.operator.stop().await.unwrap();
        remove_users(&self.env).await;
        self.env.stop().await;
    }

    /// A name that only this test uses: users and their namespaces are in no namespace.
    pub fn name(&self, name: &str) -> String {
        format!("{name}-{}", self.env.namespace().trim_start_matches("test-"))
    }

    pub fn home(&self, name: &str) -> String {
        format!("ns-{}", self.name(name))
    }

    pub fn system<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.env.client(), self.env.namespace())
    }

    pub fn bindings(&self, name: &str) -> Api<RoleBinding> {
        Api::namespaced(self.env.client(), &self.home(name))
    }

    /// Users, with all that is theirs.
    pub async fn users(&self, names: &[&str]) {
        let users = Api::<User>::all(self.env.client());
        for name in names {
            users.create(&PostParams::default(), &User::new(&self.name(name), UserSpec::default())).await.unwrap();
        }
        for name in names {
            self.user_ready(name).await;
        }
    }

    pub async fn user_ready(&self, name: &str) -> User {
        let users = Api::<User>::all(self.env.client());
        let ready = async || {
            let user = users.get(&self.name(name)).await.unwrap();
            let ready = user.status.as_ref().is_some_and(|status| conditions::is_true(&status.conditions, "Ready"));
            ready.then_some(user)
        };
        self.env.eventually(&format!("User {name} is ready"), ready).await
    }

    pub fn operation(&self, name: &str, action: Action, user: &str, role: Option<Role>, on: &str) -> Operationrequest {
        let spec = OperationrequestSpec { namespace: self.home(on), user: self.name(user), role, action };
        Operationrequest::new(name, spec)
    }

    /// Makes a request in somebody's name, as the webhook would let it through.
    pub async fn ask<K>(&self, requester: Requester, mut request: K) -> K
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope> + HasSpec<Spec: Serialize>,
        K: Serialize + serde::de::DeserializeOwned + Clone + std::fmt::Debug,
    {
        self.sealer.seal(&mut request, self.env.namespace(), requester, Timestamp::now());
        self.system::<K>().create(&PostParams::default(), &request).await.unwrap()
    }

    pub async fn operate(&self, name: &str, action: Action, user: &str, role: Role, on: &str) -> RequestStatus {
        self.ask(admin(), self.operation(name, action, user, Some(role), on)).await;
        self.finished(name).await
    }

    pub async fn status(&self, name: &str) -> RequestStatus {
        self.system::<Operationrequest>().get(name).await.unwrap().status.unwrap_or_default()
    }

    pub async fn finished(&self, name: &str) -> RequestStatus {
        let finished = async || Some(self.status(name).await).filter(|status| status.phase.is_finished());
        self.env.eventually(&format!("request {name} is finished"), finished).await
    }

    pub async fn completed(&self, name: &str) {
        let status = self.finished(name).await;
        assert_eq!(status.phase, Phase::Completed, "{status:?}");
    }

    pub async fn failed(&self, name: &str) -> String {
        let status = self.finished(name).await;
        assert_eq!(status.phase, Phase::Failed, "{status:?}");
        status.message.unwrap()
    }

    pub async fn delete(&self, name: &str, user: &str, dependents: bool) -> RequestStatus {
        let spec = DeleterequestSpec { user: self.name(user), delete_dependents: dependents };
        self.ask(admin(), Deleterequest::new(name, spec)).await;
        let api = self.system::<Deleterequest>();
        let finished = async || {
            let status = api.get(name).await.unwrap().status.unwrap_or_default();
            status.phase.is_finished().then_some(status)
        };
        self.env.eventually(&format!("request {name} is finished"), finished).await
    }

    /// The names of the bindings of a user in a namespace, without the names that are the test's own.
    pub async fn roles(&self, user: &str, on: &str) -> Vec<String> {
        let prefix = format!("{}-", self.name(user));
        let found = self.bindings(on).list(&ListParams::default()).await.unwrap();
        found.iter().filter_map(|binding| binding.name_any().strip_prefix(&prefix).map(str::to_string)).collect()
    }

    pub async fn event(&self, about: &str, reason: &str) -> Event {
        let events = self.system::<Event>();
        let fields = format!("involvedObject.name={about},reason={reason}");
        let list = ListParams::default().fields(&fields);
        let found = async || events.list(&list).await.unwrap().items.pop();
        self.env.eventually(&format!("event {reason} about {about}"), found).await
    }

    /// Somebody, as themselves.
    pub fn client(&self, user: &str) -> Client {
        self.env.user(&self.name(user), &[]).unwrap()
    }

    /// Whether somebody can write in a namespace, tried out.
    pub async fn can_write(&self, user: &str, on: &str) -> bool {
        let maps = Api::<ConfigMap>::namespaced(self.client(user), &self.home(on));
        let metadata = ObjectMeta { generate_name: Some("try-".into()), ..ObjectMeta::default() };
        allowed(maps.create(&PostParams::default(), &ConfigMap { metadata, ..ConfigMap::default() }).await)
    }

    /// Whether somebody can read in a namespace, tried out.
    pub async fn can_read(&self, user: &str, on: &str) -> bool {
        let maps = Api::<ConfigMap>::namespaced(self.client(user), &self.home(on));
        allowed(maps.list(&ListParams::default()).await)
    }

    /// Waits until somebody can or can't write: an API server takes a moment to see bindings.
    pub async fn writes(&self, user: &str, on: &str, can: bool) {
        let what = format!("{user} can{} write", if can { "" } else { " not" });
        self.env.eventually(&what, async || (self.can_write(user, on).await == can).then_some(())).await;
    }
}

/// Users are in no namespace: on a shared cluster the next test's operator would look after those of the last.
pub async fn remove_users(env: &TestEnv) {
    let users = Api::<User>::all(env.client());
    users.delete_collection(&DeleteParams::background(), &ListParams::default()).await.unwrap();
    let none = async || users.list(&ListParams::default()).await.unwrap().items.is_empty().then_some(());
    env.eventually("no User is left", none).await;
}

/// Whether it was allowed; any other failure is a surprise.
pub fn allowed<T>(result: Result<T, kube::Error>) -> bool {
    match result {
        Ok(_) => true,
        Err(kube::Error::Api(status)) if status.code == 403 => false,
        Err(error) => panic!("{error}"),
    }
}

/// The code and message of a refusal.
pub fn refusal<T>(result: Result<T, kube::Error>) -> (u16, String) {
    match result.err().unwrap() {
        kube::Error::Api(status) => (status.code, status.message.clone()),
        error => panic!("{error}"),
    }
}

pub fn json<K: serde::de::DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}
