package io.duochain;

/**
 * Where a chain stands.
 *
 * @param height height of the last block
 * @param hash its hash
 * @param finalHeight height of the highest final block
 * @param finalHash its hash
 * @param stateRoot state after the last block
 * @param timeUnixNanos header time of the last block
 * @param slot its slot
 * @param slotDriftNanos how late the last block was started against its schedule; negative when early
 * @param transactions transactions in all blocks
 * @param finalTransactions transactions in final blocks
 * @param restarts how often the chain's thread was started again since the node was opened
 */
public record Head(
        long height,
        Hash hash,
        long finalHeight,
        Hash finalHash,
        Hash stateRoot,
        long timeUnixNanos,
        long slot,
        long slotDriftNanos,
        long transactions,
        long finalTransactions,
        long restarts) {
}
