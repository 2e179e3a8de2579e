#include "storage/table/table.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "storage/base/random.h"
#include "storage/io/simulated_file_system.h"
#include "storage/keys/tree_key.h"
#include "storage/table/block_reader.h"
#include "storage/table/filter.h"
#include "storage/table/partition.h"
#include "storage/table/table_scanner.h"
#include "storage/table/table_writer.h"

namespace sett::storage {
namespace {

constexpr uint64_t number = 7, epoch = 77;

struct Made {
  TableEntry entry;
  std::string value;
};
using Model = std::map<std::string, Made>;

Model random_entries(Random& random, uint64_t count, uint64_t value_bytes_max) {
  Model model;
  while (model.size() < count) {
    const BucketId bucket = make_bucket_id(1 + random.below(3), static_cast<uint32_t>(random.below(3)));
    Made& made = model[tree_key(bucket, "key:" + std::to_string(random.below(count * 4)))];
    made.entry = {.kind = static_cast<TableEntry::Kind>(1 + random.below(3)),
                  .sequence = 1 + random.below(1000),
                  .expires_at_ms = random.one_in(3) ? 1'700'000'000'000 : 0,
                  .value = {}};
    made.value.clear();
    if (made.entry.kind == TableEntry::Kind::value)
      for (uint64_t left = random.below(value_bytes_max); left > 0; --left)
        made.value += static_cast<char>(random.one_in(2) ? 'x' : random.below(256));
    if (made.entry.kind == TableEntry::Kind::pointer) {
      made.entry.log_file = 3 + random.below(4);
      made.entry.value_bytes = random.below(1000);
    }
  }
  for (auto& [key, made] : model) made.entry.value = made.value;
  return model;
}

Status write(SimulatedFileSystem& files, const std::string& path, const Model& model, const TableOptions& options) {
  auto file = files.create(path);
  if (!file.is_ok()) return file.status();
  TableWriter writer(std::move(file).value(), number, epoch, options);
  for (const auto& [key, made] : model)
    if (Status status = writer.add(key, made.entry); !status.is_ok()) return status;
  return writer.finish();
}

// The way of a look-up, as an engine goes it: section, filter, block, entry.
Result<const TableEntry*> find(const Table& table, std::string_view key, std::string& block, TableEntry& found) {
  const size_t section = table.section_of(key);
  if (section == table.sections().size()) return nullptr;
  const auto partition = table.read_block(table.sections()[section].partition);
  if (!partition.is_ok()) return partition.status();
  PartitionView view;
  REQUIRE(view.open(partition.value()));
  if (!view.may_hold(filter_hash(key))) return nullptr;
  const uint32_t at = view.block_of(key);
  REQUIRE(at < view.blocks());
  auto read = table.read_block(view.handle(at, table.sections()[section].offset));
  if (!read.is_ok()) return read.status();
  block = std::move(read).value();
  BlockCursor cursor(block);
  if (!cursor.seek(key) || cursor.key() != key) return nullptr;
  found = cursor.entry();
  return &found;
}

void check_same(const TableEntry& entry, const Made& made) {
  CHECK(entry.kind == made.entry.kind);
  CHECK(entry.sequence == made.entry.sequence);
  CHECK(entry.expires_at_ms == made.entry.expires_at_ms);
  CHECK(entry.value == made.value);
  CHECK(entry.log_file == made.entry.log_file);
}

// All entries by a scan, or why not.
Status scan(const std::shared_ptr<const Table>& table,
            const std::function<void(std::string_view, const TableEntry&)>& visit) {
  TableScanner scanner(table);
  Status status = scanner.seek_first();
  for (; status.is_ok() && scanner.valid(); status = scanner.next()) visit(scanner.key(), scanner.entry());
  return status;
}

}  // namespace

TEST_CASE("a table gives back what was written to it, by key and in order") {
  const auto seed = GENERATE(range(1u, 9u));
  INFO("seed " << seed);
  Random random(seed);
  SimulatedFileSystem files;
  const Model model = random_entries(random, 1 + random.below(2500), seed % 2 ? 20 : 300);
  TableOptions options;
  options.block_bytes = seed % 3 ? 200 : 4096;
  options.compression = seed % 2 ? table_format::Compression::lz4 : table_format::Compression::none;
  REQUIRE(write(files, "/t", model, options).is_ok());
  auto opened = Table::open(files, "/t", number);
  REQUIRE(opened.is_ok());
  const std::shared_ptr<const Table> table = opened.value();
  CHECK(table->properties().entries == model.size());
  CHECK(table->properties().smallest == model.begin()->first);
  CHECK(table->properties().largest == model.rbegin()->first);
  std::map<uint64_t, uint64_t> value_bytes_in;
  for (const auto& [key, made] : model)
    if (made.entry.kind == TableEntry::Kind::pointer)
      value_bytes_in[made.entry.log_file] += 24 + key.size() + made.entry.value_bytes;
  CHECK(table->properties().value_bytes_in == table_format::ValueBytesIn(value_bytes_in.begin(), value_bytes_in.end()));
  std::string block;
  TableEntry found;
  for (const auto& [key, made] : model) {
    const auto result = find(*table, key, block, found);
    REQUIRE(result.is_ok());
    REQUIRE(result.value() != nullptr);
    check_same(found, made);
    for (const std::string& other : {key + '\0', key.substr(0, key.size() - 1), key + "x"})
      if (!model.contains(other)) REQUIRE(find(*table, other, block, found).value() == nullptr);
  }
  auto at = model.begin();
  REQUIRE(scan(table, [&](std::string_view key, const TableEntry& entry) {
            REQUIRE(at != model.end());
            REQUIRE(key == at->first);
            check_same(entry, at->second);
            ++at;
          }).is_ok());
  CHECK(at == model.end());
  for (int i = 0; i < 50; ++i) {
    const std::string from =
        tree_key(make_bucket_id(1 + random.below(4), 0), "key:" + std::to_string(random.below(999)));
    TableScanner scanner(table);
    REQUIRE(scanner.seek(from).is_ok());
    const auto expected = model.lower_bound(from);
    REQUIRE(scanner.valid() == (expected != model.end()));
    if (scanner.valid()) CHECK(scanner.key() == expected->first);
  }
}

TEST_CASE("large values have blocks of their own and end sections early") {
  SimulatedFileSystem files;
  Random random(1);
  Model model;
  for (int i = 0; i < 40; ++i) {
    Made& made = model[tree_key(1 << 16, "large:" + std::to_string(i))];
    made.value.assign(1 << 20, static_cast<char>(i));
    for (char& byte : made.value) byte = static_cast<char>(random.next());  // nothing for LZ4
  }
  for (auto& [key, made] : model) made.entry = {.kind = TableEntry::Kind::value, .sequence = 1, .value = made.value};
  REQUIRE(write(files, "/t", model, {}).is_ok());
  const auto table = Table::open(files, "/t", number).value();
  CHECK(table->sections().size() > 1);
  std::string block;
  TableEntry found;
  for (const auto& [key, made] : model) {
    REQUIRE(find(*table, key, block, found).value() != nullptr);
    CHECK(found.value == made.value);
  }
}

TEST_CASE("a large entry among small ones has a block of its own") {
  SimulatedFileSystem files;
  Model model;
  for (int i = 0; i < 300; ++i) {
    Made& made = model[tree_key(1 << 16, "k" + std::to_string(1000 + i))];
    made.value.assign(i % 10 == 5 ? 20'000 : 20, 'v');
  }
  for (auto& [key, made] : model) made.entry = {.kind = TableEntry::Kind::value, .sequence = 1, .value = made.value};
  REQUIRE(write(files, "/t", model, {}).is_ok());
  const auto table = Table::open(files, "/t", number).value();
  std::string block;
  TableEntry found;
  for (const auto& [key, made] : model) {
    REQUIRE(find(*table, key, block, found).value() != nullptr);
    CHECK((block.size() > 10'000) == (made.value.size() == 20'000));
  }
}

TEST_CASE("large keys that differ only at their end make several small partitions") {
  SimulatedFileSystem files;
  Model model;
  for (int i = 0; i < 60; ++i) model[tree_key(1 << 16, std::string(100'000, 'k') + std::to_string(1000 + i))];
  for (auto& [key, made] : model) made.entry = {.kind = TableEntry::Kind::tombstone, .sequence = 1, .value = {}};
  REQUIRE(write(files, "/t", model, {}).is_ok());
  const auto table = Table::open(files, "/t", number).value();
  REQUIRE(table->sections().size() > 3);
  for (const Table::Section& section : table->sections()) CHECK(section.partition.stored_bytes < 1'300'000);
  std::string block;
  TableEntry found;
  for (const auto& [key, made] : model) CHECK(find(*table, key, block, found).value() != nullptr);
}

TEST_CASE("a key's section is found among many whose first bytes are the same") {
  SimulatedFileSystem files;
  Model model;
  const BucketId bucket = make_bucket_id(1, 1);
  const auto add = [&](const std::string& key) {
    Made& made = model[tree_key(bucket, key)];
    made.value = std::string(400, 'v');  // a block each
    made.entry = {.kind = TableEntry::Kind::value, .sequence = 1, .expires_at_ms = 0, .value = {}};
  };
  for (int i = 0; i < 2000; ++i) {
    add("a" + std::to_string(i));
    add("the same beginning " + std::to_string(i * 7));
    add(std::string(12, '\xff') + std::to_string(i));
  }
  for (auto& [key, made] : model) made.entry.value = made.value;
  REQUIRE(write(files, "/t", model, {.block_bytes = 512, .filter_bits_per_key = 10}).is_ok());
  auto opened = Table::open(files, "/t", number);
  REQUIRE(opened.is_ok());
  const auto& sections = opened.value()->sections();
  REQUIRE(sections.size() > 40);
  for (const auto& [key, made] : model)
    for (const std::string& asked : {key, key + "0", key.substr(0, key.size() - 1), key.substr(0, 10)}) {
      size_t expected = 0;
      while (expected < sections.size() && sections[expected].separator < asked) ++expected;
      REQUIRE(opened.value()->section_of(asked) == expected);
    }
}

TEST_CASE("a damaged byte anywhere in a table is found before anything of it is shown") {
  SimulatedFileSystem files;
  Random random(3);
  TableOptions options;
  options.block_bytes = 100;
  REQUIRE(write(files, "/t", random_entries(random, 40, 30), options).is_ok());
  const std::string whole = read_file(files, "/t", 1 << 20).value();
  const auto read_damaged = [](const std::string& bytes) {
    SimulatedFileSystem damaged;
    REQUIRE(damaged.create("/t").value()->append(bytes).is_ok());
    auto table = Table::open(damaged, "/t", number);
    return table.is_ok() ? scan(table.value(), [](std::string_view, const TableEntry&) {}) : table.status();
  };
  REQUIRE(read_damaged(whole).is_ok());
  for (size_t at = 0; at < whole.size(); ++at) {
    INFO("byte " << at << " of " << whole.size());
    std::string damaged = whole;
    damaged[at] ^= static_cast<char>(1 << (at % 8));
    const Status status = read_damaged(damaged);
    REQUIRE_FALSE(status.is_ok());
    REQUIRE((status.kind() == ErrorKind::corruption || status.kind() == ErrorKind::unsupported));
    REQUIRE(status.to_string().find("/t") != std::string::npos);
  }
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO("cut to " << size);
    REQUIRE(read_damaged(whole.substr(0, size)).kind() == ErrorKind::corruption);
  }
}

TEST_CASE("a table under another number is refused, and so is a newer version") {
  SimulatedFileSystem files;
  Random random(4);
  REQUIRE(write(files, "/t", random_entries(random, 3, 10), {}).is_ok());
  CHECK(Table::open(files, "/t", number + 1).status().kind() == ErrorKind::corruption);
  std::string bytes = read_file(files, "/t", 1 << 20).value();
  bytes[bytes.size() - table_format::footer_bytes + table_format::magic.size()] = 2;
  REQUIRE(files.create("/newer").value()->append(bytes).is_ok());
  const Status status = Table::open(files, "/newer", number).status();
  CHECK(status.kind() == ErrorKind::unsupported);
  CHECK(status.to_string().find("newer") != std::string::npos);
  CHECK(table_file_name(7) == "00000000000000000007.table");
}

TEST_CASE("a table whose writing fails at any call says so") {
  Random random(5);
  const Model model = random_entries(random, 8000, 400);  // several writes
  uint64_t nth = 1;
  for (;; ++nth) {
    SimulatedFileSystem files;
    files.inject({.call = {}, .nth = nth});
    if (write(files, "/t", model, {}).is_ok()) break;
  }
  CHECK(nth >= 6);  // create, several appends, sync: each was seen
}

}  // namespace sett::storage
