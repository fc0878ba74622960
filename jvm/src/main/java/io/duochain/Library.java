package io.duochain;

import java.nio.charset.StandardCharsets;

/** The native library itself. */
public final class Library {
    private static final long ROCKSDB = 1;
    private static final long FAULTS = 2;
    private static final long TLS = 4;

    private Library() {
    }

    /** Name, version, features and kind of build in one line. */
    public static String buildInfo() {
        return new String(Natives.buildInfo(), StandardCharsets.UTF_8);
    }

    /** True when {@code storage.backend = rocksdb} works. */
    public static boolean hasRocksDb() {
        return (Natives.features() & ROCKSDB) != 0;
    }

    /** True when {@link ReplicatedLogOptions#tls} works; in a release it does. */
    public static boolean hasTls() {
        return (Natives.features() & TLS) != 0;
    }

    /** True in builds for tests, where faults can be injected; never in a release. */
    static boolean hasFaults() {
        return (Natives.features() & FAULTS) != 0;
    }
}
