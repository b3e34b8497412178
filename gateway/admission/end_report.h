// Ends of attempts, made fit to be kept and sent.
#pragma once

#include <cstddef>

#include "schemas/dispatch.h"

namespace tradewind {

// Shortens a report until it is at most `bytes_max` encoded: first the tails of the streams, then
// the lists of files, each with a line in the system log that says so. An end that no frame can
// carry would otherwise never be acknowledged.
void shorten(EndReport& report, std::size_t bytes_max);

}  // namespace tradewind
