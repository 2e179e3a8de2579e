#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <string>

#include "server/command.h"
#include "server/commands/families.h"

namespace sett::server {
namespace {

char fold(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// Up to eight bytes from `at`, with bit 5 set in each: upper and lower case letters become the same.
uint64_t folded_word(const char* at, size_t bytes) {
  constexpr uint64_t case_bits = 0x2020202020202020ULL;
  uint64_t word = 0;
  if (bytes >= 8) {
    std::memcpy(&word, at, 8);
  } else if (bytes >= 4) {
    uint32_t head, tail;
    std::memcpy(&head, at, 4);
    std::memcpy(&tail, at + bytes - 4, 4);
    word = (uint64_t{tail} << 32) | head;
  } else {
    for (size_t i = 0; i < bytes; ++i) word = (word << 8) | static_cast<unsigned char>(at[i]);
  }
  return word | case_bits;
}

uint32_t hash_name(std::string_view name) {
  const uint64_t head = folded_word(name.data(), name.size());
  const uint64_t tail = name.size() > 8 ? folded_word(name.data() + name.size() - 8, 8) : 0;
  uint64_t hash = (head ^ std::rotl(tail, 29) ^ name.size()) * 0x9E3779B97F4A7C15ULL;
  hash ^= hash >> 32;
  return static_cast<uint32_t>((hash * 0x9E3779B97F4A7C15ULL) >> 40);
}

// `row_name` is in lower case.
bool is_name(std::string_view row_name, std::string_view text) {
  if (row_name.size() != text.size()) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if (fold(text[i]) != row_name[i]) return false;
  return true;
}

constexpr char subcommand_separator = '|';

}  // namespace

CommandTable::CommandTable() {
  add_string_commands(rows_);
  add_bitmap_commands(rows_);
  add_key_commands(rows_);
  add_expiry_commands(rows_);
  add_connection_commands(rows_);
  add_client_commands(rows_);
  add_command_commands(rows_);
  add_config_commands(rows_);
  add_server_commands(rows_);
  add_keyspace_commands(rows_);
  add_native_commands(rows_);
  add_range_command(rows_);
  add_filter_commands(rows_);
  add_bucket_commands(rows_);
  add_badger_commands(rows_);
  std::sort(rows_.begin(), rows_.end(), [](const CommandRow& a, const CommandRow& b) { return a.name < b.name; });
  // Subcommands are not commands: they have no slot. At most half of the slots are used, so that most probes are the
  // only one.
  slots_.assign(std::bit_ceil(rows_.size() * 2 + 2), 0);
  mask_ = static_cast<uint32_t>(slots_.size() - 1);
  assert(rows_.size() < UINT16_MAX);
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].name.find(subcommand_separator) != std::string_view::npos) continue;
    uint32_t slot = hash_name(rows_[i].name) & mask_;
    while (slots_[slot] != 0) slot = (slot + 1) & mask_;
    slots_[slot] = static_cast<uint16_t>(i + 1);
  }
}

const CommandTable& CommandTable::instance() {
  static const CommandTable table;
  return table;
}

const CommandRow* CommandTable::find(std::string_view name) const {
  for (uint32_t slot = hash_name(name) & mask_; slots_[slot] != 0; slot = (slot + 1) & mask_) {
    const CommandRow& row = rows_[slots_[slot] - 1];
    if (is_name(row.name, name)) return &row;
  }
  return nullptr;
}

const CommandRow* CommandTable::find_subcommand(const CommandRow& container, std::string_view name) const {
  // Sorted by name: the subcommands follow, but not necessarily at once ("object|..." after "objects").
  const size_t prefix = container.name.size() + 1;
  for (const CommandRow* row = &container + 1; row != rows_.data() + rows_.size(); ++row) {
    if (!row->name.starts_with(container.name)) break;
    if (row->name.size() > prefix && row->name[prefix - 1] == subcommand_separator &&
        is_name(row->name.substr(prefix), name))
      return row;
  }
  return nullptr;
}

bool CommandTable::is_container(const CommandRow& row) const {
  for (const CommandRow* next = &row + 1; next != rows_.data() + rows_.size(); ++next) {
    if (!next->name.starts_with(row.name)) return false;
    if (next->name.size() > row.name.size() && next->name[row.name.size()] == subcommand_separator) return true;
  }
  return false;
}

bool command_targets(const CommandRow& row, Arguments args, std::string_view selected, int64_t databases,
                     std::vector<KeyTarget>& targets) {
  if (row.targets) return row.targets(args, selected, databases, targets);
  std::string_view bucket = selected;
  if (row.bucket_argument != 0) {
    const auto position = static_cast<size_t>(row.bucket_argument);
    if (position >= args.size() || !is_bucket_name(args[position])) return false;
    bucket = args[position];
  }
  if (row.kind == CommandKind::keyspace || row.kind == CommandKind::all_shards) {
    targets.push_back({bucket, {}});
    return true;
  }
  if (row.first_key == 0) return true;
  const auto count = static_cast<int>(args.size());
  const int last = row.last_key < 0 ? count + row.last_key : std::min(row.last_key, count - 1);
  for (int i = row.first_key; i <= last; i += row.key_step) targets.push_back({bucket, args[static_cast<size_t>(i)]});
  return true;
}

}  // namespace sett::server
