// duochain for C++17: the C interface with owners and exceptions.
//
// Everything that duochain.h says about ownership, threads, lifetimes and errors holds here too, with
// two differences: owners destroy their handle when they go out of scope, and negative statuses are
// thrown as duochain::Error. Normal outcomes (AGAIN, TIMEOUT, END, …) are returned.
//
// Owners are movable, not copyable. An owner that was moved from is empty; calls on it throw
// INVALID_ARGUMENT. Destructors never throw: what destroying reports is lost, so call close() or reset()
// where it matters.
#ifndef DUOCHAIN_HPP
#define DUOCHAIN_HPP

#include "duochain/config.hpp"
#include "duochain/core.hpp"
#include "duochain/lanes.hpp"
#include "duochain/log.hpp"
#include "duochain/node.hpp"
#include "duochain/pool.hpp"
#include "duochain/queue.hpp"

#endif
