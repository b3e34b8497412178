// Assertions that stay on in production. They guard against our own bugs; whatever a peer, a disk
// or a user can cause is a Result (schemas/result.h).
#pragma once

#include <cstdio>
#include <cstdlib>

#define TRADEWIND_ASSERT(condition)                                                          \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      std::fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
