//! The built-in types and documents, inflated when first asked for.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::bundle::{Bundle, BundleError};
use super::node::{SchemaSet, TypeRef};

/// The bundle that this crate is built with; `schemas/PROVENANCE.md` tells where it comes from.
static BYTES: &[u8] = include_bytes!("../../schemas/kubernetes-1.36.bin");

/// The built-in schemas and the other facts that were derived from a real server.
#[derive(Debug)]
pub struct BuiltinSchemas {
    bundle: Bundle<'static>,
    types: OnceLock<Arc<SchemaSet>>,
}

impl BuiltinSchemas {
    /// The schemas of this build. Only the index is read; the rest waits until it is asked for.
    #[expect(clippy::expect_used, reason = "the bundle is part of the program, and a test opens every entry of it")]
    pub fn get() -> &'static Self {
        static SCHEMAS: OnceLock<BuiltinSchemas> = OnceLock::new();
        SCHEMAS.get_or_init(|| {
            let bundle = Bundle::open(BYTES).expect("the bundle of this build is whole");
            Self { bundle, types: OnceLock::new() }
        })
    }

    /// The type of a kind.
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<TypeRef> {
        self.types().kind(group, version, kind)
    }

    /// All built-in types.
    #[expect(clippy::expect_used, reason = "a test reads the types of the bundle")]
    pub fn types(&self) -> &Arc<SchemaSet> {
        self.types.get_or_init(|| Arc::new(self.bundle.types().expect("the bundle of this build has its types")))
    }

    /// Keys of the OpenAPI v3 documents, sorted.
    pub fn document_keys(&self) -> impl Iterator<Item = &str> {
        self.bundle.names().filter_map(|name| name.strip_prefix("openapi/")?.strip_suffix("/schemas"))
    }

    /// The OpenAPI v3 document of a key, as it goes on the wire. Put together anew on each call.
    pub fn document(&self, key: &str) -> Option<Bytes> {
        self.whole(self.bundle.document(key)).map(Bytes::from)
    }

    /// The schemas of all OpenAPI v3 documents by their names. Put together anew on each call.
    pub(crate) fn openapi_schemas(&self) -> Map<String, Value> {
        self.whole(self.bundle.schemas().map(Some)).unwrap_or_default()
    }

    /// A JSON entry of the bundle: discovery, columns, default objects; see [`super::bundle`]. Parsed anew on each call.
    pub fn entry(&self, name: &str) -> Option<Value> {
        self.whole(self.bundle.json(name))
    }

    #[expect(clippy::expect_used, reason = "a test opens every entry of the bundle")]
    fn whole<T>(&self, result: Result<Option<T>, BundleError>) -> Option<T> {
        result.expect("the bundle of this build is whole")
    }
}

#[cfg(test)]
mod tests {
    use super::super::bundle;
    use super::super::node::{NodeKind, Omit};
    use super::*;

    #[test]
    fn every_document_matches_its_hash() {
        let schemas = BuiltinSchemas::get();
        let hashes = schemas.entry("hashes").unwrap();
        let keys: Vec<&str> = schemas.document_keys().collect();
        assert!(keys.len() > 40, "{keys:?}");
        for key in keys {
            assert_eq!(hashes[key], bundle::hash(&schemas.document(key).unwrap()).as_str(), "{key}");
        }
    }

    #[test]
    fn every_entry_opens() {
        let schemas = BuiltinSchemas::get();
        assert!(schemas.types().names.len() > 500);
        for name in schemas.bundle.names().filter(|name| *name != "types") {
            assert!(schemas.entry(name).is_some(), "{name}");
        }
    }

    #[test]
    fn fields_know_how_go_holds_them() {
        let pod = BuiltinSchemas::get().kind("", "v1", "Pod").unwrap();
        let spec = pod.at(pod.node().property("spec").unwrap().node);
        let containers = spec.node().property("containers").unwrap();
        let go = containers.go.as_deref().unwrap();
        assert_eq!((&*go.type_text, go.omit, go.pointer), ("[]v1.Container", Omit::Never, false));
        let volume = spec.set().named("io.k8s.api.core.v1.Volume").unwrap();
        assert_eq!(&*volume.node().property("emptyDir").unwrap().go.as_deref().unwrap().via, "VolumeSource");
    }

    #[test]
    fn kinds_of_other_groups_are_found_where_they_are_used() {
        let schemas = BuiltinSchemas::get();
        for (group, version, kind) in [
            ("autoscaling", "v1", "Scale"),
            ("policy", "v1", "Eviction"),
            ("authentication.k8s.io", "v1", "TokenRequest"),
        ] {
            assert_eq!(schemas.kind(group, version, kind).unwrap().node().kind, NodeKind::Object, "{kind}");
        }
        assert!(schemas.kind("apps", "v1", "Foo").is_none());
        assert!(schemas.kind("nowhere", "v1", "Foo").is_none());
    }
}
