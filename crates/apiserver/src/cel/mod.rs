//! Validation rules in CEL: `x-kubernetes-validations` of custom resources.
//!
//! | module | what it does |
//! |---|---|
//! | [`schema`] | schemas as the types of expressions, also those of OpenAPI documents, by which policies are checked |
//! | [`check`] | what is wrong with the rules of a definition: types, costs, misuse of `oldSelf` |
//! | [`rules`] | the compiled rules of a version, and what they refuse in an object |
//! | [`field_path`] | `fieldPath` of a rule |
//!
//! A definition is checked once, when it is written; a version's rules are compiled once, when its resource is made. A
//! version without rules costs a write nothing.

mod check;
mod field_path;
mod rules;
mod schema;

pub(crate) use check::check;
pub(crate) use rules::Rules;
pub(crate) use schema::of_document;
