package io.duochain;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/**
 * What a node is opened with: a value for every {@link ConfigKey}, checked by the library. Never changes,
 * and holds nothing that must be closed.
 *
 * <pre>{@code
 * Config config = Config.builder().dataDir(Path.of("data")).set(ConfigKey.TIME_SCALE, 100).build();
 * }</pre>
 */
public final class Config {
    private final Map<ConfigKey, String> values;

    private Config(Map<ConfigKey, String> values) {
        this.values = Collections.unmodifiableMap(values);
    }

    /** All defaults, to be changed. */
    public static Builder builder() {
        return new Builder();
    }

    /** The value of one key: as set, or its default. */
    public String get(ConfigKey key) {
        return values.get(Objects.requireNonNull(key, "key"));
    }

    /** Every value. */
    public Map<ConfigKey, String> values() {
        return values;
    }

    @Override
    public String toString() {
        return "Config" + values;
    }

    /** The values as steps that make the same configuration again. */
    byte[] steps() {
        Builder builder = new Builder();
        values.forEach((key, value) -> builder.append(Builder.SET, key.key(), value));
        return builder.steps.toByteArray();
    }

    /**
     * Collects settings. Each is checked when it is given: {@link ConfigException} names the key, what is
     * allowed, and the nearest known key; nothing is changed then. Not for several threads at once.
     */
    public static final class Builder {
        private static final int SET = 0;
        private static final int TOML = 1;
        private static final int FILE = 2;

        private ByteArrayOutputStream steps = new ByteArrayOutputStream();

        private Builder() {
        }

        /**
         * Sets one key.
         *
         * @throws ConfigException if the value is not acceptable
         */
        public Builder set(ConfigKey key, String value) {
            return set(Objects.requireNonNull(key, "key").key(), value);
        }

        /**
         * Sets one key to a number.
         *
         * @throws ConfigException if the value is not acceptable
         */
        public Builder set(ConfigKey key, long value) {
            return set(key, Long.toString(value));
        }

        /**
         * Sets one key by its dotted name.
         *
         * @throws ConfigException if there is no such key or the value is not acceptable
         */
        public Builder set(String key, String value) {
            Objects.requireNonNull(key, "key");
            return step(SET, key, Objects.requireNonNull(value, "value"));
        }

        /**
         * Sets the directory of both chains.
         *
         * @throws ConfigException if it is not acceptable
         */
        public Builder dataDir(Path directory) {
            return set(ConfigKey.DATA_DIR, directory.toString());
        }

        /**
         * Sets every key that a TOML text names.
         *
         * @throws ConfigException if anything in it is wrong
         */
        public Builder toml(String text) {
            return step(TOML, "", Objects.requireNonNull(text, "text"));
        }

        /**
         * Sets every key that a TOML file names. The file is read now.
         *
         * @throws ConfigException if it cannot be read or anything in it is wrong
         */
        public Builder file(Path path) {
            byte[] before = steps.toByteArray();
            step(FILE, "", path.toString());
            // Keeps what the file says now, not its name.
            byte[] values = Natives.configResolve(steps.toByteArray(), false);
            steps.reset();
            steps.writeBytes(before);
            Wire wire = new Wire(values);
            for (ConfigKey key : ConfigKey.values()) {
                append(SET, key.key(), wire.text());
            }
            return this;
        }

        /**
         * Checks the relations between keys.
         *
         * @throws ConfigException naming both keys
         */
        public Config build() {
            Wire wire = new Wire(Natives.configResolve(steps.toByteArray(), true));
            Map<ConfigKey, String> values = new EnumMap<>(ConfigKey.class);
            for (ConfigKey key : ConfigKey.values()) {
                values.put(key, wire.text());
            }
            return new Config(values);
        }

        private Builder step(int kind, String key, String value) {
            byte[] before = steps.toByteArray();
            append(kind, key, value);
            try {
                Natives.configResolve(steps.toByteArray(), false);
            } catch (DuoException refused) {
                steps = new ByteArrayOutputStream();
                steps.writeBytes(before);
                throw refused;
            }
            return this;
        }

        private void append(int kind, String key, String value) {
            steps.write(kind);
            text(key);
            text(value);
        }

        private void text(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            steps.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.length).array());
            steps.writeBytes(bytes);
        }
    }
}
