//! Which type fits where, and what type variables stand for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::types::Type;

/// What the type variables stand for so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Substitution {
    bound: HashMap<Arc<str>, Type>,
}

impl Substitution {
    /// Whether each left type takes values of the right one. Variables are bound only when all do.
    pub(crate) fn assign(&mut self, pairs: &[(&Type, &Type)]) -> bool {
        if pairs.iter().all(|(to, from)| !mentions_parameter(to) && !mentions_parameter(from)) {
            return pairs.iter().all(|(to, from)| self.fits(to, from));
        }
        let mut tried = self.clone();
        let fits = pairs.iter().all(|(to, from)| tried.fits(to, from));
        if fits {
            *self = tried;
        }
        fits
    }

    /// The type with its variables replaced; free ones become `dyn` where that is asked for.
    pub(crate) fn substitute(&self, ty: &Type, free_to_dyn: bool) -> Type {
        match ty {
            Type::Parameter(name) => match self.bound.get(name) {
                Some(bound) => self.substitute(bound, free_to_dyn),
                None if free_to_dyn => Type::Dyn,
                None => ty.clone(),
            },
            Type::List(element) => Type::list(self.substitute(element, free_to_dyn)),
            Type::Map(entry) => {
                Type::map(self.substitute(&entry.0, free_to_dyn), self.substitute(&entry.1, free_to_dyn))
            }
            Type::Opaque(name, of) => {
                Type::Opaque(name.clone(), of.iter().map(|ty| self.substitute(ty, free_to_dyn)).collect())
            }
            Type::Type(Some(of)) => Type::Type(Some(Arc::new(self.substitute(of, free_to_dyn)))),
            _ => ty.clone(),
        }
    }

    fn fits(&mut self, to: &Type, from: &Type) -> bool {
        if let Type::Parameter(name) = from {
            let (valid, bound) = self.bind(name, from, to);
            if valid || bound {
                return valid;
            }
        }
        if let Type::Parameter(name) = to {
            return self.bind(name, to, from).0;
        }
        if to.is_dyn_or_error() || from.is_dyn_or_error() {
            return true;
        }
        match (to, from) {
            (Type::Null, other) | (other, Type::Null) => {
                matches!(other, Type::Null | Type::Opaque(..) | Type::Object(_) | Type::Duration | Type::Timestamp)
            }
            (Type::List(to), Type::List(from)) => self.fits(to, from),
            (Type::Map(to), Type::Map(from)) => self.fits(&to.0, &from.0) && self.fits(&to.1, &from.1),
            (Type::Opaque(to, a), Type::Opaque(from, b)) => {
                to == from && a.len() == b.len() && a.iter().zip(b.iter()).all(|(to, from)| self.fits(to, from))
            }
            (Type::Type(_), Type::Type(_)) => true,
            _ => to == from,
        }
    }

    /// Lets the variable stand for `other`. Returns whether that is possible, and whether it stood for something.
    fn bind(&mut self, name: &Arc<str>, variable: &Type, other: &Type) -> (bool, bool) {
        if variable == other {
            return (true, true);
        }
        let Some(bound) = self.bound.get(name).cloned() else {
            if self.absent(variable, other) {
                self.bound.insert(name.clone(), other.clone());
                return (true, false);
            }
            return (false, false);
        };
        if bound == *other {
            return (true, true);
        }
        if self.fits(other, &bound) {
            let general = most_general(other.clone(), bound);
            if self.absent(variable, &general) {
                self.bound.insert(name.clone(), general);
            }
            return (true, true);
        }
        (false, true)
    }

    /// `variable` does not occur in `within`.
    fn absent(&self, variable: &Type, within: &Type) -> bool {
        if variable == within {
            return false;
        }
        match within {
            Type::Parameter(name) => self.bound.get(name).is_none_or(|bound| self.absent(variable, bound)),
            Type::List(element) => self.absent(variable, element),
            Type::Map(entry) => self.absent(variable, &entry.0) && self.absent(variable, &entry.1),
            Type::Opaque(_, of) => of.iter().all(|ty| self.absent(variable, ty)),
            Type::Type(Some(of)) => self.absent(variable, of),
            _ => true,
        }
    }
}

/// The one of two types that takes the values of both.
pub(crate) fn most_general(a: Type, b: Type) -> Type {
    if less_specific(&a, &b) { a } else { b }
}

fn less_specific(a: &Type, b: &Type) -> bool {
    if matches!(a, Type::Dyn | Type::Parameter(_)) {
        return true;
    }
    match (a, b) {
        (_, Type::Dyn | Type::Parameter(_)) => false,
        (Type::List(a), Type::List(b)) => less_specific(a, b),
        (Type::Map(a), Type::Map(b)) => less_specific(&a.0, &b.0) && less_specific(&a.1, &b.1),
        (Type::Opaque(name, a), Type::Opaque(other, b)) => {
            name == other && a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| less_specific(a, b))
        }
        (Type::Type(_), Type::Type(_)) => true,
        _ => a == b,
    }
}

fn mentions_parameter(ty: &Type) -> bool {
    match ty {
        Type::Parameter(_) => true,
        Type::List(element) => mentions_parameter(element),
        Type::Map(entry) => mentions_parameter(&entry.0) || mentions_parameter(&entry.1),
        Type::Opaque(_, of) => of.iter().any(mentions_parameter),
        Type::Type(Some(of)) => mentions_parameter(of),
        _ => false,
    }
}
