//! The keys of one priority that wait for a worker: in one list, or in one for each flow, which take turns.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::Priority;
use crate::slots::{List, Slots};

/// The keys of one priority. Where a queue knows flows, it knows that of each key.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) priority: Priority,
    /// Keys without a flow.
    list: List,
    /// Each has a key at least.
    flows: HashMap<u64, List>,
    /// Whose turn it is: each flow of the above, once.
    turns: VecDeque<u64>,
    len: usize,
}

impl Level {
    pub(crate) fn new(priority: Priority) -> Self {
        Self { priority, list: List::new(), flows: HashMap::new(), turns: VecDeque::new(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The key that is next; only where there is one.
    pub(crate) fn front(&self) -> u32 {
        self.turns.front().and_then(|flow| self.flows.get(flow)).unwrap_or(&self.list).first
    }

    pub(crate) fn push<K: std::hash::Hash + Eq>(&mut self, slots: &mut Slots<K>, index: u32, flow: Option<u64>) {
        let list = match flow {
            None => &mut self.list,
            Some(flow) => self.flows.entry(flow).or_insert_with(|| {
                self.turns.push_back(flow);
                List::new()
            }),
        };
        slots.push_back(list, index);
        self.len += 1;
    }

    /// Takes the key that is next; its flow has its next turn after all others.
    pub(crate) fn take_front<K: std::hash::Hash + Eq>(&mut self, slots: &mut Slots<K>) -> u32 {
        let index = self.front();
        let flow = self.turns.pop_front();
        self.unlink(slots, index, flow);
        if let Some(flow) = flow.filter(|flow| self.flows.contains_key(flow)) {
            self.turns.push_back(flow);
        }
        index
    }

    /// Takes a key out of its turn.
    pub(crate) fn remove<K: std::hash::Hash + Eq>(&mut self, slots: &mut Slots<K>, index: u32, flow: Option<u64>) {
        self.unlink(slots, index, flow);
        if let Some(flow) = flow.filter(|flow| !self.flows.contains_key(flow)) {
            self.turns.retain(|turn| *turn != flow);
        }
    }

    /// Takes a key out of its list; a flow that has no other is forgotten, but for its turn.
    fn unlink<K: std::hash::Hash + Eq>(&mut self, slots: &mut Slots<K>, index: u32, flow: Option<u64>) {
        self.len -= 1;
        match flow.and_then(|flow| Some((flow, self.flows.get_mut(&flow)?))) {
            None => slots.unlink(&mut self.list, index),
            Some((flow, list)) => {
                slots.unlink(list, index);
                if list.len == 0 {
                    self.flows.remove(&flow);
                }
            }
        }
    }
}
