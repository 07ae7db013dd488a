//! Requests in the name of somebody else: the `Impersonate-*` headers.
//!
//! Source: KEP-5284. Constrained impersonation, which allows it for some requests and some kinds of users, is tried
//! before the older verb `impersonate`, which allows it for all requests.

use std::collections::BTreeMap;

use http::HeaderMap;
use parking_lot::Mutex;
use percent_encoding::percent_decode_str;
use rustc_hash::FxHashMap;

use super::attributes::{Attributes, RequestInfo, ResourceTarget, Target};
use super::{Authorizer, Decision};
use crate::auth::{
    ANONYMOUS, AUTHENTICATED, NODE_NAME_KEY, UNAUTHENTICATED, User, service_account_groups, split_service_account,
};
use crate::kinds::names;
use crate::status::{ApiError, ApiResult};

const PREFIX: &str = "impersonate-";
const EXTRA: &str = "impersonate-extra-";
const NODES: &str = "system:nodes";
const MASTERS: &str = "system:masters";
const AUTHENTICATION: &str = "authentication.k8s.io";
/// From how many groups or extra values on one question about all of them is asked first.
const MANY: usize = 4;
/// Of how many users the last mode is remembered.
const REMEMBERED: usize = 10_000;

/// Whom the request is to be made by, if its headers name somebody else than who it comes from.
pub(crate) fn impersonated(
    authorizer: &Authorizer,
    requestor: &User,
    headers: &HeaderMap,
    request: impl FnOnce() -> RequestInfo,
) -> ApiResult<Option<User>> {
    if !headers.keys().any(|name| name.as_str().starts_with(PREFIX)) {
        return Ok(None);
    }
    let Some(wanted) = wanted(headers)? else { return Ok(None) };
    let request = request();
    let mut first_error = None;
    let last = authorizer.last_modes.get(&requestor.name);
    for mode in last.into_iter().chain(MODES.into_iter().filter(|mode| Some(*mode) != last)) {
        let check = Check { authorizer, requestor, mode, wanted: &wanted };
        match check.user(&request) {
            Ok(Some(user)) => {
                authorizer.last_modes.set(&requestor.name, mode);
                return Ok(Some(user));
            }
            Ok(None) => {}
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| ApiError::internal("all impersonation modes failed")))
}

fn wanted(headers: &HeaderMap) -> ApiResult<Option<User>> {
    let texts = |name: &str| -> Vec<String> {
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    };
    let first = |name: &str| texts(name).into_iter().next().unwrap_or_default();
    let mut extra = BTreeMap::new();
    for name in headers.keys() {
        if let Some(key) = name.as_str().strip_prefix(EXTRA) {
            let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
            extra.insert(key, texts(name.as_str()));
        }
    }
    let groups = texts("impersonate-group");
    let user = User { name: first("impersonate-user"), uid: first("impersonate-uid"), groups, extra };
    if !user.name.is_empty() {
        return Ok(Some(user));
    }
    if user.uid.is_empty() && user.groups.is_empty() && user.extra.is_empty() {
        return Ok(None);
    }
    Err(ApiError::bad_request(format!("requested {} without impersonating a user name", go_syntax(&user))))
}

/// A user as Go's `%#v` shows it.
fn go_syntax(user: &User) -> String {
    let list = |values: &[String]| {
        let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
        format!("[]string{{{}}}", values.join(", "))
    };
    let groups = if user.groups.is_empty() { "[]string(nil)".into() } else { list(&user.groups) };
    let entries: Vec<String> = user.extra.iter().map(|(key, values)| format!("{key:?}:{}", list(values))).collect();
    let extra = match entries.as_slice() {
        [] => "map[string][]string(nil)".into(),
        entries => format!("map[string][]string{{{}}}", entries.join(", ")),
    };
    format!("&user.DefaultInfo{{Name:{:?}, UID:{:?}, Groups:{groups}, Extra:{extra}}}", user.name, user.uid)
}

