package io.duochain;

import java.time.Duration;

/**
 * Health of one chain.
 *
 * @param chain which chain
 * @param state how it does
 * @param reason why; empty while healthy from the start
 * @param finalLagBlocks blocks that are not final yet
 * @param sinceBlock time since the last block
 * @param restarts how often its thread was started again
 * @param height height of the last block
 */
public record ChainHealth(
        Chain chain,
        HealthState state,
        String reason,
        long finalLagBlocks,
        Duration sinceBlock,
        long restarts,
        long height) {
}
