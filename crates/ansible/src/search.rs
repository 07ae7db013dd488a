//! Where roles and playbooks are looked for.

use std::path::{Path, PathBuf};

/// The places.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The project: the folder of watches.yaml.
    pub project: PathBuf,
    /// Where Ansible looks for roles: `ANSIBLE_ROLES_PATH`, folders joined by colons.
    pub roles_path: Option<String>,
    /// Where Ansible looks for collections: `ANSIBLE_COLLECTIONS_PATH`. Default: `/usr/share/ansible/collections` and
    /// `~/.ansible/collections`.
    pub collections_path: Option<String>,
    /// The home of the user.
    pub home: Option<PathBuf>,
}

impl Search {
    /// The places that the environment names, for the project of this folder.
    pub fn new(project: &Path, variable: impl Fn(&str) -> Option<String>) -> Self {
        let project = if project.as_os_str().is_empty() { Path::new(".") } else { project };
        let set = |name| variable(name).filter(|value| !value.is_empty());
        Self {
            project: std::path::absolute(project).unwrap_or_else(|_| project.into()),
            roles_path: set("ANSIBLE_ROLES_PATH"),
            collections_path: set("ANSIBLE_COLLECTIONS_PATH"),
            home: set("HOME").map(PathBuf::from),
        }
    }

    /// A playbook: its path begins at the project.
    ///
    /// # Errors
    /// Where it was looked for.
    pub fn playbook(&self, path: &str) -> Result<PathBuf, String> {
        let file = self.project.join(path);
        if file.is_file() {
            return Ok(file);
        }
        Err(format!("{} is no file; the path begins at the folder of watches.yaml", file.display()))
    }

    /// A role: an absolute path, the name of one in a collection (`namespace.collection.role`), or a name that is looked for in
    /// `ANSIBLE_ROLES_PATH` and in the folder `roles` of the project.
    ///
    /// # Errors
    /// Where it was looked for.
    pub fn role(&self, name: &str) -> Result<PathBuf, String> {
        let places = self.places(name);
        if let Some(found) = places.iter().find(|place| place.is_dir()) {
            return Ok(found.clone());
        }
        let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        Err(format!(
            "there is no role {name}: looked for it at {}; give the name of a folder in roles/, an absolute path, or set \
             ANSIBLE_ROLES_PATH or ANSIBLE_COLLECTIONS_PATH",
            places.join(", ")
        ))
    }

    fn places(&self, name: &str) -> Vec<PathBuf> {
        if Path::new(name).is_absolute() {
            return vec![name.into()];
        }
        let mut places = Vec::new();
        if let [namespace, collection, role] = name.split('.').collect::<Vec<_>>()[..] {
            let below = Path::new("ansible_collections").join(namespace).join(collection).join("roles").join(role);
            places.extend(self.collections().iter().map(|folder| folder.join(&below)));
        }
        for folder in self.roles_path.iter().flat_map(|path| path.split(':')).filter(|folder| !folder.is_empty()) {
            // The folder of the roles, or the one above it.
            places.extend([Path::new(folder).join(name), Path::new(folder).join("roles").join(name)]);
        }
        places.push(self.project.join("roles").join(name));
        places
    }

    fn collections(&self) -> Vec<PathBuf> {
        if let Some(path) = &self.collections_path {
            return path.split(':').map(PathBuf::from).collect();
        }
        let own = self.home.iter().map(|home| home.join(".ansible/collections"));
        std::iter::once("/usr/share/ansible/collections".into()).chain(own).collect()
    }

    /// What a run gets as `ANSIBLE_ROLES_PATH`: the roles of the project, if nothing else is said, so that playbooks find them.
    pub fn roles_of_run(&self) -> String {
        self.roles_path.clone().unwrap_or_else(|| {
            let own = self.home.iter().map(|home| home.join(".ansible/roles"));
            let shared = ["/usr/share/ansible/roles", "/etc/ansible/roles"].map(PathBuf::from);
            let all = std::iter::once(self.project.join("roles")).chain(own).chain(shared);
            all.map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(":")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_found_where_ansible_and_operator_sdk_look() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        for folder in [
            "project/roles/one",
            "project/roles/two",
            "shared/two",
            "shared/roles/three",
            "home/.ansible/collections/ansible_collections/acme/cache/roles/four",
            "other/ansible_collections/acme/cache/roles/five",
        ] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        let (shared, home) = (at("shared").display().to_string(), at("home").display().to_string());
        let search = Search::new(&at("project"), |name| match name {
            "ANSIBLE_ROLES_PATH" => Some(shared.clone()),
            "HOME" => Some(home.clone()),
            _ => None,
        });
        assert_eq!(search.role("one").unwrap(), at("project/roles/one"));
        assert_eq!(search.role("two").unwrap(), at("shared/two"), "what Ansible is told goes first");
        assert_eq!(search.role("three").unwrap(), at("shared/roles/three"));
        assert!(search.role("acme.cache.four").unwrap().ends_with("acme/cache/roles/four"));
        assert_eq!(search.role(&at("shared/two").display().to_string()).unwrap(), at("shared/two"));
        let error = search.role("acme.cache.five").unwrap_err();
        assert!(error.contains("/usr/share/ansible/collections") && error.contains("project/roles/acme"), "{error}");
        let search = Search { collections_path: Some(at("other").display().to_string()), ..search };
        assert!(search.role("acme.cache.five").is_ok());
        assert_eq!(search.roles_of_run(), shared);
        let search = Search { roles_path: None, ..search };
        assert!(search.roles_of_run().starts_with(&format!("{}:", at("project/roles").display())));
    }
}
