//! A field → a field of the configuration, and the method that sets it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Field, GenericArgument, Ident, Path, PathArguments, Result, Type};

use crate::attributes;

/// A field of the configuration, and the method that sets it; `None` for one that is left out.
pub(crate) fn field(kubewright: &Path, owner: &Ident, field: &Field) -> Result<Option<(TokenStream, TokenStream)>> {
    let said = attributes::Field::new(&field.attrs)?;
    // The caller has fields with names alone.
    let (Some(ident), false) = (&field.ident, said.skip) else { return Ok(None) };
    let inner = inside("Option", &field.ty).unwrap_or(&field.ty);
    let part = |ty: &Type| quote!(<#ty as #kubewright::ApplyConfiguration>::Part);
    let ty = if said.nested { part(inner) } else { quote!(#inner) };
    let serde = &said.serde;
    let doc = format!("As [`{owner}::{ident}`].");
    let visibility = &field.vis;
    let how = if said.flatten {
        quote!(flatten)
    } else {
        quote!(default, skip_serializing_if = "::core::option::Option::is_none" #(, #serde)*)
    };
    let declared = quote!(#[doc = #doc] #[serde(#how)] #visibility #ident: ::core::option::Option<#ty>);
    let doc = format!("Applies `{ident}`.");
    let (argument, value) = match inside("Vec", inner) {
        Some(item) => {
            let item = if said.nested { part(item) } else { quote!(#item) };
            let many = quote!(impl ::core::iter::IntoIterator<Item = impl ::core::convert::Into<#item>>);
            (many, quote!(value.into_iter().map(::core::convert::Into::into).collect()))
        }
        None => (quote!(impl ::core::convert::Into<#ty>), quote!(value.into())),
    };
    let setter = quote! {
        #[doc = #doc]
        #[must_use]
        #visibility fn #ident(mut self, value: #argument) -> Self {
            self.#ident = ::core::option::Option::Some(#value);
            self
        }
    };
    Ok(Some((declared, setter)))
}

/// What stands in the brackets, if the type is one of this name.
fn inside<'a>(name: &str, ty: &'a Type) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) if arguments.args.len() == 1 => Some(inner),
        _ => None,
    }
}
