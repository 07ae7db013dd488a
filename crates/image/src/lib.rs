//! Writes OCI images without a daemon and without root.
//!
//! ```text
//! a program ─linked→ the libraries that it needs ─layers (tar, gzip)→ blobs ─image→ OCI layout
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`Image`], [`build`] | an image of a program |
//! | [`Files`], [`pack`] | an image of files |
//! | [`Reference`] | the name of an image |
//! | [`libraries`] | what a program is linked to |
//! | [`sbom`](fn@sbom) | what a program is made of, as SPDX |
//! | [`registry`] | layouts → registries, and back |
//! | `layout` | the layout that comes out |
//! | `layer` | files → a layer; the same files give the same bytes |
//!
//! Same input, same digest: nothing of the machine, the user or the clock gets into an image. The format is that of the OCI
//! image specification 1.1.

mod build;
mod files;
mod layer;
mod layout;
mod libraries;
mod reference;
pub mod registry;
mod sbom;

pub use build::{Built, Image, ImageError, build};
pub use files::{Files, pack};
pub use libraries::libraries;
pub use reference::{Reference, ReferenceError};
pub use sbom::sbom;
