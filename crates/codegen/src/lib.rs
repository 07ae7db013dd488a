//! Writes Rust types for custom resource definitions, so that definition → types → definition changes no schema.
//!
//! ```text
//! YAML, JSON ─source→ Definition ─schema→ structs, enums and their attributes ─module→ one Rust file a definition
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`read`](fn@read), [`Definition`] | definitions out of manifests, with where each stands |
//! | [`generate`](fn@generate), [`File`] | the files, formatted, the same for the same input |
//! | `schema` | a version's schema → types; each knows which schema Rust alone would give it, the rest becomes attributes |
//! | `fields` | a property → a field: optional or not, defaults, attributes |
//! | `module` | the file around the types: versions, the root type, `crd()` |
//! | `apply` | the same fields, all optional, for server-side apply |
//! | [`BuiltinKinds`] | the same for kinds of Kubernetes itself, out of OpenAPI documents |
//! | `literal` | a definition without its schemas, as Rust |
//! | `names` | Rust names for the names that schemas have |
//! | `parallel` | the same work on many definitions, on all processors |
//!
//! Design notes: docs/types.md.
//!
//! ```
//! let yaml = r#"
//! apiVersion: apiextensions.k8s.io/v1
//! kind: CustomResourceDefinition
//! metadata: {name: sites.example.com}
//! spec:
//!   group: example.com
//!   names: {kind: Site, plural: sites}
//!   scope: Namespaced
//!   versions:
//!   - name: v1
//!     served: true
//!     storage: true
//!     schema:
//!       openAPIV3Schema:
//!         type: object
//!         required: [spec]
//!         properties:
//!           spec:
//!             type: object
//!             properties: {replicas: {type: integer, format: int32, minimum: 1, default: 2}}
//! "#;
//! use kubewright_codegen::{GenerateOptions, generate, read};
//! let files = generate(&read("site.yaml", yaml).unwrap(), &GenerateOptions { apply_configurations: true }).unwrap();
//! assert_eq!(files[0].name, "sites.rs");
//! assert!(files[0].text.contains("pub replicas: i32"));
//! assert!(files[0].text.contains("range(min = 1)"));
//! assert!(files[0].text.contains("pub struct SiteSpecApplyConfiguration"));
//! ```

mod apply;
mod builtin;
mod fields;
mod generate;
mod literal;
mod module;
mod names;
mod parallel;
mod schema;
mod source;

pub use builtin::{BuiltinKind, BuiltinKinds, KindError, builtin_module_file};
pub use generate::{File, GenerateError, GenerateOptions, generate, module_file};
pub use source::{Definition, SourceError, from_object, read};
