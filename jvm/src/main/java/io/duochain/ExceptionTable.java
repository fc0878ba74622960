// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** Which exception stands for which status. */
final class ExceptionTable {
    private ExceptionTable() {
    }

    static DuoException of(Code code, String message) {
        return switch (code) {
            case OK -> throw new AssertionError("success is no failure");
            case AGAIN -> new FullException(message);
            case TIMEOUT -> new TimedOutException(message);
            case NOT_FOUND -> new NotFoundException(message);
            case END -> new EndException(message);
            case PARTIAL -> new PartialException(message);
            case INVALID_ARGUMENT -> new InvalidArgumentException(message);
            case BAD_HANDLE -> new BadHandleException(message);
            case CLOSED -> new ClosedException(message);
            case UNSUPPORTED -> new UnsupportedException(message);
            case ABI_MISMATCH -> new AbiMismatchException(message);
            case NO_MEMORY -> new NoMemoryException(message);
            case IO -> new InputOutputException(message);
            case CORRUPTION -> new CorruptionException(message);
            case CONFIG -> new ConfigException(message);
            case TOO_LARGE -> new TooLargeException(message);
            case DUPLICATE -> new DuplicateException(message);
            case INVALID_TX -> new InvalidTransactionException(message);
            case NOT_LEADER -> new NotLeaderException(message);
            case NO_QUORUM -> new NoQuorumException(message);
            case CONFLICT -> new ConflictException(message);
            case CANCELLED -> new CancelledException(message);
            case PERMISSION -> new PermissionException(message);
            case BUSY -> new BusyException(message);
            case REENTRANT -> new ReentrantException(message);
            case FORKED -> new ForkedException(message);
            case POISONED -> new PoisonedException(message);
            case PANIC -> new PanicException(message);
            case INTERNAL -> new InternalException(message);
        };
    }
}
