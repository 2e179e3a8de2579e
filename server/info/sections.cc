#include "server/info/sections.h"

#include <algorithm>

#include "protocol/number_text.h"

namespace sett::server {
namespace {

constexpr InfoSection sections[] = {
    {"server", write_server_section},     {"clients", write_clients_section},
    {"memory", write_memory_section},     {"persistence", write_persistence_section},
    {"stats", write_stats_section},       {"replication", write_replication_section},
    {"cpu", write_cpu_section},           {"modules", write_modules_section},
    {"cluster", write_cluster_section},   {"badger", write_badger_section},
    {"keyspace", write_keyspace_section},
};

}  // namespace

std::span<const InfoSection> info_sections() {
  return sections;
}

std::vector<const InfoSection*> wanted_sections(std::span<const std::string_view> words) {
  using protocol::equals_ignoring_case;
  const auto is_asked = [&](std::string_view name) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return equals_ignoring_case(word, name); });
  };
  const bool every = words.empty() || is_asked("default") || is_asked("all") || is_asked("everything");
  std::vector<const InfoSection*> wanted;
  for (const InfoSection& section : sections)
    if (every || is_asked(section.name)) wanted.push_back(&section);
  return wanted;
}

}  // namespace sett::server
