#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "config/load.h"
#include "server/housekeeping.h"
#include "server/listener.h"
#include "server/services.h"
#include "storage/base/thread_executor.h"
#include "storage/io/posix_file_system.h"

namespace sett::server {

// The running process: brings the parts up in order, waits, and takes them down in order. The main thread accepts
// connections and handles signals; loops serve; a loader opens the stores meanwhile, and clients are told -LOADING.
//
// Down: no new connections; every loop lets its clients' running commands finish; the stores write and sync what they
// have; the executor's threads end.
class Daemon final : public Lifecycle {
 public:
  // `options` as loaded from `config_file` with `environment` and `flags`, which SIGHUP reads again.
  Daemon(config::Options options, std::string config_file, std::map<std::string, std::string> environment,
         std::vector<config::Override> flags, StoreWrapper wrap_store);
  ~Daemon() override;

  // Serves until told to stop. The process's exit code.
  int run();

  void request_shutdown(bool snapshot) override;  // from any thread
  bool shutting_down() const override { return stopping_.load(); }

 private:
  bool open_listener();
  void start_loops();
  void start_loading();
  storage::Status open_stores();
  void on_loaded(const storage::Status& status);
  void wait_for_signals();
  void reload();
  void begin_stop();
  void snapshot_then_stop();
  int take_down();
  void post_foreground(storage::Executor::Task task);
  void notify_service_manager(const char* state);

  storage::SystemClock clock_;
  storage::PosixFileSystem files_;
  const std::string config_file_;
  const std::map<std::string, std::string> environment_;
  const std::vector<config::Override> flags_;
  const StoreWrapper wrap_store_;
  config::Options loaded_options_;  // as the file, environment and flags last said
  LiveOptions options_;
  ClientRegistry clients_;
  StoreSet stores_;
  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_;
  Listener listener_;
  Services services_;
  Housekeeping housekeeping_;
  std::atomic<bool> loops_run_{false};
  std::atomic<uint64_t> next_loop_{0};  // for foreground steps
  uint64_t next_connection_loop_ = 0;
  storage::ThreadExecutor executor_;
  std::thread loader_;
  std::atomic<bool> stopping_{false};
  int exit_code_ = 0;
};

}  // namespace sett::server
