#include "server/daemon.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <filesystem>
#include <utility>

#include "server/descriptor_limit.h"
#include "server/event_loop.h"
#include "server/process_memory.h"
#include "storage/base/random.h"

#if defined(SETT_SYSTEMD)
#include <systemd/sd-daemon.h>
#endif

namespace sett::server {

namespace {

// Beside merges, each of which takes a thread for long: a flush, and two for all that is short, so that it need not
// wait.
constexpr unsigned background_threads = 3, read_threads = 4;
constexpr int busy_tries = 20;
constexpr auto busy_pause = std::chrono::milliseconds(250);

std::string new_run_id() {
  unsigned char bytes[20];
  storage::fill_from_entropy(bytes, sizeof bytes);
  std::string id;
  for (const unsigned char byte : bytes) {
    id += "0123456789abcdef"[byte >> 4];
    id += "0123456789abcdef"[byte & 15];
  }
  return id;
}

// Else a reload would wait for it (a pipe), or take an editor's half-way house for the wish to have no password.
bool is_file_with_content(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && std::filesystem::file_size(path, error) > 0 && !error;
}

std::string executable_path() {
  char path[4096];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : std::string();
}

}  // namespace

Daemon::Daemon(config::Options options, std::string config_file, std::map<std::string, std::string> environment,
               std::vector<config::Override> flags, StoreWrapper wrap_store)
    : config_file_(std::move(config_file)),
      environment_(std::move(environment)),
      flags_(std::move(flags)),
      wrap_store_(std::move(wrap_store)),
      loaded_options_(options),
      options_(std::move(options)),
      signals_(context_),
      listener_(context_,
                [this](int fd, std::string address, std::string local_address, bool is_unix) {
                  auto& loop = services_.loops[next_connection_loop_++ % services_.loops.size()];
                  loop->adopt(fd, std::move(address), std::move(local_address), is_unix);
                }),
      services_{.options = options_,
                .stores = stores_,
                .clients = clients_,
                .clock = clock_,
                .lifecycle = *this,
                .facts = {.run_id = new_run_id(),
                          .executable = executable_path(),
                          .config_file = config_file_,
                          .started_ms = clock_.wall_ms()},
                .loops = {}},
      housekeeping_(context_, services_),
      executor_(background_threads + static_cast<unsigned>(options_.get()->badger.compaction_threads), read_threads,
                [this](storage::Executor::Task task) { post_foreground(std::move(task)); }) {}

Daemon::~Daemon() = default;

// Steps that take a shard's lock run on the loops, in turn. Once the loops are gone there is nobody left for them to
// serve.
void Daemon::post_foreground(storage::Executor::Task task) {
  if (!loops_run_.load()) return;
  services_.loops[next_loop_.fetch_add(1, std::memory_order_relaxed) % services_.loops.size()]->post(std::move(task));
}

int Daemon::run() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit is a full disk, not the end of the process
  fit_clients_to_descriptors(options_);
  free_memory_in_background();
  if (!open_listener()) return 1;
  wait_for_signals();
  housekeeping_.start();
  start_loops();
  start_loading();
  context_.run();
  return take_down();
}

bool Daemon::open_listener() {
  const auto options = options_.get();
  if (const auto status = listener_.open(options->server); !status.is_ok()) {
    spdlog::error("{}", status.to_string());
    return false;
  }
  services_.facts.port = listener_.port();
  return true;
}

void Daemon::start_loops() {
  int64_t threads = options_.get()->server.threads;
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  for (int64_t i = 0; i < threads; ++i)
    services_.loops.push_back(std::make_unique<EventLoop>(services_, static_cast<unsigned>(i)));
  for (const auto& loop : services_.loops) loop->start();
  loops_run_.store(true);
}

void Daemon::start_loading() {
  loader_ = std::thread([this] {
    auto status = open_stores();
    // Whoever was told to stop just before us may need a moment to let go of the data directory.
    if (status.kind() == storage::ErrorKind::busy) spdlog::warn("{}; waiting for it", status.to_string());
    for (int tries = 0; status.kind() == storage::ErrorKind::busy && tries < busy_tries && !stopping_.load(); ++tries) {
      std::this_thread::sleep_for(busy_pause);
      status = open_stores();
    }
    boost::asio::post(context_, [this, status] { on_loaded(status); });
  });
}

