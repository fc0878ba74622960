// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -9: A configuration key or value is wrong. */
public final class ConfigException extends CallerException {
    private static final long serialVersionUID = 1L;

    ConfigException(String message) {
        super(Code.CONFIG, message);
    }
}
