package io.duochain;

import java.util.AbstractQueue;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;

/** Views with one fault each, which the tests must notice. */
final class BrokenViews {
    private BrokenViews() {
    }

    /** A view that is whole. */
    static class Whole extends AbstractQueue<byte[]> {
        final Queue<byte[]> view;

        Whole(Queue<byte[]> view) {
            this.view = view;
        }

        @Override
        public boolean offer(byte[] element) {
            return view.offer(element);
        }

        @Override
        public byte[] poll() {
            return view.poll();
        }

        @Override
        public byte[] peek() {
            return view.peek();
        }

        @Override
        public int size() {
            return view.size();
        }

        @Override
        public Iterator<byte[]> iterator() {
            return view.iterator();
        }
    }

    /** Gives the second element before the first. */
    static final class Swapping extends Whole {
        private final Deque<byte[]> kept = new ArrayDeque<>();

        Swapping(Queue<byte[]> view) {
            super(view);
        }

        @Override
        public synchronized byte[] poll() {
            if (kept.isEmpty()) {
                byte[] first = view.poll();
                byte[] second = first == null ? null : view.poll();
                if (second == null) {
                    return first;
                }
                kept.push(first);
                return second;
            }
            return kept.pop();
        }

        @Override
        public synchronized int size() {
            return view.size() + kept.size();
        }
    }

    /** Says yes to what it has no room for. */
    static final class Losing extends Whole {
        Losing(Queue<byte[]> view) {
            super(view);
        }

        @Override
        public boolean offer(byte[] element) {
            view.offer(element);
            return true;
        }
    }

    /** Looks and takes in two steps, which another thread can come between. */
    static final class Doubling extends Whole {
        private volatile byte[] seen;

        Doubling(Queue<byte[]> view) {
            super(view);
        }

        @Override
        public byte[] poll() {
            if (seen == null) {
                seen = view.poll();
            }
            byte[] first = seen;
            Thread.yield();
            seen = null;
            return first;
        }
    }

    /** Empty to whoever comes while another thread takes. */
    static final class FalselyEmpty extends Whole {
        private final AtomicBoolean taking = new AtomicBoolean();

        FalselyEmpty(Queue<byte[]> view) {
            super(view);
        }

        @Override
        public byte[] poll() {
            if (!taking.compareAndSet(false, true)) {
                return null;
            }
            Thread.yield();
            byte[] first = view.poll();
            taking.set(false);
            return first;
        }
    }

    /** Full to whoever comes while another thread puts in. */
    static final class FalselyFull extends Whole {
        private final AtomicBoolean putting = new AtomicBoolean();

        FalselyFull(Queue<byte[]> view) {
            super(view);
        }

        @Override
        public boolean offer(byte[] element) {
            if (!putting.compareAndSet(false, true)) {
                return false;
            }
            Thread.yield();
            boolean accepted = view.offer(element);
            putting.set(false);
            return accepted;
        }
    }
}
