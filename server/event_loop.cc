#include "server/event_loop.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "server/connection.h"
#include "server/dispatcher.h"
#include "server/services.h"

namespace sett::server {

namespace {
constexpr int events_per_turn_max = 256;  // replies of the first do not wait longer than for these
constexpr auto cron_interval = std::chrono::milliseconds(100);
constexpr auto retry_interval = std::chrono::milliseconds(2);
}  // namespace

EventLoop::EventLoop(Services& services, unsigned index)
    : services_(services),
      index_(index),
      work_(boost::asio::make_work_guard(context_)),
      dispatcher_(std::make_unique<Dispatcher>(services, *this)),
      cron_(context_),
      retry_(context_),
      random_(storage::entropy_seed()),
      options_(services.options.get()) {
  read_clocks();
}

EventLoop::~EventLoop() {
  join();
}

void EventLoop::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), ("loop-" + std::to_string(index_)).c_str());
    run();
  });
}

void EventLoop::join() {
  if (thread_.joinable()) thread_.join();
}

void EventLoop::post(std::function<void()> task) {
  boost::asio::post(context_, std::move(task));
}

void EventLoop::adopt(int fd, std::string address, std::string local_address, bool is_unix) {
  post([this, fd, address = std::move(address), local = std::move(local_address), is_unix] {
    auto connection = Connection::accept(*this, fd, address, local, is_unix);
    if (connection) connections_.insert(std::move(connection));
  });
}

void EventLoop::read_clocks() {
  wall_ms_ = services_.clock.wall_ms();
  steady_ms_ = services_.clock.steady_ms();
  if (const uint64_t version = services_.options.version(); version != options_version_) {
    options_version_ = version;
    options_ = services_.options.get();
  }
}

void EventLoop::run() {
  schedule_cron();
  while (!stopped_) {
    // The first event is waited for; what else is ready joins the same turn.
    if (context_.run_one() == 0) break;
    for (int events = 1; events < events_per_turn_max && context_.poll_one() > 0; ++events) {
    }
    end_of_turn();
  }
}

void EventLoop::flush_at_end_of_turn(std::shared_ptr<Connection> connection) {
  to_flush_.push_back(std::move(connection));
}

void EventLoop::end_of_turn() {
  if (to_flush_.empty()) return;
  if (services_.stores.ready())
    for (const auto& store : services_.stores.stores()) store->journal().write_if_small();
  // Flushing may execute more of what a connection has read, which asks for another flush: that is the next turn's.
  flushing_.swap(to_flush_);
  for (const auto& connection : flushing_) connection->flush();
  flushing_.clear();
  if (!to_flush_.empty()) post([] {});
}

void EventLoop::wait_for_progress(std::shared_ptr<Connection> connection) {
  waiting_.push_back(std::move(connection));
  // Ordered before the look at the marks that the caller repeats: progress made in between finds the flag.
  somebody_waits_.store(true, std::memory_order_seq_cst);
}

void EventLoop::wait_for_room(std::shared_ptr<Connection> connection) {
  room_waiting_.push_back(std::move(connection));
  somebody_waits_.store(true, std::memory_order_seq_cst);  // as above
}

void EventLoop::on_journal_progress() {
  // The marks were stored before this call; whoever waits stores the flag and then looks at the marks, or at the count.
  // Both sides in one order: one of the two sees the other.
  progress_count_.fetch_add(1, std::memory_order_seq_cst);
  if (!somebody_waits_.load(std::memory_order_seq_cst)) return;
  if (progress_posted_.exchange(true)) return;
  post([this] { wake_waiting(); });
}

void EventLoop::wake_waiting() {
  progress_posted_.store(false);
  somebody_waits_.store(false, std::memory_order_seq_cst);
  std::vector<std::shared_ptr<Connection>> waiting;
  waiting.swap(waiting_);
  for (const auto& connection : waiting) connection->on_progress();
  wake_who_wants_room();
}

void EventLoop::wake_who_wants_room() {
  std::vector<std::shared_ptr<Connection>> waiting;
  waiting.swap(room_waiting_);
  std::vector<const storage::Store*> full;
  std::vector<std::shared_ptr<Connection>> had_their_turn;
  for (auto& connection : waiting) {
    const storage::Store* store = connection->awaited_store();
    if (!connection->waits_for_disk() && std::find(full.begin(), full.end(), store) != full.end()) {
      wait_for_room(std::move(connection));
      continue;
    }
    const size_t waiting_before = room_waiting_.size();
    const uint64_t commands_before = connection->commands();
    connection->on_room();
    if (room_waiting_.size() == waiting_before || connection->waits_for_disk()) continue;
    full.push_back(store);
    // It went through, and a later command of its pipeline waits: others come first now.
    if (connection->commands() == commands_before) continue;
    had_their_turn.push_back(std::move(room_waiting_.back()));
    room_waiting_.pop_back();
  }
  for (auto& connection : had_their_turn) wait_for_room(std::move(connection));
}

void EventLoop::retry_soon(std::shared_ptr<Connection> connection) {
  retrying_.push_back(std::move(connection));
  if (retrying_.size() > 1) return;
  retry_.expires_after(retry_interval);
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    read_clocks();
    std::vector<std::shared_ptr<Connection>> retrying;
    retrying.swap(retrying_);
    for (const auto& one : retrying) one->on_retry();
  });
}

void EventLoop::forget(const std::shared_ptr<Connection>& connection) {
  connections_.erase(connection);
}

void EventLoop::schedule_cron() {
  cron_.expires_after(cron_interval);
  cron_.async_wait([this](const boost::system::error_code& error) {
    if (!error) on_cron();
  });
}

void EventLoop::on_cron() {
  read_clocks();
  if (index_ == 0) services_.vitals.sample(services_, steady_ms_);
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  for (const auto& connection : all) connection->on_cron(stopping_);
  // Whoever waits is looked at again in any case, so that a wake-up that got lost costs a tenth of a second at most.
  if (!waiting_.empty() || !room_waiting_.empty()) wake_waiting();
  if (stopping_ && (connections_.empty() || steady_ms_ >= stop_at_ms_)) {
    for (const auto& connection : all) connection->close();
    drained_.store(true);
    // The commands that others still wait for need the foreground steps of the engines, which are given to all loops.
    stopped_ = std::all_of(services_.loops.begin(), services_.loops.end(),
                           [](const auto& loop) { return loop->drained_.load(); });
    if (stopped_) return;
  }
  schedule_cron();
}

void EventLoop::stop(int64_t grace_ms) {
  post([this, grace_ms] {
    read_clocks();
    stopping_ = true;
    stop_at_ms_ = steady_ms_ + grace_ms;
    cron_.cancel();
    on_cron();
  });
}

}  // namespace sett::server
