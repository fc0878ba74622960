import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Records: a 4-byte little-endian length and that many bytes, from a file, a pipe or the generator. */
interface Records {
    /** Largest record: the node's default for a transaction. */
    int RECORD_BYTES_MAX = 1 << 20;

    /** The next one; {@code null} at the end. */
    byte[] next() throws Fault;

    /** A stream that is not what it should be. */
    final class Fault extends Exception {
        private static final long serialVersionUID = 1L;

        Fault(String message) {
            super(message);
        }
    }

    /** {@code count} generated transactions. */
    static Records generated(Generator generator, long count) {
        long[] left = {count};
        return () -> left[0]-- > 0 ? generator.transaction() : null;
    }

    /** Records of a stream. */
    static Records read(String name, InputStream stream) {
        InputStream in = new BufferedInputStream(stream, 1 << 16);
        long[] place = {0, 0};
        return () -> {
            try {
                return one(name, in, place);
            } catch (IOException broken) {
                throw fault(name, place, broken.getMessage());
            }
        };
    }

    private static byte[] one(String name, InputStream in, long[] place) throws IOException, Fault {
        byte[] prefix = in.readNBytes(Integer.BYTES);
        if (prefix.length == 0) {
            return null;
        }
        if (prefix.length < Integer.BYTES) {
            throw fault(name, place, "ends inside its length, after " + prefix.length + " of 4 bytes");
        }
        long length = Integer.toUnsignedLong(ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getInt());
        if (length == 0 || length > RECORD_BYTES_MAX) {
            throw fault(name, place, "states a length of " + length + "; 1 to " + RECORD_BYTES_MAX + " are allowed");
        }
        byte[] record = in.readNBytes((int) length);
        if (record.length < length) {
            throw fault(name, place, "ends after " + record.length + " of " + length + " bytes");
        }
        place[0]++;
        place[1] += Integer.BYTES + length;
        return record;
    }

    private static Fault fault(String name, long[] place, String what) {
        return new Fault("INPUT " + name + ": record " + place[0] + " at offset " + place[1] + ": " + what);
    }
}
