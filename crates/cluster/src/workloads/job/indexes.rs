//! Sets of completion indexes, in the short form that a status has: `0-3,5,7,8`.

use std::fmt;

/// Ordered ranges, first and last, that neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Indexes(Vec<(i32, i32)>);

impl Indexes {
    /// Reads the short form. What is not below `completions` is left out, what can't be read is passed over.
    pub(super) fn parse(text: &str, completions: i32) -> Self {
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (i32, i32) = (first.parse().ok()?, last.parse().ok()?);
            (first >= 0 && first < completions && first <= last).then_some((first, last.min(completions - 1)))
        };
        Self::of(text.split(',').filter_map(range).collect())
    }

    fn of(mut ranges: Vec<(i32, i32)>) -> Self {
        ranges.sort_unstable();
        let mut joined: Vec<(i32, i32)> = Vec::new();
        for (first, last) in ranges {
            match joined.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }

    /// What is in one of them or in both.
    pub(super) fn union(&self, other: &Self) -> Self {
        Self::of(self.0.iter().chain(&other.0).copied().collect())
    }

    pub(super) fn contains(&self, index: i32) -> bool {
        let next = self.0.partition_point(|(_, last)| *last < index);
        self.0.get(next).is_some_and(|(first, _)| *first <= index)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub(super) fn count(&self) -> i32 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// How many are in both.
    pub(super) fn shared(&self, other: &Self) -> i32 {
        let (mut left, mut right, mut count) = (0, 0, 0);
        while let (Some(one), Some(two)) = (self.0.get(left), other.0.get(right)) {
            count += (one.1.min(two.1) - one.0.max(two.0) + 1).max(0);
            if one.1 <= two.1 { left += 1 } else { right += 1 }
        }
        count
    }

    /// The first of those below `completions` that are not in it, at most so many.
    pub(super) fn missing(&self, completions: i32, most: usize) -> Vec<i32> {
        let ends = self.0.iter().map(|(first, _)| *first).chain([completions]);
        let starts = [0].into_iter().chain(self.0.iter().map(|(_, last)| last + 1));
        starts.zip(ends).flat_map(|(start, end)| start..end.min(completions)).take(most).collect()
    }
}

impl FromIterator<i32> for Indexes {
    fn from_iter<I: IntoIterator<Item = i32>>(indexes: I) -> Self {
        Self::of(indexes.into_iter().map(|index| (index, index)).collect())
    }
}

impl fmt::Display for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (first, last)) in self.0.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            match last - first {
                0 => write!(f, "{comma}{first}")?,
                1 => write!(f, "{comma}{first},{last}")?,
                _ => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_short_form_is_read_and_written() {
        for (text, read) in
            [("", ""), ("0-3,5,7,8", "0-3,5,7,8"), ("1,2,3", "1-3"), ("0,x,2-1,4", "0,4"), ("8-20", "8,9")]
        {
            assert_eq!(Indexes::parse(text, 10).to_string(), read, "{text}");
        }
    }

    proptest! {
        /// It does what a plain set does.
        #[test]
        fn it_is_a_set(one in prop::collection::btree_set(0..40_i32, 0..30), two in prop::collection::btree_set(0..40_i32, 0..30)) {
            let (left, right): (Indexes, Indexes) = (one.iter().copied().collect(), two.iter().copied().collect());
            let both: BTreeSet<i32> = one.union(&two).copied().collect();
            prop_assert_eq!(left.union(&right), both.iter().copied().collect());
            prop_assert_eq!(left.shared(&right) as usize, one.intersection(&two).count());
            prop_assert_eq!(left.count() as usize, one.len());
            prop_assert_eq!(Indexes::parse(&left.to_string(), 40), left.clone());
            prop_assert!((0..40).all(|index| left.contains(index) == one.contains(&index)));
            let missing: Vec<i32> = (0..35).filter(|index| !one.contains(index)).take(5).collect();
            prop_assert_eq!(left.missing(35, 5), missing);
        }
    }
}
