//! A cursor on the log of a collection.

use std::collections::VecDeque;
use std::sync::Arc;

use super::collection::Collection;
use super::error::Compacted;
use super::event::Event;

/// Watches the changes of a collection.
///
/// A watch is a position in the log: there is no queue that could run full, and a slow watcher costs nothing. Once the
/// log has moved on beyond its position it gets [`Compacted`] and is to list again. Dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    collection: Arc<Collection>,
    cursor: Cursor,
}

#[derive(Debug)]
struct Cursor {
    /// Position of the next event to be fetched.
    position: u64,
    /// Revision of the last event that was handed out.
    seen: u64,
    fetched: VecDeque<Arc<Event>>,
}

/// How many events are fetched with one lock.
const BATCH: usize = 64;

impl Watch {
    pub(super) fn new(collection: Arc<Collection>, position: u64, from: u64) -> Self {
        Self { collection, cursor: Cursor { position, seen: from, fetched: VecDeque::new() } }
    }

    /// The next event, or `None` if there is none yet.
    pub fn try_next(&mut self) -> Result<Option<Arc<Event>>, Compacted> {
        self.cursor.try_next(&self.collection)
    }

    /// Waits for the next event. Nothing is lost if the wait is given up.
    pub async fn next(&mut self) -> Result<Arc<Event>, Compacted> {
        loop {
            let news = self.collection.news().notified();
            if let Some(event) = self.cursor.try_next(&self.collection)? {
                return Ok(event);
            }
            news.await;
        }
    }

    /// The revision up to which everything was handed out, for bookmarks; `None` if there are events to be fetched.
    ///
    /// Also advances while other collections change.
    pub fn progress(&self) -> Option<u64> {
        // In this order: whatever is visible now is in the log that is looked at next.
        let visible = self.collection.visible();
        let Cursor { position, seen, fetched } = &self.cursor;
        (fetched.is_empty() && *position == self.collection.end()).then(|| visible.max(*seen))
    }
}

impl Cursor {
    fn try_next(&mut self, collection: &Collection) -> Result<Option<Arc<Event>>, Compacted> {
        if self.fetched.is_empty() && self.position < collection.end() {
            collection.take_events(self.position, BATCH, &mut self.fetched)?;
            self.position += self.fetched.len() as u64;
        }
        let event = self.fetched.pop_front();
        if let Some(event) = &event {
            self.seen = event.revision();
        }
        Ok(event)
    }
}
