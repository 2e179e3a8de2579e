#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sett::storage {

// A Bloom filter in lines of 64 bytes (README.md#format): says of a key that it is surely not in the set, or that it
// may be.
inline constexpr uint64_t filter_line_bytes = 64;

uint64_t filter_hash(std::string_view key);

// Lines for so many keys at so many bits each: at least one.
uint64_t filter_lines(uint64_t keys, double bits_per_key);
// Probes per key that serve so many bits best.
int filter_probes(double bits_per_key);
// Appends the lines of a filter of keys with these hashes.
void append_filter(const std::vector<uint64_t>& hashes, uint64_t lines, int probes, std::string& out);
// Has the processor fetch what filter_may_hold() will touch.
void prefetch_filter_line(std::string_view lines, uint64_t hash);
// `lines`: whole lines, at least one. False: surely not in it.
bool filter_may_hold(std::string_view lines, int probes, uint64_t hash);

}  // namespace sett::storage
