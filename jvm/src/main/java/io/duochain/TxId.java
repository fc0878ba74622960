package io.duochain;

import java.util.HexFormat;
import java.util.Objects;

/** Id of a transaction: the hash of its bytes, bound to the chain. */
public final class TxId extends Hex {
    /**
     * From its bytes.
     *
     * @throws IllegalArgumentException unless there are 32
     */
    public TxId(byte[] bytes) {
        super(bytes);
    }

    /**
     * From 64 hexadecimal digits.
     *
     * @throws IllegalArgumentException if it is anything else
     */
    public static TxId of(String text) {
        return new TxId(HexFormat.of().parseHex(text));
    }

    /**
     * The id that a transaction has on a chain.
     *
     * @throws InvalidTransactionException if it is empty
     */
    public static TxId of(Chain chain, byte[] transaction) {
        Objects.requireNonNull(transaction, "transaction");
        return new TxId(Natives.txId(chain.number(), transaction));
    }
}
