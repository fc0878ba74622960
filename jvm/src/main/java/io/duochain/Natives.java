package io.duochain;

import java.nio.ByteBuffer;

/**
 * Every crossing into the native library, and nothing else.
 *
 * <p>Conventions:
 * <ul>
 *   <li>An object is named by its handle, a number that the library checks on every use: a stale one gives
 *       an exception. Freeing waits for calls that are inside (the shared side of the close gate is one
 *       store to memory of the thread, see {@code src/ffi/pin.rs}).
 *   <li>{@code owner} is the Java object of the handle. It is not looked at; being an argument keeps it,
 *       and so its handle, alive until the call returns.
 *   <li>Errors are thrown. Normal outcomes come back: a {@code long} below zero is a refusal
 *       ({@link Failures#refusal}), {@code null} is "not there, or not yet".
 *   <li>No call waits longer than it is told, and callers tell at most {@link Waiting#CHUNK_NANOS}.
 *   <li>Bounds of arrays and buffers are checked by the caller.
 * </ul>
 */
final class Natives {
    static {
        NativeLoader.load();
    }

    private Natives() {
    }

    // library

    static native int abiVersion();

    static native byte[] buildInfo();

    static native long features();

    static native byte[] txId(int chain, byte[] transaction);

    /** Hash of the block that the proof is about; {@code null} when it proves something else. */
    static native byte[] proofVerify(byte[] proof, byte[] transaction);

    static native byte[] blockHash(byte[] block);

    static native long address(ByteBuffer direct);

    static native ByteBuffer buffer(long address, int bytes);

    // config

    /** Applies steps in order and gives every value, in the order of {@link ConfigKey}. */
    static native byte[] configResolve(byte[] steps, boolean validate);

    // node

    static native long nodeOpen(byte[] steps);

    /** False when a chain is still busy after the time. */
    static native boolean nodeClose(Object owner, long node, long timeoutNanos);

    static native void nodeDestroy(long node);

    static native long nodeSubmit(Object owner, long node, int chain, int lane, byte[] tx, int offset, int length);

    static native long nodeSubmitWait(
            Object owner, long node, int chain, int lane, byte[] tx, int offset, int length, long timeoutNanos);

    static native long nodeSubmitDirect(
            Object owner, long node, int chain, int lane, Object memory, long address, int length);

    /** How many were accepted; their operation numbers are at {@code ops}. */
    static native long nodeSubmitFlat(
            Object owner, long node, int chain, int lane, Object memory, long data, long lengths, int count, long ops);

    /** {@code null}: none in time. Empty: closed, and all were handed out. */
    static native byte[] nodePollCompletions(Object owner, long node, int max, long timeoutNanos);

    static native byte[] nodeTxStatus(Object owner, long node, int chain, byte[] id);

    static native byte[] nodeHead(Object owner, long node, int chain);

    static native byte[] nodeBlock(Object owner, long node, int chain, long height);

    static native byte[] nodeProof(Object owner, long node, int chain, byte[] id);

    static native byte[] nodeHealth(Object owner, long node);

    static native byte[] nodeMetrics(Object owner, long node);

    static native byte[] nodeMetricsText(Object owner, long node);

    static native byte[] nodeLanes(Object owner, long node, int chain);

    // subscription

    static native long subCreate(Object owner, long node, int chains, int start, byte[] name);

    static native void subDestroy(long sub);

    static native byte[] subPoll(Object owner, long sub, int max);

    static native boolean subWait(Object owner, long sub, long timeoutNanos);

    static native void subWake(Object owner, long sub);

    static native void subAck(Object owner, long sub, int chain, long sequence);

    static native void subSeek(Object owner, long sub, int chain, long sequence);

    /** Events that wait on Alpha and Delta, then events lost on Alpha and Delta. */
    static native long[] subLag(Object owner, long sub);

    // queue

    static native long queueCreate(byte[] options);

    static native void queueClose(Object owner, long queue);

    static native void queueDestroy(long queue);

    static native long queueEnqueue(Object owner, long queue, int lane, byte[] tx, int offset, int length);

    static native long queueEnqueueWait(
            Object owner, long queue, int lane, byte[] tx, int offset, int length, long timeoutNanos);

    static native long queueEnqueueDirect(Object owner, long queue, int lane, Object memory, long address, int length);

    static native long queueEnqueueFlat(
            Object owner, long queue, int lane, Object memory, long data, long lengths, int count);

    /** {@code null}: none in time. Empty: closed and empty. */
    static native byte[] queueDequeue(Object owner, long queue, long timeoutNanos);

    /** How many were taken; what they are is at {@code items}, as {@link ItemBatch} reads it. */
    static native long queueDequeueFlat(
            Object owner, long queue, Object memory, long items, int max, long data, int bytes);

    static native long queueLength(Object owner, long queue);

    static native byte[] queueStats(Object owner, long queue);

    // shared lanes

    static native long laneOpen(Object owner, long queue, byte[] options);

    static native void laneClose(long lane);

    static native byte[] lanePath(Object owner, long lane);

    static native byte[] laneCounts(Object owner, long lane);

    // pool

    static native long poolCreate(long[] options);

    static native long poolCreateManaged(byte[] steps, int kind);

    static native void poolDestroy(long pool);

    /** Gives address, capacity and the buffer's handle. */
    static native void poolAcquire(Object owner, long pool, int length, long[] out);

    static native void poolAcquireAt(Object owner, long pool, int length, byte[] site, long[] out);

    /** Gives address, capacity and handle of each buffer, and how many there are. */
    static native int poolAcquireBatch(Object owner, long pool, int length, int count, long[] out);

