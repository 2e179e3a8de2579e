#include "storage/log/log_salvage.h"

#include <catch2/catch.hpp>

#include "tests/support/log_harness.h"

namespace sett::storage {
namespace {

constexpr uint64_t records_all = 120;

std::string record_at(Sequence sequence) {
  return record_of(sequence, sequence % 17 == 0 ? 90'000 : sequence * 37 % 3000);  // some over several segments
}

// Synced, and killed.
void fill(LogHarness& with) {
  REQUIRE(with.open());
  for (Sequence sequence = 1; sequence <= records_all; ++sequence) REQUIRE(with.put(record_at(sequence)));
  with.log->request_sync();
  with.executor.run_ready();
  REQUIRE(with.log->synced() == records_all);
  with.restart_on(with.files->kill());
}

// Each is one of the log's, in order.
std::vector<Sequence> salvage(LogHarness& with, Sequence after = 0) {
  std::vector<Sequence> found;
  LogSalvageVisitor visitor;
  visitor.record = [&](Sequence sequence, std::string_view record) {
    REQUIRE((found.empty() ? after : found.back()) < sequence);
    REQUIRE(record == record_at(sequence));
    found.push_back(sequence);
    return Status();
  };
  REQUIRE(salvage_log(*with.files, with.options.directory, after, visitor));
  return found;
}

}  // namespace

TEST_CASE("log salvage: all of a log that is whole, or what lies behind a record", "[log][log_salvage]") {
  LogHarness with;
  fill(with);
  CHECK(salvage(with).size() == records_all);
  CHECK(salvage(with, 100).size() == records_all - 100);
  CHECK(salvage(with, 100).front() == 101);
}

TEST_CASE("log salvage: a flipped byte costs the record that it is in", "[log][log_salvage]") {
  LogHarness with;
  fill(with);
  Random random(3);
  uint64_t flips = 0, lost = 0;
  for (const std::string& name : with.segments()) {
    const std::string path = with.path(name), whole = with.files->content(path);
    for (int i = 0; i < 25; ++i) {
      const size_t at =
          log_format::segment_header_bytes + random.below(whole.size() - log_format::segment_header_bytes);
      INFO(name << " byte " << at);
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << i % 8));
      with.files->set_content(path, damaged);
      const uint64_t found = salvage(with).size();
      CHECK(found + 2 >= records_all);
      lost += records_all - found;
      ++flips;
    }
    with.files->set_content(path, whole);
  }
  CHECK(lost > flips / 2);
}

TEST_CASE("log salvage: a segment that is lost takes only its own records with it", "[log][log_salvage]") {
  LogHarness with;
  fill(with);
  const auto segments = with.segments();
  REQUIRE(segments.size() > 5);
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::string path = with.path(segments[i]), whole = with.files->content(path);
    const auto header = log_format::get_segment_header(whole.data());
    if (!log_format::is_segment_header(whole)) continue;
    INFO(segments[i]);
    if (i % 2 == 0) {
      REQUIRE(with.files->remove(path));
    } else {
      std::string damaged = whole;
      damaged[20] ^= 1;
      with.files->set_content(path, damaged);
    }
    const auto found = salvage(with);
    CHECK(found.size() < records_all);
    for (Sequence sequence = 1; sequence < header.previous_sequence; ++sequence)
      CHECK(std::find(found.begin(), found.end(), sequence) != found.end());
    if (i + 1 == segments.size()) break;
    const std::string next = with.files->content(with.path(segments[i + 1]));
    if (!log_format::is_segment_header(next)) break;
    for (Sequence sequence = log_format::get_segment_header(next.data()).first_sequence; sequence <= records_all;
         ++sequence)
      CHECK(std::find(found.begin(), found.end(), sequence) != found.end());
    const auto file = with.files->create(path);
    with.files->set_content(path, whole);
  }
}

TEST_CASE("log salvage: the end of a record does not go to the beginning of another", "[log][log_salvage]") {
  LogHarness with;
  fill(with);
  const auto segments = with.segments();
  // Two at a time, so that beginning and end of two records over borders meet.
  for (size_t i = 1; i + 2 < segments.size(); ++i) {
    LogHarness cut;
    cut.files = with.files->kill();
    REQUIRE(cut.files->remove(cut.path(segments[i])));
    REQUIRE(cut.files->remove(cut.path(segments[i + 1])));
    CHECK(salvage(cut).size() < records_all);
  }
}

TEST_CASE("log salvage: the visitor ends it, and a folder that is not there has nothing", "[log][log_salvage]") {
  LogHarness with;
  fill(with);
  LogSalvageVisitor visitor;
  visitor.record = [](Sequence sequence, std::string_view) {
    return sequence < 5 ? Status() : Status::error(ErrorKind::no_space, "enough");
  };
  CHECK(salvage_log(*with.files, with.options.directory, 0, visitor).kind() == ErrorKind::no_space);
  CHECK(salvage_log(*with.files, "/nothing", 0, visitor));
}

}  // namespace sett::storage
