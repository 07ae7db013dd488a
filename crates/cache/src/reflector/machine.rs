//! How a watch goes on from whatever happens to it: a pure state machine.
//!
//! ```text
//! Start ─┬─→ Streaming ─(end of the initial events)─┬─→ Watching ─(connection ends)─→ Probing ─→ Watching
//!        └─→ Listing ───(last page)─────────────────┘      │                             │
//!            where there is no WatchList                   └─(410, garbage, went back)───┴─→ Start
//!
//! Each failure passes through Waiting, with a backoff that belongs to this watch alone.
//! ```
//!
//! What is done about what:
//!
//! | what happens | what is done |
//! |---|---|
//! | the server has no WatchList | paged lists from then on |
//! | 410 while watching | list again; what is missing in it was deleted |
//! | 410 between the pages of a list | list again in one piece, which cannot expire |
//! | the connection ends, breaks or goes silent | look how far the server is, then watch on from the last version |
//! | the server is behind the last version, or events go backwards | it was restored from a backup: list again, trust no version |
//! | what comes is no JSON, or no object | an event was lost: list again |
//! | 401, 403, 404, 429, 5xx | try again later, told in the health; `Retry-After` is kept to |
//!
//! The look ahead after a lost connection is a list of one object. Without it a watch from a version that a restored
//! server has not reached yet would be accepted and stay silent until the server gets there.

use std::time::Duration;

use crate::version::Version;

/// A connection that lasted this long was a success; what ends sooner counts towards the backoff, however politely it
/// ends.
const STEADY: Duration = Duration::from_secs(1);

/// Where a watch is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing has been asked for yet.
    #[default]
    Starting,
    /// The server sends all objects as the first events of a watch (WatchList, KEP-3157).
    Streaming,
    /// All objects are read page by page.
    Listing,
    /// The server is asked how far it is, before the watch is taken up again.
    Probing,
    /// Everything has been read, and changes are awaited.
    Watching,
    /// Something failed; it is tried again after a while.
    Waiting,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Input<T> {
    Start,
    /// The wait is over.
    Elapsed,
    /// A page of a list; `more` continues it.
    Page {
        items: Vec<T>,
        version: Version,
        more: Option<String>,
    },
    /// How far the server is.
    Newest(Version),
    Event(Event<T>),
    /// The connection ended without an error, this long after it was asked for.
    Ended {
        lasted: Duration,
    },
    Failed {
        failure: Failure,
        lasted: Duration,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event<T> {
    /// Added or modified.
    Put(T, Version),
    Deleted(T, Version),
    /// All changes up to this version have been sent; `initial_end`: and so have all objects.
    Bookmark {
        version: Version,
        initial_end: bool,
    },
}

/// Why something failed, as far as it decides what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server does not have the history from that version on any more.
    Expired,
    /// The server does not know what it was asked for.
    Unsupported,
    /// What came cannot be read.
    Garbage,
    /// Nothing came for too long.
    Silent,
    /// Anything else; the server may have told for how long to stay away.
    Other { stay_away: Duration },
}

/// What to do to the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change<T> {
    /// A list begins. `trust`: equal versions mean equal objects.
    Begin {
        trust: bool,
    },
    Stage(Vec<T>),
    Unstage(T),
    /// The list is complete as of this version.
    Commit(Version),
    Apply(T, Version),
    Remove(T, Version),
    Progress(Version),
}

/// What to wait for next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Next {
    Stream,
    /// `paged` is false for a list in one piece.
    List {
        more: Option<String>,
        paged: bool,
    },
    Probe,
    Watch(Version),
    /// The next event of the connection that is open.
    Read,
    /// Pass some time: the backoff of this many failures in a row, and at least what the server asked for.
    Wait {
        failures: u32,
        at_least: Duration,
    },
}

/// A watch as far as decisions are concerned.
#[derive(Debug, Clone, Default)]
pub(crate) struct Machine {
    pub(crate) state: State,
    /// Up to here everything is in the store; `None` before the first list is complete.
    version: Option<Version>,
    /// The version of the first page of the list that is being read.
    listed: Option<Version>,
    /// The server has no WatchList.
    lists_only: bool,
    /// The next list is read in one piece.
    in_one_piece: bool,
    /// The server's history is another one than that of the store.
    distrust: bool,
    /// What comes after the wait: everything anew, or the rest of the watch.
    anew: bool,
    failures: u32,
}

