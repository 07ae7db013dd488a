//! What a schema asks of a value beyond its type.

use serde_json::Value;

use super::Pattern;
use super::node::NodeId;

/// Constraints of one node; None or false: not asked for.
#[derive(Debug, Clone, Default)]
pub struct Constraints {
    /// `enum`; empty: any value.
    pub values: Vec<Value>,
    /// `minimum`
    pub minimum: Option<f64>,
    /// `exclusiveMinimum`
    pub exclusive_minimum: bool,
    /// `maximum`
    pub maximum: Option<f64>,
    /// `exclusiveMaximum`
    pub exclusive_maximum: bool,
    /// `multipleOf`
    pub multiple_of: Option<f64>,
    /// `minLength`, in characters
    pub min_length: Option<u64>,
    /// `maxLength`, in characters
    pub max_length: Option<u64>,
    /// `pattern`
    pub pattern: Option<Pattern>,
    /// `minItems`
    pub min_items: Option<u64>,
    /// `maxItems`
    pub max_items: Option<u64>,
    /// `uniqueItems`
    pub unique_items: bool,
    /// `minProperties`
    pub min_properties: Option<u64>,
    /// `maxProperties`
    pub max_properties: Option<u64>,
    /// `allOf`
    pub all_of: Vec<NodeId>,
    /// `anyOf`
    pub any_of: Vec<NodeId>,
    /// `oneOf`
    pub one_of: Vec<NodeId>,
    /// `not`
    pub not: Option<NodeId>,
}

impl Constraints {
    /// Nothing is asked for.
    pub fn is_empty(&self) -> bool {
        let numbers = [self.minimum, self.maximum, self.multiple_of];
        let counts = [self.min_length, self.max_length, self.min_items, self.max_items];
        self.values.is_empty()
            && numbers.iter().all(Option::is_none)
            && counts.iter().all(Option::is_none)
            && self.min_properties.is_none()
            && self.max_properties.is_none()
            && self.pattern.is_none()
            && !self.unique_items
            && self.all_of.is_empty()
            && self.any_of.is_empty()
            && self.one_of.is_empty()
            && self.not.is_none()
    }
}
