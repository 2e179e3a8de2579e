#include "config/settings_table.h"

#include <array>

namespace sett::config {
namespace {

struct Access {
  Member (*write)(Options&);
  ConstMember (*read)(const Options&);
};

template <auto Section, auto Field>
constexpr Access at{[](Options& options) -> Member { return &(options.*Section.*Field); },
                    [](const Options& options) -> ConstMember { return &(options.*Section.*Field); }};

enum class Change : uint8_t { restart, reload };
constexpr Change restart = Change::restart, reload = Change::reload;

constexpr int64_t kb = 1ll << 10, mb = 1ll << 20, gb = 1ll << 30;
constexpr int64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

constexpr std::array<std::string_view, 3> backends{"badger", "simple_kv", "memory"};
constexpr std::array<std::string_view, 3> hashes{"xxh3", "fnv1a", "crc16"};
constexpr std::array<std::string_view, 2> compressions{"lz4", "none"};
constexpr std::array<std::string_view, 1> evictions{"noeviction"};
constexpr std::array<std::string_view, 6> levels{"trace", "debug", "info", "warn", "error", "off"};
constexpr std::array<std::string_view, 7> sections{"server", "store",   "simple_kv", "badger",
                                                   "memory", "buckets", "log"};

constexpr SettingRow row(std::string_view name, Kind kind, Access access, Change change, int64_t lowest = 0,
                         int64_t highest = 0) {
  return {name, kind, access.write, access.read, change == Change::reload, lowest, highest};
}

constexpr SettingRow one_of(std::string_view name, Access access, Change change,
                            std::span<const std::string_view> choices, Kind kind = Kind::choice) {
  return {name, kind, access.write, access.read, change == Change::reload, 0, 0, choices};
}

template <auto Field>
constexpr Access server = at<&Options::server, Field>;
template <auto Field>
constexpr Access store = at<&Options::store, Field>;
template <auto Field>
constexpr Access simple_kv = at<&Options::simple_kv, Field>;
template <auto Field>
constexpr Access badger = at<&Options::badger, Field>;
template <auto Field>
constexpr Access memory = at<&Options::memory, Field>;
template <auto Field>
constexpr Access log = at<&Options::log, Field>;

using Server = ServerOptions;
using Store = StoreOptions;
using SimpleKv = SimpleKvOptions;
using Badger = BadgerOptions;
using Memory = MemoryOptions;
using Logging = LoggingOptions;

constexpr std::array table{
    row("server.bind", Kind::list, server<&Server::bind>, restart),
    row("server.port", Kind::integer, server<&Server::port>, restart, 0, 65535),
    row("server.unixsocket", Kind::text, server<&Server::unixsocket>, restart),
    row("server.unixsocketperm", Kind::permission, server<&Server::unixsocketperm>, restart, 0, 0777),
    row("server.threads", Kind::integer, server<&Server::threads>, restart, 0, 1024),
    row("server.requirepass", Kind::text, server<&Server::requirepass>, reload),
    row("server.requirepass_file", Kind::text, server<&Server::requirepass_file>, reload),
    row("server.protected_mode", Kind::boolean, server<&Server::protected_mode>, reload),
    row("server.maxclients", Kind::integer, server<&Server::maxclients>, reload, 1, 1000000),
    row("server.databases", Kind::integer, server<&Server::databases>, restart, 1, 65536),
    row("server.timeout", Kind::duration, server<&Server::timeout_ms>, reload, 0, 365 * day),
    row("server.tcp_keepalive", Kind::duration, server<&Server::tcp_keepalive_ms>, reload, 0, day),
    row("server.tcp_backlog", Kind::integer, server<&Server::tcp_backlog>, restart, 1, 65535),
    row("server.proto_max_bulk_len", Kind::size, server<&Server::proto_max_bulk_len>, reload, mb, 2 * gb),
    row("server.client_query_buffer_limit", Kind::size, server<&Server::client_query_buffer_limit>, reload, mb,
        16 * gb),
    row("server.client_output_buffer_limit", Kind::size, server<&Server::client_output_buffer_limit>, reload, mb,
        16 * gb),
    row("server.maxmemory_clients", Kind::size, server<&Server::maxmemory_clients>, reload, 0, 65536 * gb),
    row("server.shutdown_timeout", Kind::duration, server<&Server::shutdown_timeout_ms>, reload, 0, hour),
    row("server.data_dir", Kind::text, server<&Server::data_dir>, restart),
    row("server.backup_dir", Kind::text, server<&Server::backup_dir>, restart),

    one_of("store.backend", store<&Store::backend>, restart, backends, Kind::backend),
    row("store.shards", Kind::integer, store<&Store::shards>, restart, 0, 1024),
    one_of("store.hash", store<&Store::hash>, restart, hashes),
    row("store.max_buckets", Kind::integer, store<&Store::max_buckets>, restart, 1, 32768),

    row("simple_kv.enabled", Kind::boolean, simple_kv<&SimpleKv::enabled>, restart),
    row("simple_kv.path", Kind::text, simple_kv<&SimpleKv::path>, restart),
    row("simple_kv.sync_writes", Kind::boolean, simple_kv<&SimpleKv::sync_writes>, restart),
    row("simple_kv.sync_interval", Kind::duration, simple_kv<&SimpleKv::sync_interval_ms>, restart, 10, minute),
    row("simple_kv.wal_segment_size", Kind::size, simple_kv<&SimpleKv::wal_segment_size>, restart, 64 * kb, 4 * gb),
    row("simple_kv.snapshot_log_size", Kind::size, simple_kv<&SimpleKv::snapshot_log_size>, restart, 0, 1024 * gb),
    row("simple_kv.snapshot_interval", Kind::duration, simple_kv<&SimpleKv::snapshot_interval_ms>, restart, 0,
        30 * day),
    row("simple_kv.compress_values", Kind::boolean, simple_kv<&SimpleKv::compress_values>, restart),

    row("badger.enabled", Kind::boolean, badger<&Badger::enabled>, restart),
    row("badger.path", Kind::text, badger<&Badger::path>, restart),
    row("badger.sync_writes", Kind::boolean, badger<&Badger::sync_writes>, restart),
    row("badger.single_bucket_mode", Kind::boolean, badger<&Badger::single_bucket_mode>, restart),
    row("badger.memory_mode", Kind::boolean, badger<&Badger::memory_mode>, restart),
    row("badger.mem_table_size", Kind::size, badger<&Badger::mem_table_size>, restart, mb, 4 * gb),
    row("badger.value_log_file_size", Kind::size, badger<&Badger::value_log_file_size>, restart, mb, 2 * gb - 1),
    row("badger.value_threshold", Kind::size, badger<&Badger::value_threshold>, restart, 0, 64 * mb),
    row("badger.value_log_max_entries", Kind::integer, badger<&Badger::value_log_max_entries>, restart, 1, 4294967295),
    row("badger.num_mem_tables", Kind::integer, badger<&Badger::num_mem_tables>, restart, 1, 64),
    row("badger.num_level0_tables", Kind::integer, badger<&Badger::num_level0_tables>, restart, 1, 64),
    row("badger.num_level0_tables_stall", Kind::integer, badger<&Badger::num_level0_tables_stall>, restart, 2, 256),
    row("badger.value_log_gc_enabled", Kind::boolean, badger<&Badger::value_log_gc_enabled>, restart),
    row("badger.value_log_gc_discard_ratio", Kind::ratio, badger<&Badger::value_log_gc_discard_ratio>, restart, 1, 99),
    row("badger.value_log_gc_interval_in_seconds", Kind::integer, badger<&Badger::value_log_gc_interval_in_seconds>,
        restart, 1, 86400),
    one_of("badger.compression", badger<&Badger::compression>, restart, compressions),
    row("badger.block_size", Kind::size, badger<&Badger::block_size>, restart, kb, mb),
    row("badger.filter_bits_per_key", Kind::integer, badger<&Badger::filter_bits_per_key>, restart, 4, 32),
    row("badger.memory_limit", Kind::size, badger<&Badger::memory_limit>, restart, 0, 65536 * gb),
    row("badger.cache_size", Kind::size, badger<&Badger::cache_size>, restart, 0, 65536 * gb),
    row("badger.compaction_threads", Kind::integer, badger<&Badger::compaction_threads>, restart, 1, 16),
    row("badger.background_io_limit", Kind::size, badger<&Badger::background_io_limit>, restart, 0, 65536 * gb),
    row("badger.max_disk_size", Kind::size, badger<&Badger::max_disk_size>, restart, 0, 65536 * gb),
    row("badger.space_amplification_max", Kind::ratio, badger<&Badger::space_amplification_max>, restart, 105, 1000),

    row("memory.enabled", Kind::boolean, memory<&Memory::enabled>, restart),
    row("memory.max_memory", Kind::size, memory<&Memory::max_memory>, restart, 0, 65536 * gb),
    one_of("memory.eviction", memory<&Memory::eviction>, restart, evictions),
    row("memory.cleanup_interval", Kind::duration, memory<&Memory::cleanup_interval_ms>, restart, 10, day),

    one_of("log.level", log<&Logging::level>, reload, levels),
    row("log.file", Kind::text, log<&Logging::file>, restart),
};

}  // namespace

std::span<const SettingRow> settings_table() {
  return table;
}

const SettingRow* find_setting(std::string_view name) {
  for (const SettingRow& setting : table) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

std::span<const std::string_view> section_names() {
  return sections;
}

std::span<const std::string_view> served_backends() {
  return backends;
}

}  // namespace sett::config
