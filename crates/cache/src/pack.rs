//! Bytes kept as what differs from a pattern: another object that looks alike.
//!
//! Objects of one kind are alike, and those of one owner or with the same labels nearly the same. Each is kept as a
//! list of copies and of bytes of its own:
//!
//! ```text
//! packed:  step*
//! step:    own (number: length * 2 + 1 if in hexadecimal) bytes  copy (number) [skip (signed number), unless copy is 0]
//! ```
//!
//! A copy begins at its own position, moved on by the sum of the `skip`s of this and of earlier copies from the pattern;
//! positions run through the pattern and then through what has been unpacked so far. Numbers have seven bits a byte,
//! the lowest first. Own bytes that are all lower-case hexadecimal digits, as in uids and digests, take half a byte each.

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxHasher;

/// Shorter copies cost more than the bytes.
const SHORTEST: usize = 6;
/// Positions in a pattern that are known by their bytes; beyond, only copies in sequence are found.
const INDEXED: usize = 1 << 16;
/// Patterns whose positions are held ready.
const READY: usize = 8;
/// What packs to less than one part in so many of itself has a pattern that fits.
const FITS: usize = 4;
/// Numbers of families that are remembered for each pattern that is held, at least.
const FAMILIES: usize = 1024;

/// An object that others are kept as differences from.
#[derive(Debug)]
pub(crate) struct Pattern {
    bytes: Box<[u8]>,
}

/// What is kept of some bytes.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) pattern: Option<Arc<Pattern>>,
    pub(crate) steps: Vec<u8>,
}

/// Packs the objects of one kind, and chooses their patterns.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    /// By family: what was made of the objects that were seen of it.
    families: HashMap<u64, Family, std::hash::BuildHasherDefault<FxHasher>>,
    sweep_at: usize,
    /// The first object of the kind, for families without a pattern.
    common: Option<Arc<Pattern>>,
    ready: Vec<Ready>,
    own: Positions,
}

#[derive(Debug)]
enum Family {
    /// It has no pattern, and what its objects took without one, in bytes.
    Without(usize),
    Of(std::sync::Weak<Pattern>),
}

/// A pattern with its positions.
#[derive(Debug)]
struct Ready {
    pattern: Arc<Pattern>,
    positions: Positions,
}

/// Where some bytes were last seen, by what they are; collisions are found out by comparing.
#[derive(Debug, Default)]
struct Positions(Vec<u32>);

impl Packer {
    /// Packs bytes. `families`: numbers of the families that the object belongs to, the closest first.
    pub(crate) fn pack(&mut self, bytes: &[u8], families: &[u64]) -> Packed {
        let known = families.iter().find_map(|family| match self.families.get(family) {
            Some(Family::Of(pattern)) => pattern.upgrade(),
            Some(Family::Without(_)) | None => None,
        });
        let own = known.is_some();
        if let Some(pattern) = known.or_else(|| self.common.clone()) {
            let steps = self.steps(bytes, &pattern);
            if !(own && steps.len() * FITS < bytes.len())
                && let Some(&family) = families.first()
            {
                // A pattern costs as much as the object. It is made as soon as it would have paid, and not for the
                // first of a family, which may be the only one.
                let before = match self.families.get(&family) {
                    Some(Family::Without(bytes)) => *bytes,
                    Some(Family::Of(_)) | None => 0,
                };
                if before > 0 && before + steps.len() > bytes.len() {
                    return self.pattern(bytes, family);
                }
                self.remember(family, Family::Without(before + steps.len()));
            }
            return if steps.len() < bytes.len() {
                Packed { pattern: Some(pattern), steps }
            } else {
                Packed { pattern: None, steps: own_only(bytes) }
            };
        }
        let packed = self.pattern(bytes, families.first().copied().unwrap_or_default());
        self.common.clone_from(&packed.pattern);
        packed
    }

    /// Makes the bytes a pattern, of which they themselves are one copy.
    fn pattern(&mut self, bytes: &[u8], family: u64) -> Packed {
        let pattern = Arc::new(Pattern { bytes: bytes.into() });
        self.remember(family, Family::Of(Arc::downgrade(&pattern)));
        let mut steps = Vec::new();
        step(&mut steps, &[], bytes.len(), 0);
        Packed { pattern: Some(pattern), steps }
    }

    fn remember(&mut self, family: u64, what: Family) {
        if self.families.len() >= self.sweep_at {
            self.families.retain(|_, family| matches!(family, Family::Of(pattern) if pattern.strong_count() > 0));
            self.sweep_at = (self.families.len() * 2).max(FAMILIES);
        }
        self.families.insert(family, what);
    }

