#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "config/options.h"
#include "server/statistics.h"
#include "storage/base/random.h"

namespace sett::server {

class Connection;
class Dispatcher;
struct Services;

// One thread, one io_context, and the connections that were handed to it. A turn: wait for events; every ready
// connection reads, parses and executes; then each log is written once and all replies leave with one call each
// (end_of_turn). Everything is on the loop's own thread, except what says otherwise.
class EventLoop {
 public:
  EventLoop(Services& services, unsigned index);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;

  // --- From any thread
  void start();
  void post(std::function<void()> task);
  // Takes over a connected, non-blocking socket.
  void adopt(int fd, std::string address, std::string local_address, bool is_unix);
  // Some journal's marks moved. Wakes the loop only if somebody on it waits for that.
  void on_journal_progress();
  // Ends the thread once all connections, those of the other loops too, are closed or `grace_ms` is over; then join().
  void stop(int64_t grace_ms);
  void join();
  const LoopStatistics& statistics() const { return statistics_; }
  LoopStatistics& statistics() { return statistics_; }

  // --- On the loop's thread
  boost::asio::io_context& context() { return context_; }
  Dispatcher& dispatcher() { return *dispatcher_; }
  Services& services() { return services_; }
  storage::Random& random() { return random_; }
  void read_clocks();                           // once for each batch of a connection
  int64_t wall_ms() const { return wall_ms_; }  // as last read
  int64_t steady_ms() const { return steady_ms_; }
  const config::Options& options() const { return *options_; }
  void flush_at_end_of_turn(std::shared_ptr<Connection> connection);
  // The connection is called back (on_progress) when a journal has moved.
  void wait_for_progress(std::shared_ptr<Connection> connection);
  // The connection's command is to be tried again (on_room) when its store may have room. In the order of their coming:
  // when one of them is told to wait again, those behind it that want the same store wait on untried.
  void wait_for_room(std::shared_ptr<Connection> connection);
  // The connection is called back (on_retry) within milliseconds.
  void retry_soon(std::shared_ptr<Connection> connection);
  bool is_stopping() const { return stopping_; }
  // How often a journal has moved. Who read it before looking at a journal, and finds it changed once it waits, has
  // missed a wake-up.
  uint64_t progress_count() const { return progress_count_.load(std::memory_order_seq_cst); }
  void forget(const std::shared_ptr<Connection>& connection);
  // A connection whose command is suspended stays in memory, also when its client has gone: somebody may be about to
  // hand it a lock. Until release(), or until all loops have ended.
  void hold(std::shared_ptr<Connection> connection) { held_.insert(std::move(connection)); }
  void release(const std::shared_ptr<Connection>& connection) { held_.erase(connection); }

 private:
  void run();
  void end_of_turn();
  void schedule_cron();
  void on_cron();
  void wake_waiting();
  void wake_who_wants_room();

  // Constant after construction
  Services& services_;
  const unsigned index_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
  std::unique_ptr<Dispatcher> dispatcher_;

  // Any thread
  LoopStatistics statistics_;
  std::atomic<bool> somebody_waits_{false};
  std::atomic<bool> progress_posted_{false};
  std::atomic<uint64_t> progress_count_{0};

  // The loop's thread
  boost::asio::steady_timer cron_, retry_;
  storage::Random random_;
  std::shared_ptr<const config::Options> options_;
  uint64_t options_version_ = 0;
  int64_t wall_ms_ = 0, steady_ms_ = 0;
  std::unordered_set<std::shared_ptr<Connection>> connections_, held_;
  std::vector<std::shared_ptr<Connection>> to_flush_, flushing_;
  std::vector<std::shared_ptr<Connection>> waiting_, room_waiting_, retrying_;
  bool stopping_ = false;
  std::atomic<bool> drained_{false};  // no connection is left, and none will come
  bool stopped_ = false;
  int64_t stop_at_ms_ = 0;
};

}  // namespace sett::server
