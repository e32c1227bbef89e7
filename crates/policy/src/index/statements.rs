//! Sets of statements, by number.

use smallvec::SmallVec;

/// A set that is filled while a request is decided on; on the stack up to 4,096 statements.
#[derive(Clone)]
pub(super) struct Bits(SmallVec<[u64; 64]>);

/// A fixed set of an index.
#[derive(Debug)]
pub(super) enum Members {
    /// Few: their numbers.
    Few(Box<[u32]>),
    /// Many: one bit each.
    Many(Box<[u64]>),
}

impl Bits {
    /// The empty set, with room for numbers below `size`.
    pub(super) fn new(size: usize) -> Self {
        Self(SmallVec::from_elem(0, size.div_ceil(64)))
    }

    pub(super) fn add(&mut self, members: &Members) {
        match members {
            Members::Few(numbers) => {
                for number in numbers {
                    self.insert(*number);
                }
            }
            Members::Many(words) => {
                for (word, more) in self.0.iter_mut().zip(words) {
                    *word |= more;
                }
            }
        }
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        for (word, others) in self.0.iter_mut().zip(&other.0) {
            *word &= others;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Puts every number in, and perhaps a few past the end, which nothing has.
    pub(super) fn fill(&mut self) {
        self.0.fill(u64::MAX);
    }

    /// The numbers in the set, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(place, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest.wrapping_sub(1);
                (bit < 64).then_some(place * 64 + bit)
            })
        })
    }

    fn insert(&mut self, number: u32) {
        if let Some(word) = self.0.get_mut(number as usize / 64) {
            *word |= 1 << (number % 64);
        }
    }
}

impl Members {
    pub(super) fn new(numbers: &[u32], size: usize) -> Self {
        let words = size.div_ceil(64);
        // A word is as large as two numbers, and quicker to take in than one.
        if numbers.len() < words {
            return Self::Few(numbers.into());
        }
        let mut bits = Bits::new(size);
        bits.add(&Self::Few(numbers.into()));
        Self::Many(bits.0.into_boxed_slice())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Few(numbers) => size_of_val::<[u32]>(numbers),
            Self::Many(words) => size_of_val::<[u64]>(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_hold_the_same() {
        let numbers: Vec<u32> = (0..300).filter(|number| number % 7 == 0).collect();
        let mut bits = Bits::new(300);
        bits.add(&Members::Few(numbers.as_slice().into()));
        let mut again = Bits::new(300);
        again.add(&Members::new(&numbers, 300));
        assert!(matches!(Members::new(&numbers, 300), Members::Many(_)));
        let expected: Vec<usize> = numbers.iter().map(|number| *number as usize).collect();
        assert_eq!(bits.iter().collect::<Vec<_>>(), expected);
        assert_eq!(again.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_intersection_keeps_what_both_have() {
        let (mut one, mut other) = (Bits::new(130), Bits::new(130));
        one.add(&Members::Few([1, 64, 129].into()));
        other.add(&Members::Few([0, 64, 128].into()));
        one.intersect(&other);
        assert_eq!(one.iter().collect::<Vec<_>>(), [64]);
        assert!(!one.is_empty() && Bits::new(130).is_empty());
    }
}