impl Machine {
    /// For servers that are known to have no WatchList.
    pub(crate) fn without_watch_list() -> Self {
        Self { lists_only: true, ..Self::default() }
    }

    /// Takes in what happened; tells what to do to the store and what to wait for.
    pub(crate) fn step<T>(self, input: Input<T>) -> (Self, Vec<Change<T>>, Next) {
        match (self.state, input) {
            (State::Starting, _) => self.begin(),
            (State::Waiting, _) if self.anew => self.begin(),
            (State::Waiting, _) => (Self { state: State::Probing, ..self }, vec![], Next::Probe),
            (State::Streaming, Input::Event(event)) => self.streamed(event),
            (State::Watching, Input::Event(event)) => self.watched(event),
            (State::Listing, Input::Page { items, version, more }) => self.paged(items, version, more),
            (State::Probing, Input::Newest(newest)) => self.probed(newest),
            (_, Input::Ended { lasted }) => self.ended(lasted),
            (_, Input::Failed { failure, lasted }) => self.failed(failure, lasted),
            // An answer to a question that was not asked.
            (_, Input::Start | Input::Elapsed | Input::Page { .. } | Input::Newest(_) | Input::Event(_)) => {
                self.failed(Failure::Garbage, Duration::ZERO)
            }
        }
    }

    fn begin<T>(self) -> (Self, Vec<Change<T>>, Next) {
        let begin = vec![Change::Begin { trust: !self.distrust }];
        if self.lists_only {
            let next = Next::List { more: None, paged: !self.in_one_piece };
            (Self { state: State::Listing, listed: None, ..self }, begin, next)
        } else {
            (Self { state: State::Streaming, ..self }, begin, Next::Stream)
        }
    }

    fn streamed<T>(self, event: Event<T>) -> (Self, Vec<Change<T>>, Next) {
        match event {
            Event::Put(object, _) => (self, vec![Change::Stage(vec![object])], Next::Read),
            Event::Deleted(object, _) => (self, vec![Change::Unstage(object)], Next::Read),
            Event::Bookmark { version, initial_end: true } => {
                (self.synced(&version), vec![Change::Commit(version)], Next::Read)
            }
            // Bookmarks before the initial events have ended mean that the server does not know of such an end.
            Event::Bookmark { .. } => self.failed(Failure::Unsupported, Duration::ZERO),
        }
    }

    fn paged<T>(self, items: Vec<T>, version: Version, more: Option<String>) -> (Self, Vec<Change<T>>, Next) {
        // All pages have the same version; should they not, then what changed between them is sent from the first on.
        let listed = self.listed.clone().unwrap_or(version);
        let stage = Change::Stage(items);
        if more.is_some() {
            let next = Next::List { more, paged: true };
            return (Self { listed: Some(listed), ..self }, vec![stage], next);
        }
        (self.synced(&listed), vec![stage, Change::Commit(listed.clone())], Next::Watch(listed))
    }

    fn synced(self, version: &Version) -> Self {
        let version = Some(version.clone());
        Self { state: State::Watching, version, listed: None, in_one_piece: false, distrust: false, ..self }
    }

    fn watched<T>(self, event: Event<T>) -> (Self, Vec<Change<T>>, Next) {
        let (Event::Put(_, version) | Event::Deleted(_, version) | Event::Bookmark { version, .. }) = &event;
        if self.is_ahead_of(version) {
            return self.went_back();
        }
        let change = match event {
            Event::Put(object, ref version) => Change::Apply(object, version.clone()),
            Event::Deleted(object, ref version) => Change::Remove(object, version.clone()),
            Event::Bookmark { ref version, .. } => Change::Progress(version.clone()),
        };
        let (Change::Apply(_, version) | Change::Remove(_, version) | Change::Progress(version)) = &change else {
            return (self, vec![change], Next::Read);
        };
        let version = Some(version.clone());
        (Self { version, ..self }, vec![change], Next::Read)
    }

    fn probed<T>(self, newest: Version) -> (Self, Vec<Change<T>>, Next) {
        match self.version.clone() {
            Some(version) if !self.is_ahead_of(&newest) => {
                (Self { state: State::Watching, ..self }, vec![], Next::Watch(version))
            }
            _ => self.went_back(),
        }
    }

