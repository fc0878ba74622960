/*
 * The free list of a pool (src/pool/freelist.rs), one shared access a step: a stack of linked buffers
 * whose head carries a tag, with chains moved between two lists as in src/pool/stripes.rs.
 *
 * Checked: no buffer has two owners, none is lost (assertions). -DMUTANT_TAG keeps the tag as it is, and
 * the model must notice.
 */
#ifndef NODES
#define NODES 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define NONE 0 /* nodes are 1 to NODES */
#define TAGS 16

byte head[2];          /* tag * 8 + top */
byte link[NODES + 1];
byte owners[NODES + 1]; /* ghost */
byte busy;

#define top_of(w) ((w) % 8)
#define tag_of(w) ((w) / 8)
#ifdef MUTANT_TAG
#define raised(w) (tag_of(w) * 8)
#else
#define raised(w) (((tag_of(w) + 1) % TAGS) * 8)
#endif

inline swap(list, from, to) {
    d_step {
        hit = (head[list] == from);
        if
        :: hit -> head[list] = to
        :: else
        fi
    }
}

inline own(node) {
    d_step {
        owners[node]++;
        assert(owners[node] == 1)
    }
}

proctype User(byte home) {
    byte w, node, next, second, mine = NONE, n = 0;
    bool hit;

    do
    :: n < ROUNDS ->
        n++;
        /* Pop one from home, or up to two from the other list, of which the second goes home. */
        second = NONE;
        w = head[home];
        if
        :: top_of(w) != NONE ->
            node = top_of(w);
            next = link[node];
            swap(home, w, raised(w) + next);
            mine = (hit -> node : NONE)
        :: else ->
            w = head[1 - home];
            node = top_of(w);
            if
            :: node != NONE ->
                second = link[node];
                next = (second != NONE -> link[second] : NONE);
                swap(1 - home, w, raised(w) + next);
                mine = (hit -> node : NONE);
                second = (hit -> second : NONE)
            :: else -> mine = NONE
            fi
        fi;
        if
        :: mine != NONE -> own(mine)
        :: else
        fi;
        if
        :: second != NONE ->
            own(second);
            do
            :: w = head[home];
                link[second] = top_of(w);
                d_step {
                    hit = (head[home] == w);
                    if
                    :: hit ->
                        owners[second]--;
                        head[home] = tag_of(w) * 8 + second
                    :: else
                    fi
                };
                if
                :: hit -> break
                :: else
                fi
            od
        :: else
        fi;
        /* Push it back home. */
        if
        :: mine != NONE ->
            do
            :: w = head[home];
                link[mine] = top_of(w);
                d_step {
                    hit = (head[home] == w);
                    if
                    :: hit ->
                        owners[mine]--;
                        head[home] = tag_of(w) * 8 + mine
                    :: else
                    fi
                };
                if
                :: hit -> break
                :: else
                fi
            od
        :: else
        fi
    :: else -> break
    od;
    busy--
}

init {
    byte i;
    for (i : 1 .. NODES) {
        link[i] = i - 1
    }
    head[0] = NODES;
    busy = 3;
    atomic {
        run User(0);
        run User(0);
        run User(1)
    };
    busy == 0;
    /* Every buffer is on exactly one list. */
    byte seen = 0, at;
    for (i : 0 .. 1) {
        at = top_of(head[i]);
        do
        :: at != NONE ->
            seen++;
            assert(seen <= NODES && owners[at] == 0);
            at = link[at]
        :: else -> break
        od
    };
    assert(seen == NODES)
}
