//! Who a key belongs to: rendezvous hashing, the same in every process, version and architecture.
//!
//! Each member gets a score for the key, and the highest wins. When a member comes or goes, only keys that it wins or had
//! won change hands: one in N, which is the least that keeps shares equal.

use std::fmt::{self, Write};

/// The hash of a key, from how it is shown: `namespace/name` for objects. The keys of all controllers that are shown alike
/// belong to the same member.
pub(crate) fn of_key(key: &impl fmt::Display) -> u64 {
    let mut hash = Fnv::default();
    // Hashing does not fail.
    _ = write!(hash, "{key}");
    mix(hash.0)
}

/// The hash of a member's name.
pub(crate) fn of_member(name: &str) -> u64 {
    let mut hash = Fnv::default();
    hash.eat(name.as_bytes());
    mix(hash.0)
}

/// The index of the member to which a key belongs, by the hashes of the members; `None` if there are none.
pub(crate) fn owner(members: &[u64], key: u64) -> Option<usize> {
    // Of two with the same score, which are two with the same hash, the first wins: members are in order.
    let scored = members.iter().enumerate().map(|(at, member)| (mix(member ^ key.rotate_left(32)), at));
    scored.max_by(|one, other| one.0.cmp(&other.0).then(other.1.cmp(&one.1))).map(|(_, at)| at)
}

/// FNV-1a, 64 bits.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn eat(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.eat(text.as_bytes());
        Ok(())
    }
}

/// The finalizer of SplitMix64: each bit of the input changes about half of the bits.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(members: &[&str]) -> Vec<Option<usize>> {
        let members: Vec<u64> = members.iter().map(|name| of_member(name)).collect();
        (0..10_000).map(|n| owner(&members, of_key(&format!("namespace/service-{n}")))).collect()
    }

    #[test]
    fn the_hash_never_changes_as_replicas_of_two_versions_must_agree() {
        assert_eq!(of_key(&"default/web"), 0x2096_4ea8_4e94_d226);
        let members = ["a", "b", "c"].map(of_member);
        let owners: Vec<_> = (0..8).map(|n| owner(&members, of_key(&n))).collect();
        assert_eq!(owners.into_iter().flatten().collect::<Vec<_>>(), [2, 0, 0, 0, 1, 0, 0, 2]);
        assert_eq!(owner(&[], 7), None);
    }

    #[test]
    fn shares_are_about_equal() {
        for members in [&["a", "b"][..], &["pod-0", "pod-1", "pod-2", "pod-3", "pod-4"]] {
            let owners = owners(members);
            for at in 0..members.len() {
                let share = owners.iter().filter(|owner| **owner == Some(at)).count();
                let fair = 10_000 / members.len();
                assert!((fair * 9 / 10..fair * 11 / 10).contains(&share), "{members:?} {at}: {share}");
            }
        }
    }

    #[test]
    fn only_the_keys_of_the_one_who_comes_or_goes_change_hands() {
        let (two, three) = (owners(&["a", "b"]), owners(&["a", "b", "c"]));
        for (before, after) in two.iter().zip(&three) {
            assert!(before == after || *after == Some(2));
        }
        let moved = two.iter().zip(&three).filter(|(before, after)| before != after).count();
        assert!((3_000..3_700).contains(&moved), "{moved}");
    }
}
