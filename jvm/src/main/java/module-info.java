/**
 * Embedded ledger core: a transaction queue, buffer pools and two coordinated chains.
 *
 * <p>Needs the native library {@code libduochain_jni.so}: from {@code -Dio.duochain.lib}, from the jar
 * with a platform's classifier, or from {@code java.library.path}. JDK 24 and later want
 * {@code --enable-native-access=io.duochain}.
 */
module io.duochain {
    exports io.duochain;
}
