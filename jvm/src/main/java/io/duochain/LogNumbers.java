// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** Numbers of a replicated log that cross into the library. */
final class LogNumbers {
    static final int WAIT_QUORUM = 0;
    static final int WAIT_LOCAL = 1;
    static final int WAIT_ALL = 2;
    static final int CRITICAL = 1;
    static final int ADD = 1;
    static final int PROMOTE = 2;
    static final int DEMOTE = 3;
    static final int REMOVE = 4;
    static final int FOLLOWER = 1;
    static final int CANDIDATE = 2;
    static final int LEADER = 3;
    static final int VOTER = 1;
    static final int OUTGOING = 2;
    static final int LEARNER = 4;
    static final int DEMOTED = 8;
    static final int BYTES_MAX = 67108864;

    private LogNumbers() {
    }
}
