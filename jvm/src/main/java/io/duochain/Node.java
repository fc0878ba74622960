package io.duochain;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A running node: both chains over one data directory. All methods may be called from any thread at the same
 * time.
 *
 * <p>There are two ways to learn what became of a submission, and a node is used in one of them:
 * {@link #submit submit} gives a future, {@link #enqueue enqueue} gives an operation number whose outcome
 * {@link #pollCompletions} hands out. Using both on one node is refused with an
 * {@link InvalidArgumentException}.
 *
 * <p>After {@link #close()} every method throws {@link ClosedException}, which is an
 * {@link IllegalStateException}.
 */
public final class Node implements AutoCloseable {
    /** How long {@link #close()} waits for the chains. */
    public static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(30);

    private final NativeHandle handle;
    private final ReentrantLock closing = new ReentrantLock();
    private final ReentrantLock choosing = new ReentrantLock();
    private volatile CompletionPump pump;
    private volatile boolean polled;

    private Node(long word) {
        this.handle = NativeHandle.of(this, "node", word, Natives::nodeDestroy);
    }

    /**
     * Opens or creates the data directory, brings both chains up from their logs and starts them.
     *
     * @throws BusyException when another process has the directory
     * @throws CorruptionException naming file and offset
     * @throws DuoException for everything else that the directory may have
     */
    public static Node open(Config config) {
        return new Node(Natives.nodeOpen(Objects.requireNonNull(config, "config").steps()));
    }

    // submissions with a future

    /**
     * Accepts a transaction into a lane of a chain's queue; lane 0 is the most urgent.
     *
     * <p>The future completes when the transaction is final. It fails with {@link DuplicateException} when the
     * same bytes are in an earlier block and with {@link CancelledException} when the node closes first; both
     * carry the {@linkplain DuoException#completion() completion}. Actions that depend on it directly run on
     * the node's one thread for this and hold up the others: use the {@code Async} methods for long ones.
     *
     * @throws FullException when the lane is full or too many outcomes wait
     * @throws DuoException {@code InvalidTransaction} when empty, {@code TooLarge}, {@code NoMemory},
     *     {@code InvalidArgument} for a lane that is not there
     */
    public CompletableFuture<Completion> submit(Chain chain, int lane, byte[] transaction) {
        CompletionPump futures = futures();
        return futures.future(accepted(tryOne(chain, lane, transaction)));
    }

    /**
     * As {@link #submit(Chain, int, byte[])}, waiting for room.
     *
     * @throws TimedOutException when there was none in time
     */
    public CompletableFuture<Completion> submit(Chain chain, int lane, byte[] transaction, Duration timeout)
            throws InterruptedException {
        CompletionPump futures = futures();
        return futures.future(waitOne(chain, lane, transaction, timeout));
    }

    /** As {@link #submit(Chain, int, byte[])}, for bytes outside the Java heap. */
    public CompletableFuture<Completion> submit(Chain chain, int lane, DirectBytes transaction) {
        CompletionPump futures = futures();
        return futures.future(accepted(tryOne(chain, lane, transaction)));
    }

    // submissions whose completions are polled

    /**
     * Accepts a transaction and gives its operation number.
     *
     * @throws FullException and others, as {@link #submit(Chain, int, byte[])}
     */
    public long enqueue(Chain chain, int lane, byte[] transaction) {
        poll();
        return accepted(tryOne(chain, lane, transaction));
    }

    /**
     * As {@link #enqueue(Chain, int, byte[])}, waiting for room.
     *
     * @throws TimedOutException when there was none in time
     */
    public long enqueue(Chain chain, int lane, byte[] transaction, Duration timeout) throws InterruptedException {
        poll();
        return waitOne(chain, lane, transaction, timeout);
    }

    /** As {@link #enqueue(Chain, int, byte[])}, for bytes outside the Java heap. */
    public long enqueue(Chain chain, int lane, DirectBytes transaction) {
        poll();
        return accepted(tryOne(chain, lane, transaction));
    }

    /** As {@link #enqueue(Chain, int, byte[])}, for what remains in a buffer. Its position does not move. */
    public long enqueue(Chain chain, int lane, ByteBuffer transaction) {
        poll();
        int at = transaction.position();
        int length = transaction.remaining();
        if (transaction.isDirect()) {
            long address = Natives.address(transaction) + at;
            return accepted(Natives.nodeSubmitDirect(
                    this, handle.use(), chain.number(), lane, transaction, address, length));
        }
        byte[] copy = new byte[length];
        transaction.get(at, copy);
        return accepted(tryOne(chain, lane, copy));
    }

    /**
     * Accepts a prefix of a batch, in order, and says how many. The operation numbers are in the batch
     * ({@link TxBatch#op}). 0 when the lane is full or too many outcomes wait.
     *
     * @throws DuoException when the first transaction is refused for another reason
     */
    public int enqueue(Chain chain, int lane, TxBatch batch) {
        poll();
        long accepted = Natives.nodeSubmitFlat(
                this, handle.use(), chain.number(), lane, batch,
                batch.bytesAddress(), batch.lengthsAddress(), batch.count(), batch.opsAddress());
        return Failures.isRefused(accepted) ? 0 : (int) accepted;
    }

    /**
     * As {@link #enqueue(Chain, int, byte[])}, but gives 0 instead of an exception when the lane is full or
     * too many outcomes wait.
     */
    public long tryEnqueue(Chain chain, int lane, byte[] transaction) {
        poll();
        long op = tryOne(chain, lane, transaction);
        return Failures.isRefused(op) ? 0 : op;
    }

    /**
     * Takes up to {@code max} outcomes of {@code enqueue}, waiting for the first; empty when none came in time.
     *
     * @throws EndException when the node is shut down and every outcome was handed out
     */
    public List<Completion> pollCompletions(int max, Duration timeout) throws InterruptedException {
        poll();
        Waiting waiting = Waiting.forUpTo(timeout);
        while (true) {
            byte[] batch = Natives.nodePollCompletions(this, handle.use(), max, waiting.chunk());
            if (batch != null && batch.length == 0) {
                throw Failures.of(Code.END, "the node is closed and every completion was handed out");
            }
            if (batch != null) {
                List<Completion> completions = new ArrayList<>();
                Completions.each(batch, completions::add);
                return completions;
            }
            if (waiting.isOver()) {
                return List.of();
            }
        }
    }

    // what the chains hold

    /** How far a transaction got. */
    public TxStatus status(Chain chain, TxId id) {
        Wire wire = new Wire(Natives.nodeTxStatus(this, handle.use(), chain.number(), id.bytes()));
        return new TxStatus(TxState.of(wire.i32()), wire.i64(), wire.i32());
    }

    /** Where a chain stands. */
    public Head head(Chain chain) {
        return Reports.head(new Wire(Natives.nodeHead(this, handle.use(), chain.number())));
    }

    /** A block; empty above the head and for height 0. */
    public Optional<Block> block(Chain chain, long height) {
        byte[] bytes = Natives.nodeBlock(this, handle.use(), chain.number(), height);
        return bytes == null ? Optional.empty() : Optional.of(new Block(bytes));
    }

    /** Proof that a transaction is in its block; empty when it is in none. */
    public Optional<TxProof> proof(Chain chain, TxId id) {
        byte[] bytes = Natives.nodeProof(this, handle.use(), chain.number(), id.bytes());
        return bytes == null ? Optional.empty() : Optional.of(new TxProof(bytes));
    }

    /** What each lane of a chain's queue did and holds. */
    public List<LaneStats> lanes(Chain chain) {
        return Reports.lanes(new Wire(Natives.nodeLanes(this, handle.use(), chain.number())));
    }

    /** How well both chains do. */
    public Health health() {
        return Reports.health(new Wire(Natives.nodeHealth(this, handle.use())));
    }

    /** A snapshot of all metrics. */
    public List<Metric> metrics() {
        return Reports.metrics(new Wire(Natives.nodeMetrics(this, handle.use())));
    }

    /** The same as OpenMetrics text. */
    public String metricsText() {
        return new String(Natives.nodeMetricsText(this, handle.use()), StandardCharsets.UTF_8);
    }

    // events

    /** Follows events, by polling. */
    public Subscription subscribe(SubscribeOptions options) {
        return new Subscription(this, options);
    }

    /**
     * Follows events, by demand: each subscriber gets its own position and its own daemon thread "duo-events",
     * and never more events than it asked for. With a {@linkplain SubscribeOptions#named cursor} delivery is at
     * least once, by batch: a batch is acknowledged after {@code onNext} returned for all of it, so after a
     * failure or a crash in between, its first events come again. Ends with {@code onComplete} when the node
     * closes.
     */
    public Flow.Publisher<Event> events(SubscribeOptions options) {
        return new EventPublisher(this, options);
    }

    // the end

    /**
     * Stops accepting, wakes everybody who waits, stops both chains and releases the directory. Submissions in
     * no final block end as {@link Code#CANCELLED}, which {@link #pollCompletions} still hands out. May be
     * repeated; {@link #close()} includes it.
     *
     * @throws TimedOutException when a chain is still busy; call again
     */
    public void shutdown(Duration timeout) {
        handle.use();
        if (!stop(timeout)) {
            throw Failures.of(Code.TIMEOUT, "a chain did not stop within " + timeout);
        }
    }

    /**
     * {@link #close(Duration)} within {@link #CLOSE_TIMEOUT}.
     */
    @Override
    public void close() {
        close(CLOSE_TIMEOUT);
    }

    /**
     * Shuts down, lets the futures end, and frees the node. Calls of other threads that wait inside the node
     * return with an exception. Closing twice does nothing.
     *
     * @throws TimedOutException when a chain is still busy; call again
     */
    public void close(Duration timeout) {
        CompletionPump futures = pump;
        boolean onPump = futures != null && futures.isCurrentThread();
        if (onPump && !closing.tryLock()) {
            // Another thread closes, and waits for the action that this is.
            return;
        }
        if (!onPump) {
            closing.lock();
        }
        try {
            if (handle.isFreed()) {
                return;
            }
            handle.close();
            if (!stopOrBroken(timeout)) {
                throw Failures.of(Code.TIMEOUT, "a chain did not stop within " + timeout);
            }
            if (futures != null && !onPump) {
                futures.join(CLOSE_TIMEOUT.toMillis());
            }
            handle.free();
        } finally {
            closing.unlock();
        }
    }

    /** True once {@link #close()} was called. */
    public boolean isClosed() {
        return handle.isClosed();
    }

    @Override
    public String toString() {
        return "Node[" + (isClosed() ? "closed" : "open") + "]";
    }

    private boolean stopOrBroken(Duration timeout) {
        try {
            return stop(timeout);
        } catch (PoisonedException | PanicException | ForkedException broken) {
            // Nothing can be stopped in order any more; freeing stops what is left.
            return true;
        }
    }

    private boolean stop(Duration timeout) {
        Waiting waiting = Waiting.forUpTo(timeout);
        while (!Natives.nodeClose(this, handle.word(), waiting.uninterruptedChunk())) {
            if (waiting.isOver()) {
                return false;
            }
        }
        return true;
    }

    NativeHandle handle() {
        return handle;
    }

    private CompletionPump futures() {
        CompletionPump current = pump;
        if (current == null) {
            choosing.lock();
            try {
                if (polled) {
                    throw Failures.of(Code.INVALID_ARGUMENT, "completions of this node are polled: use enqueue");
                }
                current = pump;
                if (current == null) {
                    current = new CompletionPump(handle.use());
                    pump = current;
                }
            } finally {
                choosing.unlock();
            }
        }
        return current;
    }

    private void poll() {
        if (!polled) {
            choosing.lock();
            try {
                if (pump != null) {
                    throw Failures.of(Code.INVALID_ARGUMENT, "this node completes futures: use submit");
                }
                polled = true;
            } finally {
                choosing.unlock();
            }
        }
    }

    private long tryOne(Chain chain, int lane, byte[] tx) {
        return Natives.nodeSubmit(this, handle.use(), chain.number(), lane, tx, 0, tx.length);
    }

    private long tryOne(Chain chain, int lane, DirectBytes tx) {
        ByteBuffer bytes = tx.bytes();
        int at = bytes.position();
        return Natives.nodeSubmitDirect(
                this, handle.use(), chain.number(), lane, tx, tx.address() + at, bytes.limit() - at);
    }

    private long waitOne(Chain chain, int lane, byte[] tx, Duration timeout) throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        while (true) {
            long op = Natives.nodeSubmitWait(
                    this, handle.use(), chain.number(), lane, tx, 0, tx.length, waiting.chunk());
            if (!Failures.isRefused(op)) {
                return op;
            }
            if (waiting.isOver()) {
                throw Failures.of(Code.TIMEOUT, "no room in lane " + lane + " of " + chain + " within " + timeout);
            }
        }
    }

    private long accepted(long op) {
        if (Failures.isRefused(op)) {
            throw Failures.of(Failures.refusal(op), "the lane is full, or too many outcomes wait");
        }
        return op;
    }
}
