#pragma once

#include <algorithm>
#include <string_view>

#include "server/command.h"

namespace sett::server {

// Whether the row says where the keys are, and all of them are in the selected bucket. `row` may be null: unknown.
inline bool has_plain_keys(const CommandRow* row) {
  return row && row->kind == CommandKind::entry && row->first_key != 0 && row->bucket_argument == 0;
}

// The keys of a request of such a row, malformed or not: visit(key), until it returns false.
template <typename Visit>
void for_each_plain_key(const CommandRow& row, Arguments args, const Visit& visit) {
  const auto count = static_cast<int>(args.size());
  const int last = row.last_key < 0 ? count + row.last_key : std::min(row.last_key, count - 1);
  for (int i = row.first_key; i <= last; i += row.key_step)
    if (!visit(std::string_view(args[static_cast<size_t>(i)]))) return;
}

}  // namespace sett::server
