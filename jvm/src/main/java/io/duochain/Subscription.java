package io.duochain;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A reader of a node's events. Polling and seeking are for one thread at a time ({@link BusyException} for a
 * second one); {@link #wake} and {@link #close} are for any.
 *
 * <p>Iterating waits for the next event, and ends when the subscription or its node is closed.
 */
public final class Subscription implements AutoCloseable, Iterable<Event> {
    private static final int BATCH = 256;

    private final NativeHandle handle;
    /** A wake that no wait has answered yet: a piece of a wait cannot tell one from the end of its time. */
    private final AtomicBoolean woken = new AtomicBoolean();

    Subscription(Node node, SubscribeOptions options) {
        byte[] name = options.name().map(text -> text.getBytes(StandardCharsets.UTF_8)).orElse(null);
        int chain = options.chain().map(Chain::number).orElse(0);
        long word = Natives.subCreate(node, node.handle().use(), chain, options.start().ordinal(), name);
        this.handle = NativeHandle.of(this, "subscription", word, Natives::subDestroy);
    }

    /** Up to {@code max} events, each chain's in order without gaps; empty when there are none yet. */
    public List<Event> poll(int max) {
        if (max < 1) {
            throw new IllegalArgumentException("max is " + max);
        }
        byte[] batch = Natives.subPoll(this, handle.use(), max);
        return batch == null ? List.of() : Reports.events(batch);
    }

    /**
     * Waits for an event to poll; false when none came in time or {@link #wake} was called.
     *
     * @throws ClosedException when the subscription or its node ends
     */
    public boolean await(Duration timeout) throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        while (true) {
            if (Natives.subWait(this, handle.use(), waiting.chunk())) {
                return true;
            }
            if (woken.getAndSet(false) || waiting.isOver()) {
                return false;
            }
        }
    }

    /** Ends an {@link #await} of another thread, or the next one. */
    public void wake() {
        woken.set(true);
        Natives.subWake(this, handle.use());
    }

    /**
     * Moves the durable cursor: everything up to this event of its chain has been dealt with. Durable when this
     * returns.
     *
     * @throws InvalidArgumentException without a cursor name
     */
    public void ack(Event event) {
        ack(event.chain(), event.sequence());
    }

    /** As {@link #ack(Event)}, by number. */
    public void ack(Chain chain, long sequence) {
        Natives.subAck(this, handle.use(), chain.number(), sequence);
    }

    /**
     * Goes to an event: the next poll begins with it, or with the oldest retained one.
     *
     * @throws InvalidArgumentException beyond the event after the newest
     */
    public void seek(Chain chain, long sequence) {
        Natives.subSeek(this, handle.use(), chain.number(), sequence);
    }

    /** Events of a chain that wait to be polled. */
    public long lag(Chain chain) {
        return Natives.subLag(this, handle.use())[chain.ordinal()];
    }

    /** Events of a chain that were retired before they were polled. */
    public long dropped(Chain chain) {
        return Natives.subLag(this, handle.use())[2 + chain.ordinal()];
    }

    /** Events from here on, for one loop. An interrupt ends it, and stays set. */
    @Override
    public Iterator<Event> iterator() {
        return new Events();
    }

    /** Lets waiting calls return with {@link ClosedException}, and frees the reader. Closing twice does nothing. */
    @Override
    public void close() {
        handle.free();
    }

    boolean isClosed() {
        return handle.isClosed();
    }

    private final class Events implements Iterator<Event> {
        private final Queue<Event> ready = new ArrayDeque<>();

        @Override
        public boolean hasNext() {
            try {
                while (ready.isEmpty()) {
                    if (await(Duration.ofSeconds(1))) {
                        ready.addAll(poll(BATCH));
                    }
                }
                return true;
            } catch (ClosedException end) {
                return false;
            } catch (InterruptedException interrupt) {
                Thread.currentThread().interrupt();
                return false;
            }
        }

        @Override
        public Event next() {
            if (!hasNext()) {
                throw new NoSuchElementException("the subscription is closed");
            }
            return ready.remove();
        }
    }
}
