//! What is submitted, and the check of what came back.

#[expect(unreachable_pub, reason = "it is a part of the examples, where `pub` is what its file offers")]
#[path = "../../../../examples/run/generator.rs"]
mod generator;

use crate::AnyError;
use duochain::env::{Clock, SystemClock};
use generator::Generator;
use std::collections::HashSet;
use std::time::Duration;

/// The same transactions for every side and every round.
const SEED: u64 = 7;

/// Transactions, all different, and how fast to submit them.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) transactions: Vec<Vec<u8>>,
    /// Transactions a second; as fast as they are taken when `None`.
    pub(super) rate: Option<u32>,
}

/// What one side did with a load.
#[derive(Debug)]
pub(super) struct Outcome {
    /// From the first submission until the last was final.
    pub(super) seconds: f64,
    /// From submit to final, in milliseconds, of each transaction.
    pub(super) latencies: Vec<f64>,
}

impl Load {
    /// Transactions of one size.
    pub(super) fn of_size(bytes: usize, count: usize) -> Self {
        let mut generator = Generator::new(SEED);
        let mut random = Vec::new();
        while random.len() < bytes * count {
            random.extend_from_slice(&generator.transaction());
        }
        let transactions = random.chunks_exact(bytes).take(count).map(<[u8]>::to_vec).collect();
        Self { transactions, rate: None }
    }

    /// Transactions with the sizes of a real block, 188 to 170,363 bytes.
    pub(super) fn of_real_sizes(count: usize) -> Self {
        let mut generator = Generator::new(SEED);
        Self { transactions: (0..count).map(|_| generator.transaction()).collect(), rate: None }
    }

    /// The same at a steady rate.
    pub(super) fn at(self, rate: u32) -> Self {
        Self { rate: Some(rate), ..self }
    }

    /// Hands the transactions to `submit`, one after the other, when it is their time.
    pub(super) fn feed(&self, mut submit: impl FnMut(&[u8]) -> Result<(), AnyError>) -> Result<(), AnyError> {
        let clock = SystemClock::new();
        for (number, transaction) in self.transactions.iter().enumerate() {
            if let Some(rate) = self.rate {
                let due = Duration::from_secs(1) * u32::try_from(number)? / rate;
                // Sleeping is exact to some 60 us here; what is late is submitted in one go.
                if let Some(wait) = due.checked_sub(Duration::from_nanos(clock.now().as_nanos())) {
                    std::thread::sleep(wait);
                }
            }
            submit(transaction)?;
        }
        Ok(())
    }

    /// For the check of what came out.
    pub(super) fn expectation(&self) -> Expectation<'_> {
        Expectation { missing: self.transactions.iter().map(Vec::as_slice).collect() }
    }
}

/// Transactions that have not been seen in a final block yet.
#[derive(Debug)]
pub(super) struct Expectation<'a> {
    missing: HashSet<&'a [u8]>,
}

impl Expectation<'_> {
    /// Takes one that is final: byte for byte one of those that were sent, and only once.
    pub(super) fn found(&mut self, transaction: &[u8]) -> Result<(), AnyError> {
        if self.missing.remove(transaction) {
            return Ok(());
        }
        Err(format!("a transaction of {} bytes is final twice or was never sent", transaction.len()).into())
    }

    /// None may be left.
    pub(super) fn expect_complete(&self) -> Result<(), AnyError> {
        match self.missing.len() {
            0 => Ok(()),
            count => Err(format!("{count} transactions did not become final").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_differ_and_have_their_size() {
        let load = Load::of_size(256, 1_000);
        assert!(load.transactions.iter().all(|transaction| transaction.len() == 256));
        assert_eq!(load.expectation().missing.len(), 1_000);
    }

    #[test]
    fn a_loss_a_double_and_a_stranger_are_found() {
        let load = Load::of_real_sizes(2);
        let mut expectation = load.expectation();
        expectation.found(&load.transactions[0]).expect("it was sent");
        assert!(expectation.expect_complete().is_err());
        assert!(expectation.found(&load.transactions[0]).is_err());
        assert!(expectation.found(b"stranger").is_err());
        expectation.found(&load.transactions[1]).expect("it was sent");
        expectation.expect_complete().expect("all were found");
    }

    #[test]
    fn a_rate_is_kept() {
        let clock = SystemClock::new();
        Load::of_size(8, 50).at(1_000).feed(|_| Ok(())).expect("nothing fails");
        assert!(clock.now().as_nanos() >= 49_000_000);
    }
}
