//! The resources of a server, and finding one by its kind, by what a user types, or all of a category.

use kube::api::ApiResource;

/// A resource in one version. Subresources are part of the resource that they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServedResource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// Whether the server prefers this version of the group.
    pub preferred: bool,
    /// The kind of its objects.
    pub kind: String,
    /// Its name in paths.
    pub plural: String,
    /// Its name for one object; may be empty.
    pub singular: String,
    /// Other names, such as `deploy`.
    pub short_names: Vec<String>,
    /// Groups of resources that it is part of, such as `all`.
    pub categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What can be done with it, such as `list`.
    pub verbs: Vec<String>,
    /// Names of its subresources, such as `status`.
    pub subresources: Vec<String>,
}

/// All resources of a server, groups and versions in the order in which the server prefers them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources(pub(crate) Vec<ServedResource>);

impl ServedResource {
    /// `group/version`, or the version alone for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// For [`kube::Api`] and for informers.
    pub fn api_resource(&self) -> ApiResource {
        ApiResource {
            group: self.group.clone(),
            version: self.version.clone(),
            api_version: self.api_version(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        }
    }

    /// Whether the server lets clients do this with it, as far as it tells.
    pub fn supports(&self, verb: &str) -> bool {
        self.verbs.iter().any(|other| other == verb)
    }

    fn is_called(&self, name: &str) -> bool {
        let same = |own: &str| own.eq_ignore_ascii_case(name);
        same(&self.plural) || same(&self.singular) || same(&self.kind) || self.short_names.iter().any(|own| same(own))
    }
}

impl Resources {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &ServedResource> {
        self.0.iter()
    }

    /// What somebody means who types `name`, as kubectl takes it: a plural, singular or short name or a kind, alone
    /// (`deploy`), with a group (`deployments.apps`) or with version and group (`deployments.v1.apps`). Names count in any
    /// case. A plural name goes before other names, an earlier group before a later one, a preferred version before
    /// others.
    pub fn find(&self, name: &str) -> Option<&ServedResource> {
        let mut parts = name.splitn(3, '.');
        let (first, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        // What looks like a version and a group is tried as that first, and as a group with dots after.
        let by_version = second.zip(third).and_then(|(version, group)| {
            self.best(first, |resource| resource.version == version && resource.group == group)
        });
        by_version.or_else(|| match name.split_once('.') {
            None => self.best(first, |_| true),
            Some((_, group)) => self.best(first, |resource| resource.group.eq_ignore_ascii_case(group)),
        })
    }

    /// The resource of a kind: in this version, or, without one, in the version that the server prefers among those
    /// that have it.
    pub fn of_kind(&self, group: &str, kind: &str, version: Option<&str>) -> Option<&ServedResource> {
        self.best_of(|resource| {
            resource.group == group
                && resource.kind == kind
                && version.is_none_or(|version| resource.version == version)
        })
    }

    /// The resource of a name in paths, in this version or in the preferred one.
    pub fn of_plural(&self, group: &str, plural: &str, version: Option<&str>) -> Option<&ServedResource> {
        self.best_of(|resource| {
            resource.group == group
                && resource.plural == plural
                && version.is_none_or(|version| resource.version == version)
        })
    }

    /// The resources of a category, such as `all`, each in its best version.
    pub fn category<'a>(&'a self, category: &'a str) -> impl Iterator<Item = &'a ServedResource> {
        let best = move |resource: &&ServedResource| {
            self.of_plural(&resource.group, &resource.plural, None).is_some_and(|best| best.version == resource.version)
        };
        self.0.iter().filter(move |resource| resource.categories.iter().any(|own| own == category)).filter(best)
    }

    fn best(&self, name: &str, wanted: impl Fn(&ServedResource) -> bool) -> Option<&ServedResource> {
        let by_plural = self.best_of(|resource| wanted(resource) && resource.plural.eq_ignore_ascii_case(name));
        by_plural.or_else(|| self.best_of(|resource| wanted(resource) && resource.is_called(name)))
    }

    /// The first that is wanted, or another version of it that the server prefers.
    fn best_of(&self, wanted: impl Fn(&ServedResource) -> bool) -> Option<&ServedResource> {
        let first = self.0.iter().find(|resource| wanted(resource))?;
        let preferred = |other: &&ServedResource| {
            other.preferred && other.group == first.group && other.plural == first.plural && wanted(other)
        };
        self.0.iter().find(preferred).or(Some(first))
    }
}
