//! One schedule, drawn from a seed: who does what in which order, and what the liars show to whom.

use crate::dice::{Dice, Mask, members};
use crate::rule::{Ruling, Setting, block, number_of, root_of};
use crate::tale::{Event, Listener, Tale};
use crate::world::{Asked, VALIDATORS_MAX, VIEWS, Violation, World, in_view};
use duochain::bft::{Report, Tip};
use duochain::types::{BlockHash, ValidatorIndex, View};

/// Weights of what a validator does next in a view; they differ from view to view, so that some views decide and some
/// leave half of everything behind.
#[derive(Clone, Copy, Debug, Default)]
struct Mood {
    vote: usize,
    /// Be shown a certificate, and perhaps commit.
    commit: usize,
    /// Ask for a later view.
    ask: usize,
    /// Enter a later view without asking.
    jump: usize,
    /// Be shown a proof.
    learn: usize,
    /// Certificates of this height, if there is one, are hidden most of the time.
    hidden: usize,
}

/// The adversary: it decides everything that is not an honest validator's own rule.
#[derive(Debug)]
pub(crate) struct Adversary<'a, const H: usize> {
    pub(crate) world: World<'a, H>,
    dice: Dice,
    /// Blocks of the first height in this schedule; each has two children.
    blocks: usize,
    moods: [Mood; VIEWS],
    /// What the adversary would like to see in each view: where it is free to choose, it mostly chooses this.
    favourites: [[BlockHash; H]; VIEWS],
    /// By the bit of a view: its coordinator lies, and so sends another NEW-VIEW to each.
    lying_coordinators: u8,
    /// The same of leaders, who show each another block.
    lying_leaders: [u8; H],
    /// What honest leaders proposed, and honest coordinators sent.
    proposals: [[Option<BlockHash>; H]; VIEWS],
    new_views: [Option<Ruling<H>>; VIEWS],
    /// The view changes of liars, as last made up.
    lies: [Asked<H>; VALIDATORS_MAX],
}

impl<'a, const H: usize> Adversary<'a, H> {
    pub(crate) fn new(setting: &'a Setting) -> Self {
        Self {
            world: World::new(setting),
            dice: Dice::new(0),
            blocks: 2,
            moods: [Mood::default(); VIEWS],
            favourites: [[BlockHash::ZERO; H]; VIEWS],
            lying_coordinators: 0,
            lying_leaders: [0; H],
            proposals: [[None; H]; VIEWS],
            new_views: [None; VIEWS],
            lies: [Asked::new(); VALIDATORS_MAX],
        }
    }

    /// Plays the schedule of `seed`.
    pub(crate) fn play(&mut self, seed: u64, listener: &mut impl Listener) -> Option<Violation> {
        self.begin(seed);
        let honest = self.world.honest_mask();
        for _ in 0..honest.count_ones() * 24 {
            let i = self.dice.member(honest);
            self.step(i, listener);
            if self.world.violation.is_some() {
                break;
            }
        }
        self.world.violation
    }

    fn begin(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        self.world.begin(dice.pick(&self.world.setting.liars));
        self.blocks = 2 + usize::from(dice.sixteenths(4));
        for mood in &mut self.moods {
            let weight = |dice: &mut Dice| [0, 1, 4, 12][dice.below(4)];
            *mood = Mood {
                vote: 4 + weight(&mut dice),
                commit: weight(&mut dice),
                ask: 1 + weight(&mut dice) / 2,
                jump: weight(&mut dice) / 4,
                learn: weight(&mut dice) / 4,
                hidden: dice.below(4),
            };
        }
        let blocks = self.blocks;
        self.favourites = std::array::from_fn(|_| {
            let first = dice.below(blocks);
            std::array::from_fn(|height| {
                if height == 0 {
                    block(0, first)
                } else {
                    block(height, first * 2 + usize::from(dice.sixteenths(4)))
                }
            })
        });
        self.lying_coordinators = dice.below(256) as u8;
        self.lying_leaders = std::array::from_fn(|_| dice.below(256) as u8);
        (self.proposals, self.new_views) = ([[None; H]; VIEWS], [None; VIEWS]);
        self.dice = dice;
    }

