package io.duochain;

/**
 * The end of one submission.
 *
 * @param op the submission
 * @param chain its chain
 * @param code {@link Code#OK}: final. {@link Code#DUPLICATE}: submitted before, and final.
 *     {@link Code#CANCELLED}: the node closed first
 * @param tx id of the transaction; zero when it was cancelled
 * @param height height of its block; 0 when it is in none
 * @param index position in that block
 * @param submittedNanos when it was accepted, on the node's clock
 * @param finalizedNanos when its outcome was known, on the node's clock
 */
public record Completion(
        long op,
        Chain chain,
        Code code,
        TxId tx,
        long height,
        int index,
        long submittedNanos,
        long finalizedNanos) {

    /** True when the transaction is in a final block because of this submission. */
    public boolean isFinal() {
        return code == Code.OK;
    }
}
