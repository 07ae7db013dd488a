//! What can be given to the API server but not changed: its features, and the versions of APIs that it serves. A command line
//! that says what is so anyway is taken.

use std::collections::BTreeMap;

use kubewright_apiserver::discovery::{Discovery, Form};
use serde_json::Value;

use super::flags::{FlagError, Flags};

const FEATURES: &str = include_str!("features.txt");
const GATES: &str = "feature-gates";
const APIS: &str = "runtime-config";

/// Refuses what would change a default, and what is unknown.
pub(super) fn check(flags: &Flags) -> Result<(), FlagError> {
    for gate in flags.list(GATES) {
        check_gate(gate)?;
    }
    for api in flags.list(APIS) {
        check_api(api)?;
    }
    Ok(())
}

fn check_gate(gate: &str) -> Result<(), FlagError> {
    // Other components have gates of their own.
    let (component, rest) = gate.split_once(':').unwrap_or(("kube", gate));
    if component != "kube" {
        return Err(Flags::invalid(GATES, gate, format!("the component {component:?} is not part of this server")));
    }
    let (name, value) = split(GATES, gate, rest)?;
    let mut features = FEATURES.lines().filter_map(|line| line.split_once('='));
    let Some((_, default)) = features.find(|(feature, _)| *feature == name) else {
        return Err(Flags::invalid(GATES, gate, format!("there is no feature {name} in Kubernetes 1.36")));
    };
    if value.to_string() != default {
        let reason = "the features are those that Kubernetes 1.36 has by default";
        return Err(FlagError::NotTheDefault { name: GATES, value: gate.to_owned(), reason });
    }
    Ok(())
}

fn check_api(api: &str) -> Result<(), FlagError> {
    let (name, on) = match api.contains('=') {
        true => split(APIS, api, api)?,
        // As the real server reads it.
        false => (api, true),
    };
    let default = match name {
        "api/ga" => true,
        "api/all" | "api/beta" | "api/alpha" => false,
        _ => {
            let version: Vec<&str> = name.split('/').collect();
            match version.as_slice() {
                ["v1"] | ["api", "v1"] => true,
                [group, version, ..] => match served().get(*group) {
                    Some(versions) => versions.iter().any(|served| served == version),
                    None => return Err(Flags::invalid(APIS, api, format!("there is no built-in API group {group}"))),
                },
                _ => return Err(Flags::invalid(APIS, api, "it must be like apps/v1=true")),
            }
        }
    };
    if on != default {
        let reason = "the versions served are those that Kubernetes 1.36 serves by default";
        return Err(FlagError::NotTheDefault { name: APIS, value: api.to_owned(), reason });
    }
    Ok(())
}

/// The name and the value of `name=value`.
fn split<'a>(flag: &'static str, whole: &str, text: &'a str) -> Result<(&'a str, bool), FlagError> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let value = match value.trim() {
        "true" | "t" | "T" | "TRUE" | "True" | "1" => true,
        "false" | "f" | "F" | "FALSE" | "False" | "0" => false,
        _ => return Err(Flags::invalid(flag, whole, "it must be like Name=true or Name=false")),
    };
    Ok((name.trim(), value))
}

/// The versions of the built-in groups.
fn served() -> BTreeMap<String, Vec<String>> {
    let answer = Discovery::new(Vec::new()).get("/apis", "", Form::Plain, None, "");
    let groups: Value = answer.and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let groups = groups["groups"].as_array().into_iter().flatten();
    groups
        .map(|group| {
            let versions = group["versions"].as_array().into_iter().flatten();
            (text(&group["name"]), versions.map(|version| text(&version["version"])).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::apiserver_flags::FLAGS;
    use super::*;

    fn given(line: &str) -> Result<(), String> {
        let flags = Flags::parse(FLAGS, line.split_whitespace().map(str::to_owned)).unwrap();
        check(&flags).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_so_anyway_can_be_said() {
        for line in [
            "--feature-gates=MutatingAdmissionPolicy=true,kube:AllAlpha=false --feature-gates AllBeta=false",
            "--runtime-config=api/ga=true,api/beta=false,apps/v1,resource.k8s.io/v1beta1=false",
            "--runtime-config=admissionregistration.k8s.io/v1=true,v1=true",
        ] {
            assert_eq!(given(line), Ok(()), "{line}");
        }
    }

    #[test]
    fn what_would_change_the_server_is_refused_and_what_is_unknown_is_named() {
        for (line, why) in [
            ("--feature-gates=AllAlpha=true", "--feature-gates=AllAlpha=true is not supported by this server"),
            ("--feature-gates=MutatingAdmissionPolicy=false", "has by default"),
            ("--feature-gates=NoSuchThing=true", "there is no feature NoSuchThing"),
            ("--feature-gates=AllAlpha", "it must be like"),
            ("--feature-gates=other:AllAlpha=false", "the component \"other\""),
            ("--runtime-config=api/all=true", "serves by default"),
            ("--runtime-config=apps/v1=false", "serves by default"),
            ("--runtime-config=resource.k8s.io/v1beta1=true", "serves by default"),
            ("--runtime-config=none.example.com/v1=true", "there is no built-in API group none.example.com"),
        ] {
            let error = given(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
