#include "server/housekeeping.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>

#include "server/descriptor_limit.h"
#include "server/logging.h"
#include "server/process_memory.h"

namespace sett::server {

namespace {
constexpr auto interval = std::chrono::seconds(1);
constexpr int64_t jump_min_ms = 1000;  // less is what clock discipline does all the time
}  // namespace

Housekeeping::Housekeeping(boost::asio::io_context& context, Services& services)
    : services_(services), timer_(context) {}

void Housekeeping::start() {
  wall_ms_ = services_.clock.wall_ms();
  steady_ms_ = memory_ms_ = services_.clock.steady_ms();
  options_version_ = services_.options.version();
  schedule();
}

void Housekeeping::schedule() {
  timer_.expires_after(interval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    look();
    schedule();
  });
}

void Housekeeping::look() {
  look_at_clock();
  look_at_loading();
  look_at_memory();
  look_at_stores();
  if (const uint64_t version = services_.options.version(); version != options_version_) {
    options_version_ = version;
    set_log_level(services_.options.get()->log);
    fit_clients_to_descriptors(services_.options);
  }
}

void Housekeeping::look_at_clock() {
  const int64_t wall_ms = services_.clock.wall_ms();
  const int64_t steady_ms = services_.clock.steady_ms();
  const int64_t jump_ms = (wall_ms - wall_ms_) - (steady_ms - steady_ms_);
  if (std::abs(jump_ms) >= jump_min_ms)
    spdlog::warn("the wall clock jumped by {} ms: keys expire by it; what has expired stays so", jump_ms);
  wall_ms_ = wall_ms;
  steady_ms_ = steady_ms;
}

void Housekeeping::look_at_loading() {
  const double progress = services_.stores.progress();
  if (services_.stores.ready() || progress == progress_) return;
  progress_ = progress;
  spdlog::info("loading: {:.0f} %", progress * 100);
}

void Housekeeping::look_at_memory() {
  if (steady_ms_ - memory_ms_ < services_.options.get()->memory.cleanup_interval_ms) return;
  memory_ms_ = steady_ms_;
  give_back_free_memory();
}

// What somebody has to know who looks at the log in the morning: when it began and when it was over.
void Housekeeping::look_at_stores() {
  if (!services_.stores.ready()) return;
  for (const auto& store : services_.stores.stores()) {
    const storage::StoreStats stats = store->stats();
    const bool is_new = !told_.contains(store.get());
    Told& told = told_[store.get()];
    if (is_new && stats.recovery.cut_bytes > 0)
      spdlog::warn("{}: the log ended in the middle of a write: {} bytes were cut away", store->backend(),
                   stats.recovery.cut_bytes);
    if (stats.disk_full && !told.disk_full)
      spdlog::error(
          "{}: the disk is full: {} has no room for another log file; writes are refused once the last one is "
          "full, reads and deletes go on (on a very small disk a smaller {}.wal_segment_size needs less)",
          store->backend(), stats.full_folder, store->backend());
    if (!stats.disk_full && told.disk_full) spdlog::info("{}: there is room on the disk again", store->backend());
    if (stats.snapshot_failed && !told.snapshot_failed)
      spdlog::error("{}: the snapshot failed; the one before it and the log are kept", store->backend());
    if (!stats.snapshot_failed && told.snapshot_failed) spdlog::info("{}: snapshots succeed again", store->backend());
    if (!stats.failure.empty() && !told.failed) spdlog::critical("{}: {}", store->backend(), stats.failure);
    told = {stats.disk_full, stats.snapshot_failed, !stats.failure.empty()};
  }
}

}  // namespace sett::server