/// One of the ways in which impersonation can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    UserInfo,
    Legacy,
}

/// In which way users were last allowed to impersonate: it is tried first, and shows in whom they become.
#[derive(Debug, Default)]
pub(super) struct LastModes(Mutex<FxHashMap<String, Mode>>);

impl LastModes {
    fn get(&self, requestor: &str) -> Option<Mode> {
        self.0.lock().get(requestor).copied()
    }

    fn set(&self, requestor: &str, mode: Mode) {
        let mut modes = self.0.lock();
        if modes.len() >= REMEMBERED {
            modes.clear();
        }
        modes.insert(requestor.into(), mode);
    }
}

/// In the order in which they are tried.
const MODES: [Mode; 5] =
    [Mode::AssociatedNode, Mode::ArbitraryNode, Mode::ServiceAccount, Mode::UserInfo, Mode::Legacy];

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::AssociatedNode => "associated-node",
            Self::ArbitraryNode => "arbitrary-node",
            Self::ServiceAccount => "serviceaccount",
            Self::UserInfo => "user-info",
            Self::Legacy => "",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::AssociatedNode => "impersonate:associated-node",
            Self::ArbitraryNode => "impersonate:arbitrary-node",
            Self::ServiceAccount => "impersonate:serviceaccount",
            Self::UserInfo => "impersonate:user-info",
            Self::Legacy => "impersonate",
        }
    }

    /// Whether this user can be impersonated in this way at all.
    fn applies(self, wanted: &User, requestor: &User) -> bool {
        let only_name = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let node = node_name(&wanted.name);
        let service_account = split_service_account(&wanted.name).is_some();
        match self {
            Self::AssociatedNode => {
                let own = requestor.extra.get(NODE_NAME_KEY).map(Vec::as_slice);
                let is_own = matches!((own, node), (Some([own]), Some(node)) if own == node);
                only_name && is_own && split_service_account(&requestor.name).is_some()
            }
            Self::ArbitraryNode => only_name && node.is_some(),
            Self::ServiceAccount => only_name && service_account,
            Self::UserInfo => node.is_none() && !service_account,
            Self::Legacy => true,
        }
    }
}

struct Check<'a> {
    authorizer: &'a Authorizer,
    requestor: &'a User,
    mode: Mode,
    wanted: &'a User,
}

