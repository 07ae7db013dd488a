//! The configuration of a struct, and that of the object around it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Fields, Ident, Result, Visibility};

use crate::attributes::{Container, Object};
use crate::fields::field;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let of = &input.ident;
    let told =
        "ApplyConfiguration is for structs with named fields; other types are applied whole, without #[apply(nested)]";
    let Data::Struct(data) = &input.data else { return Err(Error::new_spanned(of, told)) };
    let Fields::Named(named) = &data.fields else { return Err(Error::new_spanned(of, told)) };
    if !input.generics.params.is_empty() {
        let told = "a type with parameters has no apply configuration; write one for each use";
        return Err(Error::new_spanned(&input.generics, told));
    }
    let container = Container::new(&input.attrs)?;
    let name = configuration(of);
    let (mut fields, mut setters) = (Vec::new(), Vec::new());
    for one in &named.named {
        if let Some((field, setter)) = field(&container.kubewright, of, one)? {
            fields.push(field);
            setters.push(setter);
        }
    }
    let (visibility, serde, kubewright) = (&input.vis, &container.serde, &container.kubewright);
    let attributes = if serde.is_empty() { quote!() } else { quote!(#[serde(#(#serde),*)]) };
    let doc = format!("A part of [`{of}`], for server-side apply: what is `None` is left to others.");
    let object = container.object.as_ref().map(|object| around(object, of, visibility, kubewright));
    Ok(quote! {
        #[doc = #doc]
        #[derive(Clone, Debug, Default, ::serde::Serialize, ::serde::Deserialize)]
        #attributes
        #visibility struct #name {
            #(#fields,)*
        }

        impl #name {
            #(#setters)*
        }

        #[automatically_derived]
        impl #kubewright::ApplyConfiguration for #of {
            type Part = #name;
        }

        #object
    })
}

/// What a type's configuration is called, as client-go calls it.
fn configuration(of: &Ident) -> Ident {
    format_ident!("{of}ApplyConfiguration")
}

/// The object that kube's derive makes: its metadata, and the parts of its specification and status.
fn around(object: &Object, spec: &Ident, visibility: &Visibility, kubewright: &syn::Path) -> TokenStream {
    let of = &object.name;
    let name = configuration(of);
    let doc = format!("A part of [`{of}`], for server-side apply: what is `None` is left to others.");
    let status = object.status.as_ref().map(|status| quote!(<#status as #kubewright::ApplyConfiguration>::Part));
    let (mut declared, mut setter, mut written) = (quote!(), quote!(), quote!());
    if let Some(status) = status {
        declared = quote! {
            /// What there is; it is applied to the subresource `status`.
            #[serde(default)]
            pub status: ::core::option::Option<#status>,
        };
        setter = quote! {
            /// Applies the status.
            #[must_use]
            pub fn status(mut self, value: impl ::core::convert::Into<#status>) -> Self {
                self.status = ::core::option::Option::Some(value.into());
                self
            }
        };
        written = quote! {
            if let ::core::option::Option::Some(status) = &self.status {
                map.serialize_entry("status", status)?;
            }
        };
    }
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug, Default, ::serde::Deserialize)]
        #visibility struct #name {
            /// Name, and the labels, annotations, finalizers and owners that are applied.
            #[serde(default)]
            pub metadata: #kubewright::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
            /// What is wanted.
            #[serde(default)]
            pub spec: ::core::option::Option<<#spec as #kubewright::ApplyConfiguration>::Part>,
            #declared
        }

        impl #name {
            /// One of this name that says nothing yet.
            #[must_use]
            pub fn new(name: &str) -> Self {
                let mut new = Self::default();
                new.metadata.name = ::core::option::Option::Some(name.into());
                new
            }

            /// Sets the namespace.
            #[must_use]
            pub fn namespace(mut self, namespace: &str) -> Self {
                self.metadata.namespace = ::core::option::Option::Some(namespace.into());
                self
            }

            /// Applies a label.
            #[must_use]
            pub fn label(mut self, key: &str, value: &str) -> Self {
                self.metadata.labels.get_or_insert_default().insert(key.into(), value.into());
                self
            }

            /// Applies an annotation.
            #[must_use]
            pub fn annotation(mut self, key: &str, value: &str) -> Self {
                self.metadata.annotations.get_or_insert_default().insert(key.into(), value.into());
                self
            }

            /// Applies the specification.
            #[must_use]
            pub fn spec(mut self, value: impl ::core::convert::Into<<#spec as #kubewright::ApplyConfiguration>::Part>) -> Self {
                self.spec = ::core::option::Option::Some(value.into());
                self
            }

            #setter
        }

        #[automatically_derived]
        impl ::serde::Serialize for #name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(::core::option::Option::None)?;
                map.serialize_entry("apiVersion", &<#of as #kubewright::kube::Resource>::api_version(&()))?;
                map.serialize_entry("kind", &<#of as #kubewright::kube::Resource>::kind(&()))?;
                map.serialize_entry("metadata", &self.metadata)?;
                if let ::core::option::Option::Some(spec) = &self.spec {
                    map.serialize_entry("spec", spec)?;
                }
                #written
                map.end()
            }
        }

        #[automatically_derived]
        impl #kubewright::kube::Resource for #name {
            type DynamicType = ();
            type Scope = <#of as #kubewright::kube::Resource>::Scope;

            fn kind(_: &()) -> ::std::borrow::Cow<'_, str> {
                <#of as #kubewright::kube::Resource>::kind(&())
            }

            fn group(_: &()) -> ::std::borrow::Cow<'_, str> {
                <#of as #kubewright::kube::Resource>::group(&())
            }

            fn version(_: &()) -> ::std::borrow::Cow<'_, str> {
                <#of as #kubewright::kube::Resource>::version(&())
            }

            fn plural(_: &()) -> ::std::borrow::Cow<'_, str> {
                <#of as #kubewright::kube::Resource>::plural(&())
            }

            fn meta(&self) -> &#kubewright::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut #kubewright::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &mut self.metadata
            }
        }

        #[automatically_derived]
        impl #kubewright::ApplyConfiguration for #of {
            type Part = #name;
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "tests end at the first surprise")]
mod tests {
    use super::*;

    fn refused(source: &str) -> String {
        let input: DeriveInput = syn::parse_str(source).expect("it is Rust");
        derive(&input).expect_err("it is refused").to_string()
    }

    #[test]
    fn what_can_not_be_applied_in_part_is_refused_with_what_can_be_done() {
        for (source, expected) in [
            ("enum A { B }", "structs with named fields"),
            ("struct A(u8);", "structs with named fields"),
            ("struct A<T> { a: T }", "no apply configuration"),
            ("struct A { #[apply(nest)] a: u8 }", "takes nested or skip"),
            ("#[apply(skip)] struct A { a: u8 }", "takes crate"),
            ("struct A { #[serde(with = \"hex\")] a: u8 }", "#[apply(skip)]"),
            ("#[serde(transparent)] struct A { a: u8 }", "has no parts"),
        ] {
            let told = refused(source);
            assert!(told.contains(expected), "{source}: {told}");
        }
    }
}
