#include "server/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "server/commands/errors.h"
#include "server/dispatcher.h"
#include "server/event_loop.h"
#include "server/services.h"

namespace sett::server {

namespace {

constexpr size_t receive_bytes = 64 * 1024;        // asked for at once
constexpr size_t argument_room_max = 1 << 20;      // made for a large argument before its bytes are here
constexpr size_t output_pause_bytes = 256 * 1024;  // replies beyond this are sent before more is executed
constexpr size_t output_kept_bytes = 64 * 1024;    // capacity kept between batches
constexpr int64_t stalled_max_ms = 60 * 1000;      // a client that takes none of its replies for so long is cut
constexpr int64_t idle_release_ms = 2000;          // then the input buffer's memory is given back

void set_tcp_options(int fd, int64_t keepalive_ms) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (keepalive_ms <= 0) return;
  const int idle_s = static_cast<int>(std::max<int64_t>(1, keepalive_ms / 1000));
  const int interval_s = std::max(1, idle_s / 3);
  const int probes = 3;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address.starts_with("[::1]") || address.starts_with("[::ffff:127.");
}

void refuse(int fd, std::string_view line) {
  // Best effort: the client may be gone already.
  [[maybe_unused]] const auto sent = ::send(fd, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(fd);
}

constexpr std::string_view protected_mode_line =
    "-DENIED sett is in protected mode: it has no password, so it serves clients of this machine only. Set "
    "server.requirepass, or server.protected_mode to false if nobody else can reach this port.\r\n";

}  // namespace

std::shared_ptr<Connection> Connection::accept(EventLoop& loop, int fd, const std::string& address,
                                               const std::string& local_address, bool is_unix) {
  Services& services = loop.services();
  loop.read_clocks();
  const auto& options = loop.options().server;
  if (options.protected_mode && options.requirepass.empty() && !is_unix && !is_loopback(address)) {
    loop.statistics().rejected_connections.add(1);
    refuse(fd, protected_mode_line);
    return nullptr;
  }
  std::shared_ptr<Connection> connection(new Connection(loop, fd, is_unix));
  ClientRecord& record = *connection->record_;
  record.id = services.clients.next_id();
  record.address = address;
  record.local_address = local_address;
  record.fd = fd;
  record.is_unix = is_unix;
  record.created_ms = loop.wall_ms();
  record.last_interaction_ms = loop.wall_ms();
  record.kill = [&loop, weak = std::weak_ptr(connection)] {
    loop.post([weak] {
      if (const auto self = weak.lock()) self->close();
    });
  };
  connection->session_.id = record.id;
  connection->session_.authenticated = options.requirepass.empty();
  connection->publish_session();
  if (!services.clients.add(connection->record_, static_cast<uint64_t>(options.maxclients))) {
    loop.statistics().rejected_connections.add(1);
    connection->closed_ = true;
    refuse(connection->socket_.release(), "-ERR max number of clients reached\r\n");
    return nullptr;
  }
  connection->pending_.on_lock_ready = [&loop, weak = std::weak_ptr(connection)](storage::ShardIndex, bool owned) {
    loop.post([weak, owned] {
      const auto self = weak.lock();
      if (!self) return;
      if (owned) ++self->pending_.held;
      self->resume();
    });
  };
  if (!is_unix) set_tcp_options(fd, options.tcp_keepalive_ms);
  loop.statistics().connections.add(1);
  connection->last_input_ms_ = loop.steady_ms();
  connection->arm_read();
  return connection;
}

Connection::Connection(EventLoop& loop, int fd, bool is_unix)
    : loop_(loop), is_unix_(is_unix), record_(std::make_shared<ClientRecord>()), socket_(loop.context(), fd) {}

Connection::~Connection() {
  loop_.services().clients.forget_buffers(*record_);
}

void Connection::publish_session() {
  record_->resp.store(static_cast<int>(session_.version), std::memory_order_relaxed);
  record_->no_evict.store(session_.no_evict, std::memory_order_relaxed);
  record_->no_touch.store(session_.no_touch, std::memory_order_relaxed);
  storage::MutexLock guard(record_->mutex);
  record_->name = session_.name;
  record_->lib_name = session_.lib_name;
  record_->lib_version = session_.lib_version;
  record_->bucket = session_.bucket;
}

// --- Reading

void Connection::arm_read() {
  if (closed_ || reading_) return;
  reading_ = true;
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->reading_ = false;
                       if (!error && !self->closed_) self->on_readable();
                     });
}