    fn steps(&mut self, bytes: &[u8], pattern: &Arc<Pattern>) -> Vec<u8> {
        let at = match self.ready.iter().position(|ready| Arc::ptr_eq(&ready.pattern, pattern)) {
            Some(at) => at,
            None => {
                self.ready.truncate(READY - 1);
                let mut positions = Positions::default();
                positions.clear(pattern.bytes.len());
                for at in (0..pattern.bytes.len().min(INDEXED)).rev() {
                    positions.note(&pattern.bytes, at);
                }
                self.ready.push(Ready { pattern: pattern.clone(), positions });
                self.ready.len() - 1
            }
        };
        // The one used last is the first to be found next.
        self.ready[..=at].rotate_right(1);
        self.own.clear(bytes.len());
        steps(bytes, &self.ready[0], &mut self.own)
    }
}

/// The bytes that were packed; those that are unreadable are left out, which what [`Packer::pack`] made never are.
pub(crate) fn unpack(pattern: Option<&Pattern>, mut steps: &[u8], out: &mut Vec<u8>) {
    let pattern = pattern.map_or(&[][..], |pattern| &pattern.bytes);
    let start = out.len();
    let mut shift = 0_isize;
    while let Some(own) = number(&mut steps) {
        let length = own / 2;
        let stored = if own % 2 == 1 { length.div_ceil(2) } else { length };
        let Some((own_bytes, rest)) = steps.split_at_checked(stored) else { return };
        steps = rest;
        if own % 2 == 1 {
            let digits = own_bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(length);
            out.extend(digits.map(|digit| b"0123456789abcdef"[usize::from(digit)]));
        } else {
            out.extend_from_slice(own_bytes);
        }
        let Some(copied) = number(&mut steps).filter(|&copied| copied > 0) else { continue };
        let Some(skip) = number(&mut steps) else { return };
        let moved = shift.wrapping_add((skip >> 1) as isize ^ -((skip & 1) as isize));
        let from = (out.len() - start).wrapping_add_signed(moved);
        if from < pattern.len() {
            shift = moved;
            let Some(copy) = from.checked_add(copied).and_then(|end| pattern.get(from..end)) else { return };
            out.extend_from_slice(copy);
        } else {
            let from = start.saturating_add(from - pattern.len());
            let Some(end) = from.checked_add(copied).filter(|&end| end <= out.len()) else { return };
            out.extend_from_within(from..end);
        }
    }
}

/// Bytes without a pattern and without copies.
fn own_only(bytes: &[u8]) -> Vec<u8> {
    let mut steps = Vec::with_capacity(bytes.len() + 8);
    step(&mut steps, bytes, 0, 0);
    steps
}

fn steps(bytes: &[u8], ready: &Ready, positions: &mut Positions) -> Vec<u8> {
    let pattern = &*ready.pattern.bytes;
    let mut out = Vec::with_capacity(bytes.len() / 8 + 16);
    // Up to `begun` everything is written.
    let (mut at, mut begun, mut shift) = (0_usize, 0_usize, 0_isize);
    while at + SHORTEST <= bytes.len() {
        let in_sequence = at.wrapping_add_signed(shift);
        // Where the pattern has something else of the same length, and where it has nothing.
        let expected = [in_sequence, begun.wrapping_add_signed(shift)];
        let seen = ready.positions.find(bytes, at);
        let in_pattern = expected.into_iter().chain(seen).map(|from| (from, common(pattern.get(from..), &bytes[at..])));
        // Only what is unpacked by then.
        let own = positions.find(bytes, at).filter(|&from| from < at);
        let in_own = own.map(|from| (pattern.len() + from, common(bytes.get(from..at), &bytes[at..])));
        let longest = in_pattern.chain(in_own).reduce(|best, next| if next.1 > best.1 { next } else { best });
        positions.note(bytes, at);
        match longest.filter(|(_, length)| *length >= SHORTEST) {
            Some((from, length)) => {
                step(&mut out, &bytes[begun..at], length, from.wrapping_sub(in_sequence) as isize);
                if from < pattern.len() {
                    shift = from.wrapping_sub(at) as isize;
                }
                at += length;
                begun = at;
            }
            None => at += 1,
        }
    }
    if begun < bytes.len() {
        step(&mut out, &bytes[begun..], 0, 0);
    }
    out
}

/// How many bytes both begin with in common.
fn common(one: Option<&[u8]>, other: &[u8]) -> usize {
    let Some(one) = one else { return 0 };
    const WORD: usize = 16;
    let words = one.chunks_exact(WORD).zip(other.chunks_exact(WORD)).take_while(|(one, other)| one == other).count();
    let from = words * WORD;
    from + one[from..].iter().zip(&other[from..]).take_while(|(one, other)| one == other).count()
}

fn step(out: &mut Vec<u8>, own: &[u8], copied: usize, skip: isize) {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if own.len() > 2 && own.iter().all(|&byte| digit(byte).is_some()) {
        write_number(out, own.len() * 2 + 1);
        let nibble = |byte: Option<&u8>| byte.and_then(|&byte| digit(byte)).unwrap_or(0);
        out.extend(own.chunks(2).map(|pair| nibble(pair.first()) << 4 | nibble(pair.get(1))));
    } else {
        write_number(out, own.len() * 2);
        out.extend_from_slice(own);
    }
    write_number(out, copied);
    if copied > 0 {
        write_number(out, ((skip << 1) ^ (skip >> (isize::BITS - 1))) as usize);
    }
}

