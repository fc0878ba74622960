package io.duochain;

/** Whether a pool asks the system for huge pages. */
public enum HugePages {
    /** No. */
    OFF,
    /** Where the system gives them; {@link PoolStats#hugePages()} tells. */
    TRY,
    /** Yes, or the pool is not made. */
    REQUIRE
}
