#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "server/info/info_text.h"
#include "server/info/usage_walk.h"

namespace sett::server {

struct Services;

// What the sections of INFO are written from.
struct InfoSource {
  Services& services;
  int64_t wall_ms = 0, steady_ms = 0;
  const std::vector<BucketTotal>* buckets = nullptr;  // for the keyspace section; nullptr: none are known
};

struct InfoSection {
  std::string_view name;  // lower case
  void (*write)(const InfoSource& source, InfoText& text);
};

// In the order in which INFO shows them. All belong to the default.
std::span<const InfoSection> info_sections();

// The sections that the arguments of INFO ask for (none, `default`, `all` and `everything` mean every one; unknown
// words mean nothing), each once, in order.
std::vector<const InfoSection*> wanted_sections(std::span<const std::string_view> words);

// process_sections.cc
void write_server_section(const InfoSource& source, InfoText& text);
void write_memory_section(const InfoSource& source, InfoText& text);
void write_cpu_section(const InfoSource& source, InfoText& text);
// traffic_sections.cc
void write_clients_section(const InfoSource& source, InfoText& text);
void write_stats_section(const InfoSource& source, InfoText& text);
void write_replication_section(const InfoSource& source, InfoText& text);
void write_modules_section(const InfoSource& source, InfoText& text);
void write_cluster_section(const InfoSource& source, InfoText& text);
// store_sections.cc
void write_persistence_section(const InfoSource& source, InfoText& text);
void write_badger_section(const InfoSource& source, InfoText& text);
void write_keyspace_section(const InfoSource& source, InfoText& text);

}  // namespace sett::server
