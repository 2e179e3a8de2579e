// Edits that fail: nothing goes that either manifest names, and nothing stays that none does.
#include "storage/lsm/version_set.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "storage/keys/tree_key.h"
#include "storage/table/table.h"
#include "storage/vlog/vlog_writer.h"
#include "tests/support/compaction_tree.h"

using namespace sett::storage;

namespace {

struct Names {
  std::set<std::string> tables, values;
};

Names named_in(SimulatedFileSystem& files) {
  Names names;
  auto manifest = read_tree_manifest(files, "/db");
  REQUIRE(manifest);
  if (!manifest->has_value()) return names;
  for (const auto& level : (*manifest)->levels)
    for (const TableMeta& meta : level) names.tables.insert(table_file_name(meta.number));
  for (const VlogMeta& file : (*manifest)->value_logs) names.values.insert(vlog_file_name(file.number));
  return names;
}

Names found_in(SimulatedFileSystem& files) {
  const auto tables = files.list("/db/tables").value(), values = files.list("/db/values").value();
  return {{tables.begin(), tables.end()}, {values.begin(), values.end()}};
}

bool holds(const std::set<std::string>& all, const std::set<std::string>& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

// An edit with a new table and a new value log, in place of all that there were.
VersionEdit replace_all(CompactionTree& tree, uint64_t n) {
  VersionEdit edit;
  for (const TableFilePtr& table : tree.versions.current()->level(1)) edit.removed_tables.push_back(table->number());
  for (const VlogMeta& file : tree.versions.manifest().value_logs) edit.removed_value_logs.push_back(file.number);
  edit.added_tables.push_back({1, tree.table({{tree_key(1, "k"), value_of(n, "value")}})});
  const uint64_t number = tree.versions.next_number();
  REQUIRE(replace_file(tree.files, tree.versions.value_log_path(number), "bytes"));
  edit.added_value_logs.push_back(number);
  edit.change = [number](TreeManifest& manifest) { manifest.value_logs.push_back({number, 5}); };
  return edit;
}

}  // namespace

TEST_CASE("version set: an edit that fails at any call", "[lsm][version_set]") {
  for (const auto kind : {ErrorKind::io, ErrorKind::no_space}) {
    for (uint64_t nth = 1;; ++nth) {
      INFO("call " << nth);
      REQUIRE(nth < 20);
      CompactionTree tree;
      REQUIRE(tree.versions.apply(replace_all(tree, 1)));
      const Names first = found_in(tree.files);
      VersionEdit second = replace_all(tree, 2);
      const Names both = found_in(tree.files);
      REQUIRE(both.tables.size() == 2);
      REQUIRE(both.values.size() == 2);
      tree.files.inject({.nth = nth, .kind = kind});
      const bool failed = !tree.versions.apply(second);
      second.added_tables.clear();
      second.removed_tables.clear();
      tree.files.clear_faults();
      tree.versions.remove_needless();
      for (const auto policy : crash_policies) {
        const auto image = tree.files.crash(policy, nth);
        const Names named = named_in(*image), found = found_in(*image);
        REQUIRE(named.tables.size() == 1);
        REQUIRE(holds(found.tables, named.tables));
        REQUIRE(holds(found.values, named.values));
      }
      if (!failed) {
        REQUIRE(found_in(tree.files).tables == named_in(tree.files).tables);
        break;
      }
      REQUIRE(tree.versions.current()->level(1).size() == 1);
      REQUIRE(first.tables.contains(table_file_name(tree.versions.current()->level(1)[0]->number())));
      REQUIRE(found_in(tree.files).values == both.values);
      // The next one is certain: only what it names is left.
      REQUIRE(tree.versions.apply(replace_all(tree, 3)));
      tree.versions.remove_needless();
      const Names found = found_in(tree.files), named = named_in(tree.files);
      REQUIRE(found.tables == named.tables);
      REQUIRE(found.values == named.values);
    }
  }
}

TEST_CASE("version set: a table that is read stays until nobody has it", "[lsm][version_set]") {
  CompactionTree tree;
  REQUIRE(tree.versions.apply(replace_all(tree, 1)));
  VersionPtr reader = tree.versions.current();
  REQUIRE(tree.versions.apply(replace_all(tree, 2)));
  tree.versions.remove_needless();
  REQUIRE(tree.files.exists(reader->level(1)[0]->path()).value());
  const uint64_t bytes = reader->level(1)[0]->meta().file_bytes;
  REQUIRE(tree.versions.needless_bytes() == bytes);
  reader.reset();
  REQUIRE(tree.versions.remove_needless() == bytes);
  REQUIRE(tree.versions.needless_bytes() == 0);
  REQUIRE(found_in(tree.files).tables == named_in(tree.files).tables);
}

TEST_CASE("version set: a move that fails is no reason to keep the table for ever", "[lsm][version_set]") {
  CompactionTree tree;
  REQUIRE(tree.versions.apply(replace_all(tree, 1)));
  VersionEdit move;
  {
    const TableFilePtr table = tree.versions.current()->level(1)[0];
    move = {.removed_tables = {table->number()}, .added_tables = {{2, table}}};
  }
  tree.files.inject({});
  REQUIRE_FALSE(tree.versions.apply(move));
  REQUIRE(tree.versions.apply(move));
  tree.versions.remove_needless();
  REQUIRE(tree.files.exists(tree.versions.current()->level(2)[0]->path()).value());
  VersionEdit merge = replace_all(tree, 2);
  merge.removed_tables = move.removed_tables;
  move.added_tables.clear();
  REQUIRE(tree.versions.apply(merge));
  tree.versions.remove_needless();
  REQUIRE(found_in(tree.files).tables == named_in(tree.files).tables);
}
