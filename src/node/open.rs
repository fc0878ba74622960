//! Brings a node up.

use super::cell::{ChainCell, Common, Condition, Counters};
use super::completion::Credits;
use super::disk::Disk;
use super::finals::Finals;
use super::shared::Shared;
use super::signal::Signal;
use super::supervisor::{Supervisor, publish};
use super::{Error, Node, Settings, recovery};
use crate::dual::{ChainSettings, HealthState, Restored};
use crate::env::{Clock, SystemClock, fork};
use crate::queue::TxQueue;
use crate::storage::{Backend, DirLock, check_format};
use crate::types::{ChainId, Status};
use parking_lot::{Mutex, RwLock};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

impl Node {
    /// Opens or creates the data directory, brings both chains up from their logs and starts them.
    ///
    /// # Errors
    /// `Busy` when another process has the directory, `Permission`, `Io`, `Corruption` with file and
    /// offset, `Unsupported` for a newer format or a backend that this build lacks.
    pub fn open(settings: Settings) -> Result<Self, Error> {
        let persistent = settings.storage.backend != Backend::Memory;
        fork::watch();
        let lock =
            if persistent { Some(Arc::new(DirLock::acquire(&settings.storage.data_dir)?)) } else { None };
        if persistent {
            check_format(&settings.storage.data_dir)?;
        }
        let common = Arc::new(Common {
            clock: SystemClock::new(),
            closing: AtomicBool::new(false),
            completed: Signal::default(),
            announced: Signal::default(),
        });
        let opened = [open_chain(&settings, ChainId::Alpha)?, open_chain(&settings, ChainId::Delta)?];
        let cells = [cell(&settings, &common, ChainId::Alpha)?, cell(&settings, &common, ChainId::Delta)?];
        let shared = Arc::new(Shared {
            settings,
            common,
            cells,
            process: std::process::id(),
            forks: fork::generation(),
            turn: AtomicUsize::new(0),
            threads: Mutex::new(Vec::new()),
            lock: Mutex::new(lock),
        });
        let node = Self { shared };
        for (chain, (disk, restored)) in ChainId::ALL.into_iter().zip(opened) {
            node.start(chain, disk, restored)?;
        }
        Ok(node)
    }

    fn start(&self, chain: ChainId, disk: Disk, restored: Restored) -> Result<(), Error> {
        let shared = &self.shared;
        let cell = Arc::clone(&shared.cells[chain.index()]);
        publish(&cell, &disk, &restored);
        // Until this thread runs, a close must not wait for it.
        cell.stopped.store(false, Ordering::Release);
        let supervisor = Supervisor {
            cell: Arc::clone(&cell),
            peer: Arc::clone(&shared.cells[chain.peer().index()]),
            common: Arc::clone(&shared.common),
            storage: shared.settings.storage.clone(),
            dir: shared.settings.storage.data_dir.join(chain.name()),
            restart: shared.settings.restart,
            cores: shared.settings.cores[chain.index()].clone(),
            lock: shared.lock.lock().clone(),
        };
        let (done, common) = (Arc::clone(&cell), Arc::clone(&shared.common));
        let spawned = std::thread::Builder::new().name(format!("duo-{chain}")).spawn(move || {
            supervisor.run(disk, restored);
            // Release: pairs with the Acquire in `close`.
            done.stopped.store(true, Ordering::Release);
            common.completed.notify();
        });
        match spawned {
            Ok(thread) => {
                shared.threads.lock().push(thread);
                Ok(())
            }
            Err(error) => {
                cell.stopped.store(true, Ordering::Release);
                Err(Error::new(Status::Io, format!("cannot start the thread of {chain}: {error}")))
            }
        }
    }
}

fn open_chain(settings: &Settings, chain: ChainId) -> Result<(Disk, Restored), Error> {
    let dir = settings.storage.data_dir.join(chain.name());
    let disk = Disk::open(&settings.storage, &dir)?;
    let restored = recovery::restore(&disk, &settings.chains[chain.index()], None)?;
    Ok((disk, restored))
}

fn cell(settings: &Settings, common: &Common, chain: ChainId) -> Result<Arc<ChainCell>, Error> {
    let chain_settings: ChainSettings = settings.chains[chain.index()].clone();
    let progress = common.clock.now();
    Ok(Arc::new(ChainCell {
        settings: chain_settings,
        block_transactions_max: settings.block_transactions_max,
        block_bytes_max: settings.block_bytes_max,
        events_retained: settings.events_retained,
        queue: TxQueue::with_upkeep(settings.queue.clone(), &settings.upkeep)?,
        carry: Mutex::default(),
        credits: Credits::new(chain, settings.completions_max),
        completions: Mutex::new(VecDeque::new()),
        head: RwLock::default(),
        views: RwLock::new(None),
        condition: Mutex::new(Condition { health: HealthState::Healthy, reason: String::new(), progress }),
        last_event: AtomicU64::new(0),
        finals: Finals::new(),
        counters: Counters::default(),
        wake: Signal::default(),
        stopped: AtomicBool::new(true),
        #[cfg(feature = "faults")]
        panic_next: AtomicBool::new(false),
    }))
}
