package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RestartTest {
    @Test
    void what_was_final_is_final_after_a_restart(@TempDir Path directory) throws Exception {
        Config config = Fixtures.disk(directory).build();
        Completion done;
        Hash block;
        try (Node node = Node.open(config)) {
            done = node.submit(Chain.ALPHA, 0, bytes("kept")).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            block = node.block(Chain.ALPHA, done.height()).orElseThrow().hash();
        }
        for (int times = 0; times < 3; times++) {
            try (Node node = Node.open(config)) {
                assertTrue(node.head(Chain.ALPHA).finalHeight() >= done.height());
                assertEquals(
                        new TxStatus(TxState.FINAL, done.height(), done.index()), node.status(Chain.ALPHA, done.tx()));
                Block again = node.block(Chain.ALPHA, done.height()).orElseThrow();
                assertEquals(block, again.hash());
                assertArrayEquals(bytes("kept"), again.transaction(done.index()));
                assertTrue(node.proof(Chain.ALPHA, done.tx()).orElseThrow().verify(bytes("kept"), block));
                ExecutionException twice = assertThrows(
                        ExecutionException.class,
                        () -> node.submit(Chain.ALPHA, 0, bytes("kept")).get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
                assertTrue(twice.getCause() instanceof DuplicateException);
            }
        }
    }
}
