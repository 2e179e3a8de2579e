#include "storage/lsm/table_folders.h"

#include <charconv>
#include <optional>

#include "storage/keys/time_index.h"

namespace sett::storage {

namespace {

constexpr std::string_view time_index_name = "time_index", suffix = ".table";

std::optional<uint64_t> number_before(std::string_view name, std::string_view end) {
  uint64_t number = 0;
  const auto [at, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || name.substr(static_cast<size_t>(at - name.data())) != end) return std::nullopt;
  return number;
}

Status add_tables(FileSystem& files, const std::string& folder, FoundTables& found) {
  auto names = files.list(folder);
  if (!names) return names.status();
  for (const std::string& name : *names)
    if (const auto number = number_before(name, suffix)) found.paths[*number] = join_path(folder, name);
  return {};
}

}  // namespace

std::string table_folder(const std::string& tables, bool by_bucket, std::string_view tree_key) {
  if (!by_bucket) return tables;
  if (is_time_index_key(tree_key)) return join_path(tables, time_index_name);
  return join_path(tables, std::to_string(bucket_of(tree_key)));
}

Result<FoundTables> find_tables(FileSystem& files, const std::string& tables) {
  FoundTables found;
  auto names = files.list(tables);
  if (!names && names.status().kind() == ErrorKind::not_found) return found;
  if (!names) return names.status();
  if (Status status = add_tables(files, tables, found); !status) return status;
  for (const std::string& name : *names) {
    if (name != time_index_name && !number_before(name, {})) continue;
    found.folders.push_back(join_path(tables, name));
    if (Status status = add_tables(files, found.folders.back(), found); !status) return status;
  }
  return found;
}

}  // namespace sett::storage
