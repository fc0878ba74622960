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
    @Test
    void the_lines_in_the_readme_compile_and_run(@TempDir Path directory) throws Exception {
        Path readme = Path.of(System.getProperty("duochain.base"), "..", "README.md");
        Assumptions.assumeTrue(Files.isRegularFile(readme), "no README here");
        Matcher block = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(readme));
        Assumptions.assumeTrue(block.find(), "the README has no Java");
        Matcher name = Pattern.compile("class (\\w+)").matcher(block.group(1));
        assertTrue(name.find(), "no class in the README's Java");
        Path source = directory.resolve(name.group(1) + ".java");
        Files.writeString(source, block.group(1));
        String classes = Path.of(System.getProperty("duochain.build"), "classes").toString();
        int compiled = ToolProvider.getSystemJavaCompiler().run(
                null, null, null, "-Xlint:all", "-Werror", "-cp", classes, "-d", directory.toString(), source.toString());
        assertEquals(0, compiled, "the README's Java does not compile");
        // The second run finds the directory of the first, as a curious reader's does.
        for (String status : new String[] {"OK", "DUPLICATE"}) {
            Jvm.Result result = Jvm.in(directory).classPath(directory.toString(), classes)
                    .property("io.duochain.lib", System.getProperty("io.duochain.lib"))
                    .flag("--enable-native-access=ALL-UNNAMED").run(name.group(1));
            assertEquals(0, result.status(), result.output());
            String said = "final at height [1-9]\\d* \\(" + status + "\\)\\R?";
            assertTrue(result.output().matches(said), result.output());
        }
    }
}
