//! Lists of amounts by resource, as `cpu: 500m`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::schema::quantity::Quantity;

/// Amounts by the name of what they are of.
#[derive(Debug, Clone, Default)]
pub struct Amounts(BTreeMap<String, Quantity>);

impl Amounts {
    /// Reads a resource list; what is no quantity is left out.
    pub fn read(list: &Value) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
        let entries = list.as_object().into_iter().flatten();
        Self(entries.filter_map(|(name, value)| Some((name.clone(), Quantity::parse(&text(value)).ok()?))).collect())
    }

    /// As a resource list.
    pub fn to_value(&self) -> Value {
        self.0.iter().map(|(name, amount)| (name.clone(), Value::from(amount.canonical()))).collect()
    }

    /// Sets an amount.
    pub fn set(&mut self, name: &str, amount: Quantity) {
        self.0.insert(name.to_owned(), amount);
    }

    /// An amount, if there is one of that name.
    pub fn get(&self, name: &str) -> Option<&Quantity> {
        self.0.get(name)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Quantity)> {
        self.0.iter().map(|(name, amount)| (name.as_str(), amount))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of which `keep` is true.
    #[must_use]
    pub fn only(mut self, keep: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|name, _| keep(name));
        self
    }

    /// The sums.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for (name, amount) in &other.0 {
            let sum = self.0.get(name).map_or_else(|| amount.clone(), |own| own.plus(amount));
            self.0.insert(name.clone(), sum);
        }
        self
    }

    /// The larger ones.
    #[must_use]
    pub fn max(mut self, other: &Self) -> Self {
        for (name, amount) in &other.0 {
            if self.0.get(name).is_none_or(|own| own.compare(amount).is_lt()) {
                self.0.insert(name.clone(), amount.clone());
            }
        }
        self
    }

    /// What is more than in `other`, and nothing where it is less.
    #[must_use]
    pub fn beyond(mut self, other: &Self) -> Self {
        for (name, amount) in &mut self.0 {
            if let Some(before) = other.0.get(name) {
                let rest = amount.minus(before);
                *amount = if rest.is_negative() { Quantity::zero() } else { rest };
            }
        }
        self
    }

    /// Without those that are nothing.
    #[must_use]
    pub fn without_zeros(mut self) -> Self {
        self.0.retain(|_, amount| !amount.is_zero());
        self
    }

    /// `cpu=500m,pods=1`
    pub fn text(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(|(name, amount)| format!("{name}={}", amount.canonical())).collect();
        parts.join(",")
    }

    /// Whether the amounts are the same, however they are written.
    pub fn equals(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().all(|(name, own)| other.0.get(name).is_some_and(|amount| own.compare(amount).is_eq()))
    }
}
