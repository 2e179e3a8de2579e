#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/options.h"

namespace sett::server {

// What CONFIG GET and SET know by Redis's names, as sett means them. Every setting of sett.yaml is known besides, by
// its dotted name (config_values.h).
struct ConfigParameter {
  enum class Kind : uint8_t { yes_no, integer, memory, choice, text };
  enum class Change : uint8_t {
    live,   // CONFIG SET takes effect at once
    fixed,  // Redis lets it change, sett takes it from its configuration at start: only the present value is accepted
    immutable,  // in Redis too
  };

  std::string_view name;  // lower case
  Kind kind;
  Change change;
  std::string (*read)(const config::Options&);
  // The value is one that Redis would accept. Of live ones; false: it is out of what sett allows.
  bool (*write)(config::Options&, std::string_view value, int64_t number) = nullptr;
  int64_t lowest = 0, highest = 0;  // what Redis accepts
  std::string_view choices = {};    // "a, b, c"
  std::string_view allowed = {};    // when write said no
};

std::span<const ConfigParameter> config_parameters();
const ConfigParameter* find_config_parameter(std::string_view name);  // in any case; nullptr: none

// Puts the value in place, or says what is wrong with it as Redis would, and changes nothing.
std::optional<std::string> assign_parameter(const ConfigParameter& parameter, std::string_view value,
                                            config::Options& options);

// Bytes: a number with an optional unit, b, k, kb, m, mb, g or gb; k is 1000 and kb is 1024, as Redis has it.
std::optional<int64_t> parse_memory(std::string_view text);

}  // namespace sett::server
