package io.duochain;

/**
 * State and place of a transaction.
 *
 * @param state how far it got
 * @param height height of its block; 0 when unknown
 * @param index position in that block
 */
public record TxStatus(TxState state, long height, int index) {
}