    fn step(&mut self, i: usize, listener: &mut impl Listener) {
        let honest = &self.world.honest[i];
        let (view, is_in) = (honest.view, honest.is_in);
        let mood = self.moods[view];
        if !is_in && !self.dice.sixteenths(3) {
            self.enter(i, view, listener);
            return;
        }
        let mut point = self.dice.below(mood.vote + mood.commit + mood.ask + mood.jump + mood.learn);
        let mut is = |weight: usize| {
            let hit = point < weight;
            point = point.wrapping_sub(weight);
            hit
        };
        if is(mood.vote) {
            self.vote(i, 0, listener);
            for height in 1..H {
                if !self.dice.sixteenths(4) {
                    self.vote(i, height, listener);
                }
            }
        } else if is(mood.commit) {
            for height in 0..H {
                if height != mood.hidden || self.dice.sixteenths(2) {
                    self.commit(i, height, listener);
                }
            }
        } else if is(mood.ask) {
            if view + 1 < VIEWS {
                let to = view + 1 + usize::from(view + 2 < VIEWS && self.dice.sixteenths(1));
                self.world.ask(i, to, listener);
            }
        } else if is(mood.jump) {
            if view + 1 < VIEWS {
                let to = view + 1 + self.dice.below(VIEWS - view - 1);
                self.enter(i, to, listener);
            }
        } else {
            self.learn(i, listener);
        }
    }

    fn vote(&mut self, i: usize, height: usize, listener: &mut impl Listener) {
        let honest = &self.world.honest[i];
        if !honest.is_in {
            return;
        }
        let hash = match honest.bound[height] {
            Some(hash) => hash,
            None => self.proposal(i, height),
        };
        self.world.prepare(i, height, hash, listener);
    }

    /// What the leader of `i`'s view shows it at a free height.
    fn proposal(&mut self, i: usize, height: usize) -> BlockHash {
        let view = self.world.honest[i].view;
        let drawn = if self.dice.sixteenths(12) {
            self.favourites[view][height]
        } else if height == 0 {
            block(0, self.dice.below(self.blocks))
        } else {
            let kept = &self.world.honest[i].kept[height - 1];
            let root = kept.vote.map(|vote| vote.hash).or(kept.proven).map(root_of);
            let root =
                root.filter(|_| !self.dice.sixteenths(4)).unwrap_or_else(|| self.dice.below(self.blocks));
            block(height, root * 2 + usize::from(self.dice.sixteenths(4)))
        };
        if self.lying_leaders[height] >> view & 1 == 1 {
            return drawn;
        }
        *self.proposals[view][height].get_or_insert(drawn)
    }

    /// `i` is shown a certificate, of its view or any other, and commits if it can.
    fn commit(&mut self, i: usize, height: usize, listener: &mut impl Listener) {
        let own = self.world.honest[i].view;
        let view = if self.dice.sixteenths(3) { self.dice.below(VIEWS) } else { own };
        let Some(number) = self.world.certified(view, height) else { return };
        self.world.certify(i, view, height, block(height, number), listener);
        if !self.dice.sixteenths(4) {
            self.world.commit(i, height, listener);
        }
    }

    fn learn(&mut self, i: usize, listener: &mut impl Listener) {
        let height = self.dice.below(H);
        let decided = self.world.decided(height);
        if decided == 0 {
            return;
        }
        let hash = block(height, self.dice.member(decided));
        if self.dice.sixteenths(8) {
            self.world.learn(i, height, hash, listener);
        } else {
            self.world.learn_alone(i, height, hash, listener);
        }
    }

    fn enter(&mut self, i: usize, view: usize, listener: &mut impl Listener) {
        if !self.world.can_begin(view) {
            return;
        }
        let ruling = if self.lying_coordinators >> view & 1 == 1 {
            self.new_view(i, view, listener)
        } else {
            match self.new_views[view] {
                Some(ruling) => ruling,
                None => self.new_view(i, view, listener),
            }
        };
        self.new_views[view] = Some(ruling);
        self.world.enter(i, view, &ruling, listener);
    }

    /// A NEW-VIEW for `i`, from view changes that exist and such as the liars like. They have a wish, and try twice.
    fn new_view(&mut self, i: usize, view: usize, listener: &mut impl Listener) -> Ruling<H> {
        let wish = self.wish(view);
        let (mut ruling, mut group) = self.attempt(view, &wish);
        if ruling.bound[H - 1] != Some(wish[H - 1]) {
            (ruling, group) = self.attempt(view, &wish);
        }
        for reporter in members(group) {
            let (asked, is_liar) = self.report_of(view, reporter);
            let (low, above) = (asked.low, asked.above());
            listener.hear(|| Event::Shown { i, view, reporter, low, is_liar, above });
        }
        ruling
    }

