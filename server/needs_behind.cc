#include "server/needs_behind.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "server/plain_keys.h"

namespace sett::server {

void add_needs_behind(RequestBatch& requests, std::vector<storage::Need>& needs) {
  const RequestBatch::Request& own = requests.front();
  if (!has_plain_keys(own.row)) return;
  const std::string_view key = own.args[static_cast<size_t>(own.row->first_key)];
  const auto at =
      std::find_if(needs.begin(), needs.end(), [key](const storage::Need& need) { return need.key == key; });
  if (at == needs.end()) return;
  const storage::BucketId bucket = at->bucket;
  for (auto request = requests.begin() + 1; request != requests.end(); ++request) {
    const CommandRow* row = request->row;
    if (!row || row->kind != CommandKind::entry) return;  // it may change the bucket, or the user
    if (!has_plain_keys(row) || !(row->flags & flag_readonly)) continue;
    for_each_plain_key(*row, request->args, [&](std::string_view behind) {
      if (needs.size() >= needs_together_max) return false;
      needs.push_back({bucket, std::string(behind), storage::Part::metadata});
      return true;
    });
  }
}

}  // namespace sett::server
