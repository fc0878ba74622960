package io.duochain;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.duochain.Histories.Closing;
import io.duochain.Histories.ManyConsumers;
import io.duochain.Histories.OneConsumer;
import io.duochain.Histories.Sequential;
import io.duochain.Histories.SequentialView;
import io.duochain.Histories.SequentialWide;
import io.duochain.Histories.SequentialWideView;
import io.duochain.Histories.View;
import io.duochain.Histories.ViewAhead;
import io.duochain.Histories.WithDoublingView;
import io.duochain.Histories.WithFalselyEmptyView;
import io.duochain.Histories.WithFalselyFullView;
import io.duochain.Histories.WithLosingView;
import io.duochain.Histories.WithSwappingView;
import java.util.stream.Stream;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Histories of real threads, full and empty results included, against a queue for one thread.
 *
 * <p>Runs in a JVM of its own, which the checker instruments. {@code -Dduochain.linearity=N} looks at N times as many
 * histories.
 */
class QueueLinearity {
    private static final int SCENARIOS = 25;
    private static final int RUNS_EACH = 1000;
    /** Of a queue that is made anew each time. */
    private static final int RUNS_EACH_CLOSED = 250;
    private static final int TIMES = Integer.getInteger("duochain.linearity", 1);

    private static StressOptions options(Class<?> sequential, int runs) {
        return new StressOptions().iterations(SCENARIOS * TIMES).invocationsPerIteration(runs).threads(3)
                .actorsBefore(2).actorsPerThread(3).actorsAfter(3).sequentialSpecification(sequential);
    }

    @TestFactory
    Stream<DynamicTest> every_history_of_threads_is_one_of_a_queue() {
        return Stream.of(
                linear(OneConsumer.class, Sequential.class, RUNS_EACH),
                linear(ManyConsumers.class, Sequential.class, RUNS_EACH),
                linear(Closing.class, SequentialWide.class, RUNS_EACH_CLOSED),
                linear(View.class, SequentialView.class, RUNS_EACH),
                linear(ViewAhead.class, SequentialWideView.class, RUNS_EACH));
    }

    private static DynamicTest linear(Class<?> queue, Class<?> sequential, int runs) {
        return DynamicTest.dynamicTest(queue.getSimpleName(), () -> options(sequential, runs).check(queue));
    }

    @TestFactory
    Stream<DynamicTest> a_broken_queue_is_noticed() {
        return Stream.of(
                        WithSwappingView.class, WithLosingView.class, WithDoublingView.class,
                        WithFalselyEmptyView.class, WithFalselyFullView.class)
                .map(queue -> DynamicTest.dynamicTest(queue.getSimpleName(), () -> {
                    StressOptions options = options(SequentialView.class, RUNS_EACH).minimizeFailedScenario(false);
                    Error found = assertThrows(LincheckAssertionError.class, () -> options.check(queue));
                    assertTrue(found.getMessage().contains("Invalid execution results"), found::getMessage);
                }));
    }
}
