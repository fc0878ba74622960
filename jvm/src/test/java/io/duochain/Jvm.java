package io.duochain;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Another JVM of the same kind, to see how the jars behave in it. */
final class Jvm {
    /** How it ended, and all that it wrote. */
    record Result(int status, String output) {
    }

    private final Path directory;
    private final List<String> arguments = new ArrayList<>();

    private Jvm(Path directory) {
        this.directory = directory;
    }

    static Jvm in(Path directory) {
        return new Jvm(directory);
    }

    Jvm flag(String... flags) {
        arguments.addAll(List.of(flags));
        return this;
    }

    Jvm property(String name, Object value) {
        return flag("-D" + name + "=" + value);
    }

    Jvm classPath(String... entries) {
        return flag("-cp", String.join(File.pathSeparator, entries));
    }

    Result run(String... main) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(arguments);
        command.addAll(List.of(main));
        Path output = Files.createTempFile(directory, "jvm", ".out");
        Process process = new ProcessBuilder(command).directory(directory.toFile())
                .redirectErrorStream(true).redirectOutput(output.toFile()).start();
        if (!process.waitFor(Fixtures.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly();
            assertTrue(false, () -> "still running: " + command);
        }
        return new Result(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
    }
}
