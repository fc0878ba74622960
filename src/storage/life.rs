//! Every step of a log's life is once the last one of its process, or a sync that fails; then the power
//! fails, at once or after the next process has gone on. What anybody was shown must still be there.

use super::Error;
use super::platter::{self, Fate, Luck, Platter};
use super::suite::TestDir;
use std::path::Path;

/// What a kind of log does in its life, and what was written and shown so far.
pub(super) trait Life: Clone + Default {
    type Log;

    fn open(dir: &Path) -> Result<Self::Log, Error>;

    /// All that a log can do; ends at the first failure.
    fn live(&mut self, log: &mut Self::Log) -> Result<(), Error>;

    /// What a process does after opening.
    fn go_on(&mut self, log: &mut Self::Log);

    /// Takes down what a reader sees now.
    fn see(&mut self, log: &Self::Log);

    /// Everything that was shown is there, and nothing that was never written.
    fn check(&self, log: &Self::Log, what: &str);
}

/// The power fails in several ways: each time the log opens, is right, and goes on.
fn fail_power<L: Life>(platter: &Platter, life: &L, what: &str) {
    for luck in [Luck::Nothing, Luck::Everything, Luck::Some(1), Luck::Some(platter.steps)] {
        let what = format!("{what}, then {luck:?} arrives");
        let dir = TestDir::new();
        platter.after_power_failure(luck, dir.path());
        platter::install(dir.path(), None);
        let mut log = L::open(dir.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        life.check(&log, &what);
        life.clone().go_on(&mut log);
    }
}

/// One life that meets `fate` at step `at`; false when it ended before.
fn run<L: Life>(fate: Fate, at: u64) -> bool {
    let what = format!("{fate:?} at step {at}");
    let dir = TestDir::new();
    platter::install(dir.path(), Some((at, fate)));
    let mut life = L::default();
    let Ok(mut log) = L::open(dir.path()) else {
        fail_power(&platter::look(), &life, &what);
        return true;
    };
    let outcome = life.live(&mut log);
    life.see(&log);
    drop(log);
    let at_once = platter::look();
    platter::revive();

    // The next process sees the page cache.
    let mut log = L::open(dir.path()).unwrap_or_else(|error| panic!("{what}, reopened: {error}"));
    life.check(&log, &format!("{what}, reopened"));
    let before = life.clone();
    life.see(&log);
    let (reopened, seen) = (platter::look(), life.clone());
    life.go_on(&mut log);
    life.see(&log);
    let gone_on = platter::look();

    fail_power(&at_once, &before, &what);
    fail_power(&reopened, &seen, &format!("{what}, reopened"));
    fail_power(&gone_on, &life, &format!("{what}, reopened and gone on"));
    platter::remove();
    // A sync of a file ahead may fail without any harm.
    outcome.is_err() || at_once.steps >= at
}

/// Lives one life for each of its steps, more than `steps_min` of them.
pub(super) fn at_every_step<L: Life>(fate: Fate, steps_min: usize) {
    let steps = (1..).take_while(|at| run::<L>(fate, *at)).count();
    assert!(steps > steps_min, "{steps} steps");
}
