#include "storage/table/table_walk.h"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "storage/base/random.h"
#include "storage/io/simulated_file_system.h"
#include "storage/keys/tree_key.h"
#include "storage/table/block_reader.h"
#include "storage/table/table_writer.h"

namespace sett::storage {
namespace {

struct Seen {
  std::vector<std::string> keys;
  std::vector<uint64_t> damaged;
  bool properties = false;
  uint32_t partitions = 0;
  Status status;
};

Seen walk(SimulatedFileSystem& files) {
  Seen seen;
  TableVisitor visitor;
  visitor.properties = [&](const auto&, const auto&) { seen.properties = true; };
  visitor.partition = [&](const auto&, const PartitionView&) { ++seen.partitions; };
  visitor.damage = [&](const Status& status) {
    CHECK(status.file() == "/t");
    seen.damaged.push_back(status.offset().value());
  };
  visitor.data_block = [&](const auto&, std::string_view payload) {
    BlockCursor cursor(payload);
    for (bool is_at = cursor.seek_first(); is_at; is_at = cursor.next()) seen.keys.emplace_back(cursor.key());
    CHECK_FALSE(cursor.damaged());
  };
  seen.status = walk_table(files, "/t", visitor);
  return seen;
}

// A table of some sections; returns its keys.
std::vector<std::string> make_table(SimulatedFileSystem& files, Random& random, bool compress) {
  TableOptions options{.block_bytes = 200};
  if (!compress) options.compression = table_format::Compression::none;
  TableWriter writer(files.create("/t").value(), 7, random.next(), options);
  std::vector<std::string> keys;
  for (int i = 0; i < 1500; ++i) {
    char name[16];
    std::snprintf(name, sizeof name, "key:%06d", i);
    keys.push_back(tree_key(65536, name));
    std::string value(random.below(60), 'x');
    for (char& c : value)
      if (random.one_in(2)) c = static_cast<char>(random.next());
    REQUIRE(writer.add(keys.back(), {.kind = TableEntry::Kind::value, .sequence = 1, .value = value}));
  }
  REQUIRE(writer.finish());
  return keys;
}

}  // namespace

TEST_CASE("a walk shows all of a table, and over any damaged byte all but one block of it", "[tools]") {
  for (const uint64_t seed : {1, 2}) {
    Random random(seed);
    SimulatedFileSystem files;
    const auto keys = make_table(files, random, seed == 1);
    const Seen whole = walk(files);
    REQUIRE(whole.status);
    CHECK(whole.keys == keys);
    CHECK(whole.damaged.empty());
    CHECK(whole.properties);
    CHECK(whole.partitions > 2);
    const std::string bytes = files.content("/t");
    for (int i = 0; i < 300; ++i) {
      const uint64_t at = i < 40 ? bytes.size() - 64 - 40 * static_cast<uint64_t>(i) - 1 : random.below(bytes.size());
      INFO("seed " << seed << " byte " << at << " of " << bytes.size());
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 + random.below(255)));
      files.set_content("/t", damaged);
      const Seen seen = walk(files);
      if (at >= bytes.size() - table_format::footer_bytes) {
        CHECK_FALSE(seen.status);
        continue;
      }
      REQUIRE(seen.status);
      CHECK(seen.damaged.size() == 1);
      CHECK(seen.damaged.front() <= at);
      CHECK(std::is_sorted(seen.keys.begin(), seen.keys.end()));
      CHECK(std::includes(keys.begin(), keys.end(), seen.keys.begin(), seen.keys.end()));
      CHECK(seen.keys.size() + 40 > keys.size());
    }
  }
}

TEST_CASE("a walk over a table whose indexes and a block are damaged shows what comes before", "[tools]") {
  Random random(3);
  SimulatedFileSystem files;
  const auto keys = make_table(files, random, true);
  std::string bytes = files.content("/t");
  const auto footer =
      table_format::decode_footer(std::string_view(bytes).substr(bytes.size() - 64), "/t", bytes.size() - 64);
  bytes[footer.value().partitions.offset] ^= 1;
  bytes[footer.value().partitions.offset / 2] ^= 1;
  files.set_content("/t", bytes);
  const Seen seen = walk(files);
  REQUIRE(seen.status);
  CHECK(seen.damaged.size() == 2);
  CHECK(seen.keys.size() > keys.size() / 3);
  CHECK(std::equal(seen.keys.begin(), seen.keys.end(), keys.begin()));
}

}  // namespace sett::storage
