package io.duochain;

/**
 * Health of a node.
 *
 * @param state the worse of the two
 * @param alpha Alpha's
 * @param delta Delta's
 * @param ratioAlarm the heights are far from five Delta blocks per Alpha block
 */
public record Health(HealthState state, ChainHealth alpha, ChainHealth delta, boolean ratioAlarm) {

    /** Health of one chain. */
    public ChainHealth of(Chain chain) {
        return chain == Chain.ALPHA ? alpha : delta;
    }
}
