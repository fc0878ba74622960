package io.duochain;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Stacks by name, for reports and saved state. Look a stack up once and keep it. */
public final class ResilienceRegistry implements AutoCloseable {
    private final NativeHandle handle;
    private final Map<String, Resilience> stacks = new ConcurrentHashMap<>();

    /** An empty one. */
    public ResilienceRegistry() {
        handle = NativeHandle.of(this, "registry", Natives.registryCreate(), Natives::registryDestroy);
    }

    /**
     * Registers a stack: up to 1,024, names of 1 to 64 of {@code A-Z a-z 0-9 _ - . : /}.
     *
     * @throws ConflictException when the name is taken
     */
    public Resilience add(String name, Resilience stack) {
        Natives.registryAdd(
                this, handle.use(), name.getBytes(StandardCharsets.UTF_8),
                stack.breaker == null ? 0 : stack.breaker.word(), stack.limiter == null ? 0 : stack.limiter.word(),
                stack.bulkhead == null ? 0 : stack.bulkhead.word(), stack.retry == null ? 0 : stack.retry.word());
        stacks.put(name, stack);
        return stack;
    }

    /** The stack of that name. */
    public Optional<Resilience> find(String name) {
        return Optional.ofNullable(stacks.get(name));
    }

    /** Forgets a name; false when it was not there. */
    public boolean remove(String name) {
        stacks.remove(name);
        return Natives.registryRemove(this, handle.use(), name.getBytes(StandardCharsets.UTF_8));
    }

    /** The figures of all stacks as a JSON object. */
    public String json() {
        return new String(Natives.registryJson(this, handle.use()), StandardCharsets.UTF_8);
    }

    /** The figures of all stacks in Prometheus's text format. */
    public String prometheus() {
        return new String(Natives.registryPrometheus(this, handle.use()), StandardCharsets.UTF_8);
    }

    /** The state of all breakers. */
    public byte[] save() {
        return Natives.registrySave(this, handle.use(), Waiting.unixNanos());
    }

    /**
     * What {@link #save} gave; how many breakers were found by name.
     *
     * @throws CorruptionException for other bytes; nothing has changed then
     */
    public int restore(byte[] saved) {
        return Natives.registryRestore(this, handle.use(), Waiting.unixNanos(), saved.clone());
    }

    /** Frees it; the parts live on where they are used. */
    @Override
    public void close() {
        handle.free();
    }
}
