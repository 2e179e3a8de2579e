#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "server/command.h"

namespace sett::server {

namespace {

std::string upper(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

// As many arguments as the row wants at least, and a few more where it takes more.
std::vector<std::string_view> sample_arguments(const CommandRow& row, size_t more) {
  const auto least = static_cast<size_t>(row.arity < 0 ? -row.arity : row.arity);
  std::vector<std::string_view> args(least + (row.arity < 0 ? more : 0), "1");
  args[0] = row.name;
  return args;
}

std::vector<KeyTarget> targets_of(std::string_view name, std::vector<std::string_view> args, bool* good = nullptr) {
  std::vector<KeyTarget> targets;
  const CommandRow* row = CommandTable::instance().find(name);
  REQUIRE(row);
  const bool result = command_targets(*row, args, "selected", 16, targets);
  if (good) *good = result;
  return targets;
}

}  // namespace

TEST_CASE("command table: rows are sorted, unique, documented, and can be run") {
  std::set<std::string_view> names;
  std::string_view before;
  for (const CommandRow& row : CommandTable::instance().rows()) {
    INFO(row.name);
    CHECK(before < row.name);
    before = row.name;
    CHECK(names.insert(row.name).second);
    CHECK(row.name.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ ") == std::string_view::npos);
    CHECK_FALSE(row.summary.empty());
    CHECK_FALSE(row.group.empty());
    CHECK_FALSE(row.since.empty());
    CHECK_FALSE(row.complexity.empty());
    CHECK_FALSE(row.acl.empty());
    CHECK(row.arity != 0);
    CHECK((row.arity == 1 || !row.syntax.empty() || row.name.find('|') != std::string_view::npos ||
           CommandTable::instance().is_container(row) || row.arity == -1));
    if (!CommandTable::instance().is_container(row)) CHECK((row.handler != nullptr) != (row.server_handler != nullptr));
    if (row.kind == CommandKind::server) CHECK_FALSE(row.handler);
    CHECK_FALSE(((row.flags & flag_write) && (row.flags & flag_readonly)));
    if (row.flags & flag_denyoom) CHECK(row.flags & flag_write);
  }
}

TEST_CASE("command table: ACL categories agree with the flags") {
  for (const CommandRow& row : CommandTable::instance().rows()) {
    INFO(row.name);
    const auto has = [&](std::string_view category) {
      std::istringstream words{std::string(row.acl)};
      for (std::string word; words >> word;)
        if (word == category) return true;
      return false;
    };
    if (row.first_key != 0) CHECK(has("@write") == ((row.flags & flag_write) != 0));
    if (row.first_key != 0) CHECK(has("@read") == ((row.flags & flag_readonly) != 0));
    CHECK(has("@fast") == ((row.flags & flag_fast) != 0));
    CHECK(has("@slow") != has("@fast"));
  }
}

TEST_CASE("command table: key positions lie within the arguments") {
  for (const CommandRow& row : CommandTable::instance().rows()) {
    INFO(row.name);
    const int least = row.arity < 0 ? -row.arity : row.arity;
    if (row.first_key == 0) {
      CHECK(row.last_key == 0);
      CHECK(row.key_step == 0);
    } else {
      CHECK(row.key_step >= 1);
      CHECK(row.first_key < least);
      CHECK(row.last_key < least);
      CHECK((row.last_key < 0 || row.last_key >= row.first_key));
    }
    CHECK(row.bucket_argument < least);
    for (size_t more = 0; more < 4; ++more) {
      std::vector<KeyTarget> targets;
      const auto args = sample_arguments(row, more);
      const bool good = command_targets(row, args, "selected", 16, targets);
      if (good && row.first_key != 0) CHECK_FALSE(targets.empty());
      for (const KeyTarget& target : targets) CHECK_FALSE(target.bucket.empty());
    }
  }
}

TEST_CASE("command table: names are found in any case, and nothing else is") {
  const CommandTable& table = CommandTable::instance();
  for (const CommandRow& row : table.rows()) {
    INFO(row.name);
    if (row.name.find('|') == std::string_view::npos) {
      CHECK(table.find(row.name) == &row);
      CHECK(table.find(upper(row.name)) == &row);
      for (size_t i = 0; i < row.name.size(); ++i) {
        std::string other(row.name);
        other[i] = static_cast<char>(other[i] ^ 0x20);  // the other case of a letter, another byte of anything else
        const bool letter = row.name[i] >= 'a' && row.name[i] <= 'z';
        CHECK((table.find(other) == &row) == letter);
      }
      CHECK(table.find(row.name.substr(1)) != &row);
      CHECK(table.find(std::string(row.name) + '\0') == nullptr);
    } else {
      CHECK(table.find(row.name) == nullptr);
      const size_t separator = row.name.find('|');
      const CommandRow* container = table.find(row.name.substr(0, separator));
      REQUIRE(container);
      CHECK(table.is_container(*container));
      CHECK(table.find_subcommand(*container, upper(row.name.substr(separator + 1))) == &row);
      CHECK(table.find_subcommand(*container, "none") == nullptr);
      CHECK(table.find_subcommand(*container, "") == nullptr);
    }
  }
  CHECK(table.find("") == nullptr);
  CHECK(table.find("nonsense") == nullptr);
  CHECK(table.find(std::string(100'000, 'x')) == nullptr);
  CHECK_FALSE(table.is_container(*table.find("get")));
  CHECK_FALSE(table.is_container(*table.find("set")));
}

TEST_CASE("command table: targets name the buckets and keys") {
  const auto joined = [](const std::vector<KeyTarget>& targets) {
    std::string text;
    for (const KeyTarget& target : targets) text += std::string(target.bucket) + "/" + std::string(target.key) + " ";
    return text;
  };
  bool good = true;
  CHECK(joined(targets_of("get", {"get", "a"})) == "selected/a ");
  CHECK(joined(targets_of("mset", {"mset", "a", "1", "b", "2"})) == "selected/a selected/b ");
  CHECK(targets_of("mset", {"mset", "a", "1", "b"}, &good).empty());
  CHECK_FALSE(good);
  CHECK(joined(targets_of("bitop", {"bitop", "and", "d", "a", "b"})) == "selected/d selected/a selected/b ");
  CHECK(joined(targets_of("copy", {"copy", "a", "b"})) == "selected/a selected/b ");
  CHECK(joined(targets_of("copy", {"copy", "a", "b", "replace", "DB", "3"})) == "selected/a 3/b ");
  CHECK(joined(targets_of("copy", {"copy", "a", "b", "db", "2", "db", "3"})) == "selected/a 3/b ");
  for (const char* database : {"16", "-1", "x", ""}) {
    CHECK(targets_of("copy", {"copy", "a", "b", "db", database}, &good).empty());
    CHECK_FALSE(good);
    CHECK(targets_of("move", {"move", "a", database}, &good).empty());
    CHECK_FALSE(good);
  }
  CHECK(targets_of("copy", {"copy", "a", "b", "db"}, &good).empty());
  CHECK_FALSE(good);
  CHECK(joined(targets_of("move", {"move", "a", "1"})) == "selected/a 1/a ");
  CHECK(joined(targets_of("rename", {"rename", "a", "b"})) == "selected/a selected/b ");
  CHECK(joined(targets_of("swapdb", {"swapdb", "0", "1"})) == "0/ 1/ ");
  CHECK(joined(targets_of("flushdb", {"flushdb"})) == "selected/ ");
  CHECK(joined(targets_of("kv.get", {"kv.get", "b", "k"})) == "b/k ");
  CHECK(joined(targets_of("kv.mset", {"kv.mset", "b", "k", "v", "l", "w"})) == "b/k b/l ");
  CHECK(joined(targets_of("kv.count", {"kv.count", "b", "p"})) == "b/ ");
  CHECK(joined(targets_of("bucket.drop", {"bucket.drop", "b"})) == "b/ ");
  CHECK(targets_of("kv.get", {"kv.get", "", "k"}, &good).empty());
  CHECK_FALSE(good);
}

}  // namespace sett::server
