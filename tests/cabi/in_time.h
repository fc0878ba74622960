/* A program that hangs ends by itself, so that what runs it gets to the others. */
#ifndef IN_TIME_H
#define IN_TIME_H

#include <unistd.h>

#ifdef SLOW
#define PROGRAM_SECONDS_MAX 600
#else
#define PROGRAM_SECONDS_MAX 300
#endif

__attribute__((constructor)) static void end_in_time(void) { alarm(PROGRAM_SECONDS_MAX); }

#endif
