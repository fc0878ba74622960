package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three hosts, each a JVM of its own; whoever leads is killed, again and again. */
public class LogKillTest {
    private static final int NODES = 3;
    private static final int KILLS = 5;
    /** Between two kills. */
    private static final int BATCHES = 20;

    /** What a host has said: this batch of its session is in. */
    private record Ack(int at, long session, long sequence) {
    }

    @TempDir
    Path dir;

    private final Process[] hosts = new Process[NODES];
    private final List<Thread> readers = new ArrayList<>();
    private final BlockingQueue<Ack> heard = new LinkedBlockingQueue<>();
    private final List<Ack> acks = new ArrayList<>();
    private long sessions;

    @AfterEach
    void killAll() {
        for (Process host : hosts) {
            if (host != null) {
                host.destroyForcibly();
            }
        }
    }

    @Test
    void what_was_acknowledged_before_leaders_were_killed_is_there_once() throws Exception {
        List<String> addresses = LogCluster.freeAddresses(NODES + 1);
        List<String> members = addresses.subList(0, NODES);
        for (int at = 0; at < NODES; at++) {
            start(at, members);
        }
        for (int kill = 0; kill < KILLS; kill++) {
            Ack last = hear();
            for (int batch = 1; batch < BATCHES; batch++) {
                last = hear();
            }
            int leader = last.at();
            hosts[leader].destroyForcibly();
            assertEquals(128 + 9, hosts[leader].waitFor());
            while (hear().at() == leader) {
                // It said so before it died.
            }
            start(leader, members);
        }
        endAll();
        check(addresses);
    }

    private void start(int at, List<String> members) throws IOException {
        String build = System.getProperty("duochain.build");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xshare:auto",
                "-XX:TieredStopAtLevel=1", "-Dio.duochain.lib=" + System.getProperty("io.duochain.lib"), "-cp",
                build + "/test-classes:" + build + "/classes", "io.duochain.LogHost", dir.toString(),
                Integer.toString(at), Long.toString(++sessions)));
        command.addAll(members);
        Process host = new ProcessBuilder(command).redirectError(Redirect.INHERIT).start();
        hosts[at] = host;
        Thread reader = new Thread(() -> read(at, host), "host " + (at + 1));
        reader.start();
        readers.add(reader);
    }

    private void read(int at, Process host) {
        try (BufferedReader lines = host.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ");
                // The last one may be cut.
                if (words.length == 5 && words[4].equals("end")) {
                    heard.add(new Ack(at, Long.parseLong(words[1]), Long.parseLong(words[2])));
                }
            }
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private Ack hear() throws InterruptedException {
        Ack ack = heard.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertNotNull(ack, "nobody acknowledges anything");
        acks.add(ack);
        return ack;
    }

    private void endAll() throws Exception {
        for (Process host : hosts) {
            host.getOutputStream().close();
            assertTrue(host.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS), "a host does not end");
            assertEquals(0, host.exitValue());
        }
        for (Thread reader : readers) {
            reader.join();
        }
        heard.drainTo(acks);
    }

    /** What the directories hold. */
    private void check(List<String> addresses) throws InterruptedException {
        try (LogCluster cluster = new LogCluster(dir, addresses, NODES, (at, usual) -> usual)) {
            long last = cluster.append("the end").index();
            List<String> first = LogCluster.texts(cluster.get(0), last);
            for (int at = 1; at < NODES; at++) {
                assertEquals(first, LogCluster.texts(cluster.get(at), last));
            }
            Set<String> found = new HashSet<>(first);
            assertEquals(first.size(), found.size(), "an entry is there twice");
            for (Ack ack : acks) {
                for (int more = 0; more < LogHost.BATCH; more++) {
                    String text = LogHost.text(ack.session(), ack.sequence() + more);
                    assertTrue(found.contains(text), () -> text + " was acknowledged, and is gone");
                }
            }
            assertTrue(acks.size() >= KILLS * BATCHES, "hardly anything was appended");
        }
    }
}
