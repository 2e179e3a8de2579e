#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/load.h"
#include "config/settings_table.h"
#include "config/yaml_reader.h"

namespace sett::config {
namespace {

// CMake compiles by absolute path, so this is found from any working directory.
const std::string shipped_path =
    (std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "config" / "sett.yaml").string();

std::vector<std::string> lines_of_shipped_file() {
  std::ifstream file(shipped_path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  REQUIRE(lines.size() > 100);
  return lines;
}

std::string text_of_shipped_file() {
  std::string text;
  for (const std::string& line : lines_of_shipped_file()) text += line + "\n";
  return text;
}

std::map<std::string, std::string> values_of(const Options& options) {
  std::map<std::string, std::string> out;
  for (const Setting& setting : describe(options)) out[setting.name] = setting.value;
  return out;
}

}  // namespace

TEST_CASE("the shipped file loads") {
  CHECK(load(shipped_path, {}, {}).errors == std::vector<std::string>{});
}

TEST_CASE("the shipped file holds every setting, in the order of the table, and nothing else") {
  const YamlDocument document = read_yaml(text_of_shipped_file());
  REQUIRE_FALSE(document.problem);
  std::vector<std::string> found, expected, sections;
  for (const YamlNode& section : document.root.children) {
    sections.push_back(section.key);
    for (const YamlNode& field : section.children) found.push_back(section.key + "." + field.key);
  }
  for (const SettingRow& row : settings_table()) expected.emplace_back(row.name);
  CHECK(found == expected);
  CHECK(sections == std::vector<std::string>(section_names().begin(), section_names().end()));
}

TEST_CASE("the bracket line before each setting tells its default, what is allowed, and reload or restart") {
  const std::vector<std::string> lines = lines_of_shipped_file();
  std::map<std::string, int> line_of;
  const YamlDocument document = read_yaml(text_of_shipped_file());
  for (const YamlNode& section : document.root.children) {
    line_of[section.key] = section.line;
    for (const YamlNode& field : section.children) line_of[section.key + "." + field.key] = field.line;
  }
  for (const Setting& setting : describe({})) {
    INFO(setting.name);
    REQUIRE(line_of.count(setting.name) == 1);
    const std::string value = setting.value.empty() ? "\"\"" : setting.value;
    const std::string indent = setting.name.find('.') == std::string::npos ? "" : "  ";
    CHECK(lines.at(static_cast<size_t>(line_of[setting.name]) - 2) ==
          indent + "# [default " + value + " | " + setting.allowed + " | " +
              (setting.reloadable ? "reload" : "restart") + "]");
  }
}

TEST_CASE("the shipped file differs from the defaults only where it says why") {
  const std::set<std::string> better{
      "server.bind",           "badger.mem_table_size",    "badger.value_threshold",
      "badger.num_mem_tables", "badger.num_level0_tables", "badger.num_level0_tables_stall"};
  const auto shipped = values_of(load(shipped_path, {}, {}).options);
  const auto defaults = values_of({});
  std::set<std::string> different;
  for (const auto& [name, value] : defaults) {
    if (shipped.at(name) != value) different.insert(name);
  }
  CHECK(different == better);
}

TEST_CASE("the defaults are the documented ones") {
  const Options options;
  CHECK(options.server.bind == std::vector<std::string>{"127.0.0.1", "::1"});
  CHECK(options.server.port == 6379);
  CHECK(options.server.threads == 0);
  CHECK(options.server.requirepass == "");
  CHECK(options.server.maxclients == 10000);
  CHECK(options.server.databases == 16);
  CHECK(options.server.data_dir == "data");
  CHECK(options.store.backend == "badger");
  CHECK(options.store.shards == 0);
  CHECK(options.store.hash == "xxh3");
  CHECK(options.simple_kv.enabled);
  CHECK(options.simple_kv.path == "");
  CHECK_FALSE(options.simple_kv.sync_writes);
  CHECK(options.badger.enabled);
  CHECK(options.badger.single_bucket_mode);
  CHECK_FALSE(options.badger.memory_mode);
  CHECK_FALSE(options.badger.sync_writes);
  CHECK(options.badger.mem_table_size == 10485760);
  CHECK(options.badger.value_log_file_size == 1073741823);
  CHECK(options.badger.value_threshold == 1048576);
  CHECK(options.badger.value_log_max_entries == 1000000);
  CHECK(options.badger.num_mem_tables == 1);
  CHECK(options.badger.num_level0_tables == 1);
  CHECK(options.badger.num_level0_tables_stall == 2);
  CHECK(options.badger.value_log_gc_enabled);
  CHECK(options.badger.value_log_gc_discard_ratio == 0.5);
  CHECK(options.badger.value_log_gc_interval_in_seconds == 120);
  CHECK(options.memory.enabled);
  CHECK(options.memory.max_memory == 0);
  CHECK(options.memory.eviction == "noeviction");
  CHECK(options.memory.cleanup_interval_ms == 300000);
  CHECK(options.log.level == "info");
  CHECK(options.log.file == "");
}

TEST_CASE("every default is within what is allowed, and no name occurs twice") {
  std::set<std::string_view> names;
  for (const SettingRow& row : settings_table()) {
    INFO(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(find_setting(row.name) == &row);
    Options options;
    CHECK(assign(row, value_text(row, options), options) == std::nullopt);
    CHECK(value_text(row, options) == value_text(row, Options{}));
  }
}

}  // namespace sett::config
