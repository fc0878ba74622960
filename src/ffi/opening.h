/*
 * duochain: an embedded ledger core.
 *
 * Generated from the sources in src/ffi; do not edit. tests/header_drift.rs rewrites it.
 *
 * OWNERSHIP
 *   A duo_x * is a handle, not an address. It is made by one function (duo_x_create, duo_node_open) and
 *   ended by duo_x_destroy, exactly once. Every call checks it: a handle that was freed, never given
 *   out, or is of another kind returns DUO_ERR_BAD_HANDLE. There are DUO_HANDLES_MAX at a time.
 *   Memory that the host passes in is read or written during the call only, unless a function says
 *   otherwise. Memory that the library hands out is static text, or belongs to a buffer that the host
 *   acquired and releases (duo_buf, duo_claim); nothing else is ever to be freed.
 *
 * THREADS
 *   [any-thread]         any number of threads at the same time, on the same handle too
 *   [one-thread]         one thread at a time per handle; a second one gets DUO_ERR_BUSY
 *   [blocks]             may wait; closing or destroying the object from another thread ends the wait
 *   [not-from-callback]  see below; no function may be called from a callback, this one is tempting
 *   No function may be called from a signal handler. Callbacks of the host must not call the library:
 *   DUO_ERR_REENTRANT. They must not throw, unwind or long-jump either.
 *
 * LIFETIMES
 *   Close is not destroy: a closed object refuses work but can still be drained and read. Destroying
 *   closes first, lets every call that is inside the object return, then frees it. A subscription may
 *   outlive its node; its calls then return DUO_ERR_CLOSED.
 *   After fork() the child must not use handles of its parent: every call returns DUO_ERR_FORKED at
 *   once, and destroying leaks on purpose. New handles may be made in the child; a process that forked
 *   while nodes ran should exec instead, for locks of threads that are gone. The log stays off there.
 *   Do not unload the library while its nodes or callers exist.
 *
 * ERRORS
 *   Functions return a duo_status: 0 is success, positive numbers are normal outcomes, negative numbers
 *   are errors. The last error of each thread, with a message, is kept until the next one:
 *   duo_last_error, duo_last_error_message. Normal outcomes do not touch it.
 *   Results come last and are written only on DUO_OK and DUO_PARTIAL. Two exceptions: counts of batches
 *   (n, done, got) are written with every status >= 0, and sizes (len of a buffer that was too small)
 *   also with DUO_ERR_TOO_LARGE.
 *   A bug inside the library never unwinds into the host: the call returns DUO_ERR_PANIC, the handle is
 *   poisoned (DUO_ERR_POISONED from then on; destroy it), and the text goes to the log. The library
 *   prints nothing and installs no signal handlers.
 *
 * STRUCTS
 *   A struct that begins with struct_size and flags is initialised with its DUO_x_INIT. Zero always means
 *   the default. Fields that a newer header adds must be zero for an older library, or the call returns
 *   DUO_ERR_UNSUPPORTED. Structs without struct_size never change.
 *
 * NUMBERS
 *   Spans are int64_t nanoseconds; negative (DUO_WAIT_FOREVER) means without limit. Sizes are bytes. Ids
 *   and hashes are DUO_HASH_BYTES bytes. Texts are UTF-8.
 */
