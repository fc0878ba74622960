// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -17: The operating system denied access. */
public final class PermissionException extends CallerException {
    private static final long serialVersionUID = 1L;

    PermissionException(String message) {
        super(Code.PERMISSION, message);
    }
}
