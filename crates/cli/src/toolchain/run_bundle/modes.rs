//! Install modes: which namespaces an operator watches.

use std::collections::BTreeSet;
use std::fmt;

use kubewright_bundle::InstallMode as Supported;

/// The modes, those that are taken by themselves first.
const ALL: &str = "AllNamespaces";
const OWN: &str = "OwnNamespace";
const SINGLE: &str = "SingleNamespace";
const MULTI: &str = "MultiNamespace";

/// A mode with its namespaces: `AllNamespaces`, `OwnNamespace`, `SingleNamespace=a`, `MultiNamespace=a,b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstallMode {
    name: &'static str,
    namespaces: BTreeSet<String>,
}

impl InstallMode {
    /// # Errors
    /// If it is none of them.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, namespaces) = text.split_once('=').unwrap_or((text, ""));
        let known = [ALL, OWN, SINGLE, MULTI].into_iter().find(|known| *known == name);
        let Some(name) = known else {
            return Err(format!(
                "{name:?} is no install mode; they are {ALL}, {OWN}, {SINGLE}=NAMESPACE and {MULTI}=NAMESPACE,NAMESPACE"
            ));
        };
        let namespaces: BTreeSet<String> =
            namespaces.split(',').map(|name| name.trim().to_string()).filter(|name| !name.is_empty()).collect();
        match (name, namespaces.len()) {
            (ALL | OWN, 1..) => Err(format!("{name} takes no namespaces")),
            (SINGLE, 0 | 2..) => Err(format!("{name} takes one namespace: {name}=NAMESPACE")),
            (MULTI, 0) => Err(format!("{name} takes namespaces: {name}=NAMESPACE,NAMESPACE")),
            _ => Ok(Self { name, namespaces }),
        }
    }
}

impl fmt::Display for InstallMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        let namespaces: Vec<&str> = self.namespaces.iter().map(String::as_str).collect();
        if namespaces.is_empty() { Ok(()) } else { write!(f, "={}", namespaces.join(",")) }
    }
}

/// The namespaces that the operator of a bundle watches, none: all; `own` is the one that it is installed in.
///
/// # Errors
/// If the bundle does not support what is wanted.
pub(super) fn targets(
    supported: &[Supported],
    wanted: Option<&InstallMode>,
    own: &str,
) -> Result<BTreeSet<String>, String> {
    let modes: Vec<&str> = supported.iter().filter(|mode| mode.supported).map(|mode| mode.mode.as_str()).collect();
    if modes.is_empty() {
        return Err("it supports no install mode: set one in spec.installModes of its ClusterServiceVersion".into());
    }
    let own_namespace = || BTreeSet::from([own.to_string()]);
    match wanted {
        Some(wanted) if !modes.contains(&wanted.name) => {
            Err(format!("it does not support the install mode {}, but {}", wanted.name, modes.join(", ")))
        }
        Some(InstallMode { name: SINGLE, namespaces }) if *namespaces == own_namespace() => {
            Err(format!("the install mode for its own namespace {own} is {OWN}"))
        }
        Some(InstallMode { name: OWN, .. }) => Ok(own_namespace()),
        Some(wanted) => Ok(wanted.namespaces.clone()),
        None if modes.contains(&ALL) => Ok(BTreeSet::new()),
        None if modes.contains(&OWN) => Ok(own_namespace()),
        None => Err(format!(
            "it supports {} alone: say with --install-mode which namespaces it is to watch",
            modes.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_operator_sdk_takes_them() {
        for text in ["AllNamespaces", "OwnNamespace", "SingleNamespace=a", "MultiNamespace=a,b"] {
            assert_eq!(InstallMode::parse(text).map(|mode| mode.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(
            InstallMode::parse("MultiNamespace=b, a").map(|mode| mode.to_string()).as_deref(),
            Ok("MultiNamespace=a,b")
        );
        for wrong in ["", "All", "AllNamespaces=a", "SingleNamespace", "SingleNamespace=a,b", "MultiNamespace="] {
            assert!(InstallMode::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_watched_follows_from_what_the_bundle_supports() {
        let supported = |modes: &[&str]| -> Vec<Supported> {
            modes.iter().map(|mode| Supported { mode: (*mode).into(), supported: true }).collect()
        };
        let watched = |modes: &[&str], wanted: Option<&str>| {
            let wanted = wanted.map(|text| InstallMode::parse(text).unwrap());
            targets(&supported(modes), wanted.as_ref(), "own")
                .map(|names| names.into_iter().collect::<Vec<_>>().join(","))
        };
        assert_eq!(watched(&[OWN, ALL], None).as_deref(), Ok(""));
        assert_eq!(watched(&[OWN, SINGLE], None).as_deref(), Ok("own"));
        assert_eq!(watched(&[ALL, OWN], Some("OwnNamespace")).as_deref(), Ok("own"));
        assert_eq!(watched(&[SINGLE], Some("SingleNamespace=a")).as_deref(), Ok("a"));
        assert_eq!(watched(&[MULTI], Some("MultiNamespace=b,a")).as_deref(), Ok("a,b"));
        for (modes, wanted, told) in [
            (&[][..], None, "no install mode"),
            (&[SINGLE], None, "supports SingleNamespace alone"),
            (&[ALL], Some("OwnNamespace"), "but AllNamespaces"),
            (&[SINGLE, OWN], Some("SingleNamespace=own"), "its own namespace own is OwnNamespace"),
        ] {
            let error = watched(modes, wanted).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        let no = Supported { mode: ALL.into(), supported: false };
        assert!(targets(&[no], None, "own").is_err());
    }
}
