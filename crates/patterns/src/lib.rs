//! Reconcilers to reuse: what most operators do, once and with care.
//!
//! | module | an object of yours that |
//! |---|---|
//! | [`composite`] | stands for many children, made in waves |
//! | [`external`] | stands for a resource of a remote system |
//! | [`request`] | asks for something to be done once, and expires |

pub mod composite;
pub mod external;
pub mod request;
