#include "storage/lsm/filter_bits.h"

#include <catch2/catch.hpp>
#include <string>

#include "storage/base/bytes.h"
#include "storage/keys/tree_key.h"
#include "storage/lsm/flush_job.h"
#include "tests/support/compaction_tree.h"

namespace sett::storage {
namespace {

const BucketId bucket = make_bucket_id(1, 0);
constexpr int keys = 4000;

Entries entries_from(int first) {
  Entries entries;
  for (int i = first; i < first + keys; ++i)
    entries.emplace(tree_key(bucket, std::to_string(500'000 + i)), value_of(1, "value"));
  return entries;
}

// Of a table's filters; what is rounded up to whole lines is in it.
double bits_per_key(CompactionTree& tree, const TableMeta& meta) {
  const auto file = std::make_shared<const TableFile>(tree.versions.table_path(meta.number, meta.smallest), meta);
  auto table = open_shared(tree.files, file);
  REQUIRE(table.is_ok());
  uint64_t lines = 0;
  for (const Table::Section& section : (*table)->sections()) {
    auto partition = (*table)->read_block(section.partition);
    REQUIRE(partition.is_ok());
    ByteReader reader(*partition);
    lines += reader.fixed<uint32_t>();
    REQUIRE_FALSE(reader.failed());
  }
  return static_cast<double>(lines * filter_line_bytes * 8) / static_cast<double>(meta.entries);
}

TableMeta merge(CompactionTree& tree, int from, int to) {
  auto outputs = run_compaction(tree.tools(), tree.input(from, to));
  REQUIRE(outputs.is_ok());
  REQUIRE(outputs->size() == 1);
  return outputs->front();
}

}  // namespace

TEST_CASE("what a merge writes has more bits of filter where a table lies below it") {
  CompactionTree tree;
  tree.add(4, entries_from(0));
  tree.add(3, entries_from(keys));
  CHECK(bits_per_key(tree, merge(tree, 3, 3)) == Approx(tree.table_options.filter_bits_per_key).margin(0.3));
  tree.add(6, entries_from(keys / 2));
  CHECK(bits_per_key(tree, merge(tree, 4, 5)) == Approx(tree.table_options.filter_bits_per_key).margin(0.3));
  tree.add(6, entries_from(-keys / 2));
  CHECK(bits_per_key(tree, merge(tree, 3, 4)) ==
        Approx(tree.table_options.filter_bits_per_key + upper_filter_bits).margin(0.3));
}

TEST_CASE("what a flush writes has more bits of filter where a table lies below it") {
  CompactionTree tree;
  Memtable part;
  for (const auto& [key, said] : entries_from(0)) part.put(key, said.value, 0, 2, {});
  BlockCache cache(1 << 20);
  VlogFiles value_logs(tree.files, "/db/values");
  const TreeReader reader(tree.files, cache, value_logs);
  const auto bits_of_flush = [&] {
    const FlushInput input{.memtables = {{&part}},
                           .version = tree.versions.current(),
                           .is_dead = [](BucketId) { return false; },
                           .is_given_up = {}};
    auto result = run_flush({tree.files, reader, tree.versions, tree.table_options, 1 << 20, 9}, input);
    REQUIRE(result.is_ok());
    REQUIRE(result->tables.size() == 1);
    return bits_per_key(tree, result->tables.front());
  };
  CHECK(bits_of_flush() == Approx(tree.table_options.filter_bits_per_key).margin(0.3));
  tree.add(6, entries_from(-keys / 2));
  CHECK(bits_of_flush() == Approx(tree.table_options.filter_bits_per_key + upper_filter_bits).margin(0.3));
}

}  // namespace sett::storage
