package io.duochain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the library does to the process around it: what it prints, and what memory it takes. */
class ProcessTest {
    private static final Path BUILD = Path.of(System.getProperty("duochain.build"));

    @TempDir
    private Path directory;

    private String apart(String what, String... flags) throws Exception {
        Jvm jvm = Jvm.in(directory).property("io.duochain.lib", System.getProperty("io.duochain.lib"))
                .classPath(BUILD.resolve("test-classes").toString(), BUILD.resolve("classes").toString());
        if (Runtime.version().feature() >= 24) {
            jvm.flag("--enable-native-access=ALL-UNNAMED");
        }
        Jvm.Result result = jvm.flag("-Xms320m", "-Xmx320m").flag(flags).run("io.duochain.Apart", what);
        assertEquals(0, result.status(), result::output);
        return result.output();
    }

    @Test
    void a_panic_of_the_binding_becomes_an_exception_and_prints_nothing() throws Exception {
        Assumptions.assumeTrue(Library.hasFaults(), "the library was built without the feature faults");
        assertEquals("panicked", apart("panic"));
    }

    @Test
    void an_oversized_array_is_refused_before_it_is_copied() throws Exception {
        // A copy would be 196608.
        String grown = apart("oversized");
        assertTrue(Long.parseLong(grown) < 65536, () -> "kilobytes: " + grown);
    }

    @Test
    void a_heap_that_is_full_in_the_middle_of_a_batch_leaves_no_buffer_out() throws Exception {
        assertEquals("full 0 full 0 ", apart("full-heap", "-Xms32m", "-Xmx32m", "-XX:+UseSerialGC"));
    }
}
