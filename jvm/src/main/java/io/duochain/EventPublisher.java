package io.duochain;

import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Events by demand: one subscription and one daemon thread "duo-events" per subscriber. */
final class EventPublisher implements Flow.Publisher<Event> {
    private final Node node;
    private final SubscribeOptions options;

    EventPublisher(Node node, SubscribeOptions options) {
        this.node = node;
        this.options = Objects.requireNonNull(options, "options");
    }

    @Override
    public void subscribe(Flow.Subscriber<? super Event> subscriber) {
        Objects.requireNonNull(subscriber, "subscriber");
        Subscription events;
        try {
            events = node.subscribe(options);
        } catch (DuoException refused) {
            // Reactive Streams 1.9: onSubscribe comes before onError.
            subscriber.onSubscribe(new Refused());
            subscriber.onError(refused);
            return;
        }
        Delivery delivery = new Delivery(events, subscriber, options.name().isPresent());
        Thread thread = new Thread(delivery, "duo-events");
        thread.setDaemon(true);
        thread.start();
    }

    private static final class Refused implements Flow.Subscription {
        @Override
        public void request(long count) {
            // Already over.
        }

        @Override
        public void cancel() {
            // Already over.
        }
    }

    /** One subscriber's share. The rules named are those of Reactive Streams for the JVM 1.0. */
    private static final class Delivery implements Runnable, Flow.Subscription {
        private static final int BATCH = 256;
        private static final Duration PAUSE = Duration.ofNanos(Waiting.CHUNK_NANOS);

        private final Subscription events;
        private final Flow.Subscriber<? super Event> subscriber;
        private final boolean acknowledges;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private long demand;
        private boolean cancelled;
        private IllegalArgumentException badRequest;

        Delivery(Subscription events, Flow.Subscriber<? super Event> subscriber, boolean acknowledges) {
            this.events = events;
            this.subscriber = subscriber;
            this.acknowledges = acknowledges;
        }

        @Override
        public void request(long count) {
            lock.lock();
            try {
                if (count <= 0) {
                    // 3.9
                    badRequest = new IllegalArgumentException("3.9: requested " + count + " events");
                } else {
                    // 3.17: Long.MAX_VALUE is without bound.
                    demand = demand + count < 0 ? Long.MAX_VALUE : demand + count;
                }
                changed.signal();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void cancel() {
            lock.lock();
            try {
                cancelled = true;
                changed.signal();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void run() {
            try (events) {
                subscriber.onSubscribe(this);
                while (awaitDemand()) {
                    deliver();
                }
                // 1.6, 3.9: a bad request ends the subscription.
                if (badRequest != null && !isCancelled()) {
                    subscriber.onError(badRequest);
                }
            } catch (ClosedException end) {
                if (!isCancelled()) {
                    subscriber.onComplete();
                }
            } catch (InterruptedException interrupt) {
                // Somebody ended the thread: as a cancel.
            } catch (Throwable failure) {
                if (!isCancelled()) {
                    subscriber.onError(failure);
                }
            }
        }

        /** True when events are wanted; false at the end. */
        private boolean awaitDemand() throws InterruptedException {
            lock.lock();
            try {
                while (demand == 0 && !cancelled && badRequest == null) {
                    if (!changed.await(Waiting.CHUNK_NANOS, TimeUnit.NANOSECONDS)) {
                        // Without demand too, the end of the node is noticed.
                        events.await(Duration.ZERO);
                    }
                }
                return !cancelled && badRequest == null;
            } finally {
                lock.unlock();
            }
        }

        private void deliver() throws InterruptedException {
            if (!events.await(PAUSE)) {
                return;
            }
            List<Event> batch = events.poll((int) Math.min(BATCH, wanted()));
            Map<Chain, Event> last = new EnumMap<>(Chain.class);
            for (Event event : batch) {
                if (isCancelled()) {
                    break;
                }
                subscriber.onNext(event);
                last.put(event.chain(), event);
            }
            if (acknowledges) {
                last.values().forEach(events::ack);
            }
            lock.lock();
            try {
                demand = demand == Long.MAX_VALUE ? demand : demand - batch.size();
            } finally {
                lock.unlock();
            }
        }

        private long wanted() {
            lock.lock();
            try {
                return demand;
            } finally {
                lock.unlock();
            }
        }

        private boolean isCancelled() {
            lock.lock();
            try {
                return cancelled;
            } finally {
                lock.unlock();
            }
        }
    }
}
