#include "storage/table/read_ahead.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/random.h"
#include "storage/io/simulated_file_system.h"
#include "storage/keys/tree_key.h"
#include "storage/table/partition.h"
#include "storage/table/table_writer.h"

namespace sett::storage {
namespace {

using table_format::BlockHandle;

// A table of some 2000 blocks, and where they are.
struct Blocks {
  struct At {
    BlockHandle handle;
    uint64_t end = 0;  // of its section's blocks
  };

  explicit Blocks(uint64_t number, uint64_t seed = 1) {
    Random random(seed);
    const std::string path = "/" + table_file_name(number);
    auto file = files.create(path);
    REQUIRE(file.is_ok());
    TableWriter writer(std::move(file).value(), number, seed,
                       {.block_bytes = 1024, .compression = table_format::Compression::none});
    for (int i = 0; i < 10'000; ++i) {
      std::string value(200, '\0');
      for (char& c : value) c = static_cast<char>(random.below(256));
      TableEntry entry{.kind = TableEntry::Kind::value, .sequence = 1};
      entry.value = value;
      REQUIRE(writer.add(tree_key(make_bucket_id(1, 1), "key:" + std::to_string(100'000 + i)), entry).is_ok());
    }
    REQUIRE(writer.finish().is_ok());
    REQUIRE(files.sync_directory("/").is_ok());
    auto opened = Table::open(files, path, number);
    REQUIRE(opened.is_ok());
    table = std::move(opened).value();
    for (const Table::Section& section : table->sections()) {
      auto partition = table->read_block(section.partition);
      REQUIRE(partition.is_ok());
      PartitionView view;
      REQUIRE(view.open(*partition));
      for (uint32_t block = 0; block < view.blocks(); ++block)
        all.push_back({view.handle(block, section.offset), section.partition.offset});
    }
    REQUIRE(all.size() > 1000);
  }

  SimulatedFileSystem files;
  std::shared_ptr<const Table> table;
  std::vector<At> all;
};

struct Reader {
  // As it is read by itself.
  void check(const Blocks& of, const Blocks::At& at) {
    ReadAhead::Cost once;
    auto got = ahead.read(*of.table, at.handle, at.end, once);
    REQUIRE(got.is_ok());
    auto alone = of.table->read_block(at.handle);
    REQUIRE(alone.is_ok());
    REQUIRE(*got == *alone);
    cost.reads += once.reads;
    cost.bytes += once.bytes;
  }
  ReadAhead ahead;
  ReadAhead::Cost cost;
};

}  // namespace

TEST_CASE("blocks in order are what they are by themselves, however near they are") {
  const auto one_in = GENERATE(1u, 2u, 5u, 20u, 100u);
  INFO("one block in " << one_in);
  const Blocks blocks(7);
  Random random(one_in);
  Reader reader;
  for (const Blocks::At& at : blocks.all)
    if (random.one_in(one_in)) reader.check(blocks, at);
  REQUIRE(reader.cost.reads > 0);
}

TEST_CASE("blocks near each other are read together") {
  const Blocks blocks(7);
  Reader reader;
  for (size_t i = 0; i < blocks.all.size(); i += 3) reader.check(blocks, blocks.all[i]);
  // A section is not larger than a window; at first it is not known that there is a pattern.
  REQUIRE(reader.cost.reads <= blocks.table->sections().size() + 8);
  REQUIRE(reader.cost.bytes <= blocks.table->file_bytes());
}

TEST_CASE("a chance neighbour does not have much read that nobody wants") {
  const auto mean_kb = GENERATE(16u, 32u, 64u, 128u, 256u);
  INFO("a block each " << mean_kb << " KB");
  const Blocks blocks(7);
  Random random(mean_kb);
  Reader reader;
  uint64_t asked = 0, bytes = 0;
  for (int pass = 0; pass < 20; ++pass)
    for (const Blocks::At& at : blocks.all) {
      if (!random.one_in(mean_kb)) continue;  // a block is about 1 KB
      reader.check(blocks, at);
      ++asked;
      bytes += at.handle.end() - at.handle.offset;
    }
  REQUIRE(reader.cost.reads <= asked);
  REQUIRE(reader.cost.bytes <= 16 * bytes);
  if (mean_kb >= 64) REQUIRE(reader.cost.bytes <= 2 * bytes);
}

TEST_CASE("blocks far from each other are read alone") {
  const Blocks blocks(7);
  Reader reader;
  uint64_t asked = 0, bytes = 0;
  const BlockHandle* before = nullptr;
  for (const Blocks::At& at : blocks.all) {
    if (before && at.handle.offset <= before->end() + static_cast<uint64_t>(ReadAhead::near_bytes)) continue;
    reader.check(blocks, at);
    before = &at.handle;
    ++asked;
    bytes += at.handle.end() - at.handle.offset;
  }
  REQUIRE(reader.cost.reads == asked);
  REQUIRE(reader.cost.bytes == bytes);
}

TEST_CASE("one reader may go from table to table, and back") {
  const Blocks first(7, 1), second(8, 2);
  Reader reader;
  for (size_t i = 0; i < 100; ++i) {
    reader.check(first, first.all[i]);
    reader.check(first, first.all[i + 1]);
    reader.check(second, second.all[i]);
    reader.check(first, first.all[i / 2]);
  }
}

TEST_CASE("what cannot be read behind a block does not keep it from being read") {
  Blocks blocks(7);
  Reader reader;
  // Until one is read with others; then the first of another section.
  size_t at = 0;
  while (reader.cost.reads == at) reader.check(blocks, blocks.all[at++]);
  while (reader.ahead.holds(*blocks.table, blocks.all[at].handle)) reader.check(blocks, blocks.all[at++]);
  const Blocks::At& wanted = blocks.all[at];
  blocks.files.inject({.call = SimulatedFileSystem::Call::read, .nth = 1});
  ReadAhead::Cost cost;
  auto got = reader.ahead.read(*blocks.table, wanted.handle, wanted.end, cost);
  REQUIRE(got.is_ok());
  REQUIRE(cost.reads == 1);
  REQUIRE(cost.bytes == wanted.handle.end() - wanted.handle.offset);
  blocks.files.clear_faults();
  reader.check(blocks, wanted);
  reader.check(blocks, blocks.all[at + 1]);
}

TEST_CASE("a block that cannot be read is told, and read again when it can") {
  Blocks blocks(7);
  Reader reader;
  ReadAhead::Cost cost;
  reader.check(blocks, blocks.all[0]);
  blocks.files.inject({.call = SimulatedFileSystem::Call::read, .nth = 1, .persistent = true});
  auto failed = reader.ahead.read(*blocks.table, blocks.all[1].handle, blocks.all[1].end, cost);
  REQUIRE(failed.status().kind() == ErrorKind::io);
  REQUIRE(cost.reads == 0);
  blocks.files.clear_faults();
  reader.check(blocks, blocks.all[1]);
  reader.check(blocks, blocks.all[0]);
}

TEST_CASE("a damaged block does not harm its neighbours in the window") {
  Blocks blocks(7);
  const uint64_t damaged_at = blocks.all[5].handle.offset;
  Reader reader;
  ReadAhead::Cost cost;
  BlockHandle wrong = blocks.all[5].handle;
  --wrong.stored_bytes;  // its checksum does not fit any more
  for (size_t i = 0; i < 10; ++i) {
    if (i != 5) {
      reader.check(blocks, blocks.all[i]);
      continue;
    }
    auto got = reader.ahead.read(*blocks.table, wrong, blocks.all[i].end, cost);
    REQUIRE(got.status().kind() == ErrorKind::corruption);
    REQUIRE(got.status().to_string().find(std::to_string(damaged_at)) != std::string::npos);
  }
}

}  // namespace sett::storage
