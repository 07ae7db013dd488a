//! Chance that is the same each time: a small generator whose numbers depend on its seed only, on every machine and with
//! every version of every crate.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The numbers of a case of a seed: independent of those of all other cases.
    pub(crate) fn new(seed: u64, case: u64) -> Self {
        let mut random = Self { state: seed };
        let start = random.next() ^ case.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { state: start }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of these, which must not be none.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// The first of these in most cases, one of the others in the rest.
    pub(crate) fn mostly<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        if self.percent(60) { &of[0] } else { self.pick(of) }
    }

    /// The index of one of these weights, by weight.
    pub(crate) fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if left < *weight {
                return index;
            }
            left -= weight;
        }
        0
    }
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let numbers = |seed, case| {
        let mut random = Random::new(seed, case);
        [random.below(1000), random.below(1000), random.below(1000)]
    };
    assert_eq!(numbers(1, 2), numbers(1, 2));
    assert_ne!(numbers(1, 2), numbers(1, 3));
    assert_ne!(numbers(1, 2), numbers(2, 2));
}
