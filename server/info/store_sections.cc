#include <algorithm>
#include <string>

#include "protocol/number_text.h"
#include "server/event_loop.h"
#include "server/info/sections.h"
#include "server/info/snapshots.h"
#include "server/printable.h"
#include "server/services.h"

namespace sett::server {
namespace {

constexpr int64_t ms_per_second = 1000;

void write_loading(const InfoSource& source, InfoText& text) {
  const bool loading = !source.services.stores.ready();
  text.field("loading", loading ? 1 : 0);
  text.field("async_loading", 0);
  if (!loading) return;
  const double done = std::clamp(source.services.stores.progress(), 0.0, 1.0);
  const double elapsed_s =
      static_cast<double>(std::max<int64_t>(0, source.wall_ms - source.services.facts.started_ms)) / ms_per_second;
  // Clients sleep for so long: never 0, and 1 as long as nothing is known.
  const double left_s = done > 0 ? elapsed_s * (1 - done) / done : 1;
  text.field("loading_start_time", source.services.facts.started_ms / ms_per_second);
  text.decimal("loading_loaded_perc", done * 100, 2);
  text.field("loading_eta_seconds", std::max<int64_t>(1, static_cast<int64_t>(left_s)));
}

// All durable stores as one.
struct LogTotal {
  bool is_kept = false, failed = false, disk_full = false;
  uint64_t bytes = 0, segments = 0, unsynced_bytes = 0, cut_tail_bytes = 0, syncs = 0, delayed_syncs = 0;
  int64_t last_sync_us = 0;
  std::string failure;
};

LogTotal sum_of_logs(const StoreSet& stores) {
  LogTotal total;
  if (!stores.ready()) return total;
  for (const auto& store : stores.stores()) {
    if (!store->capabilities().durable) continue;
    const storage::StoreStats stats = store->stats();
    total.is_kept = true;
    total.failed = total.failed || store->journal().failed();
    total.disk_full = total.disk_full || stats.disk_full;
    total.bytes += stats.log.bytes;
    total.segments += stats.log.segments;
    total.unsynced_bytes += stats.log.unsynced_bytes;
    total.cut_tail_bytes += stats.recovery.cut_bytes;
    total.syncs += stats.log.syncs;
    total.delayed_syncs += stats.log.delayed_syncs;
    total.last_sync_us = std::max(total.last_sync_us, stats.log.last_sync_us);
    if (total.failure.empty()) total.failure = stats.failure;
  }
  return total;
}

}  // namespace

void write_persistence_section(const InfoSource& source, InfoText& text) {
  const SnapshotState snapshots = snapshot_state(source.services);
  const LogTotal log = sum_of_logs(source.services.stores);
  text.section("Persistence");
  write_loading(source, text);
  text.field("rdb_changes_since_last_save", snapshots.changes);
  text.field("rdb_bgsave_in_progress", snapshots.running ? 1 : 0);
  text.field("rdb_last_save_time", snapshots.last_ms / ms_per_second);
  text.field("rdb_last_bgsave_status", snapshots.failed ? "err" : "ok");
  text.field("rdb_last_bgsave_time_sec",
             snapshots.last_duration_ms < 0 ? -1 : snapshots.last_duration_ms / ms_per_second);
  text.field("rdb_current_bgsave_time_sec", snapshots.running ? 0 : -1);
  text.field("aof_enabled", log.is_kept ? 1 : 0);
  text.field("aof_rewrite_in_progress", 0);
  text.field("aof_rewrite_scheduled", 0);
  text.field("aof_last_bgrewrite_status", "ok");
  text.field("aof_last_write_status", log.failed || log.disk_full ? "err" : "ok");
  if (log.is_kept) {
    text.field("aof_current_size", log.bytes);
    text.field("aof_pending_bio_fsync", log.unsynced_bytes > 0 ? 1 : 0);
    text.field("aof_delayed_fsync", log.delayed_syncs);
  }
  if (source.services.stores.ready()) {
    const storage::Backups::State backup = source.services.stores.backups().state();
    text.field("backup_in_progress", backup.is_running ? 1 : 0);
    text.field("backup_last_ms", backup.last_ms);
    text.field("backup_last_status", backup.failed ? "err" : "ok");
    text.field("backup_bytes", backup.bytes);
  }
  text.field("sett_wal_bytes", log.bytes);
  text.field("sett_wal_segments", log.segments);
  text.field("sett_wal_unsynced_bytes", log.unsynced_bytes);
  text.field("sett_wal_cut_tail_bytes", log.cut_tail_bytes);
  text.field("sett_wal_syncs", log.syncs);
  text.field("sett_wal_last_sync_usec", log.last_sync_us);
  text.field("sett_disk_state", log.failed ? "failed" : log.disk_full ? "full" : "ok");
  if (!log.failure.empty()) text.field("sett_disk_failure", log.failure);
}

// Only where there is such a store.
void write_badger_section(const InfoSource& source, InfoText& text) {
  if (!source.services.stores.ready()) return;
  for (const auto& store : source.services.stores.stores()) {
    if (store->backend() != "badger") continue;
    text.section("Badger");
    store->figures([&text](std::string_view name, uint64_t value) { text.field(name, value); });
  }
}

// Numbered buckets are the dbN that clients know. A named one stands behind them, at an N that its id and its backend
// give, with its name at the end of the line.
void write_keyspace_section(const InfoSource& source, InfoText& text) {
  text.section("Keyspace");
  if (!source.buckets) return;
  const int64_t databases = source.services.options.get()->server.databases;
  struct Line {
    int64_t number;
    std::string text;
  };
  std::vector<Line> lines;
  int64_t next_named = databases;
  for (const BucketTotal& bucket : *source.buckets) {
    const auto number = protocol::parse_int64(bucket.name);
    const bool is_numbered = number && *number >= 0 && *number < databases;
    const int64_t shown = is_numbered ? *number : next_named++;
    if (bucket.usage.keys == 0) continue;
    const storage::BucketUsage& usage = bucket.usage;
    const int64_t average_ms =
        usage.expires_in_count == 0 ? 0 : usage.expires_in_sum_ms / static_cast<int64_t>(usage.expires_in_count);
    std::string line = "keys=" + std::to_string(usage.keys) + ",expires=" + std::to_string(usage.expiring_keys) +
                       ",avg_ttl=" + std::to_string(average_ms);
    if (!is_numbered) line += ",name=" + printable(bucket.name, ",=");
    lines.push_back({shown, std::move(line)});
  }
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.number < b.number; });
  for (const Line& line : lines) text.field("db" + std::to_string(line.number), line.text);
}

}  // namespace sett::server
