#include "fault.h"

#include "duochain.h"

#include <stdarg.h>
#include <stdio.h>

bool fault_set(fault *why, const char *format, ...) {
    va_list arguments;
    if (why->text[0] == '\0') {
        va_start(arguments, format);
        vsnprintf(why->text, sizeof why->text, format, arguments);
        va_end(arguments);
    }
    return false;
}

bool fault_library(fault *why) {
    char message[DUO_MESSAGE_BYTES_MAX + 1];
    duo_last_error_message(message, sizeof message);
    return fault_set(why, "%s", message);
}

bool fault_memory(fault *why) { return fault_set(why, "out of memory"); }
