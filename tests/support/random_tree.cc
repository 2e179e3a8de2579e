#include "tests/support/random_tree.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "storage/keys/tree_key.h"
#include "storage/table/table_writer.h"
#include "storage/vlog/vlog_writer.h"

namespace sett::storage {

namespace {

class TreeMaker {
 public:
  TreeMaker(SimulatedFileSystem& files, const std::string& directory, Random& random) : files_(files), random_(random) {
    REQUIRE(files.create_directories(directory).is_ok());
    tree_.directory = directory;
    tree_.value_log = 1;
    tree_.keys_max = 20 + random.below(400);
    options_.block_bytes = random.one_in(3) ? 1 : 50 + random.below(400);  // 1: a block for each entry
    options_.compression = random.one_in(2) ? table_format::Compression::lz4 : table_format::Compression::none;
    auto log = VlogWriter::begin(files.create(join_path(directory, vlog_file_name(tree_.value_log))).value(),
                                 tree_.value_log, random.next());
    REQUIRE(log.is_ok());
    log_ = std::move(log).value();
  }

  RandomTree make() {
    std::vector<Version::Tables> levels(levels_max);
    for (size_t level = levels_max - 1; level > 0; --level)
      if (!random_.one_in(3)) levels[level] = make_level(1 + random_.below(5));
    for (uint64_t left = random_.below(5); left > 0; --left) {
      const Version::Tables one = make_level(1);
      levels[0].insert(levels[0].begin(), one.begin(), one.end());
    }
    REQUIRE(log_->sync().is_ok());
    tree_.version = Version::make(std::move(levels));
    return std::move(tree_);
  }

 private:
  // Keys and entries newer than all before, cut into so many tables or fewer.
  Version::Tables make_level(uint64_t tables_max) {
    std::set<uint64_t> places;
    const uint64_t first = random_.below(tree_.keys_max), count = 1 + random_.below(tree_.keys_max - first);
    for (uint64_t place = first; place < first + count; ++place)
      if (!random_.one_in(3)) places.insert(place);
    places.insert(first);
    Version::Tables tables;
    std::vector<uint64_t> rest(places.begin(), places.end());
    while (!rest.empty()) {
      const auto size =
          static_cast<int64_t>(tables.size() + 1 == tables_max ? rest.size() : 1 + random_.below(rest.size()));
      tables.push_back(make_table({rest.begin(), rest.begin() + size}));
      rest.erase(rest.begin(), rest.begin() + size);
    }
    return tables;
  }

  TableFilePtr make_table(const std::vector<uint64_t>& places) {
    const uint64_t number = ++last_number_;
    const std::string path = join_path(tree_.directory, table_file_name(number));
    TableWriter writer(files_.create(path).value(), number, random_.next(), options_);
    for (const uint64_t place : places) {
      const std::string key = random_tree_key(place);
      REQUIRE(writer.add(key, make_entry(key)).is_ok());
    }
    REQUIRE(writer.finish().is_ok());
    tree_.table_paths.push_back(path);
    return std::make_shared<const TableFile>(path, table_meta(writer.properties(), number, writer.file_bytes()));
  }

  TableEntry make_entry(const std::string& key) {
    RandomTree::Newest& newest = tree_.newest[key];
    newest = {.kind = static_cast<TableEntry::Kind>(1 + random_.below(3)), .sequence = ++last_sequence_};
    if (newest.kind != TableEntry::Kind::tombstone) {
      newest.expires_at_ms = random_.one_in(4) ? static_cast<int64_t>(1 + random_.below(1000)) : 0;
      newest.value.resize(random_.one_in(20) ? random_.below(2000) : random_.below(60));
      for (char& byte : newest.value) byte = static_cast<char>(random_.one_in(2) ? 'x' : random_.next());
    }
    TableEntry entry{
        .kind = newest.kind, .sequence = newest.sequence, .expires_at_ms = newest.expires_at_ms, .value = {}};
    if (newest.kind == TableEntry::Kind::value) entry.value = newest.value;
    if (newest.kind == TableEntry::Kind::pointer) {
      newest.pointer = {tree_.value_log, log_->append(key, newest.value, newest.sequence).value(), newest.value.size()};
      entry.log_file = newest.pointer.file;
      entry.log_offset = newest.pointer.offset;
      entry.value_bytes = newest.pointer.value_bytes;
    }
    return entry;
  }

  SimulatedFileSystem& files_;
  Random& random_;
  RandomTree tree_;
  TableOptions options_;
  std::unique_ptr<VlogWriter> log_;
  uint64_t last_number_ = 1;  // that of the value log
  Sequence last_sequence_ = 0;
};

}  // namespace

// A hundred to a bucket, of different lengths.
std::string random_tree_key(uint64_t at) {
  const std::string digits = std::to_string(1000 + at);
  return tree_key(make_bucket_id(1 + at / 100, 0), digits + std::string(at % 4, 'k'));
}

RandomTree make_random_tree(SimulatedFileSystem& files, const std::string& directory, Random& random) {
  return TreeMaker(files, directory, random).make();
}

bool is_same(const TableEntry& entry, const RandomTree::Newest& newest) {
  if (entry.kind != newest.kind || entry.sequence != newest.sequence || entry.expires_at_ms != newest.expires_at_ms)
    return false;
  switch (entry.kind) {
    case TableEntry::Kind::value:
      return entry.value == newest.value;
    case TableEntry::Kind::pointer:
      return ValuePointer{entry.log_file, entry.log_offset, entry.value_bytes} == newest.pointer;
    case TableEntry::Kind::tombstone:
      return true;
  }
  return false;
}

}  // namespace sett::storage
