#include "server/offline_commands.h"

#include <cstdio>
#include <iostream>

#include "server/backends.h"
#include "server/console_observer.h"
#include "server/descriptor_limit.h"
#include "server/offline_executor.h"
#include "storage/backup/store_replacement.h"
#include "storage/io/posix_file_system.h"
#include "storage/tools/inspect.h"
#include "storage/tools/repair.h"
#include "storage/tools/restore.h"
#include "storage/tools/store_files.h"
#include "storage/tools/verify.h"

namespace sett::server {

using storage::PosixFileSystem;
using storage::Status;

namespace {

constexpr unsigned repair_background_threads = 4, repair_read_threads = 1;

int fail(const Status& status) {
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  return 1;
}

std::string backup_path(const config::Options& options, const std::string& backup) {
  return backup.find('/') == std::string::npos ? storage::join_path(backup_folder(options), backup) : backup;
}

int sum_up(ConsoleObserver& observer) {
  observer.on_note(std::to_string(observer.good_files()) + " files are good, " + std::to_string(observer.damaged()) +
                   " damaged places were found");
  return observer.damaged() == 0 ? 0 : 1;
}

// The durable stores that have files.
std::vector<StoreFolder> found_stores(PosixFileSystem& files, const config::Options& options) {
  std::vector<StoreFolder> found;
  for (const StoreFolder& store : store_folders(options)) {
    const auto names = files.list(store.path);
    if (names.is_ok() && !names.value().empty()) found.push_back(store);
  }
  return found;
}

}  // namespace

int run_inspect(const std::string& path) {
  PosixFileSystem files;
  const auto damaged = storage::inspect_file(files, path, std::cout);
  std::cout.flush();
  if (!damaged.is_ok()) return fail(damaged.status());
  return damaged.value() == 0 ? 0 : 1;
}

int run_restore(const config::Options& options, const std::string& backup) {
  raise_descriptor_limit();
  PosixFileSystem files;
  storage::SystemClock clock;
  ConsoleObserver observer(stdout, terminal_columns(), clock);
  std::vector<storage::RestoreTarget> targets;
  for (const auto& [backend, path] : store_folders(options)) targets.push_back({backend, path});
  const Status status = storage::restore_backup(files, backup_path(options, backup), targets, observer);
  return status.is_ok() ? 0 : fail(status);
}

int run_repair(const config::Options& options) {
  raise_descriptor_limit();
  PosixFileSystem files;
  storage::SystemClock clock;
  ConsoleObserver observer(stdout, terminal_columns(), clock);
  const auto stores = found_stores(files, options);
  if (stores.empty()) observer.on_note(options.server.data_dir + ": no store has files here");
  for (const auto& [backend, path] : stores) {
    OfflineExecutor executor(repair_background_threads, repair_read_threads);
    config::Options with = options;
    with.badger.memory_mode = false;
    with.badger.max_disk_size = with.badger.background_io_limit = 0;  // for a daemon that serves
    const bool is_badger = backend == "badger";
    const auto open = [&](const std::string& folder) {
      (is_badger ? with.badger.path : with.simple_kv.path) = folder;
      const BackendContext context{with, files, executor.executor(), clock, nullptr, nullptr};
      return is_badger ? open_badger_backend(context) : open_simple_kv_backend(context);
    };
    const Status status = storage::repair_store(
        files, {backend, path, open, [&] { executor.pause(); }, [&] { executor.stop(); }}, clock, observer);
    if (!status.is_ok()) return fail(status);
  }
  return 0;
}

int run_verify(const config::Options& options, const std::string& backup) {
  raise_descriptor_limit();
  PosixFileSystem files;
  storage::SystemClock clock;
  ConsoleObserver observer(stdout, terminal_columns(), clock);
  if (!backup.empty()) {
    storage::verify_backup(files, backup_path(options, backup), observer);
    return sum_up(observer);
  }
  const auto stores = found_stores(files, options);
  if (stores.empty()) observer.on_note(options.server.data_dir + ": no store has files here");
  for (const auto& [backend, path] : stores) {
    const auto lock = storage::lock_store(files, path);
    if (!lock.is_ok()) return fail(lock.status());
    if (const Status status = storage::check_replaced(files, path); !status.is_ok()) observer.on_damage(status);
    if (backend == "badger")
      storage::verify_badger(files, path, observer);
    else
      storage::verify_simple_kv(files, path, observer);
  }
  return sum_up(observer);
}

}  // namespace sett::server
