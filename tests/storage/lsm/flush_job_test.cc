#include "storage/lsm/flush_job.h"

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "storage/vlog/vlog_writer.h"
#include "tests/support/random_tree.h"

namespace sett::storage {
namespace {

// What a key holds; one that is not in a map of these is absent.
struct Held {
  std::string value;
  int64_t expires_at_ms = 0;
};
using Model = std::map<std::string, Held>;

// A tree of tables, and memtables over it that were sealed one after the other: at random, as an engine could have.
class FlushFixture {
 public:
  explicit FlushFixture(uint64_t seed)
      : random_(seed),
        tree_(make_random_tree(files_, "/db", random_)),
        versions_(files_, {"/db", "/db", "/db"}, {.next_file_number = first_number}, tree_.version),
        value_logs_(files_, "/db"),
        reader_(files_, cache_, value_logs_) {
    for (const auto& [key, newest] : tree_.newest) {
      last_ = std::max(last_, newest.sequence);
      if (newest.kind != TableEntry::Kind::tombstone) now_[key] = {newest.value, newest.expires_at_ms};
    }
    before_ = now_;
    auto log = VlogWriter::begin(files_.create(join_path("/db", vlog_file_name(log_number))).value(), log_number, seed);
    REQUIRE(log.is_ok());
    log_ = std::move(log).value();
  }

  void write_memtables(size_t count) {
    for (; count > 0; --count) {
      below_ = now_;
      auto& parts = memtables_.emplace_back();
      for (int i = 0; i < 2; ++i) parts.push_back(std::make_unique<Memtable>());
      for (uint64_t left = random_.below(3 * tree_.keys_max); left > 0; --left) {
        const uint64_t place = random_.below(tree_.keys_max);
        write(*parts[place % parts.size()], random_tree_key(place));
      }
    }
    REQUIRE(log_->sync().is_ok());
  }

  FlushResult flush_all() {
    FlushInput input{.version = tree_.version, .is_dead = [](BucketId) { return false; }};
    for (auto memtable = memtables_.rbegin(); memtable != memtables_.rend(); ++memtable) {
      PartMerger::Parts& parts = input.memtables.emplace_back();
      for (const auto& part : *memtable) parts.push_back(part.get());
    }
    const FlushTools tools{files_, reader_, versions_, {.block_bytes = 200}, value_threshold, 9};
    auto result = run_flush(tools, input);
    REQUIRE(result.is_ok());
    return std::move(result).value();
  }

  void check_entries(const FlushResult& result) {
    std::vector<Version::Added> added;
    for (const TableMeta& meta : result.tables)
      added.push_back({0, std::make_shared<const TableFile>(versions_.table_path(meta.number, meta.smallest), meta)});
    const VersionPtr version = tree_.version->with({}, added);
    for (uint64_t place = 0; place < tree_.keys_max; ++place) {
      const std::string key = random_tree_key(place);
      INFO("key " << key);
      Pins pins;
      auto found = reader_.get(*version, key, Access::load, pins);
      REQUIRE(found.is_ok());
      const auto held = now_.find(key);
      REQUIRE((found->kind == TreeEntry::Kind::entry) == (held != now_.end()));
      if (held == now_.end()) continue;
      CHECK(found->entry.expires_at_ms == held->second.expires_at_ms);
      CHECK(value_of(key, found->entry, pins) == held->second.value);
      if (const auto wrote = last_write_.find(key); wrote != last_write_.end())
        CHECK(found->entry.sequence == wrote->second);
    }
  }

  void check_counts(const FlushResult& result) {
    std::map<BucketId, std::tuple<int64_t, int64_t, int64_t>> wanted, got;
    const auto count = [&wanted](const Model& model, int64_t sign) {
      for (const auto& [key, held] : model) {
        auto& [keys, bytes, expiring] = wanted[bucket_of(key)];
        keys += sign;
        bytes += sign * static_cast<int64_t>(user_key(key).size() + held.value.size());
        expiring += held.expires_at_ms != 0 ? sign : 0;
      }
    };
    count(now_, 1);
    count(before_, -1);
    for (const auto& [bucket, delta] : result.deltas) got[bucket] = {delta.keys, delta.bytes, delta.expiring};
    for (auto* of : {&wanted, &got})
      std::erase_if(*of, [](const auto& one) { return one.second == std::tuple<int64_t, int64_t, int64_t>(); });
    CHECK(got == wanted);
  }

