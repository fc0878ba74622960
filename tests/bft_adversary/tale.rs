//! A schedule in words.

use crate::rule::{height_of, number_of};
use duochain::bft::invariants::Path;
use duochain::bft::{HeightReport, Reason, Stop};
use duochain::types::BlockHash;
use std::fmt;

/// A step that changed something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'a> {
    Prepared {
        i: usize,
        view: usize,
        height: usize,
        hash: BlockHash,
    },
    Certified {
        i: usize,
        view: usize,
        hash: BlockHash,
    },
    Committed {
        i: usize,
        view: usize,
        hash: BlockHash,
    },
    Asked {
        i: usize,
        view: usize,
        kept: &'a [HeightReport],
    },
    Shown {
        i: usize,
        view: usize,
        reporter: usize,
        low: usize,
        is_liar: bool,
        above: &'a [HeightReport],
    },
    Entered {
        i: usize,
        view: usize,
        bound: &'a [Option<BlockHash>],
        reasons: &'a [Option<Reason>],
        stop: Option<Stop>,
    },
    Learned {
        i: usize,
        hash: BlockHash,
    },
    Decided {
        view: usize,
        height: usize,
        hash: BlockHash,
        path: Path,
    },
}

/// Who is told of each step, if anybody listens.
pub(crate) trait Listener {
    fn hear<'a>(&mut self, event: impl FnOnce() -> Event<'a>);
}

/// Nobody: costs nothing.
pub(crate) struct Nobody;

impl Listener for Nobody {
    fn hear<'a>(&mut self, _event: impl FnOnce() -> Event<'a>) {}
}

/// Writes it down.
#[derive(Default)]
pub(crate) struct Tale(pub(crate) Vec<String>);

impl Listener for Tale {
    fn hear<'a>(&mut self, event: impl FnOnce() -> Event<'a>) {
        self.0.push(event().to_string());
    }
}

/// `a`, `b` and `c` at the first height; at the second `a0` and `a1` stand on `a`, at the third `a00` and `a01` on `a0`.
pub(crate) fn name(hash: BlockHash) -> String {
    let letter = |number: usize| char::from(b'a' + number as u8);
    match (height_of(hash), number_of(hash)) {
        (0, number) => letter(number).to_string(),
        (height, number) => format!("{}{}{}", letter(number / 2), "0".repeat(height - 1), number % 2),
    }
}

fn above(reports: &[HeightReport]) -> String {
    let height = |of: &HeightReport| {
        let vote = of.vote.map(|vote| format!("voted {} in view {}", name(vote.hash), vote.view));
        let certificate =
            of.certificate.map(|of| format!("certificate of {} in view {}", name(of.hash), of.view));
        let proven = of.proven.map(|hash| format!("proof of {}", name(hash)));
        let words: Vec<_> = [proven, certificate, vote].into_iter().flatten().collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    };
    reports.iter().map(height).collect::<Vec<_>>().join(" | ")
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Prepared { i, view, height, hash } => {
                write!(f, "R{i} votes for {} at height {} in view {view}", name(hash), height + 1)
            }
            Self::Certified { i, view, hash } => {
                write!(f, "R{i} is shown the certificate of {} in view {view}", name(hash))
            }
            Self::Committed { i, view, hash } => write!(f, "R{i} commits to {} in view {view}", name(hash)),
            Self::Asked { i, view, kept } => write!(f, "R{i} asks for view {view}: {}", above(kept)),
            Self::Shown { i, view, reporter, low, is_liar, above: reports } => {
                let lies = if is_liar { ", which lies," } else { "" };
                write!(
                    f,
                    "  for view {view}, R{i} is shown of R{reporter}{lies} above {low}: {}",
                    above(reports)
                )
            }
            Self::Entered { i, view, bound, .. } => {
                let bound: Vec<_> = bound.iter().map(|hash| hash.map_or("any".to_owned(), name)).collect();
                write!(f, "R{i} enters view {view}, bound to {}", bound.join(" | "))
            }
            Self::Learned { i, hash } => write!(f, "R{i} is shown the proof of {}", name(hash)),
            Self::Decided { view, height, hash, path } => {
                let height = height + 1;
                write!(f, "==> {} is final at height {height}: {path:?}, votes of view {view}", name(hash))
            }
        }
    }
}

/// How often the adversary came to what it should come to.
#[derive(Debug, Default)]
pub(crate) struct Census {
    pub(crate) fast: u32,
    pub(crate) slow: u32,
    pub(crate) later: u32,
    pub(crate) proven: u32,
    pub(crate) certified: u32,
    pub(crate) candidates: u32,
    pub(crate) free: u32,
    pub(crate) orphans: u32,
    pub(crate) full: u32,
    pub(crate) learned: u32,
}

impl Listener for Census {
    fn hear<'a>(&mut self, event: impl FnOnce() -> Event<'a>) {
        match event() {
            Event::Decided { view, path, .. } => {
                *(if path == Path::Fast { &mut self.fast } else { &mut self.slow }) += 1;
                self.later += u32::from(view > 0);
            }
            Event::Entered { reasons, stop, .. } => {
                for reason in reasons.iter().flatten() {
                    *match reason {
                        Reason::Proven => &mut self.proven,
                        Reason::Certified(_) => &mut self.certified,
                        Reason::Candidate(_) => &mut self.candidates,
                    } += 1;
                }
                *match stop {
                    Some(Stop::Orphan(_)) => &mut self.orphans,
                    Some(Stop::Full) => &mut self.full,
                    _ => &mut self.free,
                } += 1;
            }
            Event::Learned { .. } => self.learned += 1,
            _ => {}
        }
    }
}
