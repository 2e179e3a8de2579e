#include "storage/lsm/compaction_job.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "storage/keys/time_index.h"
#include "storage/keys/value_pointer.h"
#include "tests/support/compaction_tree.h"

namespace sett::storage {
namespace {

using Kind = TableEntry::Kind;
using Call = SimulatedFileSystem::Call;

const BucketId bucket_a = make_bucket_id(1, 0), bucket_b = make_bucket_id(2, 1), bucket_c = make_bucket_id(3, 0);

std::string a(const std::string& key) {
  return tree_key(bucket_a, key);
}

}  // namespace

TEST_CASE("a merge keeps the newest entry of each key, as it is") {
  CompactionTree tree;
  const Said pointer{Kind::pointer, 4, 77, {}, {9, 4096, 100000}};
  tree.add(6, {{a("1"), value_of(1, "old")}, {a("2"), value_of(2, "two")}, {a("4"), value_of(3, "four")}});
  tree.add(0, {{a("1"), value_of(5, "newer", 50)}, {a("3"), pointer}});
  tree.add(0, {{a("0"), value_of(6, "zero")}, {a("1"), value_of(7, "newest", 60)}});
  const auto outputs = run_compaction(tree.tools(), tree.input(0, 6));
  REQUIRE(outputs.is_ok());
  REQUIRE(outputs.value().size() == 1);
  const TableMeta& meta = outputs.value()[0];
  CHECK(tree.read(meta) == Entries{{a("0"), value_of(6, "zero")},
                                   {a("1"), value_of(7, "newest", 60)},
                                   {a("2"), value_of(2, "two")},
                                   {a("3"), pointer},
                                   {a("4"), value_of(3, "four")}});
  CHECK(meta.value_bytes_in == table_format::ValueBytesIn{{9, value_record_bytes(a("3").size(), 100000)}});
  CHECK(meta.smallest == a("0"));
  CHECK(meta.largest == a("4"));
  CHECK(meta.first_sequence == 2);
  CHECK(meta.last_sequence == 7);
  CHECK(meta.first_expiry_ms == 60);
}

TEST_CASE("outputs end where a bucket does, in folders of their buckets") {
  CompactionTree tree(true);
  const std::string due = time_index_key(1000, a("1"));
  tree.add(0, {{a("1"), value_of(1, "one", 1000)},
               {a("2"), value_of(1, "two")},
               {tree_key(bucket_b, "1"), value_of(1, "one")},
               {tree_key(bucket_c, ""), value_of(1, "one")},
               {due, value_of(1, "\x03")}});
  const auto outputs = run_compaction(tree.tools(), tree.input(0, 6));
  REQUIRE(outputs.is_ok());
  REQUIRE(outputs.value().size() == 4);
  CHECK(tree.read(outputs.value()[0]).size() == 2);
  CHECK(outputs.value()[3].smallest == due);
  std::vector<std::string> folders{"time_index"};
  for (const BucketId bucket : {bucket_a, bucket_b, bucket_c}) folders.push_back(std::to_string(bucket));
  for (const std::string& folder : folders) CHECK(tree.files.exists("/db/tables/" + folder).value());
  const auto found = tree.files.crash(CrashPolicy::drop, 1);
  for (const TableMeta& meta : outputs.value())
    CHECK(found->exists(tree.versions.table_path(meta.number, meta.smallest)).value());
  // Given up, it leaves neither files nor folders of buckets that had none.
  CompactionTree failing(true);
  failing.add(0, {{a("1"), value_of(1, "one")}});
  failing.add(0, {{tree_key(bucket_b, "1"), value_of(2, "one")}, {tree_key(bucket_c, "1"), value_of(2, "one")}});
  const auto before = failing.table_names();
  failing.files.inject({.call = Call::create, .nth = 3});
  CHECK_FALSE(run_compaction(failing.tools(), failing.input(0, 6)).is_ok());
  CHECK(failing.table_names() == before);
}

TEST_CASE("what a merge has written survives a power cut") {
  CompactionTree tree;
  tree.add(0, {{a("1"), value_of(1, "one")}});
  const auto outputs = run_compaction(tree.tools(), tree.input(0, 6));
  REQUIRE(outputs.is_ok());
  const auto found = tree.files.crash(CrashPolicy::drop, 1);
  const std::string path = tree.versions.table_path(outputs.value()[0].number, outputs.value()[0].smallest);
  const auto table = Table::open(*found, path, outputs.value()[0].number);
  REQUIRE(table.is_ok());
  CHECK(table.value()->properties().entries == 1);
}

TEST_CASE("a tombstone goes when no table below may hold its key") {
  CompactionTree tree;
  tree.add(6, {{a("2"), value_of(1, "x")}, {a("4"), value_of(2, "y")}});
  tree.add(3, {{a("1"), value_of(3, "z")}, {a("3"), value_of(4, "z")}});
  tree.add(0, {{a("1"), tombstone_of(5)}, {a("3"), tombstone_of(6)}, {a("5"), tombstone_of(7)}});
  CHECK(tree.merged(tree.input(0, 3)) == std::vector<Entries>{{{a("3"), tombstone_of(6)}}});
}

TEST_CASE("a merge of tables whose entries are all needless leaves no table") {
  CompactionTree tree;
  tree.add(3, {{a("1"), value_of(3, "z")}});
  tree.add(0, {{a("1"), tombstone_of(5)}});
  const auto names = tree.table_names();
  CHECK(tree.merged(tree.input(0, 3)).empty());
  CHECK(tree.table_names() == names);
}

TEST_CASE("entries of dead buckets and of the time index behind the last pass go at once") {
  CompactionTree tree;
  tree.dead = {bucket_b};
  tree.passed_ms = 1000;
  const std::string b = tree_key(bucket_b, "k"), c = tree_key(bucket_c, "k");
  tree.add(6, {{a("1"), value_of(1, "a")},
               {b, value_of(2, "b")},
               {c, value_of(3, "c")},
               {time_index_key(1000, c), value_of(4, "\1")},
               {time_index_key(1001, b), value_of(5, "\1")},
               {time_index_key(1001, c), value_of(6, "\1")}});
  tree.add(
      5, {{b, tombstone_of(7)}, {time_index_key(999, c), tombstone_of(8)}, {time_index_key(1001, c), tombstone_of(9)}});
  CHECK(tree.merged(tree.input(6, 6)) ==
        std::vector<Entries>{
            {{a("1"), value_of(1, "a")}, {c, value_of(3, "c")}, {time_index_key(1001, c), value_of(6, "\1")}}});
  CHECK(tree.merged(tree.input(5, 5)) == std::vector<Entries>{{{time_index_key(1001, c), tombstone_of(9)}}});
  CHECK(tree.merged(tree.input(5, 6)) == std::vector<Entries>{{{a("1"), value_of(1, "a")}, {c, value_of(3, "c")}}});
}

TEST_CASE("outputs are cut at their size, and where they would lie over too much of the level below") {
  CompactionTree tree;
  const auto key = [](uint64_t at) { return a(std::to_string(1000 + at)); };
  Entries entries;
  for (uint64_t at = 0; at < 600; ++at) entries.emplace(key(at), value_of(at + 1, std::to_string(at * at)));
  tree.add(1, entries);
  tree.table_bytes = 2000;
  const auto check = [&](const std::vector<TableMeta>& outputs) {
    Entries all;
    const std::string* before = nullptr;
    for (const TableMeta& meta : outputs) {
      if (before) CHECK(*before < meta.smallest);
      before = &meta.largest;
      all.merge(tree.read(meta));
    }
    CHECK(all == entries);
  };
  const auto by_size = run_compaction(tree.tools(), tree.input(1, 2));
  REQUIRE(by_size.is_ok());
  CHECK(by_size.value().size() > 4);
  for (size_t at = 0; at + 1 < by_size.value().size(); ++at) {
    CHECK(by_size.value()[at].file_bytes >= tree.table_bytes);
    CHECK(by_size.value()[at].file_bytes < tree.table_bytes + 1000);
  }
  check(by_size.value());

  // Each second key has a table of its own below, 300 in all; so many overlap one output at most.
  constexpr uint64_t overlapped_max = 50;
  std::vector<Version::Added> below;
  tree.table_options.compression = table_format::Compression::none;
  for (uint64_t at = 0; at < 600; at += 2)
    below.push_back({3, tree.table({{key(at), value_of(1, std::string(5000, 'v'))}})});
  REQUIRE(tree.versions.apply({.added_tables = below}).is_ok());
  tree.table_bytes = 1u << 20;
  const auto whole = run_compaction(tree.tools(), tree.input(1, 2));
  REQUIRE(whole.is_ok());
  REQUIRE(whole.value().size() == 1);
  tree.table_bytes = overlapped_max * below[0].table->meta().file_bytes / overlapped_tables_max;
  CHECK(whole.value()[0].file_bytes < tree.table_bytes);
  const auto by_overlap = run_compaction(tree.tools(), tree.input(1, 2));
  REQUIRE(by_overlap.is_ok());
  CHECK(by_overlap.value().size() == 6);
  for (const TableMeta& meta : by_overlap.value())
    CHECK(tree.versions.current()->overlapping(3, meta.smallest, meta.largest).size() <= overlapped_max + 2);
  check(by_overlap.value());
}

TEST_CASE("whoever throttles a merge hears of all that it reads and writes, and can end it") {
  CompactionTree tree;
  uint64_t file_bytes = 0;
  for (uint64_t table = 0; table < 3; ++table) {
    Entries entries;
    for (uint64_t at = 0; at < 3000; ++at)
      entries.emplace(a(std::to_string(1000 + at * 3 + table)), value_of(at + 1, std::string(at % 50, 'v')));
    file_bytes += tree.add(0, entries)->meta().file_bytes;
  }
  tree.table_bytes = 30000;
  CompactionInput input = tree.input(0, 6);
  uint64_t told = 0, times = 0;
  input.throttle = [&](uint64_t bytes) {
    told += bytes;
    ++times;
    return Status();
  };
  const auto outputs = run_compaction(tree.tools(), input);
  REQUIRE(outputs.is_ok());
  for (const TableMeta& meta : outputs.value()) {
    file_bytes += meta.file_bytes;
    REQUIRE(tree.files.remove(tree.versions.table_path(meta.number, meta.smallest)).is_ok());
  }
  CHECK(told == file_bytes);
  CHECK(times > 5);

  const auto names = tree.table_names();
  for (uint64_t until = 1; until <= times; ++until) {
    uint64_t left = until;
    input.throttle = [&](uint64_t) { return --left > 0 ? Status() : Status::error(ErrorKind::closed, "enough"); };
    const auto ended = run_compaction(tree.tools(), input);
    REQUIRE_FALSE(ended.is_ok());
    CHECK(ended.status().kind() == ErrorKind::closed);
    CHECK(tree.table_names() == names);
  }
}

TEST_CASE("whatever call of the disk fails, no output is left, and the merge can be done again") {
  CompactionTree tree;
  const auto fill = [&](int level, uint64_t first) {
    Entries entries;
    for (uint64_t at = first; at < first + 100; ++at)
      entries.emplace(a(std::to_string(1000 + at)), value_of(first + at, std::string(20, 'v')));
    tree.add(level, entries);
  };
  fill(6, 0);
  fill(6, 100);
  fill(0, 50);
  tree.table_bytes = 1500;
  const CompactionInput input = tree.input(0, 6);
  const auto names = tree.table_names();
  const auto expected = tree.merged(input);
  for (const std::string& name : tree.table_names())
    if (std::find(names.begin(), names.end(), name) == names.end())
      REQUIRE(tree.files.remove(join_path("/db/tables", name)).is_ok());
  for (const auto call : {Call::read, Call::create, Call::append, Call::sync, Call::sync_directory}) {
    uint64_t failed = 0;
    for (uint64_t nth = 1;; ++nth) {
      INFO("call " << static_cast<int>(call) << ", nth " << nth);
      REQUIRE(nth < 1000);
      tree.files.inject({.call = call, .nth = nth});
      CompactionInput fresh = input;  // a table that is open is not opened again
      for (auto* tables : {&fresh.plan.inputs, &fresh.plan.targets})
        for (TableFilePtr& table : *tables) table = std::make_shared<const TableFile>(table->path(), table->meta());
      const auto outputs = run_compaction(tree.tools(), fresh);
      tree.files.clear_faults();
      if (outputs.is_ok()) {
        for (const TableMeta& meta : outputs.value())
          REQUIRE(tree.files.remove(tree.versions.table_path(meta.number, meta.smallest)).is_ok());
        break;
      }
      ++failed;
      CHECK(outputs.status().kind() == ErrorKind::io);
      REQUIRE(tree.table_names() == names);
    }
    CHECK(failed > 0);
  }
  CHECK(tree.merged(input) == expected);
}

TEST_CASE("a merge of a damaged table fails, and leaves nothing") {
  CompactionTree tree;
  Entries entries;
  for (uint64_t at = 0; at < 200; ++at) entries.emplace(a(std::to_string(1000 + at)), value_of(at + 1, "value"));
  const TableFilePtr table = tree.add(0, entries);
  const auto names = tree.table_names();
  const std::string good = tree.files.content(table->path());
  for (size_t at = 0; at < good.size(); at += 11) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    tree.files.set_content(table->path(), bad);
    CompactionInput input = tree.input(0, 6);
    input.plan.inputs = {std::make_shared<const TableFile>(table->path(), table->meta())};
    const auto outputs = run_compaction(tree.tools(), input);
    INFO("byte " << at);
    REQUIRE_FALSE(outputs.is_ok());
    CHECK(outputs.status().kind() == ErrorKind::corruption);
    CHECK(outputs.status().file() == table->path());
    REQUIRE(tree.table_names() == names);
  }
}

TEST_CASE("a key of the time index that is too short to be one is damage") {
  CompactionTree tree;
  tree.add(6, {{tree_key(time_index_bucket, "12345678too"), value_of(1, "")}});
  const auto outputs = run_compaction(tree.tools(), tree.input(6, 6));
  REQUIRE_FALSE(outputs.is_ok());
  CHECK(outputs.status().kind() == ErrorKind::corruption);
}

}  // namespace sett::storage
