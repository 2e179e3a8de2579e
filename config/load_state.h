#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"

namespace sett::config {

// What the steps of load() share: the options so far, what is wrong, and where each setting got its value.
struct LoadState {
  Options options;
  std::vector<std::string> errors;
  std::map<std::string, std::string, std::less<>> origins;  // "server.port" -> "sett.yaml:3: server.port"

  // `where` is the file with its line or the override, and the setting's name.
  void error(std::string_view where, std::string_view what, std::string_view hint) {
    std::string line(where);
    line.append(": ").append(what);
    if (!hint.empty()) line.append("; ").append(hint);
    errors.push_back(std::move(line));
  }
  // Where a setting got its value; its name alone if it has its default.
  std::string origin(std::string_view name) const {
    const auto found = origins.find(name);
    return found == origins.end() ? std::string(name) : found->second;
  }
};

}  // namespace sett::config
