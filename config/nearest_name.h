#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sett::config {

// How many bytes to insert, delete, replace or swap with their neighbour turn one text into the other.
size_t edit_distance(std::string_view a, std::string_view b);

// The candidate most like `name`, if it is so much alike that a slip of the hand explains it. Empty: none.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

// For a setting that does not exist: "did you mean server.port?", or else "allowed: ..." with the keys of its section,
// or the sections if it names none.
std::string unknown_setting_hint(std::string_view dotted_name);

}  // namespace sett::config
