#define _XOPEN_SOURCE 700

#include "directory.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Descriptors that the walk may hold open. */
#define WALK_DEPTH 16

static bool fits(int printed) { return printed >= 0 && (size_t)printed < sizeof((directory *)0)->path; }

bool directory_open(directory *place, const char *named, fault *why) {
    const char *parent = getenv("TMPDIR");
    place->remove = false;
    if (named != NULL) {
        if (fits(snprintf(place->path, sizeof place->path, "%s", named)))
            return true;
        return fault_set(why, "cannot create %s: %s", named, strerror(ENAMETOOLONG));
    }
    if (parent == NULL || parent[0] == '\0')
        parent = P_tmpdir;
    if (!fits(snprintf(place->path, sizeof place->path, "%s/duochain-run-XXXXXX", parent)))
        return fault_set(why, "cannot create a folder in %s: %s", parent, strerror(ENAMETOOLONG));
    if (mkdtemp(place->path) == NULL)
        return fault_set(why, "cannot create a folder in %s: %s", parent, strerror(errno));
    place->remove = true;
    return true;
}

static int remove_one(const char *path, const struct stat *ignored, int kind, struct FTW *place) {
    (void)ignored;
    (void)kind;
    (void)place;
    remove(path);
    return 0;
}

void directory_close(const directory *place) {
    /* Left-overs in the temporary directory are all that a failure here means. */
    if (place->remove)
        nftw(place->path, remove_one, WALK_DEPTH, FTW_DEPTH | FTW_PHYS);
}
