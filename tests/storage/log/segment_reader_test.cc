#include "storage/log/segment_reader.h"

#include <catch2/catch.hpp>

#include "tests/support/log_harness.h"

namespace sett::storage {

using namespace log_format;

TEST_CASE("behind a damaged byte the next whole chunk is found, and all that follow", "[log][tools]") {
  LogHarness with;
  REQUIRE(with.open());
  for (uint64_t i = 1; i <= 60; ++i) REQUIRE(with.put(record_of(i, 300 + i * 7)));
  REQUIRE(with.log->close());
  const std::string path = with.path(with.segments().front());
  const std::string bytes = with.files->content(path);
  const auto sequences = [&] {
    std::vector<Sequence> found;
    auto file = with.files->open(path);
    SegmentReader reader(**file, get_segment_header(bytes.data()), UINT64_MAX);
    auto step = reader.next();
    while (step && step->kind != SegmentReader::Step::Kind::end) {
      if (step->kind == SegmentReader::Step::Kind::chunk && step->chunk.kind == ChunkKind::full)
        found.push_back(get_fixed<Sequence>(step->chunk.payload.data()));
      step = step->kind == SegmentReader::Step::Kind::bad ? reader.resume(step->offset) : reader.next();
    }
    REQUIRE(step);
    return found;
  };
  const auto all = sequences();
  REQUIRE(all.size() > 40);
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    const uint64_t at = segment_header_bytes + random.below(bytes.size() - segment_header_bytes);
    INFO("byte " << at);
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 + random.below(255)));
    with.files->set_content(path, damaged);
    const auto found = sequences();
    CHECK(found.size() + 1 >= all.size());
    CHECK(std::includes(all.begin(), all.end(), found.begin(), found.end()));
  }
}

}  // namespace sett::storage
