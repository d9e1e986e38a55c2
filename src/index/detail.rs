//! A token's detail: what does not fit its slot, the projects it is granted and its binding.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::grants::Grants;
use crate::packed::{self, Binding, Project};

/// Sets of more projects than this are searched by halves instead of one by one.
const LINEAR_PROJECTS: usize = 8;

/// What a detail answers.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) project_granted: bool,
    pub(super) binding_equal: bool,
}

/// Of the head word: whether the address of a line follows it.
const HAS_LINE: u64 = 1 << 24;

/// A token's detail: a head word (number of projects in 16 bits, words of the binding in 8, whether there is a line in
/// 1, words of all in the upper 32), the address of the line that the token hangs on, the binding packed, for more than eight projects the place of each in 16 bits, and the projects packed, sorted as
/// words. Empty if there is nothing to say.
pub(super) fn encode(grants: &Grants, binding: Option<&[u8]>, line: u32) -> Vec<u64> {
    let pack = |bytes: &[u8]| {
        let mut words = vec![0; packed::words_for(bytes.len())];
        packed::pack(bytes, &mut words);
        words
    };
    let binding = binding.map(pack).unwrap_or_default();
    let mut projects: Vec<Vec<u64>> = match grants {
        Grants::All => Vec::new(),
        Grants::Projects(projects) => projects.iter().map(|project| pack(project)).collect(),
    };
    if projects.is_empty() && binding.is_empty() && line == 0 {
        return Vec::new();
    }
    projects.sort_unstable();
    let mut words = vec![projects.len() as u64 | (binding.len() as u64) << 16];
    if line != 0 {
        words[0] |= HAS_LINE;
        words.push(u64::from(line));
    }
    words.extend(&binding);
    if projects.len() > LINEAR_PROJECTS {
        let mut place = words.len() + projects.len().div_ceil(4);
        let mut places = vec![0_u64; projects.len().div_ceil(4)];
        for (n, project) in projects.iter().enumerate() {
            places[n / 4] |= (place as u64) << (n % 4 * 16);
            place += project.len();
        }
        words.extend(places);
    }
    words.extend(projects.iter().flatten());
    words[0] |= (words.len() as u64) << 32;
    words
}

/// The line that a token hangs on; 0 is none.
pub(super) fn line(words: &[AtomicU64]) -> u32 {
    let word = |place: usize| words.get(place).map_or(0, |word| word.load(Ordering::Relaxed));
    if word(0) & HAS_LINE != 0 { word(1) as u32 } else { 0 }
}

/// What a token's detail says of a project and a binding. See [`encode`] for its form.
pub(super) fn ask(words: &[AtomicU64], project: Option<&Project>, binding: Option<&Binding>) -> Answer {
    let word = |place: usize| words.get(place).map_or(0, |word| word.load(Ordering::Relaxed));
    let equals = |place: usize, other: &[u64]| {
        other.iter().enumerate().all(|(offset, expected)| word(place + offset) == *expected)
    };
    let head = word(0);
    let (projects, binding_words) = ((head & 0xffff) as usize, (head >> 16 & 0xff) as usize);
    let begin = if head & HAS_LINE != 0 { 2 } else { 1 };
    let binding_equal = binding.is_some_and(|binding| binding_words > 0 && equals(begin, binding.words()));
    let first = begin + binding_words;
    let project_granted = project.is_some_and(|project| {
        if projects <= LINEAR_PROJECTS {
            let mut place = first;
            (0..projects).any(|_| {
                let here = place;
                place += packed::words_of(word(here));
                equals(here, project.words())
            })
        } else {
            let offset = |n: usize| (word(first + n / 4) >> (n % 4 * 16) & 0xffff) as usize;
            let (mut low, mut high) = (0, projects);
            while low < high {
                let middle = low + (high - low) / 2;
                let place = offset(middle);
                let order = (0..project.words().len())
                    .map(|n| word(place + n).cmp(&project.words()[n]))
                    .find(|order| order.is_ne());
                match order {
                    None => return true,
                    Some(std::cmp::Ordering::Less) => low = middle + 1,
                    Some(_) => high = middle,
                }
            }
            false
        }
    });
    Answer { project_granted, binding_equal }
}
