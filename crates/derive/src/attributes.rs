//! What `#[apply]`, `#[kube]` and `#[serde]` say, as far as it matters here.

use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, Ident, LitStr, Meta, Path, Result, Token, parse_quote};

/// What the attributes of a type say.
pub(crate) struct Container {
    /// Where the `kubewright` crate is.
    pub(crate) kubewright: Path,
    /// The object that the type is the specification of.
    pub(crate) object: Option<Object>,
    /// Those of serde that hold for the configuration too.
    pub(crate) serde: Vec<Meta>,
}

/// The object that kube's derive makes around a specification.
pub(crate) struct Object {
    /// Its type.
    pub(crate) name: Ident,
    /// The type of its status.
    pub(crate) status: Option<Path>,
}

/// What the attributes of a field say.
#[derive(Default)]
pub(crate) struct Field {
    /// Its type has an apply configuration itself.
    pub(crate) nested: bool,
    /// It is left out.
    pub(crate) skip: bool,
    /// Its fields are written into the object around it.
    pub(crate) flatten: bool,
    /// Those of serde that hold for the configuration too.
    pub(crate) serde: Vec<Meta>,
}

/// Attributes of serde for types that are about names; the others are about missing values and the like.
const CONTAINER: [&str; 2] = ["rename_all", "rename_all_fields"];
const FIELD: [&str; 2] = ["rename", "alias"];

/// Ways of writing a value that don't fit an optional one.
const CUSTOM: [&str; 4] = ["with", "serialize_with", "deserialize_with", "getter"];

impl Container {
    pub(crate) fn new(attributes: &[Attribute]) -> Result<Self> {
        let mut found = Self { kubewright: parse_quote!(::kubewright), object: None, serde: Vec::new() };
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("apply")) {
            attribute.parse_nested_meta(|meta| {
                if !meta.path.is_ident("crate") {
                    return Err(meta.error("#[apply] of a struct takes crate = \"path\" alone"));
                }
                found.kubewright = meta.value()?.parse::<LitStr>()?.parse()?;
                Ok(())
            })?;
        }
        let (mut kind, mut renamed, mut status) = (None, None, None);
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("kube")) {
            attribute.parse_nested_meta(|meta| {
                let target = match meta.path.get_ident().map(ToString::to_string).as_deref() {
                    Some("kind") => &mut kind,
                    Some("struct") => &mut renamed,
                    Some("status") => &mut status,
                    _ => return passed_over(&meta),
                };
                *target = Some(meta.value()?.parse::<LitStr>()?);
                Ok(())
            })?;
        }
        if let Some(name) = renamed.or(kind) {
            let status = status.map(|status| status.parse()).transpose()?;
            found.object = Some(Object { name: name.parse()?, status });
        }
        for meta in serde(attributes)? {
            if CONTAINER.iter().any(|known| meta.path().is_ident(known)) {
                found.serde.push(meta);
            } else if ["transparent", "tag", "untagged", "into", "from", "try_from", "remote"]
                .iter()
                .any(|other| meta.path().is_ident(other))
            {
                let told = "a type that is written in this way has no parts: remove the derive, and #[apply(nested)] where it is used";
                return Err(Error::new_spanned(meta, told));
            }
        }
        Ok(found)
    }
}

impl Field {
    pub(crate) fn new(attributes: &[Attribute]) -> Result<Self> {
        let mut found = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("apply")) {
            attribute.parse_nested_meta(|meta| {
                match meta.path.get_ident().map(ToString::to_string).as_deref() {
                    Some("nested") => found.nested = true,
                    Some("skip") => found.skip = true,
                    _ => return Err(meta.error("#[apply] of a field takes nested or skip")),
                }
                Ok(())
            })?;
        }
        for meta in serde(attributes)? {
            if FIELD.iter().any(|known| meta.path().is_ident(known)) {
                found.serde.push(meta);
            } else if meta.path().is_ident("flatten") {
                found.flatten = true;
            } else if meta.path().is_ident("skip") || meta.path().is_ident("skip_serializing") {
                found.skip = true;
            } else if !found.skip && CUSTOM.iter().any(|custom| meta.path().is_ident(custom)) {
                let told = "a value that is written in a way of its own can't be optional here: put it into a type that \
                            implements Serialize, or leave it out of the apply configuration with #[apply(skip)]";
                return Err(Error::new_spanned(meta, told));
            }
        }
        Ok(found)
    }
}

fn serde(attributes: &[Attribute]) -> Result<Vec<Meta>> {
    let mut found = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        found.extend(attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?);
    }
    Ok(found)
}

/// What kube's derive reads and checks.
fn passed_over(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let inner;
        syn::parenthesized!(inner in meta.input);
        inner.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}
