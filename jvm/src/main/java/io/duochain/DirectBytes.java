package io.duochain;

import java.nio.ByteBuffer;

/**
 * Bytes outside the Java heap whose address is known, so that a submission of them costs one copy. What is
 * submitted is what lies between position and limit of {@link #bytes()}.
 */
public abstract sealed class DirectBytes permits NativeBuffer, PooledBuffer {

    DirectBytes() {
    }

    /** The bytes, to be filled and flipped. Little-endian. */
    public abstract ByteBuffer bytes();

    /** Address of the first byte. */
    abstract long address();
}