fn write_number(out: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn number(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

impl Positions {
    /// Forgets everything, with room for so many.
    fn clear(&mut self, bytes: usize) {
        let size = bytes.clamp(256, INDEXED).next_power_of_two();
        self.0.clear();
        self.0.resize(size, u32::MAX);
    }

    fn note(&mut self, bytes: &[u8], at: usize) {
        if let (Some(slot), Ok(position)) = (self.slot(bytes, at), u32::try_from(at)) {
            self.0[slot] = position;
        }
    }

    fn find(&self, bytes: &[u8], at: usize) -> Option<usize> {
        self.slot(bytes, at).map(|slot| self.0[slot]).filter(|&position| position != u32::MAX).map(|at| at as usize)
    }

    fn slot(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let key = bytes.get(at..at + SHORTEST)?;
        let key = key.iter().fold(0_u64, |key, &byte| key << 8 | u64::from(byte));
        // The size is a power of two, and the highest bits of the product depend on all of the key.
        Some((key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize & (self.0.len() - 1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn there_and_back(packer: &mut Packer, bytes: &[u8], families: &[u64]) -> usize {
        let Packed { pattern, steps } = packer.pack(bytes, families);
        let mut out = b"before".to_vec();
        unpack(pattern.as_deref(), &steps, &mut out);
        assert_eq!(out, [b"before", bytes].concat());
        steps.len()
    }

    fn pod(number: u32) -> String {
        format!(
            r#"{{"uid":"{number:032x}","spec":{{"containers":[{{"name":"web","image":"registry.example.com/web:v1"}}],
            "nodeName":"node-{}"}},"status":{{"podIP":"10.0.0.{number}","podIPs":[{{"ip":"10.0.0.{number}"}}]}}}}"#,
            number % 7
        )
    }

    #[test]
    fn objects_that_are_alike_cost_what_differs() {
        let mut packer = Packer::default();
        there_and_back(&mut packer, pod(1).as_bytes(), &[1]);
        for number in 2..200 {
            let kept = there_and_back(&mut packer, pod(number).as_bytes(), &[1]);
            assert!(kept < 40, "{kept} bytes for pod {number} of {}", pod(number).len());
        }
    }

    #[test]
    fn a_family_that_is_unlike_the_others_gets_a_pattern_of_its_own() {
        let mut packer = Packer::default();
        let other = |number: u32| {
            (0..40).map(|part| format!("{part}-{}", part * 7919)).collect::<String>() + &number.to_string()
        };
        there_and_back(&mut packer, pod(1).as_bytes(), &[1]);
        // A pattern is there as long as an object needs it.
        let held: Vec<Packed> = (0..4).map(|number| packer.pack(other(number).as_bytes(), &[2])).collect();
        let kept: Vec<usize> = held.iter().map(|packed| packed.steps.len()).collect();
        assert!(kept[0] > 100 && kept[1..].iter().all(|kept| *kept < 10), "{kept:?}");
    }

    #[test]
    fn families_of_one_cost_no_pattern_each() {
        let mut packer = Packer::default();
        for number in 0..5000_u64 {
            let unlike = format!("{}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let Packed { pattern, .. } = packer.pack(unlike.as_bytes(), &[number]);
            assert!(
                number == 0 || pattern.is_none() || Arc::ptr_eq(&pattern.unwrap(), packer.common.as_ref().unwrap())
            );
        }
        assert!(packer.families.len() <= 2 * FAMILIES);
    }

    #[test]
    fn a_pattern_goes_with_the_last_object_that_needs_it() {
        let mut packer = Packer::default();
        there_and_back(&mut packer, b"the first object of the kind", &[1]);
        let packed: Vec<Packed> = (0..3).map(|_| packer.pack(pod(1).as_bytes(), &[2])).collect();
        let pattern = Arc::downgrade(packed[2].pattern.as_ref().unwrap());
        packer.ready.clear();
        drop(packed);
        assert!(pattern.upgrade().is_none());
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(texts in prop::collection::vec("([a-f0-9]{0,9}|abcdefghij|\"key\":){0,30}", 1..12), families in prop::collection::vec(0..3_u64, 0..3)) {
            let mut packer = Packer::default();
            for text in &texts {
                there_and_back(&mut packer, text.as_bytes(), &families);
            }
        }

        #[test]
        fn garbage_is_unpacked_without_a_panic(pattern: Vec<u8>, steps: Vec<u8>) {
            unpack(Some(&Pattern { bytes: pattern.into() }), &steps, &mut Vec::new());
        }
    }
}
