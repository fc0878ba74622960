package io.duochain;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/**
 * One part of a change of who is in the cluster of a {@link ReplicatedLog}.
 *
 * @param what what becomes of the node
 * @param node which
 * @param address where it is found, for {@link What#ADD}; otherwise {@code null}
 */
public record LogChange(What what, long node, String address) {
    /** Checks that there is an address where one is needed. */
    public LogChange {
        if ((Objects.requireNonNull(what) == What.ADD) != (address != null)) {
            throw new IllegalArgumentException("an address belongs to ADD, and to nothing else");
        }
    }

    /** The node takes the log only, or stays what it is with another address. */
    public static LogChange add(long node, String address) {
        return new LogChange(What.ADD, node, Objects.requireNonNull(address));
    }

    /** A node that takes the log only gets a vote. */
    public static LogChange promote(long node) {
        return new LogChange(What.PROMOTE, node, null);
    }

    /** The node loses its vote; it takes the log only. */
    public static LogChange demote(long node) {
        return new LogChange(What.DEMOTE, node, null);
    }

    /** The node leaves. */
    public static LogChange remove(long node) {
        return new LogChange(What.REMOVE, node, null);
    }

    /** As the library reads them. */
    static byte[] encoded(List<LogChange> parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (LogChange part : parts) {
            out.writeBytes(
                    ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(part.what.number).array());
            ReplicatedLogOptions.number(out, part.node);
            String address = part.address == null ? "" : part.address;
            ReplicatedLogOptions.blob(out, address.getBytes(StandardCharsets.UTF_8));
        }
        return out.toByteArray();
    }

    /** What becomes of a node. */
    public enum What {
        /** See {@link LogChange#add}. */
        ADD(LogNumbers.ADD),
        /** See {@link LogChange#promote}. */
        PROMOTE(LogNumbers.PROMOTE),
        /** See {@link LogChange#demote}. */
        DEMOTE(LogNumbers.DEMOTE),
        /** See {@link LogChange#remove}. */
        REMOVE(LogNumbers.REMOVE);

        private final int number;

        What(int number) {
            this.number = number;
        }
    }
}
