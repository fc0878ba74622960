package io.duochain;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;

/**
 * Finds and loads the native library, once per class loader.
 *
 * <ol>
 *   <li>the file that {@code -Dio.duochain.lib} names;
 *   <li>{@code META-INF/native/<platform>/libduochain_jni.so} of a classifier jar, copied to
 *       {@code <workdir>/<its SHA-256>/}, where the work directory is {@code -Dio.duochain.workdir} or
 *       {@code duochain-<user>} in the temporary directory. Processes and class loaders share the copy, and
 *       nothing is left behind that the next start would not use;
 *   <li>{@code java.library.path}. In a native image this comes before the copy.
 * </ol>
 */
final class NativeLoader {
    private static final String NAME = "duochain_jni";
    private static final String FILE = "lib" + NAME + ".so";
    /** The interface this jar was compiled for: major and minor number. */
    private static final int ABI = 1;
    private static final int MINOR_BITS = 16;

    private NativeLoader() {
    }

    static void load() {
        try {
            find();
        } catch (IllegalCallerException refused) {
            throw failure(
                    "this JVM allows native code by name only: start it with --enable-native-access=io.duochain"
                            + " (on the module path) or --enable-native-access=ALL-UNNAMED (on the class path)",
                    refused);
        }
        checkAbi();
    }

    private static void find() {
        String file = System.getProperty("io.duochain.lib");
        if (file != null) {
            System.load(Path.of(file).toAbsolutePath().toString());
            return;
        }
        if (System.getProperty("org.graalvm.nativeimage.imagecode") != null) {
            try {
                System.loadLibrary(NAME);
                return;
            } catch (UnsatisfiedLinkError missing) {
                // Not beside the executable: then inside of it.
            }
        }
        String resource = "META-INF/native/" + platform() + "/" + FILE;
        byte[] content = read(resource);
        if (content != null) {
            System.load(extract(content).toString());
            return;
        }
        try {
            System.loadLibrary(NAME);
        } catch (UnsatisfiedLinkError missing) {
            throw failure(
                    "no native library: add the jar with classifier " + platform()
                            + ", or name the file with -Dio.duochain.lib (looked for " + resource
                            + " and in java.library.path)",
                    missing);
        }
    }

    private static void checkAbi() {
        int found = Natives.abiVersion();
        if (found >> MINOR_BITS != ABI >> MINOR_BITS || found < ABI) {
            throw failure(
                    "the native library has interface " + text(found) + ", these classes need " + text(ABI)
                            + ": use jars of one version",
                    null);
        }
    }

    private static String text(int abi) {
        return (abi >> MINOR_BITS) + "." + (abi & (1 << MINOR_BITS) - 1);
    }

    /** The platform, as in the name of the classifier. */
    static String platform() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
        String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        String processor = switch (arch) {
            case "amd64", "x86_64" -> "x86_64";
            case "arm64", "aarch64" -> "aarch64";
            default -> arch;
        };
        return system + "-" + processor + (isMusl() ? "-musl" : "");
    }

    /** Which C library this process runs on; that musl is installed somewhere says nothing. */
    private static boolean isMusl() {
        try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.anyMatch(line -> line.contains("/ld-musl-") || line.contains("/libc.musl-"));
        } catch (IOException | RuntimeException unreadable) {
            return false;
        }
    }

    private static byte[] read(String resource) {
        // A named module sees its own resources only; the jar beside it is seen by the system loader.
        try (InputStream own = NativeLoader.class.getResourceAsStream("/" + resource);
                InputStream any = own == null ? ClassLoader.getSystemResourceAsStream(resource) : null) {
            InputStream found = own == null ? any : own;
            return found == null ? null : found.readAllBytes();
        } catch (IOException broken) {
            throw failure("cannot read " + resource, broken);
        }
    }

    private static Path extract(byte[] content) {
        Path directory = workDirectory();
        try {
            makePrivate(directory);
            Path target = directory.resolve(sha256(content)).resolve(FILE);
            makePrivate(target.getParent());
            if (!Files.exists(target) || !Arrays.equals(Files.readAllBytes(target), content)) {
                Path part = Files.createTempFile(target.getParent(), FILE, ".part");
                try {
                    Files.write(part, content);
                    move(part, target);
                } finally {
                    Files.deleteIfExists(part);
                }
            }
            return target.toAbsolutePath();
        } catch (IOException refused) {
            throw failure(
                    "cannot copy the native library to " + directory
                            + "; name a directory that allows programs with -Dio.duochain.workdir",
                    refused);
        }
    }

    private static void move(Path part, Path target) throws IOException {
        try {
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException unusual) {
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static Path workDirectory() {
        String given = System.getProperty("io.duochain.workdir");
        return given != null
                ? Path.of(given)
                : Path.of(System.getProperty("java.io.tmpdir"), "duochain-" + System.getProperty("user.name"));
    }

    /** Makes a directory that nobody else may write to, and refuses one that somebody else prepared. */
    private static void makePrivate(Path directory) throws IOException {
        Set<PosixFilePermission> mode = PosixFilePermissions.fromString("rwx------");
        FileAttribute<?> attribute = PosixFilePermissions.asFileAttribute(mode);
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectories(directory, attribute);
        }
        Path probe = Files.createTempFile(directory, "owner", ".part");
        try {
            if (!Files.getOwner(probe).equals(Files.getOwner(directory, LinkOption.NOFOLLOW_LINKS))) {
                throw new IOException(directory + " belongs to somebody else");
            }
        } finally {
            Files.delete(probe);
        }
        Files.setPosixFilePermissions(directory, mode);
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError("every JVM has SHA-256", impossible);
        }
    }

    private static UnsatisfiedLinkError failure(String message, Throwable cause) {
        UnsatisfiedLinkError error = new UnsatisfiedLinkError("duochain: " + message);
        error.initCause(cause);
        return error;
    }
}
