package io.duochain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What -Xcheck:jni said of the JVM that ran the other tests. */
class JniCheckIT {
    @Test
    void the_jvm_had_nothing_to_say_about_our_natives() throws Exception {
        Path log = Path.of(System.getProperty("duochain.jni.log"));
        assertTrue(Files.isRegularFile(log), () -> "the checked JVM left no log at " + log);
        List<String> complaints = Files.readAllLines(log).stream()
                .filter(line -> line.contains("WARNING") || line.contains("FATAL")).toList();
        assertEquals(List.of(), complaints);
    }
}
