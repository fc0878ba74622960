/**
 * Transactions from a seed: the same bytes in every language. Sizes follow those of a block of a public
 * network, whose percentiles are in the two tables.
 */
final class Generator {
    private static final int[] HEAD = {
        188, 192, 194, 221, 222, 223, 223, 223, 223, 223, 224, 224, 224, 225, 225, 225, 225, 226, 226, 226, 247, 255,
        340, 368, 372, 373, 375, 383, 454, 523, 707, 1144
    };
    private static final int[] TAIL = {
        1144, 1204, 1231, 1255, 1263, 1264, 1269, 1302, 1339, 1378, 1404, 1414, 1476, 1545, 1634, 1693, 2003, 2058,
        2259, 2420, 2651, 2841, 3194, 3565, 3666, 3850, 5480, 7006, 7765, 9669, 14578, 99370, 170363
    };

    private long state;

    Generator(long seed) {
        state = seed;
    }

    byte[] transaction() {
        long random = next();
        int share = (int) (random >>> 54);
        int fraction = (int) (random >>> 44) & 1023;
        int step = share >>> 5;
        int[] table = step < HEAD.length - 1 ? HEAD : TAIL;
        int at = step < HEAD.length - 1 ? step : share & 31;
        byte[] transaction = new byte[table[at] + (table[at + 1] - table[at]) * fraction / 1024];
        long word = 0;
        for (int index = 0; index < transaction.length; index++) {
            word = index % Long.BYTES == 0 ? next() : word >>> Byte.SIZE;
            transaction[index] = (byte) word;
        }
        return transaction;
    }

    /** SplitMix64. */
    private long next() {
        state += 0x9E3779B97F4A7C15L;
        long mixed = state;
        mixed = (mixed ^ mixed >>> 30) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
        return mixed ^ mixed >>> 31;
    }
}
