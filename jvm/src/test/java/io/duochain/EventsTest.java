package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventsTest {
    private static List<Event> read(Subscription events, int count) throws InterruptedException {
        List<Event> read = new ArrayList<>();
        while (read.size() < count) {
            assertTrue(events.await(PATIENCE), "no event in time");
            read.addAll(events.poll(count - read.size()));
        }
        return read;
    }

    @Test
    void events_of_a_chain_come_without_gaps_and_can_be_read_again() throws Exception {
        try (Node node = Fixtures.memoryNode(); Subscription events = node.subscribe(SubscribeOptions.one(Chain.DELTA))) {
            List<Event> first = read(events, 5);
            for (int index = 0; index < first.size(); index++) {
                Event event = first.get(index);
                assertEquals(index + 1, event.sequence());
                assertEquals(Chain.DELTA, event.chain());
                assertEquals(EventKind.DELTA_BLOCK_FINALIZED, event.kind());
                assertEquals(Optional.empty(), event.health());
                assertEquals(event.hash(), node.block(Chain.DELTA, event.height()).orElseThrow().hash());
            }
            events.seek(Chain.DELTA, 3);
            assertTrue(events.lag(Chain.DELTA) >= 3);
            assertEquals(first.subList(2, 5), read(events, 3));
            assertEquals(0, events.dropped(Chain.DELTA));
            assertEquals(0, events.lag(Chain.ALPHA));
            assertThrows(InvalidArgumentException.class, () -> events.seek(Chain.DELTA, Long.MAX_VALUE));
            assertThrows(InvalidArgumentException.class, () -> events.seek(Chain.ALPHA, 1));
            assertThrows(InvalidArgumentException.class, () -> events.ack(first.get(0)));
        }
    }

    @Test
    void a_named_cursor_survives_a_restart(@TempDir Path directory) throws Exception {
        SubscribeOptions mine = SubscribeOptions.one(Chain.DELTA).named("mine");
        long seen;
        try (Node node = Node.open(Fixtures.disk(directory).build()); Subscription events = node.subscribe(mine)) {
            Event last = read(events, 4).get(3);
            events.ack(last);
            seen = last.sequence();
            read(events, 1);
        }
        try (Node node = Node.open(Fixtures.disk(directory).build()); Subscription events = node.subscribe(mine)) {
            assertEquals(seen + 1, read(events, 1).get(0).sequence());
        }
    }

    @Test
    void a_wait_ends_by_time_or_by_a_wake() throws Exception {
        try (Node node = Node.open(Config.builder().set(ConfigKey.STORAGE_BACKEND, "memory").build());
                Subscription events = node.subscribe(SubscribeOptions.both().from(SubscribeOptions.Start.LATEST))) {
            assertFalse(events.await(Duration.ofMillis(1)));
            Fixtures.Waiter waiter = Fixtures.inside(() -> assertFalse(events.await(PATIENCE))).entered();
            events.wake();
            assertEquals(null, waiter.outcome());
        }
    }

    @Test
    void a_wake_in_the_last_moment_of_a_piece_is_not_lost() throws Exception {
        Config silent = Config.builder().set(ConfigKey.STORAGE_BACKEND, "memory")
                .set(ConfigKey.DELTA_BLOCK_INTERVAL_MS, 3_600_000).build();
        try (Node node = Node.open(silent);
                Subscription events = node.subscribe(SubscribeOptions.both().from(SubscribeOptions.Start.LATEST))) {
            for (int attempt = 0; attempt < 20; attempt++) {
                AtomicLong begun = new AtomicLong();
                Fixtures.Waiter waiter = Fixtures.inside(() -> {
                    begun.set(System.nanoTime());
                    assertFalse(events.await(PATIENCE.multipliedBy(10)));
                });
                Fixtures.eventually("the wait has begun", () -> begun.get() != 0);
                // From a little before the end of the first piece to a little after it.
                long moment = begun.get() + Waiting.CHUNK_NANOS + (attempt - 15) * 20_000L;
                while (System.nanoTime() < moment) {
                    Thread.onSpinWait();
                }
                events.wake();
                assertEquals(null, waiter.outcome());
            }
        }
    }

    @Test
    void a_loop_over_events_ends_when_the_node_does() throws Exception {
        Node node = Fixtures.memoryNode();
        List<Event> seen = new ArrayList<>();
        try (Subscription events = node.subscribe(SubscribeOptions.both())) {
            for (Event event : events) {
                seen.add(event);
                if (seen.stream().map(Event::chain).distinct().count() == 2) {
                    node.close();
                }
            }
        }
        assertTrue(node.isClosed());
    }

    /** Keeps what it is given, and asks for what it is told. */
    private static final class Probe implements Flow.Subscriber<Event> {
        final CompletableFuture<Flow.Subscription> subscribed = new CompletableFuture<>();
        final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
        final CompletableFuture<Void> end = new CompletableFuture<>();

        Flow.Subscription subscription() throws Exception {
            return subscribed.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }

        Event next() throws InterruptedException {
            Event event = events.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            assertTrue(event != null, "no event in time");
            return event;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            subscribed.complete(subscription);
        }

        @Override
        public void onNext(Event event) {
            events.add(event);
        }

        @Override
        public void onError(Throwable failure) {
            end.completeExceptionally(failure);
        }

        @Override
        public void onComplete() {
            end.complete(null);
        }
    }

    @Test
    void a_publisher_gives_each_subscriber_what_it_asked_for_and_no_more() throws Exception {
        Node node = Fixtures.memoryNode();
        Flow.Publisher<Event> publisher = node.events(SubscribeOptions.one(Chain.DELTA));
        Probe few = new Probe();
        Probe all = new Probe();
        publisher.subscribe(few);
        publisher.subscribe(all);
        all.subscription().request(Long.MAX_VALUE);
        few.subscription().request(2);
        few.subscription().request(1);
        for (int sequence = 1; sequence <= 20; sequence++) {
            assertEquals(sequence, all.next().sequence());
        }
        for (int sequence = 1; sequence <= 3; sequence++) {
            assertEquals(sequence, few.next().sequence());
        }
        // The other one got twenty meanwhile: nothing is on its way without demand.
        assertTrue(few.events.isEmpty());
        few.subscription().request(1);
        assertEquals(4, few.next().sequence());
        node.close();
        few.end.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        all.end.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    @Test
    void a_publisher_ends_by_cancel_and_by_a_bad_request() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            Flow.Publisher<Event> publisher = node.events(SubscribeOptions.both());
            Probe wrong = new Probe();
            publisher.subscribe(wrong);
            wrong.subscription().request(0);
            Exception thrown = assertThrows(Exception.class, () -> wrong.end.get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
            assertInstanceOf(IllegalArgumentException.class, thrown.getCause());

            Probe cancelled = new Probe();
            publisher.subscribe(cancelled);
            cancelled.subscription().request(1);
            cancelled.next();
            cancelled.subscription().cancel();
            Fixtures.eventually("no thread is left", () -> Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread.getName().equals("duo-events")));
            assertFalse(cancelled.end.isDone());
            assertThrows(NullPointerException.class, () -> publisher.subscribe(null));
        }
    }

    @Test
    void a_publisher_with_a_cursor_acknowledges_what_was_delivered() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            SubscribeOptions named = SubscribeOptions.one(Chain.DELTA).named("flow");
            Probe first = new Probe();
            node.events(named).subscribe(first);
            first.subscription().request(3);
            first.next();
            first.next();
            first.next();
            Fixtures.eventually("three events are acknowledged", () -> {
                try (Subscription events = node.subscribe(named)) {
                    events.await(PATIENCE);
                    return events.poll(1).get(0).sequence() == 4;
                } catch (InterruptedException interrupt) {
                    throw new AssertionError(interrupt);
                }
            });
        }
    }

    @Test
    void a_subscriber_of_a_closed_node_is_told() throws Exception {
        Node node = Fixtures.memoryNode();
        Flow.Publisher<Event> publisher = node.events(SubscribeOptions.both());
        node.close();
        Probe probe = new Probe();
        publisher.subscribe(probe);
        probe.subscription().request(1);
        Exception thrown = assertThrows(Exception.class, () -> probe.end.get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
        assertInstanceOf(ClosedException.class, thrown.getCause());
    }

    @Test
    void bad_cursor_names_are_refused() {
        try (Node node = Fixtures.memoryNode()) {
            for (String name : List.of("", "a b", "x".repeat(65), "nul\0", "\u00e9")) {
                assertThrows(
                        InvalidArgumentException.class, () -> node.subscribe(SubscribeOptions.both().named(name)), name);
            }
            assertThrows(NullPointerException.class, () -> SubscribeOptions.both().named(null));
            assertThrows(
                    InvalidArgumentException.class,
                    () -> node.subscribe(SubscribeOptions.both().from(SubscribeOptions.Start.CURSOR)));
        }
    }

    @Test
    void finalised_blocks_are_announced_with_their_transactions() throws Exception {
        try (Node node = Fixtures.memoryNode(); Subscription events = node.subscribe(SubscribeOptions.both())) {
            node.enqueue(Chain.ALPHA, 0, bytes("announced"));
            Event found = null;
            while (found == null) {
                for (Event event : read(events, 1)) {
                    found = event.kind() == EventKind.ALPHA_BLOCK_FINALIZED && event.txCount() > 0 ? event : found;
                }
            }
            assertEquals(1, found.txCount());
            assertEquals(1, node.block(Chain.ALPHA, found.height()).orElseThrow().size());
        }
    }
}
