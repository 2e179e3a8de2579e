#pragma once

#include <string_view>

namespace sett::protocol {

// Glob matching as in Redis (KEYS, SCAN MATCH, CONFIG GET): '*', '?', '[a-z]', '[^a]', '\x'. Bytes, not characters.
// Linear in the text for a pattern with one star; backtracking is bounded by (stars x text), never exponential.
bool glob_matches(std::string_view pattern, std::string_view text, bool ignore_case = false);

// The bytes that every match begins with; all of the pattern if it has no special character.
std::string_view glob_literal_prefix(std::string_view pattern);

}  // namespace sett::protocol
