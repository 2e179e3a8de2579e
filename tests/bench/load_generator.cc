// sett_load: keeps a server busy from one thread, with requests that cost it next to nothing to make, and tells what
// came back.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "tests/bench/load_connection.h"
#include "tests/bench/load_options.h"
#include "tests/bench/load_report.h"
#include "tests/bench/monotonic_ns.h"
#include "tests/bench/scan_walk.h"

namespace sett::bench {
namespace {

constexpr int silence_ms_max = 120'000;  // a server that says nothing for so long has failed
constexpr uint64_t receive_bytes = 1 << 18;
constexpr uint64_t series_seconds_max = 100'000;

class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options),
        keys_(options.order, options.keys, options.within, options.seed),
        values_(options.value_bytes),
        buffer_(receive_bytes) {}

  bool run(LoadReport& report);

 private:
  bool connect();
  bool begin_batch(LoadConnection& connection, uint64_t now_ns);
  bool handle(LoadConnection& connection, uint32_t events, LoadReport& report);
  void note(const LoadConnection& connection, uint64_t answered, uint64_t now_ns, LoadReport& report);
  bool watch(LoadConnection& connection, int how, bool sending);

  const LoadOptions& options_;
  KeyOrder keys_;
  ValuePool values_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  int epoll_ = -1;
  uint64_t begin_ns_ = 0, asked_ = 0, busy_ = 0;
};

bool Load::connect() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return false;
  for (uint64_t i = 0; i < options_.connections; ++i) {
    const int socket = connect_to_server(options_.port, false);
    if (socket < 0) return false;
    connections_.push_back(std::make_unique<LoadConnection>(socket, options_));
    if (!watch(*connections_.back(), EPOLL_CTL_ADD, false)) return false;
  }
  return true;
}

bool Load::watch(LoadConnection& connection, int how, bool sending) {
  epoll_event event{};
  event.events = EPOLLIN | (sending ? EPOLLOUT : 0u);
  event.data.ptr = &connection;
  return ::epoll_ctl(epoll_, how, connection.socket(), &event) == 0;
}

bool Load::begin_batch(LoadConnection& connection, uint64_t now_ns) {
  const bool late = options_.seconds_max > 0 && static_cast<double>(now_ns - begin_ns_) >= options_.seconds_max * 1e9;
  const uint64_t requests = late ? 0 : std::min(options_.depth, options_.count - asked_);
  if (requests == 0) {
    --busy_;
    return true;
  }
  asked_ += requests;
  connection.begin_batch(requests, now_ns, keys_, values_);
  if (!connection.send_some()) return false;
  return !connection.wants_to_send() || watch(connection, EPOLL_CTL_MOD, true);
}

void Load::note(const LoadConnection& connection, uint64_t answered, uint64_t now_ns, LoadReport& report) {
  const uint64_t latency_ns = now_ns - connection.batch_begin_ns();
  report.operations += answered;
  report.latencies.add(latency_ns, answered);
  if (!options_.series) return;
  const uint64_t second = std::min((now_ns - begin_ns_) / 1'000'000'000, series_seconds_max - 1);
  if (second >= report.series.size()) report.series.resize(second + 1);
  report.series[second].operations += answered;
  report.series[second].max_ns = std::max(report.series[second].max_ns, latency_ns);
}

bool Load::handle(LoadConnection& connection, uint32_t events, LoadReport& report) {
  if ((events & EPOLLOUT) != 0) {
    if (!connection.send_some()) return false;
    if (!connection.wants_to_send() && !watch(connection, EPOLL_CTL_MOD, false)) return false;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return true;
  uint64_t answered = 0;
  if (!connection.receive_some(buffer_.data(), buffer_.size(), answered)) return false;
  if (answered == 0) return true;
  const uint64_t now_ns = monotonic_ns();
  note(connection, answered, now_ns, report);
  return connection.pending() > 0 || begin_batch(connection, now_ns);
}

bool Load::run(LoadReport& report) {
  if (!connect()) {
    std::fprintf(stderr, "sett_load: cannot connect to port %u: %s\n", options_.port, std::strerror(errno));
    return false;
  }
  const auto unix_time = std::chrono::system_clock::now().time_since_epoch();
  report.begin_unix_ms =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(unix_time).count());
  begin_ns_ = monotonic_ns();
  busy_ = connections_.size();
  bool sound = true;
  for (const auto& connection : connections_) sound = sound && begin_batch(*connection, monotonic_ns());
  while (sound && busy_ > 0) {
    epoll_event events[64];
    const int count = ::epoll_wait(epoll_, events, 64, silence_ms_max);
    if (count == 0 || (count < 0 && errno != EINTR)) sound = false;
    for (int i = 0; i < count && sound; ++i) {
      sound = handle(*static_cast<LoadConnection*>(events[i].data.ptr), events[i].events, report);
    }
  }
  report.elapsed_ns = monotonic_ns() - begin_ns_;
  for (const auto& connection : connections_) {
    const ReplyCounter& replies = connection->replies();
    report.errors += replies.errors();
    report.absent += replies.absent();
    report.integer_sum += replies.integer_sum();
    report.bulk_bytes += replies.bulk_bytes();
    if (report.first_error.empty()) report.first_error = replies.first_error();
  }
  ::close(epoll_);
  if (!sound) std::fprintf(stderr, "sett_load: the server closed a connection or fell silent\n");
  return sound;
}

bool scan(const LoadOptions& options, LoadReport& report) {
  const int socket = connect_to_server(options.port, true);
  const uint64_t begin_ns = monotonic_ns();
  ScanWalk walk(socket);
  const bool sound = socket >= 0 && walk.run(report.latencies);
  report.elapsed_ns = monotonic_ns() - begin_ns;
  report.operations = walk.keys();
  if (socket >= 0) ::close(socket);
  if (!sound) std::fprintf(stderr, "sett_load: SCAN did not come to an end\n");
  return sound;
}

}  // namespace
}  // namespace sett::bench

int main(int argc, char** argv) {
  using namespace sett::bench;
  const auto options = parse_load_options(argc, argv);
  if (!options) return 2;
  LoadReport report;
  Load load(*options);
  const bool sound = options->operation == Operation::scan ? scan(*options, report) : load.run(report);
  report.print(options->series);
  return sound ? 0 : 1;
}
