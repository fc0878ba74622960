import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.regex.Pattern;

/** Command line. */
final class Options {
    static final class Wrong extends Exception {
        private static final long serialVersionUID = 1L;

        Wrong(String message) {
            super(message);
        }
    }

    private static final String USAGE =
            "usage: run [--input PATH|-] [--count N] [--seed S] [--producers P] [--scale N] [--data-dir DIR]"
                    + " [--backend fjall|rocksdb|memory]";

    private static final Pattern NUMBER = Pattern.compile("\\+?[0-9]+");

    String input;
    long count = 20_000;
    long seed = 1;
    int producers = 4;
    long scale = 100;
    String backend = "fjall";
    private String dataDir;

    static Options parse(String[] arguments) throws Wrong {
        Options options = new Options();
        for (int at = 0; at < arguments.length; at += 2) {
            if (at + 1 == arguments.length) {
                throw new Wrong(arguments[at] + " needs a value\n" + USAGE);
            }
            options.set(arguments[at], arguments[at + 1]);
        }
        return options;
    }

    private void set(String flag, String value) throws Wrong {
        switch (flag) {
            case "--input" -> input = value;
            case "--count" -> count = number(flag, value, 100_000_000);
            case "--seed" -> seed = number(flag, value, -1);
            case "--producers" -> producers = (int) number(flag, value, 1024);
            case "--scale" -> scale = number(flag, value, 10_000);
            case "--data-dir" -> dataDir = value;
            case "--backend" -> backend = value;
            default -> throw new Wrong("unknown option " + flag + "\n" + USAGE);
        }
    }

    /** Numbers are unsigned: -1 is the largest. */
    private static long number(String flag, String value, long max) throws Wrong {
        try {
            long number = NUMBER.matcher(value).matches() ? Long.parseUnsignedLong(value) : 0;
            if (number != 0 && Long.compareUnsigned(number, max) <= 0) {
                return number;
            }
        } catch (NumberFormatException tooLarge) {
            // Said below.
        }
        throw new Wrong(flag + " " + value + ": a number from 1 to " + Long.toUnsignedString(max) + " is needed");
    }

    Records records() throws Wrong {
        if (input == null) {
            return Records.generated(new Generator(seed), count);
        }
        if (input.equals("-")) {
            return Records.read("standard input", System.in);
        }
        try {
            return Records.read(input, Files.newInputStream(Path.of(input)));
        } catch (NoSuchFileException missing) {
            throw new Wrong("INPUT " + input + ": No such file or directory");
        } catch (AccessDeniedException denied) {
            throw new Wrong("INPUT " + input + ": Permission denied");
        } catch (FileSystemException refused) {
            throw new Wrong("INPUT " + input + ": " + refused.getReason());
        } catch (IOException | InvalidPathException refused) {
            throw new Wrong("INPUT " + input + ": " + refused.getMessage());
        }
    }

    /** A data directory, removed at the end when it was made for this run. */
    record Directory(Path path, boolean remove) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            if (remove) {
                try (var files = Files.walk(path)) {
                    files.sorted(Comparator.reverseOrder()).forEach(Directory::delete);
                }
            }
        }

        private static void delete(Path file) {
            try {
                Files.delete(file);
            } catch (IOException refused) {
                throw new UncheckedIOException(refused);
            }
        }
    }

    Directory directory() throws IOException {
        return dataDir == null
                ? new Directory(Files.createTempDirectory("duochain-run-"), true)
                : new Directory(Path.of(dataDir), false);
    }
}
