/* A data directory, removed at the end when it was made for this run. */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include "fault.h"

typedef struct directory {
    char path[4096];
    bool remove;
} directory;

/* The one that the user named; a fresh one when `named` is NULL. */
bool directory_open(directory *place, const char *named, fault *why);
void directory_close(const directory *place);

#endif