void Connection::on_readable() {
  loop_.read_clocks();
  if (must_wait_for_memory()) return;
  // An argument that is known to be large gets its room at once, but not more than is likely to come: a client that
  // only announces costs nothing.
  size_t room = receive_bytes;
  if (const size_t needed = requests_.bytes_needed(); needed > input_.size())
    room = std::max(room, std::min(needed - input_.size(), argument_room_max));
  char* at = input_.room(room);
  const ssize_t got = ::recv(socket_.native_handle(), at, input_.free_bytes(), MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return arm_read();
    return close();
  }
  if (got == 0) return close();
  const auto bytes = static_cast<uint64_t>(got);
  input_.wrote(bytes);
  last_input_ms_ = loop_.steady_ms();
  loop_.statistics().input_bytes.add(bytes);
  record_->input_bytes.store(record_->input_bytes.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  record_->last_interaction_ms.store(loop_.wall_ms(), std::memory_order_relaxed);
  process();
}

protocol::RequestLimits Connection::request_limits() const {
  if (!session_.authenticated) return protocol::unauthenticated_limits;
  const auto& options = loop_.options().server;
  return {.bulk_bytes_max = static_cast<uint64_t>(options.proto_max_bulk_len),
          .request_bytes_max = static_cast<uint64_t>(options.client_query_buffer_limit)};
}

// Nobody asks for more memory before those who were ended for it have given theirs back: else all who are ready in this
// turn would. True: on_retry() goes on.
bool Connection::must_wait_for_memory() {
  const ClientRegistry& clients = loop_.services().clients;
  const auto limit = static_cast<uint64_t>(loop_.options().server.maxmemory_clients);
  if (limit == 0 || clients.buffer_bytes() <= limit || clients.leaving_bytes() == 0) return false;
  if (!retry_wanted_) loop_.retry_soon(shared_from_this());
  return retry_wanted_ = true;
}

void Connection::on_retry() {
  retry_wanted_ = false;
  if (std::exchange(resume_deferred_, false)) return resume();
  if (!closed_ && !suspended_) process();
}

void Connection::process() {
  const bool goes_on = run_requests();
  loop_.dispatcher().end_look_ahead();
  if (!goes_on) return;
  paused_ = output_.size() - sent_ >= output_pause_bytes;
  record_->query_buffer.store(input_.size(), std::memory_order_relaxed);
  record_->query_buffer_free.store(input_.free_bytes(), std::memory_order_relaxed);
  note_buffers();
  if (!closed_) want_flush();
}

bool Connection::run_requests() {
  while (!closed_ && !suspended_ && !close_when_sent_ && output_.size() - sent_ < output_pause_bytes) {
    if (must_wait_for_memory()) {
      paused_ = true;  // what was parsed stays where it is
      return false;
    }
    if (requests_.empty()) {
      // Until the client has said who it is, each request may change the limits of the next.
      requests_.parse(input_.unread(), request_limits(), session_.authenticated ? RequestBatch::requests_max : 1);
      loop_.dispatcher().look_ahead(requests_, session_.bucket);
    }
    if (!requests_.empty()) {
      execute_next();
    } else if (requests_.broken()) {
      refuse_broken_request();
    } else {
      input_.consume(requests_.take_skipped());
      if (input_.size() > static_cast<size_t>(loop_.options().server.client_query_buffer_limit)) {
        loop_.statistics().query_limit_disconnections.add(1);
        close();
        return false;
      }
      break;
    }
  }
  return true;
}

// All clients' buffers have one limit: when this one's growth goes beyond it, the largest are ended, whoever they are.
void Connection::note_buffers() {
  const uint64_t argument_bytes = requests_.memory_bytes();
  const uint64_t bytes = input_.capacity() + argument_bytes + output_.capacity() + pending_.reply.capacity() +
                         pending_.prepared.capacity();
  const uint64_t before = record_->buffer_bytes.load(std::memory_order_relaxed);
  if (bytes == before) return;
  record_->argument_bytes.store(argument_bytes, std::memory_order_relaxed);
  ClientRegistry& clients = loop_.services().clients;
  clients.note_buffers(*record_, bytes);
  const auto limit = static_cast<uint64_t>(loop_.options().server.maxmemory_clients);
  if (limit > 0 && bytes > before && clients.buffer_bytes() - clients.leaving_bytes() > limit)
    loop_.statistics().evicted_clients.add(clients.shed(limit));
}

void Connection::refuse_broken_request() {
  protocol::ReplyWriter(output_, session_.version).error(requests_.error());
  loop_.statistics().error_replies.add(1);
  close_when_sent_ = true;
}

void Connection::execute_next() {
  reply_begin_ = output_.size();
  pending_.reset();
  if (loop_.dispatcher().run(*this, requests_.front()) == Dispatcher::Result::suspended) {
    suspended_ = true;
    loop_.hold(shared_from_this());
    return;
  }
  after_execution();
}

// The request is done: its bytes go, its reply is settled.
void Connection::after_execution() {
  input_.consume(requests_.pop());
  if (!pending_.prepared.empty()) std::string().swap(pending_.prepared);
  settle_reply(reply_begin_);
  if (session_.close_after_reply) close_when_sent_ = true;
  if (output_limit_reached()) {
    loop_.statistics().output_limit_disconnections.add(1);
    close();
  }
}

void Connection::settle_reply(size_t reply_begin) {
  using Replies = Session::Replies;
  if (output_.size() > reply_begin && output_[reply_begin] == '-') loop_.statistics().error_replies.add(1);
  if (session_.replies == Replies::on) return;
  if (session_.replies == Replies::skip_next) {
    session_.replies = Replies::skip_this;
    return;
  }
  output_.resize(reply_begin);
  gates_.forget_from(reply_begin);
  if (session_.replies == Replies::skip_this) session_.replies = Replies::on;
}

bool Connection::output_limit_reached() {
  return output_.size() - sent_ > static_cast<size_t>(loop_.options().server.client_output_buffer_limit);
}

void Connection::resume() {
  if (!suspended_) return;
  loop_.read_clocks();
  if (closed_ && !pending_.is_half_done()) {
    loop_.dispatcher().abandon(*this);
    return end_suspension();
  }
  if (must_wait_for_memory()) {
    resume_deferred_ = true;
    return loop_.dispatcher().give_back_locks(*this);
  }
  reply_begin_ = output_.size();
  if (loop_.dispatcher().resume(*this, requests_.front().args) == Dispatcher::Result::suspended) {
    note_buffers();  // of a reply that grows step by step
    return want_flush();
  }
  end_suspension();
}

void Connection::finish_deferred(const std::function<void(protocol::ReplyWriter&)>& write) {
  if (!suspended_) return;
  loop_.read_clocks();
  reply_begin_ = output_.size();
  protocol::ReplyWriter reply(output_, session_.version);
  if (!closed_) write(reply);
  end_suspension();
}

void Connection::end_suspension() {
  const auto self = shared_from_this();
  suspended_ = false;
  loop_.release(self);
  if (closed_) return;
  after_execution();
  // Who has to wait with each command would be at none of the moments between two, and the stop would wait for it.
  if (loop_.is_stopping()) close_when_sent_ = true;
  if (!closed_) process();
}

// --- Writing

void Connection::want_flush() {
  if (flush_wanted_) return;
  flush_wanted_ = true;
  loop_.flush_at_end_of_turn(shared_from_this());
}

void Connection::flush() {
  flush_wanted_ = false;
  if (closed_) return;
  if (!gates_.empty()) {
    if (!gates_.open()) {
      if (gates_.broken()) gates_.replace_broken(output_, "-" + std::string(error_log_failed) + "\r\n");
      if (!gates_.open()) {
        if (!waiting_for_progress_) {
          waiting_for_progress_ = true;
          loop_.wait_for_progress(shared_from_this());
          // Progress made before the loop knew that somebody waits was not told.
          if (gates_.open() || gates_.broken()) loop_.on_journal_progress();
        }
        return;
      }
    }
    gates_.clear();
  }
  if (!send_output()) return;
  if (close_when_sent_) return close();
  if (suspended_) return;
  // What was held back while the output was full goes on now; else the next bytes are waited for.
  if (paused_) return process();
  arm_read();
}

void Connection::on_progress() {
  waiting_for_progress_ = false;
  if (!closed_) flush();
}

void Connection::on_room() {
  if (!suspended_ || !pending_.waits_for_room) return;
  pending_.waits_for_room = nullptr;
  resume();  // also of a client that has gone: what it holds is given back
}

bool Connection::send_output() {
  while (sent_ < output_.size()) {
    const ssize_t sent =
        ::send(socket_.native_handle(), output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) {
        close();
        return false;
      }
      if (stalled_since_ms_ == 0) stalled_since_ms_ = loop_.steady_ms();
      record_->output_buffer.store(output_.size() - sent_, std::memory_order_relaxed);
      arm_write();
      return false;
    }
    stalled_since_ms_ = 0;
    const auto bytes = static_cast<uint64_t>(sent);
    sent_ += bytes;
    loop_.statistics().output_bytes.add(bytes);
    record_->output_bytes.store(record_->output_bytes.load(std::memory_order_relaxed) + bytes,
                                std::memory_order_relaxed);
  }
  output_.clear();
  sent_ = 0;
  if (output_.capacity() > output_kept_bytes) std::string().swap(output_);
  note_buffers();
  record_->output_buffer.store(0, std::memory_order_relaxed);
  return true;
}