  // Laid over what was due before they say what is due now.
  void check_due(const FlushResult& result) {
    std::map<std::string, int64_t> wanted, got;
    for (const auto& [key, held] : before_)
      if (held.expires_at_ms != 0) got[key] = held.expires_at_ms;
    for (const auto& [key, held] : now_)
      if (held.expires_at_ms != 0) wanted[key] = held.expires_at_ms;
    for (const DueChange& change : result.due_changes)
      if (!change.is_due) {
        REQUIRE(got[change.tree_key] == change.due_ms);
        got.erase(change.tree_key);
      }
    for (const DueChange& change : result.due_changes)
      if (change.is_due) {
        got[change.tree_key] = change.due_ms;
        CHECK(change.value_bytes == now_[change.tree_key].value.size());
      }
    CHECK(got == wanted);
  }

 private:
  static constexpr uint64_t first_number = 1000, log_number = 999, value_threshold = 100;

  std::string random_value() {
    return std::string(random_.below(random_.one_in(10) ? 300 : 50), static_cast<char>('a' + random_.below(26)));
  }
  int64_t random_expiry() { return random_.one_in(3) ? static_cast<int64_t>(1 + random_.below(1000)) : 0; }
  Prior prior_of(const std::string& key) {
    if (random_.one_in(2)) return {};
    const auto held = below_.find(key);
    if (held == below_.end()) return {Prior::Kind::absent};
    return {Prior::Kind::present, held->second.value.size(), held->second.expires_at_ms};
  }

  // As a commit would: only what is there is changed, and a value above the threshold lies in the value log first.
  void write(Memtable& part, const std::string& key) {
    const Prior below = prior_of(key);
    const auto held = now_.find(key);
    const uint64_t kind = held == now_.end() ? random_.below(2) : random_.below(4);
    const Sequence sequence = ++last_;
    bool is_written = true;
    if (kind == 0) {
      now_[key] = {random_value(), random_expiry()};
      const auto& [value, expires_at_ms] = now_[key];
      if (value.size() <= value_threshold)
        part.put(key, value, expires_at_ms, sequence, below);
      else
        part.put_pointer(key, {log_number, log_->append(key, value, sequence).value(), value.size()}, value,
                         expires_at_ms, sequence, below);
    } else if (kind == 1) {
      is_written = part.remove(key, sequence, below);
      now_.erase(key);
    } else if (kind == 2) {
      held->second.expires_at_ms = random_expiry();
      is_written = part.expire(key, held->second.expires_at_ms, sequence, below);
    } else {
      std::string& value = held->second.value;
      const std::string bytes = random_value();
      const uint64_t offset = random_.below(value.size() + 20);
      value.resize(std::max<uint64_t>(value.size(), offset + bytes.size()));
      value.replace(offset, bytes.size(), bytes);
      is_written = part.splice(key, offset, bytes, value.size(), sequence, below);
    }
    if (is_written) last_write_[key] = sequence;
  }

  std::string value_of(const std::string& key, const TableEntry& entry, Pins& pins) {
    if (entry.kind == TableEntry::Kind::value) return std::string(entry.value);
    auto block = reader_.value(pointer_of(entry), key, Access::load, pins);
    REQUIRE(block.is_ok());
    return **block;
  }

  SimulatedFileSystem files_;
  Random random_;
  RandomTree tree_;
  VersionSet versions_;
  BlockCache cache_{1 << 20};
  VlogFiles value_logs_;
  TreeReader reader_;
  std::unique_ptr<VlogWriter> log_;
  Sequence last_ = 0;
  std::map<std::string, Sequence> last_write_;
  Model before_, below_, now_;  // as of the tables, of the last seal, of all
  std::vector<std::vector<std::unique_ptr<Memtable>>> memtables_;
};

}  // namespace

TEST_CASE("memtables that are flushed together leave of each key the newest, counted against what the tables had") {
  const auto seed = GENERATE(range(1u, 101u));
  INFO("seed " << seed);
  FlushFixture fixture(seed);
  fixture.write_memtables(1 + seed % 4);
  const FlushResult result = fixture.flush_all();
  fixture.check_entries(result);
  fixture.check_counts(result);
  fixture.check_due(result);
}

}  // namespace sett::storage
