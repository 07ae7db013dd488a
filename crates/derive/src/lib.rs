//! Derives for the types of an operator; `kubewright::ApplyConfiguration` has the page to read.
//!
//! | module | what it holds |
//! |---|---|
//! | `attributes` | what `#[apply]`, `#[kube]` and `#[serde]` say, as far as it matters here |
//! | `fields` | a field → a field of the configuration, and the method that sets it |
//! | `configuration` | the configuration of a struct, and that of the object around it |

mod attributes;
mod configuration;
mod fields;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes the type's apply configuration: see the trait of the same name in `kubewright`.
#[proc_macro_derive(ApplyConfiguration, attributes(apply, kube, serde))]
pub fn apply_configuration(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    configuration::derive(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
