#include "storage/lsm/part_merger.h"

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>

#include "storage/base/random.h"

namespace sett::storage {

TEST_CASE("parts are merged by key, and what memtables have of one key comes together, the newest first") {
  const auto seed = GENERATE(range(1u, 31u));
  Random random(seed);
  std::vector<std::unique_ptr<Memtable>> parts;
  std::vector<PartMerger::Parts> memtables(1 + random.below(4));
  std::map<std::string, std::vector<Sequence>> wanted;
  Sequence sequence = 1000;  // what comes later here is older
  for (PartMerger::Parts& memtable : memtables) {
    const uint64_t count = 1 + random.below(5);
    for (uint64_t i = 0; i < count; ++i) {
      parts.push_back(std::make_unique<Memtable>());
      memtable.push_back(parts.back().get());
      for (uint64_t place = i; place < 40; place += count) {
        if (random.one_in(2)) continue;
        const std::string key = tree_key(make_bucket_id(1, 0), std::to_string(place));
        parts.back()->put(key, "value", 0, --sequence, {});
        wanted[key].push_back(sequence);
      }
    }
  }
  PartMerger merger(memtables);
  for (const auto& [key, sequences] : wanted) {
    std::vector<Sequence> got;
    for (const MemEntry* entry : merger.next()) {
      CHECK(entry->key() == key);
      got.push_back(entry->sequence());
    }
    CHECK(got == sequences);
  }
  CHECK(merger.next().empty());
  CHECK(merger.next().empty());
}

TEST_CASE("no parts, and parts without an entry, are no keys") {
  const Memtable empty;
  CHECK(PartMerger({}).next().empty());
  CHECK(PartMerger({{}, {&empty, &empty}}).next().empty());
}

}  // namespace sett::storage
