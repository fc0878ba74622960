/*
 * The helped-slot ring (src/queue/ring.rs), one shared access a step.
 *
 * Two producers, one consumer, any one process stopped for good at any step. Checked:
 *   - nothing lost, nothing twice, order kept for each producer               (assertions)
 *   - full is said only while all cells are filled                            (assertion at the load)
 *   - what was accepted before the seal is taken, and nothing after it        (assertions)
 *   - whoever is not stopped comes to its end                                 (ltl progress, weakly fair)
 *
 * A cell is turn * 16 + content: 0 empty, 1 to 14 a buffer, 15 the mark that ends the ring. Memory is
 * sequentially consistent here; weaker orderings are the business of the loom models.
 */
#ifndef CELLS
#define CELLS 2
#endif
#define ITEMS 2 /* of each producer */
#define TOTAL 4
#define LAG 2
#define MARK 15

#define turn_of(t) ((t) / CELLS)
#define vacant(t) (turn_of(t) * 16)
#define filled(t, b) (turn_of(t) * 16 + (b))
#define cell_of(t) cell[(t) % CELLS]

byte cell[CELLS];
byte tail;
bool stopped[2]; /* a producer that never takes another step */
bool done[2];    /* a producer that has said all it had to say */
bool ended;      /* the consumer sealed the ring */

/* Ghosts: what happened, for the assertions only. */
byte accepted;           /* cells ever filled */
byte taken;              /* buffers ever taken */
byte next_of[2];         /* per producer: number of the next buffer that must come out */
byte in_of[2];           /* per producer: buffers accepted */

inline publish_tail(value) {
    d_step {
        if
        :: value > tail -> tail = value
        :: else
        fi
    }
}

/* Buffer b of producer p is p * ITEMS + number + 1. */
proctype Producer(byte p) provided (!stopped[p]) {
    byte hint = 0, ticket, bound, word, n = 0;
    bool hit;

next:
    if
    :: n == ITEMS -> goto out
    :: else
    fi;
    /* From the hint. */
    ticket = hint;
    word = cell_of(ticket);
    if
    :: word == vacant(ticket) ->
        d_step {
            hit = (cell_of(ticket) == word);
            if
            :: hit ->
                assert(!ended);
                cell_of(ticket) = filled(ticket, p * ITEMS + n + 1);
                accepted++;
                in_of[p]++
            :: else
            fi
        };
        if
        :: hit ->
            hint = ticket + 1;
            n++;
            if
            :: (ticket & 1) -> publish_tail(ticket + 1)
            :: else
            fi;
            goto next
        :: else
        fi
    :: else
    fi;
    /* From the shared bound. */
    bound = tail;
    ticket = (bound > hint -> bound : hint);
scan:
    skip;
    d_step {
        word = cell_of(ticket);
        /* The decision "full" is made by this load: all cells must be filled at this instant. */
        if
        :: word / 16 < turn_of(ticket) -> assert(accepted - taken == CELLS)
        :: else
        fi
    };
    if
    :: word == vacant(ticket) ->
        d_step {
            hit = (cell_of(ticket) == word);
            if
            :: hit ->
                assert(!ended);
                cell_of(ticket) = filled(ticket, p * ITEMS + n + 1);
                accepted++;
                in_of[p]++
            :: else
            fi
        };
        if
        :: hit ->
            hint = ticket + 1;
            n++;
            if
            :: ticket - bound >= LAG / 2 || (ticket & 1) -> publish_tail(ticket + 1)
            :: else
            fi;
            goto next
        :: else -> goto scan
        fi
    :: word / 16 == turn_of(ticket) && word % 16 == MARK ->
        hint = ticket;
        goto out /* closed */
    :: word / 16 < turn_of(ticket) ->
        hint = ticket;
        publish_tail(ticket);
        goto next /* full: once more, as a host that waits */
    :: else -> /* filled, or passed by the consumer */
#ifdef MUTANT_SKIP
        ticket = ticket + 2; /* passes a ticket without looking at it */
#else
        ticket++;
#endif
        if
        :: ticket - bound >= LAG ->
            publish_tail(ticket);
            bound = tail;
            ticket = (ticket > bound -> ticket : bound)
        :: else
        fi;
        goto scan
    fi;
out:
    done[p] = true
}

proctype Consumer() {
    byte head = 0, word, b, p;

take:
    word = cell_of(head);
    if
    :: word / 16 == turn_of(head) && word % 16 != 0 && word % 16 != MARK ->
        b = word % 16;
        d_step {
#ifdef MUTANT_TURN
            cell_of(head) = vacant(head); /* forgets that a lap is over */
#else
            cell_of(head) = vacant(head + CELLS);
#endif
            p = (b - 1) / ITEMS;
            assert((b - 1) % ITEMS == next_of[p]);
            next_of[p]++;
            taken++
        };
        head++;
        goto take
    :: else
    fi;
    /* Empty. It ends the ring when it wants to: here, at any time after it was empty once. */
    if
    :: goto take
    :: d_step {
            if
            :: cell_of(head) == vacant(head) ->
                cell_of(head) = vacant(head) + MARK;
                ended = true
            :: else
            fi
        };
        if
        :: ended -> goto out
        :: else -> goto take
        fi
    fi;
out:
    assert(taken == accepted && next_of[0] == in_of[0] && next_of[1] == in_of[1])
}

/* Stops one producer, or none, at any moment. */
proctype Fate() {
    if
    :: stopped[0] = true
    :: stopped[1] = true
    :: skip
    fi
}

init {
    byte i;
    for (i : 0 .. CELLS - 1) {
        cell[i] = 0
    }
    atomic {
        run Producer(0);
        run Producer(1);
        run Consumer();
        run Fate()
    }
}

/* Whoever is stopped holds up nobody, as long as the consumer goes on taking. */
ltl progress { <>[]((done[0] || stopped[0]) && (done[1] || stopped[1])) }
