package io.duochain;

import io.duochain.ReplicatedLog.Lane;
import io.duochain.ReplicatedLog.Origin;
import io.duochain.ReplicatedLog.Receipt;
import io.duochain.ReplicatedLog.WaitFor;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Requests to one log: their way in, and their answers. */
final class LogAppends {
    static final String REFUSED = "too much waits already, or leadership changes: ask again";
    private static final String NO_BASE = "what this snapshot would go on from is gone: give a later state";
    private static final String UNKNOWN = "no answer in time; it may still commit";
    private static final String CHANGING = "another change is under way, or leadership changes: ask again";

    private final ReplicatedLog owner;
    private final NativeHandle handle;
    /** By lane and level: of one kind, answers come in the order of the appends. */
    private final AppendPump[] pumps = new AppendPump[Lane.values().length * WaitFor.values().length];

    LogAppends(ReplicatedLog owner, NativeHandle handle) {
        this.owner = owner;
        this.handle = handle;
        for (int kind = 0; kind < pumps.length; kind++) {
            pumps[kind] = new AppendPump();
        }
    }

    Receipt append(List<byte[]> entries, Origin origin, WaitFor level, Lane lane, Duration timeout)
            throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        return await(submit(entries, origin, level, lane), waiting, REFUSED, UNKNOWN);
    }

    /** One question, waited for in pieces: one asked anew in each would get no answer that takes longer than a piece. */
    long readIndex(Duration timeout) throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        long op = Natives.replogSubmitRead(owner, handle.use());
        if (Failures.isRefused(op)) {
            throw Failures.of(Failures.refusal(op), REFUSED);
        }
        return await(op, waiting, REFUSED, "no answer to the read in time: ask again").index();
    }

    void change(List<LogChange> parts, Duration timeout) throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        long op = Natives.replogSubmitChange(owner, handle.use(), LogChange.encoded(parts));
        if (Failures.isRefused(op)) {
            throw Failures.of(Failures.refusal(op), REFUSED);
        }
        await(op, waiting, CHANGING, "not over in time; it may be carried out all the same");
    }

    /** The library knows the request no longer when it comes back or throws; {@code again} is as below. */
    Receipt await(long op, Waiting waiting, String again, String late) throws InterruptedException {
        Receipt receipt = null;
        try {
            while (receipt == null) {
                receipt = answer(op, waiting.chunk(), again);
                if (receipt == null && waiting.isOver()) {
                    throw Failures.of(Code.TIMEOUT, late);
                }
            }
            return receipt;
        } finally {
            if (receipt == null) {
                forget(op);
            }
        }
    }

    CompletableFuture<Receipt> appendAsync(
            List<byte[]> entries, Origin origin, WaitFor level, Lane lane, Duration timeout) {
        long end = Waiting.end(Waiting.nanosOf(timeout));
        CompletableFuture<Receipt> done = new CompletableFuture<>();
        try {
            long op = submit(entries, origin, level, lane);
            try {
                pumps[lane.ordinal() * WaitFor.values().length + level.ordinal()].add(
                        new AppendPump.Op(this, op, end, done));
            } catch (Throwable full) {
                forget(op);
                throw full;
            }
        } catch (DuoException failure) {
            done.completeExceptionally(failure);
        }
        return done;
    }

    private long submit(List<byte[]> entries, Origin origin, WaitFor level, Lane lane) {
        // The host's list may change at any time.
        byte[][] items = entries.toArray(new byte[0][]);
        int[] lengths = new int[items.length];
        long bytes = 0;
        for (int at = 0; at < items.length; at++) {
            lengths[at] = items[at].length;
            bytes += lengths[at];
        }
        if (bytes > LogNumbers.BYTES_MAX) {
            throw Failures.of(Code.TOO_LARGE, "a batch of " + bytes + " bytes");
        }
        byte[] flat = items.length == 1 ? items[0] : joined(items, (int) bytes);
        long op = Natives.replogSubmit(
                owner, handle.use(), flat, lengths, level.number(), lane.flags(), origin.session(), origin.sequence(),
                EntryId.joined(origin.ids()));
        if (Failures.isRefused(op)) {
            throw Failures.of(Failures.refusal(op), REFUSED);
        }
        return op;
    }

    private static byte[] joined(byte[][] items, int bytes) {
        byte[] flat = new byte[bytes];
        int at = 0;
        for (byte[] item : items) {
            System.arraycopy(item, 0, flat, at, item.length);
            at += item.length;
        }
        return flat;
    }

    /** To an append. {@code null} when there is none yet; otherwise the library knows the batch no longer. */
    Receipt answer(long op, long nanos) {
        return answer(op, nanos, REFUSED);
    }

    /** As above, to any request; {@code again} is what it means that it has to be asked again. */
    private Receipt answer(long op, long nanos, String again) {
        long[] answer = Natives.replogAwait(owner, handle.use(), op, nanos);
        if (answer == null) {
            return null;
        }
        if (Failures.isRefused(answer[0])) {
            throw refused(Failures.refusal(answer[0]), again);
        }
        Receipt receipt = new Receipt(answer[0], answer[1], (int) answer[2], (int) answer[3]);
        if (answer[4] != 0) {
            throw Failures.of(Code.PARTIAL, "committed, and perhaps not on every voter").with(receipt);
        }
        return receipt;
    }

    /** What an answer says that is neither a success nor an error. */
    static DuoException refused(Code code, String again) {
        return Failures.of(code, code == Code.NOT_FOUND ? NO_BASE : again);
    }

    /** Nobody will ask for its answer. Fails never: the library may have forgotten it, or the log ended. */
    void forget(long op) {
        try {
            Natives.replogForget(owner, handle.word(), op);
        } catch (DuoException gone) {
            // As it should be.
        }
    }

    static DuoException unknown() {
        return Failures.of(Code.TIMEOUT, UNKNOWN);
    }
}