impl Check<'_> {
    /// The user that the request is made by, if this mode applies and allows it.
    fn user(&self, request: &RequestInfo) -> ApiResult<Option<User>> {
        let Self { mode, wanted, .. } = *self;
        if !mode.applies(wanted, self.requestor) {
            return Ok(None);
        }
        if mode != Mode::Legacy {
            let attributes = request.attributes(self.requestor);
            let verb = format!("impersonate-on:{}:{}", mode.name(), attributes.verb);
            self.allowed(&Attributes { verb: &verb, ..attributes })?;
        }
        let mut user = wanted.clone();
        self.name(&mut user)?;
        if !wanted.uid.is_empty() {
            self.may("uids", "", &wanted.uid, AUTHENTICATION)?;
        }
        self.groups()?;
        self.extra()?;
        if user.name == ANONYMOUS {
            ensure_group(&mut user, UNAUTHENTICATED);
        } else if !user.is_in(UNAUTHENTICATED) {
            ensure_group(&mut user, AUTHENTICATED);
        }
        Ok(Some(user))
    }

    /// The group of users and groups as resources.
    fn api_group(&self) -> &'static str {
        if self.mode == Mode::Legacy { "" } else { AUTHENTICATION }
    }

    fn name(&self, user: &mut User) -> ApiResult<()> {
        let group = self.api_group();
        let name = &self.wanted.name;
        if self.mode != Mode::Legacy
            && let Some(node) = node_name(name)
        {
            user.groups = vec![NODES.into()];
            // Whoever is on a node may be it on every node that they are on.
            let node = if self.mode == Mode::AssociatedNode { "*" } else { node };
            return self.may("nodes", "", node, group);
        }
        let Some((namespace, name)) = split_service_account(name) else {
            return self.may("users", "", name, group);
        };
        if user.groups.is_empty() {
            user.groups = service_account_groups(namespace);
        }
        let target = ResourceTarget { group, resource: "serviceaccounts", namespace, name, subresource: "" };
        self.allowed(&self.attributes(target))
    }

    fn groups(&self) -> ApiResult<()> {
        let groups = &self.wanted.groups;
        let group = self.api_group();
        if self.mode != Mode::Legacy {
            for (forbidden, shown, why) in [
                ("", "", "impersonating the empty string group is not allowed"),
                (MASTERS, MASTERS, "impersonating the system:masters group is not allowed"),
            ] {
                if groups.iter().any(|group| group == forbidden) {
                    let target = ResourceTarget { group, resource: "groups", name: shown, ..Default::default() };
                    return Err(self.attributes(target).forbidden(why));
                }
            }
            if groups.len() >= MANY && self.may("groups", "", "*", group).is_ok() {
                return Ok(());
            }
        }
        groups.iter().try_for_each(|name| self.may("groups", "", name, group))
    }

    fn extra(&self) -> ApiResult<()> {
        let extra = &self.wanted.extra;
        if self.mode != Mode::Legacy {
            if let Some(why) = extra.iter().find_map(|(key, values)| wrong_extra(key, values)) {
                let target = ResourceTarget { group: AUTHENTICATION, resource: "userextras", ..Default::default() };
                return Err(self.attributes(target).forbidden(&why));
            }
            let many = extra.len() >= MANY || extra.values().map(Vec::len).sum::<usize>() >= MANY;
            if many && self.may("userextras", "*", "*", AUTHENTICATION).is_ok() {
                return Ok(());
            }
        }
        let mut pairs = extra.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
        pairs.try_for_each(|(key, value)| self.may("userextras", key, value, AUTHENTICATION))
    }

    fn may(&self, resource: &str, subresource: &str, name: &str, group: &str) -> ApiResult<()> {
        self.allowed(&self.attributes(ResourceTarget { group, resource, subresource, name, namespace: "" }))
    }

    fn attributes<'b>(&'b self, target: ResourceTarget<'b>) -> Attributes<'b> {
        Attributes { user: self.requestor, verb: self.mode.verb(), target: Target::Resource(target) }
    }

    fn allowed(&self, attributes: &Attributes<'_>) -> ApiResult<()> {
        match self.authorizer.decide(attributes) {
            Decision::Allowed(_) => Ok(()),
            Decision::Denied(reason) => Err(attributes.forbidden(&reason)),
        }
    }
}

fn ensure_group(user: &mut User, group: &str) {
    if !user.is_in(group) {
        user.groups.push(group.into());
    }
}

fn node_name(user: &str) -> Option<&str> {
    let name = user.strip_prefix("system:node:")?;
    names::dns_subdomain(name).is_empty().then_some(name)
}

/// Why an extra value can't be impersonated in a constrained way.
fn wrong_extra(key: &str, values: &[String]) -> Option<String> {
    let not_allowed = |what: &str| Some(format!("impersonating {what} in extra is not allowed"));
    let has_domain = key.split_once('/').is_some_and(|(domain, path)| {
        names::dns_subdomain(domain).is_empty() && !path.is_empty() && !path.contains(['?', '#', '%', ' '])
    });
    if key.is_empty() {
        not_allowed("the empty string key")
    } else if !has_domain {
        Some(format!(
            "impersonating an invalid key in extra is not allowed: extra.key: Invalid value: {key:?}: must be a \
             domain-prefixed path (such as \"acme.io/foo\")"
        ))
    } else if key.chars().any(char::is_uppercase) {
        Some(format!("impersonating a non-lowercase key in extra is not allowed: {key:?}"))
    } else if values.iter().any(String::is_empty) {
        not_allowed("the empty string value")
    } else {
        None
    }
}
