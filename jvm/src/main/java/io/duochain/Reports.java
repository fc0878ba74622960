package io.duochain;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Decodes what a node tells about itself. */
final class Reports {
    private Reports() {
    }

    static Head head(Wire wire) {
        long height = wire.i64();
        Hash hash = wire.hash();
        long finalHeight = wire.i64();
        Hash finalHash = wire.hash();
        Hash stateRoot = wire.hash();
        return new Head(
                height, hash, finalHeight, finalHash, stateRoot,
                wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64());
    }

    static Health health(Wire wire) {
        HealthState state = HealthState.of(wire.i32());
        boolean ratioAlarm = wire.i32() != 0;
        return new Health(state, chainHealth(wire), chainHealth(wire), ratioAlarm);
    }

    private static ChainHealth chainHealth(Wire wire) {
        Chain chain = Chain.of(wire.i32());
        HealthState state = HealthState.of(wire.i32());
        long lag = wire.i64();
        Duration sinceBlock = Duration.ofNanos(wire.i64());
        long restarts = wire.i64();
        long height = wire.i64();
        return new ChainHealth(chain, state, wire.text(), lag, sinceBlock, restarts, height);
    }

    static List<Metric> metrics(Wire wire) {
        List<Metric> metrics = new ArrayList<>();
        while (wire.hasMore()) {
            int chain = wire.i32();
            Metric.Kind kind = wire.i32() == 1 ? Metric.Kind.COUNTER : Metric.Kind.GAUGE;
            double value = wire.f64();
            Optional<Chain> about = chain == 0 ? Optional.empty() : Optional.of(Chain.of(chain));
            String name = wire.text();
            metrics.add(new Metric(name, about, kind, value, wire.text()));
        }
        return metrics;
    }

    static List<Event> events(byte[] batch) {
        List<Event> events = new ArrayList<>();
        Wire wire = new Wire(batch);
        while (wire.hasMore()) {
            Chain chain = Chain.of(wire.i32());
            EventKind kind = EventKind.of(wire.i32());
            int health = wire.i32();
            int txCount = wire.i32();
            long sequence = wire.i64();
            long height = wire.i64();
            long time = wire.i64();
            Hash hash = wire.hash();
            Optional<HealthState> state = health == 0 ? Optional.empty() : Optional.of(HealthState.of(health));
            events.add(new Event(chain, sequence, kind, height, hash, time, txCount, state, wire.text()));
        }
        return events;
    }

    static PoolStats poolStats(Wire wire) {
        return new PoolStats(
                wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(),
                wire.i64(), wire.i64(), wire.i64(), wire.i64() != 0, wire.i64());
    }

    static List<PoolClassStats> poolClassStats(Wire wire) {
        List<PoolClassStats> classes = new ArrayList<>();
        while (wire.hasMore()) {
            classes.add(new PoolClassStats(
                    wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(),
                    wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64()));
        }
        return List.copyOf(classes);
    }

    static List<HeldBuffer> held(Wire wire) {
        List<HeldBuffer> held = new ArrayList<>();
        while (wire.hasMore()) {
            long buffer = wire.i64();
            long length = wire.i64();
            held.add(new HeldBuffer(buffer, length, Duration.ofNanos(wire.i64()), wire.text()));
        }
        return List.copyOf(held);
    }

    static QueueStats queueStats(Wire wire) {
        PoolStats pool = poolStats(wire);
        return new QueueStats(lanes(wire), pool);
    }

    static List<LaneStats> lanes(Wire wire) {
        List<LaneStats> lanes = new ArrayList<>();
        while (wire.hasMore()) {
            lanes.add(new LaneStats(wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64()));
        }
        return List.copyOf(lanes);
    }
}
