//! What a power cut can leave of a disk: what was synced, and of what was not, anything.

use std::ops::Range;

use super::disk::{Image, Op};
use super::random::Random;

const SECTOR: usize = 512;

/// What is left of an operation that was not synced.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Left {
    All,
    Nothing,
    /// These parts of a write.
    Parts(Vec<Range<usize>>),
}

/// What is left of each operation that was not synced, and what becomes of writes beyond an end that was not moved:
/// they move it, or are out of reach.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Cut {
    left: Vec<Left>,
    clipped: bool,
}

impl Cut {
    pub(crate) fn image(&self, durable: &Image, unsynced: &[Op]) -> Image {
        let mut image = durable.clone();
        for (op, left) in unsynced.iter().zip(&self.left) {
            match (op, left) {
                (_, Left::Nothing) | (Op::Sync | Op::FailedSync, _) => {}
                (Op::SetLen(len), _) => image.set_len(*len),
                (Op::Write { offset, data }, Left::All) => {
                    self.write(&mut image, *offset, data);
                }
                (Op::Write { offset, data }, Left::Parts(parts)) => {
                    for part in parts {
                        self.write(&mut image, offset + part.start, &data[part.clone()]);
                    }
                }
            }
        }
        image
    }

    fn write(&self, image: &mut Image, offset: usize, data: &[u8]) {
        let room = if self.clipped { image.len().saturating_sub(offset) } else { data.len() };
        if room > 0 {
            image.write(offset, &data[..data.len().min(room)]);
        }
    }
}

impl std::fmt::Debug for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for left in &self.left {
            match left {
                Left::All => f.write_str("+")?,
                Left::Nothing => f.write_str("-")?,
                Left::Parts(parts) => write!(f, "{parts:?}")?,
            }
        }
        f.write_str(if self.clipped { " clipped" } else { "" })
    }
}

/// How much of what is possible is tried.
#[derive(Clone, Copy)]
pub(crate) struct Depth {
    /// Tear every write that was not synced, not only the newest.
    pub(crate) tear_all: bool,
    /// Tear off every sector by itself.
    pub(crate) tear_sectors: bool,
    /// How many random choices.
    pub(crate) random: usize,
    /// Try one in so many of all but the first two.
    pub(crate) one_in: usize,
}

/// The cuts to try: nothing left, everything, each operation lost, each alone, writes torn with the others there, gone
/// and torn, and random choices.
pub(crate) fn cuts(unsynced: &[Op], depth: Depth, random: &mut Random) -> Vec<Cut> {
    let count = unsynced.len();
    let mut choices = vec![vec![Left::Nothing; count], vec![Left::All; count]];
    let mut one = |others: Left, place: usize, left: Left| {
        let mut choice = vec![others; count];
        choice[place] = left;
        choices.push(choice);
    };
    for (place, op) in unsynced.iter().enumerate() {
        one(Left::All, place, Left::Nothing);
        one(Left::Nothing, place, Left::All);
        if depth.tear_all || place + 1 == count {
            for parts in tears(op, depth.tear_sectors) {
                one(Left::All, place, Left::Parts(parts.clone()));
                one(Left::Nothing, place, Left::Parts(parts));
            }
        }
    }
    // Two copies of the same are no good if both can be torn at once.
    for place in 0..2 {
        let torn = |op| tears(op, false).into_iter().nth(place).map_or(Left::All, Left::Parts);
        choices.push(unsynced.iter().map(torn).collect());
    }
    for _ in 0..depth.random {
        choices.push(unsynced.iter().map(|op| any_left(op, random)).collect());
    }
    let moves_end = |choice: &[Left]| {
        let mut pairs = unsynced.iter().zip(choice);
        pairs.any(|(op, left)| matches!(op, Op::SetLen(_)) && *left == Left::Nothing)
    };
    let mut cuts = Vec::new();
    for (place, left) in choices.into_iter().enumerate() {
        if place >= 2 && !random.once_in(depth.one_in) {
            continue;
        }
        if moves_end(&left) {
            cuts.push(Cut { left: left.clone(), clipped: true });
        }
        cuts.push(Cut { left, clipped: false });
    }
    cuts
}

/// The ways to tear a write: what is left of it.
fn tears(op: &Op, each_sector: bool) -> Vec<Vec<Range<usize>>> {
    let Op::Write { data, .. } = op else { return Vec::new() };
    let len = data.len();
    let mut tears = Vec::from([0..len / 2, len / 2..len].map(|part| vec![part]));
    let sectors = sectors(len);
    if sectors.len() > 1 {
        let every_other = |first| sectors.iter().skip(first).step_by(2).cloned().collect();
        tears.extend([every_other(0), every_other(1)]);
        tears.extend([0..SECTOR, SECTOR..len].map(|part| vec![part]));
        if each_sector {
            for place in 0..sectors.len() {
                tears.push(vec![sectors[place].clone()]);
                let mut others = sectors.clone();
                others.remove(place);
                tears.push(others);
            }
        }
    }
    tears
}

fn sectors(len: usize) -> Vec<Range<usize>> {
    (0..len).step_by(SECTOR).map(|start| start..(start + SECTOR).min(len)).collect()
}

fn any_left(op: &Op, random: &mut Random) -> Left {
    match (op, random.below(5)) {
        (_, 0 | 1) => Left::All,
        (_, 2 | 3) | (Op::SetLen(_), _) => Left::Nothing,
        (Op::Write { data, .. }, _) => {
            Left::Parts(sectors(data.len()).into_iter().filter(|_| random.once_in(2)).collect())
        }
        _ => Left::All,
    }
}
