#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/options.h"
#include "storage/backup/backups.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/mutex.h"
#include "storage/io/file_system.h"
#include "storage/store.h"
#include "storage/transaction.h"

namespace sett::server {

// Puts something between the server and a backend. Empty: nothing.
using StoreWrapper =
    std::function<std::unique_ptr<storage::Store>(std::unique_ptr<storage::Store>, storage::Executor&)>;

// The open backends, and which of them keeps a bucket. Opened once, on any thread; from ready() on it does not change,
// and is read from all threads.
class StoreSet final : public storage::StoreRouter {
 public:
  struct Environment {
    storage::FileSystem& files;
    storage::Executor& executor;
    storage::Clock& clock;
    std::function<void()> on_journal_progress;  // see Journal::set_progress_listener
    StoreWrapper wrap_store;
    const std::atomic<bool>* give_up = nullptr;  // becomes true: open() ends early, with an error
  };

  // Opens the default backend, all that the bucket rules name and all enabled ones that have data on disk, recovering
  // it; then checks that no bucket has data in one backend and is sent to another, and starts them. Blocks on the disk:
  // not on a loop.
  storage::Status open(const config::Options& options, const Environment& environment);
  bool ready() const { return ready_.load(std::memory_order_acquire); }
  // Between 0 and 1 while open() runs.
  double progress() const { return progress_.load(std::memory_order_relaxed); }

  // Of the backends, in the order of their opening. Not to be looked at before ready().
  const std::vector<std::unique_ptr<storage::Store>>& stores() const { return stores_; }
  storage::Store& default_store() const { return *default_store_; }
  storage::Store& store_of(std::string_view bucket) override;
  storage::Backups& backups() { return *backups_; }  // from ready() on
  // A backup of all durable backends; `done` as in Backups::begin.
  void backup(const std::string& name, std::function<void(storage::Status)> done);
  // Closes all; the first failure.
  storage::Status close();

 private:
  storage::Store* by_rules(std::string_view bucket) const;
  storage::Status check_bucket_homes() const;

  std::unique_ptr<storage::Backups> backups_;
  std::vector<std::unique_ptr<storage::Store>> stores_;
  storage::Store* default_store_ = nullptr;
  struct Rule {
    std::string pattern;
    bool is_glob;
    storage::Store* store;
  };
  std::vector<Rule> rules_;
  std::atomic<bool> ready_{false};
  std::atomic<double> progress_{0};
};

}  // namespace sett::server
