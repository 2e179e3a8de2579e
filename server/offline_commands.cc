#include "server/offline_commands.h"

#include <cstdio>
#include <iostream>

#include "server/backends.h"
#include "server/console_observer.h"
#include "storage/io/posix_file_system.h"
#include "storage/tools/inspect.h"
#include "storage/tools/store_files.h"
#include "storage/tools/verify.h"

namespace sett::server {

using storage::PosixFileSystem;
using storage::Status;

namespace {

int fail(const Status& status) {
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  return 1;
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

int run_verify(const config::Options& options) {
  PosixFileSystem files;
  storage::SystemClock clock;
  ConsoleObserver observer(stdout, terminal_columns(), clock);
  const auto stores = found_stores(files, options);
  if (stores.empty()) observer.on_note(options.server.data_dir + ": no store has files here");
  for (const auto& [backend, path] : stores) {
    const auto lock = storage::lock_store(files, path);
    if (!lock.is_ok()) return fail(lock.status());
    if (backend == "badger")
      storage::verify_badger(files, path, observer);
    else
      storage::verify_simple_kv(files, path, observer);
  }
  observer.on_note(std::to_string(observer.good_files()) + " files are good, " + std::to_string(observer.damaged()) +
                   " damaged places were found");
  return observer.damaged() == 0 ? 0 : 1;
}

}  // namespace sett::server
