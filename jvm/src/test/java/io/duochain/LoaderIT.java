package io.duochain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The finished jars in JVMs of their own. */
class LoaderIT {
    private static final Path BUILD = Path.of(System.getProperty("duochain.build"));
    private static final String RESOURCE = "META-INF/native/linux-x86_64/libduochain_jni.so";
    private static final String CLASSES = jar("duochain-\\d[^-]*\\.jar");
    private static final String NATIVES = jar("duochain-\\d[^-]*-linux-x86_64\\.jar");
    private static final String TESTS = BUILD.resolve("test-classes").toString();

    @TempDir
    private Path directory;

    private static String jar(String pattern) {
        try (var files = Files.list(BUILD)) {
            return files.filter(path -> path.getFileName().toString().matches(pattern))
                    .findFirst().orElseThrow(() -> new AssertionError("no " + pattern)).toString();
        } catch (IOException missing) {
            throw new AssertionError(missing);
        }
    }

    private Jvm jvm() {
        return Jvm.in(directory).property("io.duochain.workdir", directory.resolve("work"));
    }

    private static void saysOk(Jvm.Result result, boolean named) {
        // Exactly this: the library itself writes nothing.
        assertEquals("ok " + named + System.lineSeparator(), result.output());
        assertEquals(0, result.status());
    }

    @Test
    void on_the_class_path_the_library_comes_out_of_its_jar_once() throws Exception {
        for (int start = 0; start < 2; start++) {
            saysOk(jvm().flag("--enable-native-access=ALL-UNNAMED")
                    .classPath(TESTS, CLASSES, NATIVES).run("smoke.Smoke"), false);
        }
        List<Path> copies;
        try (var files = Files.walk(directory.resolve("work"))) {
            copies = files.filter(Files::isRegularFile).toList();
        }
        assertEquals(1, copies.size(), () -> "litter: " + copies);
        String digest = HexFormat.of().formatHex(
                MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(copies.get(0))));
        Path folder = copies.get(0).getParent();
        assertEquals(digest, folder.getFileName().toString());
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)));
        try (JarFile jar = new JarFile(NATIVES)) {
            byte[] stated = jar.getInputStream(jar.getEntry(RESOURCE + ".sha256")).readAllBytes();
            assertEquals(digest, new String(stated).trim());
            assertEquals(
                    "io.duochain.natives.linux_x86_64",
                    jar.getManifest().getMainAttributes().getValue("Automatic-Module-Name"));
        }
    }

    @Test
    void a_copy_that_was_altered_is_replaced() throws Exception {
        Jvm.Result first = jvm().flag("--enable-native-access=ALL-UNNAMED")
                .classPath(TESTS, CLASSES, NATIVES).run("smoke.Smoke");
        saysOk(first, false);
        Path copy;
        try (var files = Files.walk(directory.resolve("work"))) {
            copy = files.filter(Files::isRegularFile).findFirst().orElseThrow();
        }
        Files.writeString(copy, "not a library");
        saysOk(jvm().flag("--enable-native-access=ALL-UNNAMED")
                .classPath(TESTS, CLASSES, NATIVES).run("smoke.Smoke"), false);
    }

    @Test
    void on_the_module_path_it_is_found_as_an_automatic_module_and_on_the_class_path() throws Exception {
        String add = "--add-modules=io.duochain";
        saysOk(jvm().flag("--enable-native-access=io.duochain", "-p", CLASSES, add)
                .classPath(TESTS, NATIVES).run("smoke.Smoke"), true);
        saysOk(jvm().flag("--enable-native-access=io.duochain", "-p", CLASSES + ":" + NATIVES, add)
                .flag("--add-modules=io.duochain.natives.linux_x86_64")
                .classPath(TESTS).run("smoke.Smoke"), true);
    }

    @Test
    void without_a_library_the_message_says_what_to_add() throws Exception {
        Jvm.Result result = jvm().classPath(TESTS, CLASSES).run("smoke.Smoke");
        assertTrue(result.status() != 0);
        assertTrue(result.output().contains("classifier linux-x86_64"), result.output());
        assertTrue(result.output().contains("io.duochain.lib"), result.output());
    }

    @Test
    void a_jvm_that_refuses_native_code_is_told_the_flag() throws Exception {
        Assumptions.assumeTrue(Runtime.version().feature() >= 24, "this JVM refuses nothing");
        Jvm.Result result = jvm().flag("--illegal-native-access=deny")
                .classPath(TESTS, CLASSES, NATIVES).run("smoke.Smoke");
        assertTrue(result.status() != 0);
        assertTrue(result.output().contains("--enable-native-access=io.duochain"), result.output());
    }

    @Test
    void a_work_directory_that_cannot_be_used_is_named() throws Exception {
        Path file = Files.writeString(directory.resolve("work"), "in the way");
        Jvm.Result result = jvm().flag("--enable-native-access=ALL-UNNAMED")
                .classPath(TESTS, CLASSES, NATIVES).run("smoke.Smoke");
        assertTrue(result.status() != 0);
        assertTrue(result.output().contains(file.toString()), result.output());
        assertTrue(result.output().contains("io.duochain.workdir"), result.output());
    }
}
