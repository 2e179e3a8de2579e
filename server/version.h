#pragma once

#include <string_view>

namespace sett::server {

// What clients compare: the release of Redis whose behaviour sett has. Libraries refuse or limit themselves by it.
inline constexpr std::string_view redis_version = "7.2.0";
inline constexpr std::string_view sett_version = SETT_VERSION;

}  // namespace sett::server
