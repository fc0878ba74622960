// The C program as C++: the header serves both.
#include "consumer.c"
