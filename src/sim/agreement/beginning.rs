//! What views begin with, as an outsider selects it.

use super::checker::Seen;
use super::world::World;
use crate::bft::{Message, NewView, Reason, Selection, Stop, select};

impl World {
    /// Somebody says or hears that a view begins.
    pub(super) fn see_new_view(&mut self, message: &Message) {
        let Message::NewView(new_view) = message else { return };
        if !self.begun.insert(new_view.statement()) {
            return;
        }
        let mut heights = Vec::new();
        let reports = new_view.reports(&mut heights);
        let parent_of = |hash| new_view.backing.parent_of(hash);
        let Ok(selection) = select(&self.facts.powers, self.options.window, &reports, parent_of) else {
            return;
        };
        self.tally(new_view, &selection);
        let seen = Seen::Begun { view: new_view.view, selection: &selection };
        self.checkers.see(self.agenda.now(), &self.facts, &seen);
    }

    /// Counts why blocks are selected, and where selections end.
    fn tally(&mut self, new_view: &NewView, selection: &Selection) {
        let heights = selection.base().height.get() + 1..;
        for (chosen, height) in selection.chosen().iter().zip(heights) {
            let shown = new_view.backing.certificates.iter().any(|of| of.height().get() == height);
            self.count(match chosen.reason {
                Reason::Proven => "selected: proven",
                Reason::Certified(_) => "selected: certified",
                Reason::Candidate(_) if shown => "selected: candidate against a certificate",
                Reason::Candidate(_) => "selected: candidate",
            });
        }
        self.count(match selection.stop() {
            Stop::Free => "selection ends: free",
            Stop::Orphan(_) => "selection ends: orphan",
            Stop::Full => "selection ends: full",
        });
    }
}
