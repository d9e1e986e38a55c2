//! Values of tokens, lying in the order in which they are asked for.

use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::Result;
use crate::tokens::mixed;

/// All values in one buffer, shuffled when they are put in: asking for them one after the other is random to whoever
/// answers, and costs the one who asks the same, whoever answers.
pub struct Values {
    bytes: Vec<u8>,
    width: usize,
    /// Whose value lies at each place.
    numbers: Vec<u32>,
    /// Where each token's value lies.
    places: Vec<u32>,
}

/// A run of values.
#[derive(Clone, Copy)]
pub struct Window<'a> {
    bytes: &'a [u8],
    width: usize,
    numbers: &'a [u32],
}

impl Values {
    /// Places for `tokens` values of `width` bytes.
    pub fn new(tokens: u32, width: usize) -> Values {
        let mut numbers: Vec<u32> = (0..tokens).collect();
        for last in (1..numbers.len()).rev() {
            // Fisher and Yates; the bias of the remainder is beyond any measuring.
            numbers.swap(last, (mixed(last as u64) % (last as u64 + 1)) as usize);
        }
        let mut places = vec![0; numbers.len()];
        for (place, number) in numbers.iter().enumerate() {
            places[*number as usize] = place as u32;
        }
        Values { bytes: vec![0; numbers.len() * width], width, numbers, places }
    }

    /// The values and numbers that a [`Prepared`](crate::Prepared) has in files.
    ///
    /// # Errors
    /// If the files cannot be read.
    ///
    /// # Panics
    /// Unless the numbers are those from 0 on.
    pub fn read(values: &Path, numbers: &Path) -> Result<Values> {
        let (bytes, numbers) = (fs::read(values)?, fs::read(numbers)?);
        let numbers: Vec<u32> =
            numbers.as_chunks().0.iter().map(|number| u64::from_ne_bytes(*number) as u32).collect();
        let mut places = vec![0; numbers.len()];
        for (place, number) in numbers.iter().enumerate() {
            places[*number as usize] = place as u32;
        }
        Ok(Values { width: bytes.len() / numbers.len(), bytes, numbers, places })
    }

    /// Puts in the value of token `number`.
    ///
    /// # Panics
    /// If there is no place for that number, or the value has another width.
    pub fn put(&mut self, number: usize, value: &[u8]) {
        let start = self.places[number] as usize * self.width;
        self.bytes[start..start + self.width].copy_from_slice(value);
    }

    /// The value of token `number`.
    ///
    /// # Panics
    /// If there is no such token.
    pub fn of(&self, number: usize) -> &[u8] {
        let start = self.places[number] as usize * self.width;
        &self.bytes[start..start + self.width]
    }

    /// The values in these places.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn window(&self, places: Range<usize>) -> Window<'_> {
        Window {
            bytes: &self.bytes[places.start * self.width..places.end * self.width],
            width: self.width,
            numbers: &self.numbers[places],
        }
    }

    /// All values.
    pub fn all(&self) -> Window<'_> {
        self.window(0..self.numbers.len())
    }
}

impl<'a> Window<'a> {
    /// How many values these are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The values alone.
    pub fn values(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.bytes.chunks_exact(self.width)
    }

    /// Each value and the number of its token.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], u64)> + use<'a> {
        self.values().zip(self.numbers.iter().map(|number| u64::from(*number)))
    }

    /// The same values in runs of at most `len`.
    pub fn chunks(self, len: usize) -> impl Iterator<Item = Window<'a>> {
        let width = self.width;
        let runs = self.bytes.chunks(len * width).zip(self.numbers.chunks(len));
        runs.map(move |(bytes, numbers)| Window { bytes, width, numbers })
    }
}
