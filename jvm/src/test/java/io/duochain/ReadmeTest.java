package io.duochain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadmeTest {
    private static final String CLASSES = Path.of(System.getProperty("duochain.build"), "classes").toString();

    @Test
    void the_lines_in_the_readme_compile_and_run(@TempDir Path directory) throws Exception {
        String name = compile("README.md", directory);
        // The second run finds the directory of the first, as a curious reader's does.
        for (String status : new String[] {"OK", "DUPLICATE"}) {
            String output = run(name, directory);
            assertTrue(output.matches("final at height [1-9]\\d* \\(" + status + "\\)\\R?"), output);
        }
    }

    @Test
    void those_about_the_replicated_log_too(@TempDir Path directory) throws Exception {
        String name = compile("docs/replication.md", directory);
        for (int times = 1; times <= 2; times++) {
            String output = run(name, directory);
            assertTrue(output.matches("([1-9]\\d* hello\\R){" + times + "}"), output);
        }
    }

    /** The class that is the page's Java. */
    private static String compile(String page, Path directory) throws Exception {
        Path path = Path.of(System.getProperty("duochain.base"), "..", page);
        Assumptions.assumeTrue(Files.isRegularFile(path), () -> "no " + page + " here");
        Matcher block = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(path));
        assertTrue(block.find(), () -> page + " has no Java");
        Matcher name = Pattern.compile("class (\\w+)").matcher(block.group(1));
        assertTrue(name.find(), () -> "no class in the Java of " + page);
        Path source = directory.resolve(name.group(1) + ".java");
        Files.writeString(source, block.group(1));
        int compiled = ToolProvider.getSystemJavaCompiler().run(
                null, null, null, "-Xlint:all", "-Werror", "-cp", CLASSES, "-d", directory.toString(), source.toString());
        assertEquals(0, compiled, () -> "the Java of " + page + " does not compile");
        return name.group(1);
    }

    private static String run(String name, Path directory) throws Exception {
        Jvm.Result result = Jvm.in(directory).classPath(directory.toString(), CLASSES)
                .property("io.duochain.lib", System.getProperty("io.duochain.lib"))
                .flag("--enable-native-access=ALL-UNNAMED").run(name);
        assertEquals(0, result.status(), result.output());
        return result.output();
    }
}
