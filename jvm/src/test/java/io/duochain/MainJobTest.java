package io.duochain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The main job: bytes and words as in every other language. */
class MainJobTest {
    private static final Path TOP = Path.of(System.getProperty("duochain.base"), "..");
    private static final String CLASSES = Path.of(System.getProperty("duochain.build"), "classes").toString();

    @TempDir
    private static Path directory;

    @BeforeAll
    static void compile() throws Exception {
        List<String> arguments = new ArrayList<>(List.of("-Xlint:all", "-Werror", "-cp", CLASSES, "-d", directory.toString()));
        try (Stream<Path> sources = Files.list(TOP.resolve("examples/java"))) {
            sources.map(Path::toString).filter(name -> name.endsWith(".java")).forEach(arguments::add);
        }
        int status = ToolProvider.getSystemJavaCompiler().run(null, null, null, arguments.toArray(String[]::new));
        assertEquals(0, status, "examples/java does not compile");
    }

    @Test
    void the_generator_gives_the_bytes_of_every_language() throws Exception {
        try (URLClassLoader loader = new URLClassLoader(new URL[] {directory.toUri().toURL()})) {
            Constructor<?> make = loader.loadClass("Generator").getDeclaredConstructor(long.class);
            Method transaction = make.getDeclaringClass().getDeclaredMethod("transaction");
            make.setAccessible(true);
            transaction.setAccessible(true);
            for (String line : Files.readAllLines(TOP.resolve("tests/main_job/generated.txt"))) {
                if (line.startsWith("#")) {
                    continue;
                }
                String[] vector = line.split(" ");
                Object generator = make.newInstance(Long.parseUnsignedLong(vector[0]));
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                for (int left = Integer.parseInt(vector[1]); left > 0; left--) {
                    bytes.write((byte[]) transaction.invoke(generator));
                }
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray());
                assertEquals(vector[2], HexFormat.of().formatHex(digest), line);
            }
        }
    }

    @Test
    void what_is_generated_is_proved() throws Exception {
        Jvm.Result result = run("--count", "300", "--backend", "memory");
        assertEquals(0, result.status(), result.output());
        assertTrue(result.output().endsWith("verified: 300 sent, 300 final on alpha, 300 final on delta, none lost, "
                + "none twice, in order, digests equal\n"), result.output());
    }

    @Test
    void broken_input_and_wrong_arguments_are_told_in_the_words_of_every_language() throws Exception {
        Path input = directory.resolve("broken.txs");
        Files.write(input, new byte[] {3, 0, 0, 0, 'o', 'n', 'e', 5, 0, 0, 0, 'a', 'b'});
        refused("INPUT " + input + ": record 1 at offset 7: ends after 2 of 5 bytes",
                "--backend", "memory", "--input", input.toString());
        refused("INPUT no/file: No such file or directory", "--input", "no/file");
        refused("--count 0: a number from 1 to 100000000 is needed", "--count", "0");
        refused("--seed -1: a number from 1 to 18446744073709551615 is needed", "--seed", "-1");
    }

    private static void refused(String words, String... arguments) throws Exception {
        Jvm.Result result = run(arguments);
        assertEquals(2, result.status(), result.output());
        assertTrue(result.output().endsWith("run: " + words + "\n"), result.output());
    }

    private static Jvm.Result run(String... arguments) throws Exception {
        List<String> main = new ArrayList<>(List.of("Run", "--scale", "300"));
        main.addAll(List.of(arguments));
        return Jvm.in(directory).classPath(directory.toString(), CLASSES)
                .property("io.duochain.lib", System.getProperty("io.duochain.lib"))
                .flag("--enable-native-access=ALL-UNNAMED").run(main.toArray(String[]::new));
    }
}
