package io.duochain;

/** What keeps a {@link ReplicatedLog} on the disk. */
public enum LogBackend {
    /** Files of the library's own format, the one to use: damage is named, and mended from the other members. */
    SEGMENTS,
    /**
     * A database of RocksDB: several times slower, and never mended.
     *
     * @see Library#hasRocksDb
     */
    ROCKSDB
}
