#include "storage/lsm/tree_iterator.h"

#include <catch2/catch.hpp>

#include "tests/support/random_tree.h"

namespace sett::storage {
namespace {

using State = TreeIterator::State;
using Call = SimulatedFileSystem::Call;

struct Fixture {
  explicit Fixture(uint64_t seed, uint64_t cache_bytes)
      : random(seed),
        tree(make_random_tree(files, "/db", random)),
        cache(cache_bytes),
        value_logs(files, "/db"),
        reader(files, cache, value_logs) {}

  TreeIterator iterator(Access access, Pins* pins = nullptr) const { return {reader, tree.version, access, pins}; }
  // Somewhere among the keys, on one of them or beside it.
  std::string some_key() {
    std::string key = random_tree_key(random.below(tree.keys_max + 2));
    if (random.one_in(3)) key += '\0';
    if (random.one_in(3)) key.pop_back();
    return key;
  }

  SimulatedFileSystem files;
  Random random;
  RandomTree tree;
  BlockCache cache;
  VlogFiles value_logs;
  TreeReader reader;
};

// The iterator stands where the model does.
template <typename Iterator>
void check_at(const TreeIterator& iterator, const Iterator& expected) {
  REQUIRE(iterator.state() == State::at_entry);
  REQUIRE(iterator.key() == expected->first);
  REQUIRE(is_same(iterator.entry(), expected->second));
}

// From memory; what is missing is loaded by another iterator, as a command and its fetch do. Each key takes one try
// more at most.
class PatientIterator {
 public:
  PatientIterator(Fixture& fixture, bool forward)
      : fixture_(fixture), forward_(forward), memory_(fixture.iterator(Access::memory_only)) {}

  void seek(const std::string& key) {
    if (go_to(memory_, key) != State::missing) return;
    Pins pins;
    TreeIterator loading = fixture_.iterator(Access::load, &pins);
    REQUIRE(go_to(loading, key) != State::missing);
    fixture_.cache.set_capacity(fixture_.random.below(3000));
    ++loads_;
    REQUIRE(go_to(memory_, key) != State::missing);
  }
  void move_on() {
    std::string key(memory_.key());
    if ((forward_ ? memory_.next() : memory_.prev()) != State::missing) return;
    if (forward_) key += '\0';
    seek(key);
  }
  const TreeIterator& at() const { return memory_; }
  int loads() const { return loads_; }

