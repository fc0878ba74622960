package io.duochain;

import java.util.Arrays;
import java.util.Objects;

/** Proof that a transaction is in a block. Verifies without a node. */
public final class TxProof {
    private final byte[] encoded;

    /** From its encoding, which {@link #verify} checks. */
    public TxProof(byte[] encoded) {
        this.encoded = encoded.clone();
    }

    /**
     * True when {@code transaction} is in the block with this hash, which the caller has from a source it trusts.
     *
     * @throws CorruptionException when the encoding is malformed
     */
    public boolean verify(byte[] transaction, Hash blockHash) {
        Objects.requireNonNull(transaction, "transaction");
        Objects.requireNonNull(blockHash, "blockHash");
        byte[] hash = Natives.proofVerify(encoded, transaction);
        return hash != null && blockHash.equals(new Hash(hash));
    }

    /** A copy of the encoding. */
    public byte[] encoded() {
        return encoded.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TxProof proof && Arrays.equals(encoded, proof.encoded);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(encoded);
    }
}