    fn attempt(&mut self, view: usize, wish: &[BlockHash; H]) -> (Ruling<H>, Mask) {
        let group = self.group(view);
        for liar in members(group & self.world.liars) {
            self.lies[liar] = self.lie(view, wish);
        }
        let nobody = Report { from: ValidatorIndex::new(0), low: Tip::default(), above: &[] };
        let mut reports = [nobody; VALIDATORS_MAX];
        let mut count = 0;
        for reporter in members(group) {
            let (asked, _) = self.report_of(view, reporter);
            let from = ValidatorIndex::new(reporter as u16);
            reports[count] = Report { from, low: asked.tip(), above: asked.above() };
            count += 1;
        }
        (self.world.setting.choose(View::new(view as u64), &reports[..count]), group)
    }

    /// What `reporter` tells for `view`, and whether it lies.
    fn report_of(&self, view: usize, reporter: usize) -> (&Asked<H>, bool) {
        let is_liar = self.world.liars >> reporter & 1 == 1;
        (if is_liar { &self.lies[reporter] } else { &self.world.asked[view][reporter] }, is_liar)
    }

    /// Most often the favourite of the view, but not what is decided already; sometimes that, with another block on top.
    fn wish(&mut self, view: usize) -> [BlockHash; H] {
        let mut wish = self.favourites[view];
        let decided = self.world.decided(0);
        if H > 1 && decided != 0 && self.dice.sixteenths(4) {
            let root = self.dice.member(decided);
            wish[0] = block(0, root);
            for (height, wish) in wish.iter_mut().enumerate().skip(1) {
                let number = root * 2;
                let is_decided = self.world.decided(height) >> number & 1 == 1;
                *wish = block(height, number + usize::from(is_decided && height + 1 == H));
            }
            return wish;
        }
        let is_decided = decided >> number_of(wish[0]) & 1 == 1;
        if is_decided || !self.dice.sixteenths(12) {
            let others = ((1 << self.blocks) - 1) & !decided;
            let root = if others == 0 { self.dice.below(self.blocks) } else { self.dice.member(others) };
            wish[0] = block(0, root);
            for (height, wish) in wish.iter_mut().enumerate().skip(1) {
                *wish = block(height, root * 2 + self.dice.below(2));
            }
        }
        wish
    }

    /// Validators whose view changes are shown: most often the fewest, with all liars.
    fn group(&mut self, view: usize) -> Mask {
        let setting = self.world.setting;
        let mut rest = self.world.askers[view];
        let mut group = self.world.liars;
        while setting.weight(group) < setting.quorums.view_change || (rest != 0 && self.dice.sixteenths(2)) {
            let next = 1 << self.dice.member(rest);
            (group, rest) = (group | next, rest & !next);
        }
        group
    }

    /// What a liar reports for `view`, so that `wish` comes true.
    fn lie(&mut self, view: usize, wish: &[BlockHash; H]) -> Asked<H> {
        let mut lie = Asked::new();
        for (height, hash) in wish.iter().enumerate() {
            let kept = &mut lie.kept[height];
            if !self.dice.sixteenths(3) {
                let since = if self.dice.sixteenths(4) { self.dice.below(view) } else { view - 1 };
                kept.vote = Some(in_view(since, *hash));
            }
            let first = if self.dice.sixteenths(4) { self.dice.below(VIEWS) } else { VIEWS - 1 };
            if !self.dice.sixteenths(4) {
                let number = number_of(*hash);
                let holds = (0..=first).rev().find(|view| self.world.has_certificate(*view, height, number));
                kept.certificate = holds.map(|view| in_view(view, *hash));
            }
        }
        if H > 1 && self.dice.sixteenths(2) {
            self.add_proofs(&mut lie);
        }
        lie
    }

    /// Proofs cannot be made up: of what is decided, a liar shows what it likes, as its tip or above it.
    fn add_proofs(&mut self, lie: &mut Asked<H>) {
        for height in 0..H {
            let decided = self.world.decided(height);
            if decided == 0 {
                continue;
            }
            lie.kept[height].proven = Some(block(height, self.dice.member(decided)));
            if lie.low == height && self.dice.sixteenths(8) {
                lie.low = height + 1;
            }
        }
    }
}

/// Plays `seed` again, and tells it.
pub(crate) fn tell<const H: usize>(setting: &Setting, seed: u64) -> String {
    let mut tale = Tale::default();
    let mut adversary = Adversary::<H>::new(setting);
    let violation = adversary.play(seed, &mut tale);
    let liars: Vec<_> = members(adversary.world.liars).map(|i| format!("R{i}")).collect();
    format!("seed {seed}, {} lie: {violation:?}\n{}", liars.join(", "), tale.0.join("\n"))
}
