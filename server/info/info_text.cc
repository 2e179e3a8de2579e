#include "server/info/info_text.h"

#include <cstdio>

namespace sett::server {

void InfoText::decimal(std::string_view name, double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  field(name, std::string_view(text));
}

void InfoText::bytes_for_humans(std::string_view name, uint64_t bytes) {
  constexpr std::string_view units = "KMGTP";
  if (bytes < 1024) return field(name, std::string_view(std::to_string(bytes) + "B"));
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  char text[64];
  std::snprintf(text, sizeof text, "%.2f%c", value, units[unit]);
  field(name, std::string_view(text));
}

}  // namespace sett::server
