package smoke;

import io.duochain.Chain;
import io.duochain.Config;
import io.duochain.ConfigKey;
import io.duochain.Node;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** What the other JVMs run: one transaction through everything, and one line about it. */
public final class Smoke {
    private Smoke() {
    }

    /** Says "ok" and whether the classes are in a named module, or dies. */
    public static void main(String[] arguments) throws Exception {
        Config config = Config.builder()
                .set(ConfigKey.STORAGE_BACKEND, "memory").set(ConfigKey.TIME_SCALE, 300).build();
        try (Node node = Node.open(config)) {
            byte[] transaction = "smoke".getBytes(StandardCharsets.UTF_8);
            node.submit(Chain.DELTA, 0, transaction).get(60, TimeUnit.SECONDS);
        }
        System.out.println("ok " + Node.class.getModule().isNamed());
    }
}
