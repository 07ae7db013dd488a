//! What a program is made of, as SPDX 2.3.

use serde_json::{Value, json};

use crate::layer::digest;

/// The bill of materials of a program, out of its Cargo.lock.
#[must_use]
pub fn sbom(name: &str, version: &str, lock: &str) -> Value {
    let packages = packages(lock);
    let described: Vec<Value> = packages
        .iter()
        .map(|package| {
            let mut described = json!({
                "SPDXID": id(&package.name, &package.version),
                "name": package.name,
                "versionInfo": package.version,
                "downloadLocation": package.source.as_deref().map_or("NOASSERTION", |source| source.trim_start_matches("registry+")),
                "filesAnalyzed": false,
                "externalRefs": [{
                    "referenceCategory": "PACKAGE-MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": format!("pkg:cargo/{}@{}", package.name, package.version),
                }],
            });
            if let Some(checksum) = &package.checksum {
                described["checksums"] = json!([{"algorithm": "SHA256", "checksumValue": checksum}]);
            }
            described
        })
        .collect();
    let relationships: Vec<Value> = packages
        .iter()
        .map(|package| {
            json!({
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relationshipType": "DESCRIBES",
                "relatedSpdxElement": id(&package.name, &package.version),
            })
        })
        .collect();
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("{name}-{version}"),
        // Of the content, so that the same program has the same bill.
        "documentNamespace": format!("urn:{}", digest(lock.as_bytes())),
        // The beginning of time stands for no time: a bill with the time of its making would differ each time.
        "creationInfo": {"created": "1970-01-01T00:00:00Z", "creators": ["Tool: kubewright"]},
        "packages": described,
        "relationships": relationships,
    })
}

#[derive(Debug, Default)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

/// The packages of a Cargo.lock, which Cargo writes one key a line.
fn packages(lock: &str) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    for line in lock.lines() {
        if line == "[[package]]" {
            packages.push(Package::default());
            continue;
        }
        let (Some(package), Some((key, value))) = (packages.last_mut(), line.split_once(" = ")) else { continue };
        let value = value.trim_matches('"').to_string();
        match key {
            "name" => package.name = value,
            "version" => package.version = value,
            "source" => package.source = Some(value),
            "checksum" => package.checksum = Some(value),
            _ => {}
        }
    }
    packages
}

/// Identifiers have letters, digits, dots and dashes.
fn id(name: &str, version: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    format!("SPDXRef-{}-{}", name.chars().map(keep).collect::<String>(), version.chars().map(keep).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_of_the_lock_file_is_in_the_bill() {
        let lock = "version = 4\n\n[[package]]\nname = \"a_b\"\nversion = \"1.0.0\"\nsource = \"registry+https://example.com/index\"\nchecksum = \"00ff\"\ndependencies = [\n \"c\",\n]\n\n[[package]]\nname = \"c\"\nversion = \"0.1.0+x\"\n";
        let bill = sbom("a", "1", lock);
        assert_eq!(bill["packages"][0]["externalRefs"][0]["referenceLocator"], "pkg:cargo/a_b@1.0.0");
        assert_eq!(bill["packages"][0]["checksums"][0]["checksumValue"], "00ff");
        assert_eq!(bill["packages"][0]["downloadLocation"], "https://example.com/index");
        assert_eq!(bill["packages"][1]["SPDXID"], "SPDXRef-c-0.1.0-x");
        assert_eq!(sbom("a", "1", lock), bill);
    }
}
