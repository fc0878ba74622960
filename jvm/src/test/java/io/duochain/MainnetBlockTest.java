package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class MainnetBlockTest {
    private static final Path FILE =
            Path.of(System.getProperty("duochain.base"), "..", "..", "shared", "data", "mainnet-block.txs");

    @Test
    void every_transaction_of_a_real_block_becomes_final_in_order() throws Exception {
        Assumptions.assumeTrue(Files.isRegularFile(FILE), () -> "not there: " + FILE);
        List<byte[]> transactions = new ArrayList<>();
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(FILE)).order(ByteOrder.LITTLE_ENDIAN);
        while (file.hasRemaining()) {
            byte[] transaction = new byte[file.getInt()];
            file.get(transaction);
            transactions.add(transaction);
        }
        try (Node node = Fixtures.memoryNode()) {
            for (Chain chain : Chain.values()) {
                List<CompletableFuture<Completion>> futures = new ArrayList<>();
                for (byte[] transaction : transactions) {
                    futures.add(node.submit(chain, 0, transaction, PATIENCE));
                }
                List<byte[]> found = new ArrayList<>();
                Block block = null;
                for (CompletableFuture<Completion> future : futures) {
                    Completion done = future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
                    if (block == null || block.height() != done.height()) {
                        block = node.block(chain, done.height()).orElseThrow();
                        found.addAll(block.transactions());
                    }
                }
                assertEquals(transactions.size(), found.size());
                for (int index = 0; index < found.size(); index++) {
                    assertEquals(ByteBuffer.wrap(transactions.get(index)), ByteBuffer.wrap(found.get(index)));
                }
            }
        }
    }
}
