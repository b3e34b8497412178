// The catalogue as people and programs read it. Pure.
#pragma once

#include <string>

namespace tradewind {

// A line for each accelerator below a heading; what a source does not say is "-".
std::string accelerators_table();

// A JSON array, with null for what a source does not say.
std::string accelerators_json();

}  // namespace tradewind
