package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.LogCluster.texts;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three replicas that talk TLS. */
class LogTlsTest {
    private static final int NODES = 3;
    private static final Pattern UNTRUSTED = Pattern.compile("\"net_refused\":\\{[^}]*\"untrusted\":(\\d+)");

    @TempDir
    Path dir;

    private Path tls;

    @BeforeEach
    void makeCertificates() throws Exception {
        Assumptions.assumeTrue(Library.hasTls(), "the library was built without the feature tls");
        tls = Files.createDirectory(dir.resolve("tls"));
        Path script = Path.of(System.getProperty("duochain.base"), "..", "tests", "support", "certificates");
        Process made = new ProcessBuilder(
                script.toString(), tls.toString(), "a log for JUnit.", String.valueOf(NODES)).redirectErrorStream(true).start();
        String said = new String(made.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, made.waitFor(), said);
        for (int at = 0; at < NODES; at++) {
            give(at, "node-" + (at + 1), "authority");
        }
    }

    /** Puts a certificate, its key and an authority where a node reads them. */
    private void give(int at, String who, String authority) throws IOException {
        Path own = Files.createDirectories(tls.resolve(String.valueOf(at)));
        copy(tls.resolve(who + ".pem"), own.resolve("certificate.pem"));
        copy(tls.resolve(who + ".key"), own.resolve("key.pem"));
        copy(tls.resolve(authority + ".pem"), own.resolve("authority.pem"));
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
    }

    private ReplicatedLogOptions secure(int at, ReplicatedLogOptions usual) {
        Path own = tls.resolve(String.valueOf(at));
        return usual.tls(own.resolve("certificate.pem"), own.resolve("key.pem"), own.resolve("authority.pem"));
    }

    /** Connections that it refused because it does not trust who called, or is not trusted. */
    private static long distrusted(ReplicatedLog log) {
        Matcher count = UNTRUSTED.matcher(log.json());
        assertTrue(count.find(), log::json);
        return Long.parseLong(count.group(1));
    }

    private static void assertOnAll(LogCluster cluster, List<String> expected, long last) throws InterruptedException {
        for (int at = 0; at < NODES; at++) {
            assertEquals(expected, texts(cluster.get(at), last));
        }
    }

    @Test
    void a_stranger_takes_no_part_until_its_files_are_exchanged() throws Exception {
        give(2, "stranger", "foreign");
        try (LogCluster cluster = new LogCluster(dir, NODES, this::secure)) {
            cluster.append("secret");
            for (int at = 0; at < NODES; at++) {
                ReplicatedLog log = cluster.get(at);
                Fixtures.eventually("a refusal", () -> distrusted(log) > 0);
            }
            assertEquals(0, cluster.get(2).status().commit());
            give(2, "node-3", "authority");
            cluster.get(2).reloadTls();
            long last = cluster.append("shared").index();
            assertOnAll(cluster, List.of("secret", "shared"), last);
        }
    }

    @Test
    void files_that_are_bad_when_read_again_change_nothing() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, NODES, this::secure)) {
            assertOnAll(cluster, List.of("first"), cluster.append("first").index());
            copy(tls.resolve("node-3.key"), tls.resolve("1/key.pem"));
            ConfigException half = assertThrows(ConfigException.class, () -> cluster.get(1).reloadTls());
            assertTrue(half.getMessage().contains("key.pem"), half::getMessage);
            Files.delete(tls.resolve("1/certificate.pem"));
            ConfigException none = assertThrows(ConfigException.class, () -> cluster.get(1).reloadTls());
            assertTrue(none.getMessage().contains("certificate.pem"), none::getMessage);
            // Connections that are new too.
            cluster.close(0);
            cluster.open(0);
            long last = cluster.append("second").index();
            assertOnAll(cluster, List.of("first", "second"), last);
            assertTrue(cluster.get(1).shutdown(PATIENCE));
            assertThrows(ClosedException.class, () -> cluster.get(1).reloadTls());
        }
    }

    @Test
    void files_that_do_not_fit_are_refused_by_name() throws Exception {
        Path certificate = tls.resolve("node-1.pem");
        Path key = tls.resolve("node-1.key");
        Path authority = tls.resolve("authority.pem");
        Path text = Files.writeString(tls.resolve("text.pem"), "not PEM\n");
        try (LogCluster none = new LogCluster(dir, 0)) {
            refused(none, tls.resolve("absent.pem"), key, authority, "absent.pem");
            refused(none, certificate, tls.resolve("node-2.key"), authority, "node-2.key");
            refused(none, tls.resolve("node-2.pem"), tls.resolve("node-2.key"), authority, "does not name node-1.");
            refused(none, certificate, key, tls.resolve("foreign.pem"), "node-1.pem");
            refused(none, certificate, certificate, authority, "no private key");
            refused(none, certificate, key, text, "text.pem");
            refused(none, certificate, Path.of(""), authority, "key \"\"");
            refused(none, Path.of("absent.pem"), key, authority, Path.of("absent.pem").toAbsolutePath().toString());
            assertThrows(NullPointerException.class, () -> ReplicatedLog.options().tls(certificate, null, authority));
        }
    }

    private void refused(LogCluster cluster, Path certificate, Path key, Path authority, String text) {
        ReplicatedLogOptions options = cluster.options(0).tls(certificate, key, authority);
        ConfigException refused = assertThrows(ConfigException.class, options::open);
        assertTrue(refused.getMessage().contains(text), refused::getMessage);
        assertFalse(Files.exists(dir.resolve("n1")), "nothing is made");
    }

    @Test
    void a_log_in_clear_has_nothing_to_read_again() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 1)) {
            cluster.get(0).reloadTls();
            cluster.append("first");
        }
    }
}
