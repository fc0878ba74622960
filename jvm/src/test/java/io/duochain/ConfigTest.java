package io.duochain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigTest {
    @Test
    void keys_that_are_not_set_have_their_default() {
        Config config = Config.builder().set(ConfigKey.STORAGE_BACKEND, "memory").set("queue.lanes", "2").build();
        assertEquals("2", config.get(ConfigKey.QUEUE_LANES));
        for (ConfigKey key : ConfigKey.values()) {
            if (key != ConfigKey.QUEUE_LANES && key != ConfigKey.STORAGE_BACKEND) {
                assertEquals(key.defaultValue(), config.get(key));
            }
        }
        assertEquals(ConfigKey.values().length, config.values().size());
        assertThrows(UnsupportedOperationException.class, () -> config.values().clear());
    }

    @Test
    void a_wrong_key_names_itself_and_the_nearest_known_one() {
        Config.Builder builder = Config.builder();
        ConfigException wrong = assertThrows(ConfigException.class, () -> builder.set("quue.cells", "8"));
        assertTrue(wrong.getMessage().contains("`quue.cells`") && wrong.getMessage().contains("`queue.cells`"));
        assertEquals(Code.CONFIG, wrong.code());
    }

    @Test
    void a_wrong_value_names_the_range_and_changes_nothing() {
        Config.Builder builder = Fixtures.memory().set(ConfigKey.QUEUE_LANES, 2);
        ConfigException wrong = assertThrows(ConfigException.class, () -> builder.set(ConfigKey.QUEUE_LANES, 17));
        assertTrue(wrong.getMessage().contains("`17`") && wrong.getMessage().contains("1 to 16"), wrong.getMessage());
        assertThrows(ConfigException.class, () -> builder.set("queue.lanes", "\u00fc\u0000"));
        assertEquals("2", builder.build().get(ConfigKey.QUEUE_LANES));
    }

    @Test
    void relations_between_keys_are_checked_at_the_end() {
        Config.Builder builder = Fixtures.memory()
                .set(ConfigKey.HEALTH_DEGRADED_INTERVALS, 20).set(ConfigKey.HEALTH_STALLED_INTERVALS, 10);
        String message = assertThrows(ConfigException.class, builder::build).getMessage();
        assertTrue(message.contains("health.degraded_intervals") && message.contains("health.stalled_intervals"), message);
        assertThrows(ConfigException.class, () -> Config.builder().build(), "no directory");
    }

    @Test
    void toml_sets_several_keys_or_none(@TempDir Path directory) throws Exception {
        Config.Builder builder = Fixtures.memory().toml("[queue]\nlanes = 3\n");
        assertThrows(ConfigException.class, () -> builder.toml("queue.lanes = 5\nqueue.nope = 1"));
        Path file = directory.resolve("node.toml");
        Files.writeString(file, "queue.ageing = 7");
        builder.file(file);
        Files.writeString(file, "queue.ageing = 8");
        Config config = builder.build();
        assertEquals("3", config.get(ConfigKey.QUEUE_LANES));
        assertEquals("7", config.get(ConfigKey.QUEUE_AGEING));

        Files.write(file, "data_dir = '\u00e9'".getBytes(StandardCharsets.ISO_8859_1));
        String message = assertThrows(ConfigException.class, () -> builder.file(file)).getMessage();
        assertTrue(message.contains("node.toml") && message.contains("not UTF-8"), message);
        Path missing = directory.resolve("none.toml");
        assertTrue(assertThrows(ConfigException.class, () -> builder.file(missing)).getMessage().contains("none.toml"));
        assertEquals("3", builder.build().get(ConfigKey.QUEUE_LANES));
    }

    @Test
    void a_directory_may_have_any_name(@TempDir Path directory) {
        Path odd = directory.resolve("d\u00e4t\u00e4 \u4e16 with blank");
        Node.open(Fixtures.disk(odd).build()).close();
        assertTrue(Files.isRegularFile(odd.resolve("LOCK")));
    }

    @Test
    void null_is_refused() {
        Config.Builder builder = Config.builder();
        assertThrows(NullPointerException.class, () -> builder.set((String) null, "x"));
        assertThrows(NullPointerException.class, () -> builder.set((ConfigKey) null, "x"));
        assertThrows(NullPointerException.class, () -> builder.set("queue.lanes", null));
        assertThrows(NullPointerException.class, () -> builder.toml(null));
        assertThrows(NullPointerException.class, () -> builder.file(null));
        assertThrows(NullPointerException.class, () -> Node.open(null));
    }
}
