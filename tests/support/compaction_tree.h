#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/io/simulated_file_system.h"
#include "storage/lsm/compaction_job.h"
#include "storage/lsm/tree_reader.h"
#include "storage/table/table_scanner.h"

namespace sett::storage {

// What an entry says, its bytes its own.
struct Said {
  TableEntry::Kind kind = TableEntry::Kind::tombstone;
  Sequence sequence = 0;
  int64_t expires_at_ms = 0;
  std::string value;
  ValuePointer pointer;
  friend bool operator==(const Said&, const Said&) = default;
};
using Entries = std::map<std::string, Said>;

inline Said value_of(Sequence sequence, std::string value, int64_t expires_at_ms = 0) {
  return {TableEntry::Kind::value, sequence, expires_at_ms, std::move(value), {}};
}
inline Said tombstone_of(Sequence sequence) {
  return {.sequence = sequence};
}

inline TableEntry entry_of(const Said& said) {
  return {.kind = said.kind,
          .sequence = said.sequence,
          .expires_at_ms = said.expires_at_ms,
          .value = said.value,
          .log_file = said.pointer.file,
          .log_offset = said.pointer.offset,
          .value_bytes = said.pointer.value_bytes};
}
inline Said said_by(const TableEntry& entry) {
  Said said{entry.kind, entry.sequence, entry.expires_at_ms, std::string(entry.value), {}};
  if (entry.kind == TableEntry::Kind::pointer) said.pointer = pointer_of(entry);
  return said;
}

// A tree on a simulated disk, its tables made by hand. Needs the Catch2 test around it.
struct CompactionTree {
  explicit CompactionTree(bool by_bucket = false)
      : versions(files, {"/db", "/db/tables", "/db/values", by_bucket}, {}, std::make_shared<const Version>()) {
    REQUIRE(files.create_directories("/db/tables").is_ok());
    REQUIRE(files.create_directories("/db/values").is_ok());
  }

  TableFilePtr table(const Entries& entries) {
    auto made = versions.create_table(entries.begin()->first).value();
    const uint64_t number = made.number;
    TableWriter writer(std::move(made.file), number, number, table_options);
    for (const auto& [key, said] : entries) REQUIRE(writer.add(key, entry_of(said)).is_ok());
    REQUIRE(writer.finish().is_ok());
    REQUIRE(files.sync_directory(parent_path(made.path)).is_ok());
    return std::make_shared<const TableFile>(made.path, table_meta(writer.properties(), number, writer.file_bytes()));
  }
  TableFilePtr add(int level, const Entries& entries) {
    TableFilePtr added = table(entries);
    REQUIRE(versions.apply({.added_tables = {{level, added}}}).is_ok());
    return added;
  }

  CompactionInput input(CompactionPlan plan) const {
    return {.plan = std::move(plan),
            .version = versions.current(),
            .is_dead = [dead = dead](BucketId bucket) { return dead.contains(bucket); },
            .passed_ms = passed_ms,
            .throttle = {}};
  }
  // Of whole levels.
  CompactionInput input(int from, int to) const {
    const VersionPtr version = versions.current();
    return input({.from_level = from,
                  .to_level = to,
                  .inputs = version->level(from),
                  .targets = from == to ? Version::Tables() : version->level(to)});
  }
  CompactionTools tools() { return {files, versions, table_options, table_bytes, 7}; }

  Entries read(const TableMeta& meta) {
    Entries entries;
    const auto file = std::make_shared<const TableFile>(versions.table_path(meta.number, meta.smallest), meta);
    const auto open = open_shared(files, file);
    REQUIRE(open.is_ok());
    TableScanner scanner(open.value());
    REQUIRE(scanner.seek_first().is_ok());
    while (scanner.valid()) {
      entries.emplace(scanner.key(), said_by(scanner.entry()));
      REQUIRE(scanner.next().is_ok());
    }
    REQUIRE(entries.size() == meta.entries);
    return entries;
  }
  std::vector<Entries> merged(const CompactionInput& compaction) {
    const auto outputs = run_compaction(tools(), compaction);
    REQUIRE(outputs.is_ok());
    std::vector<Entries> all;
    for (const TableMeta& meta : outputs.value()) all.push_back(read(meta));
    return all;
  }
  std::vector<std::string> table_names() { return files.list("/db/tables").value(); }

  SimulatedFileSystem files;
  VersionSet versions;
  TableOptions table_options{.block_bytes = 100};
  uint64_t table_bytes = 1u << 20;
  std::set<BucketId> dead;
  int64_t passed_ms = 0;
};

}  // namespace sett::storage