storage::Status Daemon::open_stores() {
  const auto on_journal_progress = [this] {
    for (const auto& loop : services_.loops) loop->on_journal_progress();
  };
  const StoreSet::Environment environment{.files = files_,
                                          .executor = executor_,
                                          .clock = clock_,
                                          .on_journal_progress = on_journal_progress,
                                          .wrap_store = wrap_store_,
                                          .give_up = &stopping_};
  return stores_.open(*options_.get(), environment);
}

void Daemon::on_loaded(const storage::Status& status) {
  if (!status.is_ok()) {
    spdlog::error("{}", status.to_string());
    exit_code_ = 1;
    return begin_stop();
  }
  const auto options = options_.get();
  spdlog::info("data: {} (backend {})", std::string(options->server.data_dir), options->store.backend);
  if (services_.facts.port > 0)
    spdlog::info("ready: redis-cli -p {}", services_.facts.port);
  else
    spdlog::info("ready: redis-cli -s {}", options->server.unixsocket);
  notify_service_manager("READY=1");
}

void Daemon::wait_for_signals() {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      reload();
    } else {
      spdlog::info("{}: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
      begin_stop();
    }
    if (!stopping_.load()) wait_for_signals();
  });
}

void Daemon::reload() {
  for (const std::string& path : {config_file_, loaded_options_.server.requirepass_file}) {
    if (path.empty() || is_file_with_content(path)) continue;
    spdlog::error("{}: not a file, or nothing in it: the configuration stays as it was", path);
    return;
  }
  const config::Loaded loaded = config::load(config_file_, environment_, flags_);
  for (const std::string& error : loaded.errors) spdlog::error("{}", error);
  if (!loaded.errors.empty()) {
    spdlog::error("the configuration stays as it was");
    return;
  }
  for (const std::string& name : config::restart_needed(*options_.get(), loaded.options))
    spdlog::warn("{} changed: a restart makes it so", name);
  options_.update(
      [&](config::Options& options) { options = config::reloaded(options, loaded_options_, loaded.options); });
  loaded_options_ = loaded.options;
  spdlog::info("configuration reloaded");
}

void Daemon::request_shutdown(bool snapshot) {
  boost::asio::post(context_, [this, snapshot] { snapshot ? snapshot_then_stop() : begin_stop(); });
}

void Daemon::snapshot_then_stop() {
  if (stopping_.load() || !stores_.ready()) return begin_stop();
  auto left = std::make_shared<std::atomic<size_t>>(0);
  std::vector<storage::Store*> durable;
  for (const auto& store : stores_.stores())
    if (store->capabilities().durable) durable.push_back(store.get());
  if (durable.empty()) return begin_stop();
  left->store(durable.size());
  for (storage::Store* store : durable) {
    store->snapshot([this, left](const storage::Status& status) {
      if (!status.is_ok()) spdlog::error("snapshot before the stop: {}", status.to_string());
      if (left->fetch_sub(1) == 1) boost::asio::post(context_, [this] { begin_stop(); });
    });
  }
}

void Daemon::begin_stop() {
  if (stopping_.exchange(true)) return;
  notify_service_manager("STOPPING=1");
  listener_.close();
  signals_.cancel();
  housekeeping_.stop();
  const int64_t grace_ms = options_.get()->server.shutdown_timeout_ms;
  for (const auto& loop : services_.loops) loop->stop(grace_ms);
  context_.stop();
}

int Daemon::take_down() {
  for (const auto& loop : services_.loops) loop->join();
  loops_run_.store(false);
  // Loading cannot be interrupted, but nothing waits for it: what is on disk stays as it is.
  if (loader_.joinable()) loader_.join();
  executor_.stop();
  if (const auto status = stores_.close(); !status.is_ok()) {
    spdlog::error("{}", status.to_string());
    exit_code_ = 1;
  }
  spdlog::info("stopped");
  return exit_code_;
}

void Daemon::notify_service_manager([[maybe_unused]] const char* state) {
#if defined(SETT_SYSTEMD)
  ::sd_notify(0, state);
#endif
}

}  // namespace sett::server
