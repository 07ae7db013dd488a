//! Sets of fields: tries of path elements, sorted at each level.

use std::cmp::Ordering;

use super::path::PathElement;
use super::types::Ty;

/// A set of paths.
///
/// A path in the set says nothing about what is below it: `.spec` and `.spec.replicas` are two members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    pub(super) nodes: Vec<SetNode>,
}

/// A path element that is in the set itself, or has something below it that is, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SetNode {
    pub(super) element: PathElement,
    pub(super) member: bool,
    pub(super) children: FieldSet,
}

impl SetNode {
    fn is_used(&self) -> bool {
        self.member || !self.children.is_empty()
    }
}

impl FieldSet {
    /// The set of these paths.
    pub fn of<P: AsRef<[PathElement]>>(paths: impl IntoIterator<Item = P>) -> Self {
        let mut set = Self::default();
        paths.into_iter().for_each(|path| set.insert(path.as_ref()));
        set
    }

    /// The set of these paths of field names: `["metadata", "labels"]`.
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        Self::of(paths.iter().map(|path| path.iter().map(|name| PathElement::field(*name)).collect::<Vec<_>>()))
    }

    /// Whether no path is in it.
    pub fn is_empty(&self) -> bool {
        // Nodes that hold nothing are never kept.
        self.nodes.is_empty()
    }

    /// Number of paths.
    pub fn len(&self) -> usize {
        self.nodes.iter().map(|node| usize::from(node.member) + node.children.len()).sum()
    }

    /// Adds a path; the empty path (the whole object) can't be in a set.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else { return };
        let node = self.node_mut(first);
        if rest.is_empty() {
            node.member = true;
        } else {
            node.children.insert(rest);
        }
    }

    /// Whether this very path is in it.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        let Some(node) = self.get(first) else { return false };
        if rest.is_empty() { node.member } else { node.children.contains(rest) }
    }

    /// Whether all paths of `self` are in `other`.
    pub fn is_subset(&self, other: &FieldSet) -> bool {
        let mut theirs = other.nodes.iter();
        self.nodes.iter().all(|node| {
            let found = theirs.by_ref().find(|their| their.element >= node.element);
            found.is_some_and(|their| {
                their.element == node.element
                    && (their.member || !node.member)
                    && node.children.is_subset(&their.children)
            })
        })
    }

    /// What is in either.
    #[must_use]
    pub fn union(mut self, other: FieldSet) -> FieldSet {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let mut out = Vec::with_capacity(self.nodes.len().max(other.nodes.len()));
        let (mut ours, mut theirs) = (self.nodes.drain(..).peekable(), other.nodes.into_iter().peekable());
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (Some(our), Some(their)) => our.element.cmp(&their.element),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            match order {
                Ordering::Less => out.extend(ours.next()),
                Ordering::Greater => out.extend(theirs.next()),
                Ordering::Equal => out.extend(ours.next().zip(theirs.next()).map(|(our, their)| SetNode {
                    element: our.element,
                    member: our.member || their.member,
                    children: our.children.union(their.children),
                })),
            }
        }
        FieldSet { nodes: out }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        let mut nodes = Vec::new();
        let (mut ours, mut theirs) = (self.nodes.iter().peekable(), other.nodes.iter().peekable());
        while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
            match our.element.cmp(&their.element) {
                Ordering::Less => drop(ours.next()),
                Ordering::Greater => drop(theirs.next()),
                Ordering::Equal => {
                    let member = our.member && their.member;
                    let children = our.children.intersection(&their.children);
                    if member || !children.is_empty() {
                        nodes.push(SetNode { element: our.element.clone(), member, children });
                    }
                    ours.next();
                    theirs.next();
                }
            }
        }
        FieldSet { nodes }
    }

    /// What is in `self` and not in `other`.
    #[must_use]
    pub fn difference(mut self, other: &FieldSet) -> FieldSet {
        self.subtract(other);
        self
    }

    /// What is in `self` and neither in `other` nor below a path of it.
    #[must_use]
    pub fn recursive_difference(mut self, other: &FieldSet) -> FieldSet {
        self.subtract_recursively(other);
        self
    }

    /// The members with nothing below them.
    #[must_use]
    pub fn leaves(mut self) -> FieldSet {
        for node in &mut self.nodes {
            node.member &= node.children.is_empty();
            node.children = std::mem::take(&mut node.children).leaves();
        }
        self
    }

    /// All paths: at each level the members first, then what is below them.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut out = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut out);
        out
    }

    /// Takes out what is in `other`.
    pub(super) fn subtract(&mut self, other: &FieldSet) {
        if other.is_empty() {
            return;
        }
        let mut theirs = other.nodes.iter().peekable();
        self.nodes.retain_mut(|node| {
            if let Some(their) = advance(&mut theirs, &node.element) {
                node.member &= !their.member;
                node.children.subtract(&their.children);
            }
            node.is_used()
        });
    }

    pub(super) fn subtract_recursively(&mut self, other: &FieldSet) {
        if other.is_empty() {
            return;
        }
        let mut theirs = other.nodes.iter().peekable();
        self.nodes.retain_mut(|node| {
            if let Some(their) = advance(&mut theirs, &node.element) {
                if their.member {
                    return false;
                }
                node.children.subtract_recursively(&their.children);
            }
            node.is_used()
        });
    }

    /// The same set, in which the declared fields on the way to members are members too.
    pub(super) fn with_named_fields(&self, ty: Option<Ty<'_>>) -> FieldSet {
        let nodes = self.nodes.iter().map(|node| {
            let (child, named) = match (&node.element, ty) {
                (PathElement::Field(name), Some(ty)) => {
                    (ty.member(name), !node.children.is_empty() && ty.declares(name))
                }
                (PathElement::Key(_), Some(ty)) => (ty.entries(), false),
                _ => (None, false),
            };
            let children = node.children.with_named_fields(child);
            SetNode { element: node.element.clone(), member: node.member || named, children }
        });
        FieldSet { nodes: nodes.collect() }
    }

    pub(super) fn get(&self, element: &PathElement) -> Option<&SetNode> {
        let at = self.nodes.binary_search_by(|node| node.element.cmp(element)).ok()?;
        Some(&self.nodes[at])
    }

    /// Adds a node; cheap when nodes come in order. Nodes that hold nothing are left out.
    pub(super) fn push(&mut self, node: SetNode) {
        if !node.is_used() {
            return;
        }
        if self.nodes.last().is_none_or(|last| last.element < node.element) {
            self.nodes.push(node);
            return;
        }
        let place = self.node_mut(&node.element);
        place.member |= node.member;
        place.children = std::mem::take(&mut place.children).union(node.children);
    }

    /// The node of an element, added when it is missing; the caller fills it.
    fn node_mut(&mut self, element: &PathElement) -> &mut SetNode {
        let at = match self.nodes.binary_search_by(|node| node.element.cmp(element)) {
            Ok(at) => at,
            Err(at) => {
                let node = SetNode { element: element.clone(), member: false, children: FieldSet::default() };
                self.nodes.insert(at, node);
                at
            }
        };
        &mut self.nodes[at]
    }

    fn collect_paths(&self, prefix: &mut Vec<PathElement>, out: &mut Vec<Vec<PathElement>>) {
        for node in self.nodes.iter().filter(|node| node.member) {
            let mut path = prefix.clone();
            path.push(node.element.clone());
            out.push(path);
        }
        for node in &self.nodes {
            prefix.push(node.element.clone());
            node.children.collect_paths(prefix, out);
            prefix.pop();
        }
    }
}

/// The node of `element` in a sorted walk that only goes forward.
fn advance<'a>(
    nodes: &mut std::iter::Peekable<std::slice::Iter<'a, SetNode>>,
    element: &PathElement,
) -> Option<&'a SetNode> {
    while let Some(node) = nodes.peek() {
        match node.element.cmp(element) {
            Ordering::Less => drop(nodes.next()),
            Ordering::Equal => return nodes.next(),
            Ordering::Greater => return None,
        }
    }
    None
}