 private:
  State go_to(TreeIterator& iterator, const std::string& key) const {
    return forward_ ? iterator.seek(key) : iterator.seek_before(key);
  }
  Fixture& fixture_;
  const bool forward_;
  TreeIterator memory_;
  int loads_ = 0;
};

}  // namespace

TEST_CASE("an iterator shows each key once, with its newest entry, from any place on and either way") {
  const auto seed = GENERATE(range(1u, 41u));
  INFO("seed " << seed);
  Fixture fixture(seed, seed % 2 ? 0 : 8000);
  const auto& model = fixture.tree.newest;
  TreeIterator iterator = fixture.iterator(Access::load);
  CHECK(iterator.state() == State::end);
  for (int i = 0; i < 10; ++i) {
    const std::string from = i == 0 ? std::string() : fixture.some_key();
    iterator.seek(from);
    for (auto expected = model.lower_bound(from); expected != model.end(); ++expected) {
      check_at(iterator, expected);
      if (i > 0 && fixture.random.one_in(60)) break;  // and seeks again in the middle
      iterator.next();
      if (std::next(expected) == model.end()) REQUIRE(iterator.state() == State::end);
    }
    const std::string to = i == 0 ? std::string(20, '\xff') : fixture.some_key();
    iterator.seek_before(to);
    for (auto expected = model.lower_bound(to); expected != model.begin();) {
      check_at(iterator, --expected);
      if (i > 0 && fixture.random.one_in(60)) break;
      iterator.prev();
      if (expected == model.begin()) REQUIRE(iterator.state() == State::end);
    }
  }
}

TEST_CASE("an iterator over no tables, before the first key and behind the last one is at its end") {
  Fixture fixture(1, 0);
  TreeIterator empty(fixture.reader, std::make_shared<const Version>(), Access::load);
  CHECK(empty.seek("bucket:8a") == State::end);
  CHECK(empty.seek_before("bucket:8a") == State::end);
  TreeIterator iterator = fixture.iterator(Access::load);
  CHECK(iterator.seek(fixture.tree.newest.rbegin()->first + '\0') == State::end);
  CHECK(iterator.seek_before(fixture.tree.newest.begin()->first) == State::end);
  CHECK(iterator.status().is_ok());
}

TEST_CASE("from memory an iterator tells what is missing, and goes on when that was loaded") {
  const auto seed = GENERATE(range(1u, 31u));
  INFO("seed " << seed);
  Fixture fixture(seed, seed % 3 * 4000);
  const auto& model = fixture.tree.newest;
  PatientIterator forward(fixture, true);
  forward.seek({});
  for (auto expected = model.begin(); expected != model.end(); ++expected) {
    check_at(forward.at(), expected);
    forward.move_on();
  }
  REQUIRE(forward.at().state() == State::end);
  PatientIterator backward(fixture, false);
  backward.seek(std::string(20, '\xff'));
  for (auto expected = model.rbegin(); expected != model.rend(); ++expected) {
    check_at(backward.at(), expected);
    backward.move_on();
  }
  REQUIRE(backward.at().state() == State::end);
  CHECK(forward.loads() > 0);
}

TEST_CASE("steps that were loaded and kept are taken again from memory without a read") {
  const auto seed = GENERATE(range(1u, 11u));
  INFO("seed " << seed);
  Fixture fixture(seed, 0);
  Pins pins;
  const auto walk = [&](Access access, const std::string& from, Pins* kept) {
    std::vector<std::string> keys;
    TreeIterator iterator = fixture.iterator(access, kept);
    for (iterator.seek(from); iterator.state() == State::at_entry && keys.size() < 50; iterator.next())
      keys.emplace_back(iterator.key());
    REQUIRE((iterator.state() == State::at_entry || iterator.state() == State::end));
    for (iterator.seek_before(from); iterator.state() == State::at_entry && keys.size() < 100; iterator.prev())
      keys.emplace_back(iterator.key());
    REQUIRE((iterator.state() == State::at_entry || iterator.state() == State::end));
    return keys;
  };
  for (int i = 0; i < 10; ++i) {
    const std::string from = fixture.some_key();
    const auto loaded = walk(Access::load, from, &pins);
    fixture.cache.set_capacity(0);
    fixture.files.inject({.call = Call::read, .persistent = true});
    REQUIRE(walk(Access::memory_only, from, nullptr) == loaded);
    fixture.files.clear_faults();
    pins.clear();
  }
}

TEST_CASE("an iterator keeps its version and its blocks") {
  Fixture fixture(2, 0);
  TreeIterator iterator = fixture.iterator(Access::load);
  iterator.seek({});
  fixture.tree.version = nullptr;
  fixture.cache.set_capacity(0);
  fixture.files.inject({.call = Call::read, .nth = 20, .persistent = true});
  auto expected = fixture.tree.newest.begin();
  for (; iterator.state() == State::at_entry; ++expected) {
    check_at(iterator, expected);
    iterator.next();
  }
  CHECK(iterator.state() == State::failed);
  CHECK(iterator.status().kind() == ErrorKind::io);
  fixture.files.clear_faults();
  iterator.seek(expected->first);
  CHECK(iterator.status().is_ok());
  for (; expected != fixture.tree.newest.end(); ++expected, iterator.next()) check_at(iterator, expected);
  CHECK(iterator.state() == State::end);
}

TEST_CASE("damage in a table ends an iterator with corruption, wherever it is") {
  const auto seed = GENERATE(range(1u, 31u));
  INFO("seed " << seed);
  Fixture fixture(seed, 0);
  const std::string path = fixture.tree.table_paths[fixture.random.below(fixture.tree.table_paths.size())];
  std::string bytes = fixture.files.content(path);
  const size_t at = fixture.random.below(bytes.size());
  INFO("byte " << at << " of " << path << ", " << bytes.size());
  bytes[at] ^= static_cast<char>(1 << fixture.random.below(8));
  fixture.files.set_content(path, bytes);
  const bool forward = fixture.random.one_in(2);
  TreeIterator iterator = fixture.iterator(Access::load);
  if (forward)
    iterator.seek({});
  else
    iterator.seek_before(std::string(20, '\xff'));
  while (iterator.state() == State::at_entry) {
    REQUIRE(is_same(iterator.entry(), fixture.tree.newest.at(std::string(iterator.key()))));
    if (forward)
      iterator.next();
    else
      iterator.prev();
  }
  REQUIRE(iterator.state() == State::failed);
  const ErrorKind kind = iterator.status().kind();
  REQUIRE((kind == ErrorKind::corruption || kind == ErrorKind::unsupported));
  REQUIRE(iterator.status().to_string().find(path) != std::string::npos);
}

}  // namespace sett::storage