void Connection::arm_write() {
  if (closed_ || writing_) return;
  writing_ = true;
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->writing_ = false;
                       if (error || self->closed_) return;
                       self->loop_.read_clocks();
                       self->flush();
                     });
}

// --- Ending

void Connection::on_cron(bool stopping) {
  if (closed_) return;
  const auto& options = loop_.options().server;
  const int64_t now_ms = loop_.steady_ms();
  if (stalled_since_ms_ != 0 && now_ms - stalled_since_ms_ > stalled_max_ms) {
    loop_.statistics().output_limit_disconnections.add(1);
    return close();
  }
  // SHUTDOWN is answered by the end itself.
  const bool ends_with_us = stopping && suspended_ && session_.close_after_reply;
  const bool quiet = (!suspended_ || ends_with_us) && output_.empty() && !flush_wanted_;
  if (!quiet) return;
  const int64_t idle_ms = now_ms - last_input_ms_;
  if (stopping || (options.timeout_ms > 0 && idle_ms > options.timeout_ms)) return close();
  if (idle_ms > idle_release_ms) input_.release();
  note_buffers();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  record_->closing.store(true, std::memory_order_relaxed);
  // First: a client that sees its end is in no list any more.
  loop_.services().clients.remove(record_->id);
  boost::system::error_code ignored;  // of close(2): there is nobody to tell
  socket_.close(ignored);
  if (suspended_) loop_.services().clients.forget_buffers(*record_);  // who knows for how long
  loop_.forget(shared_from_this());
}

}  // namespace sett::server
