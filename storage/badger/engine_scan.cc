// BadgerEngine going through a bucket in order.
#include <algorithm>
#include <utility>

#include "storage/badger/engine.h"
#include "storage/badger/ordered_walk.h"

namespace sett::storage {

namespace {
EntryView view_of(const BadgerEngine::Found& found) {
  return {.value = found.has_value ? found.value : std::string_view(),
          .value_bytes = found.value_bytes,
          .expires_at_ms = found.expires_at_ms,
          .sequence = found.sequence};
}
}  // namespace

bool BadgerEngine::walk(const Walk& request, const WalkVisitor& visit, std::string& next, std::vector<Need>& needs) {
  OrderedWalk walk(*this, request.bucket, request.now_ms, request.values);
  auto step = request.from_end ? walk.begin_at_end() : walk.begin(request.from, request.backward);
  uint64_t looked_at = 0;
  while (step == OrderedWalk::Step::entry || step == OrderedWalk::Step::passed) {
    ++looked_at;
    if (step == OrderedWalk::Step::entry && !visit(walk.key(), view_of(walk.found()))) return false;
    next.assign(walk.key());
    if (looked_at >= request.entries_max) break;
    step = walk.next();
  }
  if (step == OrderedWalk::Step::end) return false;
  if (step == OrderedWalk::Step::missing && looked_at == 0) {
    needs.push_back(walk.need());
    if (walk.need().part == Part::value) need_values(request, needs);
    return true;
  }
  if (!request.backward) next.push_back('\0');  // on the way back the last key itself is not less than itself
  return true;
}

// The large values of the next entries, so that they are read together.
void BadgerEngine::need_values(const Walk& request, std::vector<Need>& needs) {
  constexpr uint64_t entries_max = 64;
  OrderedWalk walk(*this, request.bucket, request.now_ms, false);
  auto step = request.from_end ? walk.begin_at_end() : walk.begin(request.from, request.backward);
  for (uint64_t looked_at = 0; looked_at < std::min(entries_max, request.entries_max); ++looked_at) {
    if (step != OrderedWalk::Step::entry && step != OrderedWalk::Step::passed) return;
    if (step == OrderedWalk::Step::entry && !walk.found().has_value)
      needs.push_back({request.bucket, std::string(walk.key()), Part::value});
    step = walk.next();
  }
}

uint64_t BadgerEngine::scan(const Scan& scan, const ScanVisitor& visit, std::vector<Need>& needs) {
  std::string from(scan.prefix);
  if (scan.position != 0) {
    // A cursor that is not known begins anew: what is visited twice harms less than what is not visited.
    if (const auto place = cursors_.find(scan.position, scan.bucket); place && *place > from) from = *place;
  }
  OrderedWalk walk(*this, scan.bucket, scan.now_ms, scan.values);
  auto step = walk.begin(from, false);
  std::string last;
  uint64_t looked_at = 0;
  while (step == OrderedWalk::Step::entry || step == OrderedWalk::Step::passed) {
    if (!walk.key().starts_with(scan.prefix)) return 0;
    ++looked_at;
    if (step == OrderedWalk::Step::entry) visit(walk.key(), view_of(walk.found()));
    last.assign(walk.key());
    if (looked_at >= scan.entries_max) break;
    step = walk.next();
  }
  if (step == OrderedWalk::Step::end) return 0;
  if (step == OrderedWalk::Step::missing && looked_at == 0) {
    needs.push_back(walk.need());
    if (walk.need().part == Part::value)
      need_values({.bucket = scan.bucket, .from = from, .entries_max = scan.entries_max, .now_ms = scan.now_ms}, needs);
    return scan.position;
  }
  last.push_back('\0');
  return cursors_.remember(scan.position, scan.bucket, last);
}

// A random place in a random table (the tables by their entries), and from there on some keys further, round the end.
bool BadgerEngine::sample(BucketId bucket, ShardIndex, int64_t now_ms, Random& random, std::string& key,
                          std::vector<Need>& needs) NO_THREAD_SAFETY_ANALYSIS {  // under all locks
  constexpr uint64_t further_max = 1000, looked_at_max = 20000;
  // The draw stays the same until what it needs has been fetched.
  uint64_t draw = 0;
  {
    MutexLock lock(sample_mutex_);
    draw = sample_draw_.value_or(random.next());
    sample_draw_.reset();
  }
  Random drawn(draw);
  const std::string first = tree_key(bucket, {}), behind = tree_key(bucket + 1, {});
  std::string from;
  const Version& version = *shard(0).version;
  if (uint64_t nth = version.entries() > 0 ? drawn.below(version.entries()) : 0; version.entries() > 0) {
    for (int level = 0; level < levels_max && from.empty(); ++level) {
      for (const TableFilePtr& table : version.level(level)) {
        const uint64_t entries = table->meta().entries;
        if (nth >= entries) {
          nth -= entries;
          continue;
        }
        const Table* open = table->find_open();
        if (open && !open->sections().empty()) from = open->sections()[drawn.below(open->sections().size())].separator;
        break;
      }
    }
  }
  if (from < first || from >= behind) from = first;
  int64_t keys = 1;
  if (const auto total = totals_.find(bucket); total != totals_.end()) keys += static_cast<int64_t>(total->second.keys);
  for (const auto& at : shards_) keys += at->active->delta(bucket).keys;
  uint64_t further =
      drawn.below(std::clamp<uint64_t>(static_cast<uint64_t>(std::max<int64_t>(1, keys)), 1, further_max));
  OrderedWalk walk(*this, bucket, now_ms, false);
  auto step = walk.begin(user_key(from), false);
  bool found = false;
  int ends = 0;
  for (uint64_t looked_at = 0; looked_at < looked_at_max; ++looked_at) {
    if (step == OrderedWalk::Step::missing) {
      needs.push_back(walk.need());
      MutexLock lock(sample_mutex_);
      sample_draw_ = draw;
      return false;
    }
    if (step == OrderedWalk::Step::end) {
      if (++ends > 1 && !found) break;  // once from the beginning, and nothing lives
      step = walk.begin({}, false);
      continue;
    }
    if (step == OrderedWalk::Step::entry) {
      found = true;
      key.assign(walk.key());
      if (further-- == 0) return true;
    }
    step = walk.next();
  }
  return found;
}

}  // namespace sett::storage
