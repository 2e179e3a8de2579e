#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sett::config {

// What the YAML file, flags and environment say, as plain values; sett.yaml documents each. Durations in milliseconds
// and sizes in bytes unless the name says otherwise. The defaults here are the documented ones.

struct ServerOptions {
  std::vector<std::string> bind{"127.0.0.1", "::1"};  // an address that starts with '-' may be missing on this machine
  int64_t port = 6379;                                // 0: no TCP
  std::string unixsocket;                             // path; empty: none
  int64_t unixsocketperm = 0700;
  int64_t threads = 0;  // 0: one per core
  std::string requirepass;
  std::string requirepass_file;  // read at start; wins over requirepass when set
  bool protected_mode = true;
  int64_t maxclients = 10000;
  int64_t databases = 16;
  int64_t timeout_ms = 0;  // idle clients; 0: never
  int64_t tcp_keepalive_ms = 300000;
  int64_t tcp_backlog = 511;
  int64_t proto_max_bulk_len = 512ll << 20;
  int64_t client_query_buffer_limit = 1ll << 30;
  int64_t client_output_buffer_limit = 1ll << 30;  // replies of one client not yet read by it
  int64_t maxmemory_clients = 2ll << 30;           // requests and replies of all clients together; 0: no limit
  int64_t shutdown_timeout_ms = 10000;
  std::string data_dir = "data";
  std::string backup_dir;  // empty: <data_dir>/backups
};

struct StoreOptions {
  std::string backend = "badger";
  int64_t shards = 0;  // 0: what the data was written with; a new store takes it from the cores
  std::string hash = "xxh3";
  int64_t max_buckets = 4096;
};

struct SimpleKvOptions {
  bool enabled = true;
  std::string path;  // empty: <data_dir>/simple_kv
  bool sync_writes = false;
  int64_t sync_interval_ms = 1000;
  int64_t wal_segment_size = 64ll << 20;
  int64_t snapshot_log_size = 256ll << 20;  // a snapshot begins when the log behind the last one is larger; 0: never
  int64_t snapshot_interval_ms = 3600000;   // ... or older, and anything changed; 0: never
  bool compress_values = false;             // LZ4 for values on disk
};

struct BadgerOptions {
  bool enabled = true;
  std::string path;  // empty: <data_dir>/badger
  bool sync_writes = false;
  bool single_bucket_mode = true;
  bool memory_mode = false;
  int64_t mem_table_size = 10485760;
  int64_t value_log_file_size = 1073741823;
  int64_t value_threshold = 1048576;
  int64_t value_log_max_entries = 1000000;
  int64_t num_mem_tables = 1;
  int64_t num_level0_tables = 1;
  int64_t num_level0_tables_stall = 2;
  bool value_log_gc_enabled = true;
  double value_log_gc_discard_ratio = 0.5;
  int64_t value_log_gc_interval_in_seconds = 120;
  std::string compression = "lz4";  // of tables' blocks; or none
  int64_t block_size = 4096;        // of a table's block before compression
  int64_t filter_bits_per_key = 12;
  int64_t memory_limit = 0;         // of memtables, cache, filters, indexes and buffers; 0: a quarter of what there is
  int64_t cache_size = 0;           // of blocks, filters, indexes and large values; 0: what memory_limit leaves
  int64_t compaction_threads = 1;   // merges at a time
  int64_t background_io_limit = 0;  // bytes a second of merges and collections; 0: none
  int64_t max_disk_size = 0;        // of all files together; 0: as much as there is
  double space_amplification_max = 1.3;
};

struct MemoryOptions {
  bool enabled = true;
  int64_t max_memory = 0;  // 0: no limit
  std::string eviction = "noeviction";
  int64_t cleanup_interval_ms = 300000;
};

struct BucketRule {
  std::string pattern;  // a bucket name, or a glob over names; an exact name wins over globs, the first glob wins
  std::string backend;
};

struct LoggingOptions {
  std::string level = "info";  // trace, debug, info, warn, error, off
  std::string file;            // empty: standard error
};

struct Options {
  ServerOptions server;
  StoreOptions store;
  SimpleKvOptions simple_kv;
  BadgerOptions badger;
  MemoryOptions memory;
  std::vector<BucketRule> buckets;  // in the order of the file
  LoggingOptions log;
};

}  // namespace sett::config
