//! An executor of a few lines for tests of calls that wait as futures: virtual time, its timer, and tasks.

use super::*;

/// Virtual time, and who is to be woken when.
#[derive(Default)]
pub(super) struct World {
    pub(super) now: Mutex<Tick>,
    pub(super) sleepers: Mutex<BTreeMap<(Tick, u64), Waker>>,
    /// Sleeps so far, which names them.
    pub(super) sleeps: Mutex<u64>,
    /// Each sleep is over after this part of its span, as a timer's that is too early.
    pub(super) early: u32,
}

impl Clock for World {
    fn now(&self) -> Tick {
        *self.now.lock().expect("nobody panics")
    }

    fn unix(&self) -> UnixNanos {
        UnixNanos::new(self.now().as_nanos())
    }
}

pub(super) struct Slept<'a> {
    pub(super) world: &'a World,
    pub(super) at: Tick,
    pub(super) number: u64,
}

impl Future for Slept<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.world.now() >= self.at {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        self.world.sleepers.lock().expect("nobody panics").insert((self.at, self.number), waker);
        Poll::Pending
    }
}

impl Drop for Slept<'_> {
    fn drop(&mut self) {
        self.world.sleepers.lock().expect("nobody panics").remove(&(self.at, self.number));
    }
}

impl<'a> Timer for &'a World {
    type Sleep = Slept<'a>;

    fn sleep(&self, span: Duration) -> Slept<'a> {
        let mut number = self.sleeps.lock().expect("nobody panics");
        *number += 1;
        let span = if self.early > 1 { (span / self.early).max(MILLI) } else { span };
        Slept { world: self, at: self.now().after(span), number: *number }
    }
}

impl Clock for &World {
    fn now(&self) -> Tick {
        (**self).now()
    }

    fn unix(&self) -> UnixNanos {
        (**self).unix()
    }
}

#[derive(Default)]
pub(super) struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub(super) struct Task<'a, T> {
    pub(super) future: Pin<Box<dyn Future<Output = T> + 'a>>,
    pub(super) woken: Arc<Woken>,
}

/// Tasks in the order of their numbers; those that ended are `None`.
pub(super) struct Tasks<'a, T> {
    pub(super) world: &'a World,
    pub(super) tasks: Vec<Option<Task<'a, T>>>,
    pub(super) ended: Vec<(usize, Tick, T)>,
}

impl<'a, T> Tasks<'a, T> {
    pub(super) fn new(world: &'a World) -> Self {
        Self { world, tasks: Vec::new(), ended: Vec::new() }
    }

    pub(super) fn spawn(&mut self, future: impl Future<Output = T> + 'a) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        self.tasks.push(Some(Task { future: Box::pin(future), woken }));
    }

    /// Polls who was woken until nobody is; `true` if somebody was.
    pub(super) fn poll(&mut self) -> bool {
        let mut any = false;
        for (number, place) in self.tasks.iter_mut().enumerate() {
            let Some(Task { future, woken }) = place else { continue };
            if !woken.0.swap(false, Ordering::SeqCst) {
                continue;
            }
            any = true;
            let waker = Waker::from(Arc::clone(woken));
            if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                self.ended.push((number, self.world.now(), outcome));
                *place = None;
            }
        }
        any
    }

    /// Runs until nobody can go on before `until`, and has time pass up to it.
    pub(super) fn run_until(&mut self, until: Tick) {
        loop {
            while self.poll() {}
            let first = self.world.sleepers.lock().expect("nobody panics").pop_first();
            match first {
                Some(((at, _), waker)) if at <= until => {
                    *self.world.now.lock().expect("nobody panics") = at;
                    waker.wake();
                }
                other => {
                    if let Some((key, waker)) = other {
                        self.world.sleepers.lock().expect("nobody panics").insert(key, waker);
                    }
                    *self.world.now.lock().expect("nobody panics") = until;
                    return;
                }
            }
        }
    }

    /// Gives a task up in the middle.
    pub(super) fn cancel(&mut self, number: usize) {
        self.tasks[number] = None;
    }
}
