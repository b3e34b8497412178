// The traceparent header of W3C Trace Context (https://www.w3.org/TR/trace-context/, section 3.2).
#pragma once

#include <string>
#include <string_view>

namespace tradewind {

// The header's value where it is well-formed; else nothing: a caller's faulty trace is no reason to
// refuse what it asks for.
std::string trace_parent(std::string_view header);

}  // namespace tradewind
