//! Generated calls: sequences about one kind each, out of a seed.
//!
//! - [`catalog`]: the kinds, with valid objects and their schemas.
//! - [`values`] and [`mutate`]: values by schema, and small changes of valid objects.
//! - [`calls`]: sequences of calls.
//! - [`policies`]: admission policies that are in force meanwhile.
//! - [`shrink`]: the smallest sequence that still shows a difference.
//! - [`random`]: chance that is the same each time.

mod calls;
mod catalog;
mod mutate;
mod policies;
mod random;
pub(crate) mod shrink;
mod values;

pub(crate) use catalog::Catalog;
