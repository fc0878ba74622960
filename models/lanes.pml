/*
 * Which lanes to look at, and who sleeps (src/queue/signal.rs), one shared access a step.
 *
 * Two producers, each with a lane of its own, and a consumer that sleeps when it finds nothing. A lane is
 * only a count here: ring.pml is about what is inside. Checked: everything that a producer put in and
 * announced is taken, also when the other producer stops for good at any step (ltl delivered, weakly
 * fair). A producer that stops between its cell and its announcement leaves an item which the consumer
 * finds at its next look; nobody else waits for that.
 */
#ifdef LARGE
#define ITEMS(p) ((p) + 1) /* two minutes */
#else
#define ITEMS(p) 1
#endif
#define ASLEEP 4 /* bits 0 and 1: lanes */
#define GENERATION 8
#define GENERATIONS 16 /* more than a run of the model uses; the real 47 bits wrap after years of nothing else */

#define generation_of(w) ((w) / GENERATION)

byte word;
byte lane[2];    /* items waiting */
byte epoch;      /* what a sleeper waits on: moves before each wake-up */
bool sleeping;   /* in the kernel */
bool stopped[2];

/* Ghosts. */
byte announced[2];
byte taken[2];

proctype Producer(byte p) provided (!stopped[p]) {
    byte n = 0, before;

    do
    :: n < ITEMS(p) ->
        lane[p]++; /* the swap that fills the cell */
        n++;
        before = word;
        if
        :: (before & ((1 << p) | ASLEEP)) != (1 << p) ->
            d_step {
                before = word;
                word = word | (1 << p)
            };
            if
            :: before & ASLEEP ->
#ifdef MUTANT_CLAIM
                word = word & ~ASLEEP; /* whoever clears the flag wakes, if it lives */
#endif
                epoch++;
                sleeping = false;
                d_step {
                    if
#ifdef MUTANT_GENERATION
                    :: word & ASLEEP
#else
                    :: (word & ASLEEP) && generation_of(word) == generation_of(before)
#endif
                        -> word = word & ~ASLEEP
                    :: else
                    fi
                }
            :: else
            fi
        :: else
        fi;
        announced[p] = n
    :: else -> break
    od
}

proctype Consumer() {
    byte ready, seen, p;
    bool found;

    do
    :: true ->
        found = false;
        ready = word & 3;
        /* Lanes on the list, then the others: what is found empty leaves the list, after a second look. */
        for (p : 0 .. 1) {
            if
            :: lane[p] > 0 ->
                d_step {
                    lane[p]--;
                    taken[p]++
                };
                found = true
            :: else ->
                if
                :: (ready & (1 << p)) && ready != (1 << p) ->
                    word = word & ~(1 << p);
#ifndef MUTANT_SETTLE
                    if
                    :: lane[p] > 0 -> word = word | (1 << p)
                    :: else
                    fi
#endif
                :: else
                fi
            fi
        };
        if
        :: found
        :: else ->
            seen = epoch;
            d_step {
                word = (word & 3) + (((generation_of(word) + 1) % GENERATIONS) * GENERATION) + ASLEEP
            };
            if
#ifdef MUTANT_SLEEP
            :: true
#else
            :: lane[0] == 0 && lane[1] == 0
#endif
                ->
                /* The kernel compares and puts to sleep in one step. */
                d_step {
                    if
                    :: epoch == seen -> sleeping = true
                    :: else
                    fi
                };
                !sleeping
            :: else
            fi
        fi
    od
}

proctype Fate() {
    if
    :: stopped[0] = true
    :: stopped[1] = true
    :: skip
    fi
}

init {
    atomic {
        run Producer(0);
        run Producer(1);
        run Consumer();
        run Fate()
    }
}

#define all_of(p) (announced[p] == ITEMS(p) && taken[p] == ITEMS(p))

ltl delivered { <>((all_of(0) || stopped[0]) && (all_of(1) || stopped[1])) }
