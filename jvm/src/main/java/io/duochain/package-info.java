/**
 * Two coordinated chains inside the process: submit transactions, learn when they are final, prove that they are.
 *
 * <p><b>Start</b> with {@link io.duochain.Node#open}, {@link io.duochain.Node#submit} and
 * {@link io.duochain.Node#subscribe}. {@link io.duochain.TxQueue} and {@link io.duochain.Pool} are the parts
 * underneath, for the host's own use.
 *
 * <p><b>Threads.</b> Everything may be called from any thread, except where a class says that one thread at a time
 * does something. A wait stays inside the library for 100 ms at most and comes back in between, so interrupts work, and
 * a virtual thread holds its carrier no longer than that. Nothing of the host is called from foreign threads. Threads
 * of this package are daemons: "duo-completions" per node that gave a future, "duo-events" per subscriber of a
 * publisher, "duo-log" per {@link io.duochain.LogBridge}, one "duo-cleaner".
 *
 * <p><b>Lifetime.</b> What is {@code AutoCloseable} wants to be closed. Closing twice does nothing; use after close is
 * a {@link io.duochain.ClosedException}, never a crash, also when one thread closes while another is inside. Forgotten
 * objects are freed when the collector finds them; {@code -Dio.duochain.leaks=true} says where they were made.
 *
 * <p><b>Errors.</b> Every failure is a {@link io.duochain.DuoException} with a permanent {@link io.duochain.Code}. Only
 * misuse that Java can see itself ({@code null}, negative sizes, bad indices) gives the exceptions of {@code java.lang}.
 * After a {@link io.duochain.PanicException} the object is poisoned: close it.
 *
 * <p><b>Properties.</b> {@code io.duochain.lib}: file of the native library. {@code io.duochain.workdir}: where the one
 * from the jar is copied to. {@code io.duochain.leaks}: see above. Class and package names are part of the native
 * interface: do not relocate them when shading.
 */
package io.duochain;
