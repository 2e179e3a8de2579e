#include "storage/memtable/mem_entry.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/random.h"

namespace sett::storage {
namespace {

struct Free {
  void operator()(MemEntry* entry) const { MemEntry::free(entry); }
};
using EntryPtr = std::unique_ptr<MemEntry, Free>;

// What a draft has to say, with bytes of its own.
struct Facts {
  std::string key, value;
  MemEntry::Draft draft;
  MemEntry::Draft with_views() const {
    MemEntry::Draft views = draft;
    views.key = key;
    views.value = value;
    views.value_bytes = value.size();
    return views;
  }
};

std::string random_bytes(Random& random, uint64_t bytes_max) {
  std::string bytes(random.below(bytes_max + 1), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

Facts random_facts(Random& random, const std::string& key) {
  Facts facts{.key = key, .value = random_bytes(random, random.one_in(5) ? 3000 : 60), .draft = {}};
  MemEntry::Draft& draft = facts.draft;
  draft.kind = static_cast<MemEntry::Kind>(random.below(4));
  draft.sequence = random.next();
  draft.prior.kind = static_cast<Prior::Kind>(random.below(3));
  if (draft.prior.kind == Prior::Kind::present)
    draft.prior = {Prior::Kind::present, random.below(1ull << 32),
                   static_cast<int64_t>(random.below(2) * random.below(1 << 30))};
  draft.expires_at_ms = static_cast<int64_t>(random.below(2) * random.below(1ull << 41));
  if (draft.kind == MemEntry::Kind::tombstone) draft.expires_at_ms = 0;
  if (draft.kind == MemEntry::Kind::tombstone) facts.value.clear();
  if (draft.kind == MemEntry::Kind::pointer) draft.pointer = {random.next(), random.next(), facts.value.size()};
  if (draft.kind == MemEntry::Kind::patch) {
    draft.sets_expiry = random.one_in(2);
    if (!draft.sets_expiry) draft.expires_at_ms = 0;
    facts.value.clear();
  }
  if (draft.kind == MemEntry::Kind::patch && random.one_in(2)) draft.new_length = random.next();
  return facts;
}

void check_same(const MemEntry& entry, const Facts& facts) {
  const MemEntry::Draft& draft = facts.draft;
  CHECK(entry.kind() == draft.kind);
  CHECK(entry.key() == facts.key);
  CHECK(entry.sequence() == draft.sequence);
  CHECK(entry.prior() == draft.prior);
  CHECK(entry.expires_at_ms() == draft.expires_at_ms);
  CHECK(entry.sets_expiry() == draft.sets_expiry);
  CHECK(entry.spliced() == draft.new_length.has_value());
  CHECK(entry.new_length() == draft.new_length.value_or(0));
  CHECK(entry.value() == facts.value);
  if (draft.kind == MemEntry::Kind::pointer) CHECK(entry.pointer() == draft.pointer);
  if (entry.has_value()) CHECK(entry.value_bytes() == facts.value.size());
  CHECK(entry.memory_bytes() >= 16 + facts.key.size() + facts.value.size());
}

}  // namespace

TEST_CASE("an entry says what it was made of, also when it is written over in place") {
  const auto seed = GENERATE(range(1u, 9u));
  INFO("seed " << seed);
  Random random(seed);
  int in_place = 0;
  for (int round = 0; round < 200; ++round) {
    const std::string key = random_bytes(random, random.one_in(20) ? 70'000 : 40);
    Facts facts = random_facts(random, key);
    EntryPtr entry(MemEntry::make(facts.with_views(), random.one_in(3) ? random.below(5000) : 0));
    check_same(*entry, facts);
    for (int write = 0; write < 10; ++write) {
      const Facts next = random_facts(random, key);
      if (entry->try_assign(next.with_views())) {
        facts = next;
        ++in_place;
      }
      check_same(*entry, facts);
      const MemEntry::Draft draft = entry->draft();
      entry.reset(MemEntry::make(draft, 0));
      check_same(*entry, facts);
    }
  }
  CHECK(in_place > 100);
}

TEST_CASE("a plain entry costs 16 bytes beside its key and value, 28 where there may be a prior") {
  const std::string key(24, 'k'), value(104, 'v');
  MemEntry::Draft draft{.key = key, .prior = {Prior::Kind::absent}, .value = value, .value_bytes = 104};
  const auto overhead = [&] {
    const EntryPtr entry(MemEntry::make(draft, 0));
    return static_cast<uint64_t>(entry->value().data() - reinterpret_cast<const char*>(entry.get())) - key.size();
  };
  CHECK(overhead() == 16);
  draft.prior.kind = Prior::Kind::unknown;
  CHECK(overhead() == 28);
  draft.prior = {Prior::Kind::present, 7};
  CHECK(overhead() == 28);
  draft.expires_at_ms = 1;
  CHECK(overhead() == 40);
}

TEST_CASE("a large entry takes what comes and goes without being copied") {
  const std::string value(100'000, 'v');
  MemEntry::Draft draft{.key = "k", .value = value, .value_bytes = value.size()};
  const EntryPtr entry(MemEntry::make(draft, 0));
  draft = entry->draft();
  draft.expires_at_ms = 77;
  draft.prior = {Prior::Kind::present, 10, 20};
  REQUIRE(entry->try_assign(draft));
  CHECK(entry->expires_at_ms() == 77);
  CHECK(entry->prior() == draft.prior);
  CHECK((entry->value() == value));
  // It is not kept for little.
  draft.value = draft.value.substr(0, 10);
  draft.value_bytes = 10;
  CHECK_FALSE(entry->try_assign(draft));
  CHECK((entry->value() == value));
  // Unless it has to be.
  REQUIRE(entry->try_assign(draft, true));
  CHECK(entry->value() == std::string(10, 'v'));
}

TEST_CASE("the splices of a patch are laid over one after the other") {
  const auto patched = [](const std::vector<std::tuple<uint64_t, std::string, uint64_t>>& splices, std::string base) {
    std::string payload;
    for (const auto& [offset, bytes, length] : splices) {
      MemEntry::append_splice_head(payload, offset, length, bytes.size());
      payload += bytes;
    }
    const EntryPtr entry(MemEntry::make({.key = "k",
                                         .kind = MemEntry::Kind::patch,
                                         .new_length = std::get<2>(splices.back()),
                                         .value = payload,
                                         .value_bytes = payload.size()},
                                        0));
    entry->lay_over(base);
    return base;
  };
  CHECK(patched({{5, " world", 11}}, "hello") == "hello world");
  CHECK(patched({{7, "x", 8}}, "hello") == std::string("hello\0\0x", 8));
  CHECK(patched({{0, "", 2}, {3, "x", 4}}, "hello") == std::string("he\0x", 4));
  CHECK(patched({{0, "", 0}, {0, "", 3}}, "hello") == std::string(3, '\0'));
  CHECK(patched({{1, "E", 5}, {1, "a", 5}, {0, "H", 4}}, "hello") == "Hall");
}

}  // namespace sett::storage
