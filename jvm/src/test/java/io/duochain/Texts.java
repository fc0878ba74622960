package io.duochain;

import static io.duochain.Fixtures.bytes;

import java.nio.charset.StandardCharsets;
import java.util.AbstractQueue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;

/** A view of texts, which have an {@code equals}. Everything but {@link #iterator} is the view's own work. */
final class Texts extends AbstractQueue<String> {
    private final Queue<byte[]> view;

    Texts(Queue<byte[]> view) {
        this.view = view;
    }

    /** For whoever looks at the content: takes every element out and puts it in again. */
    @Override
    public Iterator<String> iterator() {
        List<String> content = new ArrayList<>();
        for (int left = view.size(); left > 0; left--) {
            byte[] element = view.remove();
            content.add(text(element));
            view.add(element);
        }
        return Collections.unmodifiableList(content).iterator();
    }

    @Override
    public boolean offer(String text) {
        return view.offer(encoded(text));
    }

    @Override
    public boolean add(String text) {
        return view.add(encoded(text));
    }

    @Override
    public boolean addAll(Collection<? extends String> texts) {
        return texts == this ? view.addAll(view) : view.addAll(texts.stream().map(Texts::encoded).toList());
    }

    @Override
    public String poll() {
        return text(view.poll());
    }

    @Override
    public String remove() {
        return text(view.remove());
    }

    @Override
    public String peek() {
        return text(view.peek());
    }

    @Override
    public String element() {
        return text(view.element());
    }

    @Override
    public void clear() {
        view.clear();
    }

    @Override
    public int size() {
        return view.size();
    }

    @Override
    public boolean isEmpty() {
        return view.isEmpty();
    }

    @Override
    public String toString() {
        return view.toString();
    }

    private static byte[] encoded(String text) {
        return text == null ? null : bytes(text);
    }

    private static String text(byte[] element) {
        return element == null ? null : new String(element, StandardCharsets.UTF_8);
    }
}