    fn is_ahead_of(&self, version: &Version) -> bool {
        self.version.as_ref().is_some_and(|own| version.older_than(own))
    }

    fn went_back<T>(self) -> (Self, Vec<Change<T>>, Next) {
        Self { distrust: true, ..self }.failed(Failure::Garbage, Duration::ZERO)
    }

    fn ended<T>(self, lasted: Duration) -> (Self, Vec<Change<T>>, Next) {
        if self.state == State::Watching && lasted >= STEADY {
            return (Self { state: State::Probing, failures: 0, ..self }, vec![], Next::Probe);
        }
        self.failed(Failure::Other { stay_away: Duration::ZERO }, lasted)
    }

    fn failed<T>(mut self, failure: Failure, lasted: Duration) -> (Self, Vec<Change<T>>, Next) {
        if self.state == State::Streaming && matches!(failure, Failure::Unsupported | Failure::Silent) {
            return Self { lists_only: true, ..self }.begin();
        }
        // A watch of which nothing was lost goes on; everything else begins anew.
        let lost = matches!(failure, Failure::Expired | Failure::Garbage | Failure::Unsupported);
        self.anew = lost || !matches!(self.state, State::Watching | State::Probing);
        if self.state == State::Listing && failure == Failure::Expired {
            self.in_one_piece = true;
        }
        if lasted >= STEADY && self.state == State::Watching {
            self.failures = 0;
        }
        let at_least = match failure {
            Failure::Other { stay_away } => stay_away,
            _ => Duration::ZERO,
        };
        let next = Next::Wait { failures: self.failures, at_least };
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting;
        (self, vec![], next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(200);
    const OTHER: Failure = Failure::Other { stay_away: Duration::ZERO };

    fn version(number: u64) -> Version {
        Version::new(&number.to_string())
    }

    fn put(number: u64) -> Input<u64> {
        Input::Event(Event::Put(number, version(number)))
    }

    fn bookmark(number: u64, initial_end: bool) -> Input<u64> {
        Input::Event(Event::Bookmark { version: version(number), initial_end })
    }

    fn failed(failure: Failure) -> Input<u64> {
        Input::Failed { failure, lasted: Duration::ZERO }
    }

    fn page(number: u64, more: Option<&str>) -> Input<u64> {
        Input::Page { items: vec![number], version: version(number), more: more.map(str::to_string) }
    }

    fn list(more: Option<&str>, paged: bool) -> Next {
        Next::List { more: more.map(str::to_string), paged }
    }

    fn wait(failures: u32) -> Next {
        Next::Wait { failures, at_least: Duration::ZERO }
    }

    fn run(inputs: impl IntoIterator<Item = Input<u64>>) -> (Machine, Vec<Change<u64>>, Next) {
        let start = Machine::default().step(Input::Start);
        inputs.into_iter().fold(start, |(machine, ..), input| machine.step(input))
    }

    fn watching(number: u64) -> Vec<Input<u64>> {
        vec![bookmark(number, true)]
    }

    #[test]
    fn streams_all_objects_and_goes_on_watching_on_the_same_connection() {
        let (machine, changes, next) = run([]);
        assert_eq!(
            (machine.state, changes, next),
            (State::Streaming, vec![Change::Begin { trust: true }], Next::Stream)
        );
        let (_, changes, next) = run([put(3)]);
        assert_eq!((changes, next), (vec![Change::Stage(vec![3])], Next::Read));
        let (machine, changes, next) = run([put(3), bookmark(5, true)]);
        assert_eq!((machine.state, changes, next), (State::Watching, vec![Change::Commit(version(5))], Next::Read));
    }

    #[test]
    fn lists_pages_where_the_server_has_no_watch_list() {
        for evidence in [failed(Failure::Unsupported), failed(Failure::Silent), bookmark(4, false)] {
            let (_, changes, next) = run([evidence]);
            assert_eq!((changes, next), (vec![Change::Begin { trust: true }], list(None, true)));
        }
        let unsupported = failed(Failure::Unsupported);
        let (_, changes, next) = run([unsupported.clone(), page(4, Some("token"))]);
        assert_eq!((changes, next), (vec![Change::Stage(vec![4])], list(Some("token"), true)));
        let (machine, changes, next) = run([unsupported, page(4, Some("token")), page(6, None)]);
        assert_eq!(changes, [Change::Stage(vec![6]), Change::Commit(version(4))]);
        assert_eq!((machine.state, next), (State::Watching, Next::Watch(version(4))));
    }

    #[test]
    fn a_list_that_expires_between_its_pages_is_read_in_one_piece() {
        let inputs = [failed(Failure::Unsupported), page(4, Some("token")), failed(Failure::Expired)];
        let (machine, _, next) = run(inputs);
        assert_eq!(next, wait(0));
        let (_, changes, next) = machine.step::<u64>(Input::Elapsed);
        assert_eq!((changes, next), (vec![Change::Begin { trust: true }], list(None, false)));
    }

    #[test]
    fn an_expired_watch_lists_again() {
        let (machine, changes, next) = run([watching(5), vec![failed(Failure::Expired)]].concat());
        assert_eq!((machine.state, changes, next), (State::Waiting, vec![], wait(0)));
        assert_eq!(machine.step::<u64>(Input::Elapsed).2, Next::Stream);
    }

    #[test]
    fn garbage_lists_again() {
        let (machine, ..) = run([watching(5), vec![failed(Failure::Garbage)]].concat());
        assert_eq!(machine.step::<u64>(Input::Elapsed).2, Next::Stream);
    }

    #[test]
    fn a_connection_that_ends_is_taken_up_again_from_the_last_version() {
        let (machine, _, next) = run([watching(5), vec![put(7), Input::Ended { lasted: LONG }]].concat());
        assert_eq!((machine.state, next), (State::Probing, Next::Probe));
        let (machine, _, next) = machine.step::<u64>(Input::Newest(version(9)));
        assert_eq!((machine.state, next), (State::Watching, Next::Watch(version(7))));
    }

    #[test]
    fn a_connection_that_breaks_or_goes_silent_is_taken_up_again_after_a_while() {
        for failure in [OTHER, Failure::Silent] {
            let (machine, _, next) = run([watching(5), vec![failed(failure)]].concat());
            assert_eq!(next, wait(0));
            assert_eq!(machine.step::<u64>(Input::Elapsed).2, Next::Probe);
        }
    }

    #[test]
    fn a_server_that_went_back_is_listed_again_without_trust() {
        let behind =
            [vec![put(4)], vec![bookmark(4, false)], vec![Input::Ended { lasted: LONG }, Input::Newest(version(4))]];
        for evidence in behind {
            let (machine, changes, next) = run([watching(5), evidence].concat());
            assert_eq!((changes, next), (vec![], wait(0)));
            let (machine, changes, next) = machine.step::<u64>(Input::Elapsed);
            assert_eq!((changes, next), (vec![Change::Begin { trust: false }], Next::Stream));
            let (machine, ..) = machine.step(bookmark(4, true));
            assert_eq!(machine.step(put(5)).1, [Change::Apply(5, version(5))]);
        }
    }

    #[test]
    fn failures_in_a_row_wait_longer_until_a_connection_has_lasted() {
        let (mut machine, _, mut next) = run([failed(OTHER)]);
        for failures in 0..3 {
            assert_eq!(next, wait(failures));
            (machine, _, _) = machine.step::<u64>(Input::Elapsed);
            (machine, _, next) = machine.step(failed(OTHER));
        }
        (machine, _, _) = machine.step::<u64>(Input::Elapsed);
        (machine, _, _) = machine.step(bookmark(5, true));
        // A polite end is no success if it comes at once.
        (machine, _, next) = machine.step::<u64>(Input::Ended { lasted: Duration::ZERO });
        assert_eq!(next, wait(4));
        (machine, _, _) = machine.step::<u64>(Input::Elapsed);
        (machine, _, _) = machine.step::<u64>(Input::Newest(version(5)));
        (_, _, next) = machine.step::<u64>(Input::Failed { failure: OTHER, lasted: LONG });
        assert_eq!(next, wait(0));
    }

    #[test]
    fn keeps_away_for_as_long_as_the_server_asks() {
        let stay_away = Duration::from_secs(9);
        let (_, _, next) = run([failed(Failure::Other { stay_away })]);
        assert_eq!(next, Next::Wait { failures: 0, at_least: stay_away });
    }
}