    static native void poolRelease(Object owner, long pool, long buffer);

    static native long poolTrim(Object owner, long pool, int keepFree);

    static native long poolWarmUp(Object owner, long pool, int length, int count);

    /** Buffers that got memory, slabs that went, their bytes. */
    static native long[] poolMaintain(Object owner, long pool, long nowNanos);

    static native byte[] poolClassStats(Object owner, long pool);

    static native byte[] poolHeld(Object owner, long pool, long olderThanNanos, int max);

    static native byte[] poolStats(Object owner, long pool);

    // policies

    static native long breakerCreate(long[] settings);

    static native void breakerDestroy(long breaker);

    /** A ticket, or -1 when the circuit is open. */
    static native long breakerAsk(Object owner, long breaker);

    static native void breakerReport(Object owner, long breaker, long ticket, int outcome);

    static native void breakerTrip(Object owner, long breaker);

    static native void breakerReset(Object owner, long breaker);

    static native long[] breakerStats(Object owner, long breaker);

    static native byte[] breakerSave(Object owner, long breaker, long unixNanos);

    static native void breakerRestore(Object owner, long breaker, long unixNanos, byte[] saved);

    static native long limiterCreate(long[] settings);

    static native void limiterDestroy(long limiter);

    static native boolean limiterAcquire(Object owner, long limiter, int tokens);

    static native long limiterReadyIn(Object owner, long limiter, int tokens);

    static native long[] limiterStats(Object owner, long limiter);

    static native long bulkheadCreate(long[] settings);

    static native void bulkheadDestroy(long bulkhead);

    static native boolean bulkheadAcquire(Object owner, long bulkhead);

    /** A place, -1 for a permit, -2 when the line is full. */
    static native long bulkheadLineUp(Object owner, long bulkhead);

    static native boolean bulkheadAwait(Object owner, long bulkhead, long place, long timeoutNanos);

    static native void bulkheadLeave(Object owner, long bulkhead, long place);

    static native void bulkheadRelease(Object owner, long bulkhead);

    static native long[] bulkheadStats(Object owner, long bulkhead);

    static native long retryCreate(long[] settings);

    static native void retryDestroy(long retry);

    /** Nanoseconds, or -1 to give up. */
    static native long retryAfter(Object owner, long retry, int failures, long elapsedNanos, int fault, long entropy);

    static native long[] retryStats(Object owner, long retry);

    static native long registryCreate();

    static native void registryDestroy(long registry);

    static native void registryAdd(
            Object owner, long registry, byte[] name, long breaker, long limiter, long bulkhead, long retry);

    static native boolean registryRemove(Object owner, long registry, byte[] name);

    static native byte[] registryJson(Object owner, long registry);

    static native byte[] registryPrometheus(Object owner, long registry);

    static native byte[] registrySave(Object owner, long registry, long unixNanos);

    static native int registryRestore(Object owner, long registry, long unixNanos, byte[] saved);

    // log

    static native void logBuffer(int level, int records);

    static native byte[] logPoll(int max);

    // faults

    /** Makes the next call on an object of this kind panic, or with 0 this one; false in builds that cannot. */
    static native boolean testPanicNext(int kind);

    // replicated log

    static native long replogOpen(byte[] options, long[] settings);

    /** False when something was left to do. */
    static native boolean replogClose(Object owner, long log, long timeoutNanos);

    static native void replogDestroy(long log);

    static native long replogSubmit(
            Object owner, long log, byte[] bytes, int[] lengths, int level, int flags, long session, long sequence,
            byte[] ids);

    /** Index, term, repeated, stale, and 1 when a voter may lack it; or a refusal; {@code null} when there is no answer yet. */
    static native long[] replogAwait(Object owner, long log, long op, long timeoutNanos);

    static native void replogForget(Object owner, long log, long op);

    /** {@link ReplicatedLog.Entry#NUMBERS} for each entry; one when the first needs so many bytes; {@code null} when none came. */
    static native long[] replogRead(
            Object owner, long log, long from, int max, Object memory, long data, long room, long timeoutNanos);

    static native void replogReloadTls(Object owner, long log);

    static native long replogSubmitRead(Object owner, long log);

    /** A request for {@link #replogAwait}, or a refusal. */
    static native long replogSubmitSnapshot(Object owner, long log, long index, Object memory, long data, long length);

    /** As {@link #replogSubmitSnapshot}, of a state in pieces. */
    static native long replogSnapshotBegin(Object owner, long log, long index);

    /** 0, or a refusal: nothing of it was taken then. */
    static native long replogSnapshotWrite(
            Object owner, long log, long op, Object memory, long data, long length, long timeoutNanos);

    static native void replogSnapshotEnd(Object owner, long log, long op);

    /** Bytes that came, index and length; one number when another one is read now; {@code null} when there is none. */
    static native long[] replogSnapshotRead(
            Object owner, long log, long index, long offset, Object memory, long data, long room);

    static native long replogTransfer(Object owner, long log, long to, long timeoutNanos);

    /** A request for {@link #replogAwait}, or a refusal. */
    static native long replogSubmitChange(Object owner, long log, byte[] parts);

    static native byte[] replogStatus(Object owner, long log);

    /** {@code null} while nothing has changed. */
    static native byte[] replogWaitStatus(Object owner, long log, long seen, long timeoutNanos);

    static native byte[] replogPeers(Object owner, long log);

    static native byte[] replogMembers(Object owner, long log);

    static native byte[] replogJson(Object owner, long log);

    static native byte[] replogPrometheus(Object owner, long log);
}
