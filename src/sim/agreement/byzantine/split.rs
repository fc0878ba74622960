//! It begins a view with different claims for each validator: all of them real, or its own and made up for each.

use super::{Actor, Stage};
use crate::bft::{Message, NewView, ViewChange};
use crate::types::{ValidatorIndex, View};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was asked for.
#[derive(Debug, Default)]
pub(super) struct Split {
    changes: BTreeMap<(View, ValidatorIndex), Arc<ViewChange>>,
}

impl Actor for Split {
    fn say(&mut self, stage: &mut Stage<'_>, to: ValidatorIndex, message: &Message) {
        match message {
            Message::ViewChange(change) if change.claims.from == stage.place => {
                self.changes.insert((change.claims.view, stage.place), Arc::clone(change));
                stage.say(to, message.clone());
            }
            Message::NewView(of) if of.from == stage.place => {
                let message = self.begin(stage, of.view, None).unwrap_or_else(|| message.clone());
                stage.say(to, message);
            }
            _ => stage.say(to, message.clone()),
        }
    }

    fn hear(&mut self, stage: &mut Stage<'_>, message: &Message) {
        self.note(message);
        let Message::ViewChange(change) = message else { return };
        let view = change.claims.view;
        // Late ones make for yet other beginnings.
        if stage.facts.leads(stage.place, view) && stage.flips() {
            for to in stage.others() {
                if let Some(message) = self.begin(stage, view, None) {
                    stage.say(to, message);
                }
            }
        }
    }
}

impl Split {
    /// Remembers who asks for what.
    pub(super) fn note(&mut self, message: &Message) {
        if let Message::ViewChange(change) = message {
            self.changes.insert((change.claims.view, change.claims.from), Arc::clone(change));
        }
    }

    /// A beginning with as few claims as there may be, as it happens, and without this validator where that is enough.
    pub(super) fn begin(
        &self,
        stage: &mut Stage<'_>,
        view: View,
        without: Option<ValidatorIndex>,
    ) -> Option<Message> {
        let of_view =
            self.changes.range((view, ValidatorIndex::new(0))..).take_while(|((of, _), _)| *of == view);
        let mut changes: Vec<Arc<ViewChange>> = of_view.map(|(_, change)| Arc::clone(change)).collect();
        for change in &mut changes {
            if change.claims.from == stage.place && stage.flips() {
                let Message::ViewChange(bent) = stage.claim(change, |claims| claims.above.clear()) else {
                    continue;
                };
                *change = bent;
            }
        }
        let (powers, thresholds) = (&stage.facts.powers, stage.facts.powers.thresholds());
        let weight =
            |changes: &[Arc<ViewChange>]| powers.weight(changes.iter().map(|change| change.claims.from));
        for round in 0..changes.len() {
            let unwanted =
                changes.iter().position(|change| round == 0 && Some(change.claims.from) == without);
            let without = unwanted.unwrap_or_else(|| stage.random.below(changes.len() as u64) as usize);
            let power = u128::from(powers.of(changes[without].claims.from).unwrap_or(0));
            if weight(&changes) >= thresholds.view_change() + power {
                changes.remove(without);
            }
        }
        if weight(&changes) < thresholds.view_change() {
            return None;
        }
        let all: Vec<&Arc<ViewChange>> = changes.iter().collect();
        let mut new_view = NewView::of(stage.place, view, &all, powers, stage.window);
        new_view.signature = stage.facts.keys.sign(stage.place, &new_view.statement());
        Some(Message::NewView(Arc::new(new_view)))
    }
}
