#include "config/checks.h"

#include "config/small_file.h"

namespace sett::config {
namespace {

constexpr size_t password_bytes_max = 4096;

bool is_enabled(const Options& options, const std::string& backend) {
  if (backend == "simple_kv") return options.simple_kv.enabled;
  if (backend == "memory") return options.memory.enabled;
  return backend == "badger" && options.badger.enabled;
}

void check_enabled(const std::string& name, const std::string& backend, LoadState& state) {
  if (is_enabled(state.options, backend)) return;
  state.error(state.origin(name), backend + " is not enabled",
              "set " + backend + ".enabled: true, or choose another backend");
}

}  // namespace

void check_together(LoadState& state) {
  const Options& options = state.options;
  check_enabled("store.backend", options.store.backend, state);
  for (const BucketRule& rule : options.buckets) check_enabled("buckets." + rule.pattern, rule.backend, state);

  if (options.server.port == 0 && options.server.unixsocket.empty()) {
    state.error(state.origin("server.port"), "0 leaves no way to connect", "set server.unixsocket, or a port");
  }
  if (options.server.port != 0 && options.server.bind.empty()) {
    state.error(state.origin("server.bind"), "names no address", "name one, or set server.port: 0");
  }
  if (options.server.data_dir.empty()) state.error(state.origin("server.data_dir"), "is empty", "allowed: a folder");
  constexpr int64_t memory_limit_min = 32ll << 20;
  if (options.badger.memory_limit != 0 && options.badger.memory_limit < memory_limit_min) {
    state.error(state.origin("badger.memory_limit"), "is too little for the engine to run",
                "allowed: 0, or 32mb or more");
  }
  constexpr int64_t background_io_limit_min = 1ll << 20, max_disk_size_min = 64ll << 20;
  if (options.badger.background_io_limit != 0 && options.badger.background_io_limit < background_io_limit_min) {
    state.error(state.origin("badger.background_io_limit"), "is too little for merges to come to an end",
                "allowed: 0, or 1mb or more");
  }
  if (options.badger.max_disk_size != 0 && options.badger.max_disk_size < max_disk_size_min) {
    state.error(state.origin("badger.max_disk_size"), "is too little for the engine to run",
                "allowed: 0, or 64mb or more");
  }
  if (options.badger.num_level0_tables_stall <= options.badger.num_level0_tables) {
    state.error(state.origin("badger.num_level0_tables_stall"), "is not above badger.num_level0_tables",
                "allowed: " + std::to_string(options.badger.num_level0_tables + 1) + " or more");
  }
}

void read_password_file(LoadState& state) {
  const std::string& path = state.options.server.requirepass_file;
  if (path.empty()) return;
  SmallFile file = read_small_file(path, password_bytes_max);
  if (file.bytes.ends_with('\n')) file.bytes.pop_back();
  if (file.bytes.ends_with('\r')) file.bytes.pop_back();
  // An empty password would mean that none is asked for.
  if (file.problem.empty() && file.bytes.empty()) file.problem = "is empty";
  if (!file.problem.empty()) {
    return state.error(state.origin("server.requirepass_file"), path + " " + file.problem,
                       "allowed: a file with a password");
  }
  state.options.server.requirepass = std::move(file.bytes);
}

}  // namespace sett::config
