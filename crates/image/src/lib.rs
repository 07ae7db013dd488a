//! Writes OCI images without a daemon and without root.
//!
//! ```text
//! a program ─linked→ the libraries that it needs ─layers (tar, gzip)→ blobs ─image→ OCI layout
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`Image`], [`build`] | what goes into an image; the layout that comes out |
//! | [`libraries`] | what a program is linked to |
//! | [`sbom`](fn@sbom) | what a program is made of, as SPDX |
//! | `layer` | files → a layer; the same files give the same bytes |
//!
//! Same input, same digest: nothing of the machine, the user or the clock gets into an image. The format is that of the OCI
//! image specification 1.1.

mod build;
mod layer;
mod libraries;
mod sbom;

pub use build::{Built, Image, ImageError, build};
pub use libraries::libraries;
pub use sbom::sbom;
