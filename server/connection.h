#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "server/client_registry.h"
#include "server/input_buffer.h"
#include "server/pending_command.h"
#include "server/reply_gates.h"
#include "server/request_batch.h"
#include "server/session.h"

namespace sett::server {

class EventLoop;

// One client: reads what its socket has, parses all of it, hands each request to the loop's dispatcher, keeps the
// replies in order and sends them when they are safe. It stops reading while a command waits, while replies are not
// safe yet, or while the client does not take them, so that what it holds is bounded. Lives on its loop's thread.
//
//   reading --request--> executing --all parsed--> flushing --all sent--> reading
//                            \--command waits--> suspended --resume()--> executing
class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  // Takes over `fd`. nullptr (socket closed, with an error told to the client) beyond maxclients.
  static std::shared_ptr<Connection> accept(EventLoop& loop, int fd, const std::string& address,
                                            const std::string& local_address, bool is_unix);
  ~Connection();

  void flush();                                   // at the end of a turn
  void on_progress();                             // a journal's marks moved
  void on_room();                                 // the command that waits for a store to have room may be tried again
  RequestBatch& requests() { return requests_; }  // the first is the one that runs
  uint64_t commands() const { return record_->commands.load(std::memory_order_relaxed); }  // begun
  // It has its room, and waits for the disk.
  bool waits_for_disk() const { return pending_.unsynced.store != nullptr; }
  const storage::Store* awaited_store() const { return pending_.waits_for_room; }
  void on_cron(bool stopping);  // idle and stalled clients, unused memory
  void on_retry();              // after EventLoop::retry_soon
  void resume();                // the suspended command may go on
  void close();                 // at once, output lost

  // --- For the dispatcher and handlers
  EventLoop& loop() { return loop_; }
  Session& session() { return session_; }
  ClientRecord& record() { return *record_; }
  PendingCommand& pending() { return pending_; }
  std::string& output() { return output_; }
  ReplyGates& gates() { return gates_; }
  bool closed() const { return closed_; }
  void publish_session();  // copies what others may see of the session into the record
  // Ends a server command that deferred its reply: `write` writes it. On the loop's thread.
  void finish_deferred(const std::function<void(protocol::ReplyWriter&)>& write);

 private:
  Connection(EventLoop& loop, int fd, bool is_unix);
  void arm_read();
  void arm_write();
  void on_readable();
  void process();
  bool run_requests();  // as many as may be; false: there is nothing more to do here
  protocol::RequestLimits request_limits() const;
  void execute_next();
  void refuse_broken_request();
  void after_execution();
  void end_suspension();
  void want_flush();
  bool send_output();  // false: the socket takes no more now, or is gone
  void settle_reply(size_t reply_begin);
  bool output_limit_reached();
  void note_buffers();
  bool must_wait_for_memory();

  // Constant
  EventLoop& loop_;
  const bool is_unix_;
  std::shared_ptr<ClientRecord> record_;

  // The loop's thread
  boost::asio::posix::stream_descriptor socket_;
  RequestBatch requests_;
  InputBuffer input_;
  Session session_;
  PendingCommand pending_;
  std::string output_;
  size_t sent_ = 0;  // of output_
  ReplyGates gates_;
  size_t reply_begin_ = 0;        // of the command that is suspended
  int64_t stalled_since_ms_ = 0;  // steady; 0: the client takes its replies
  int64_t last_input_ms_ = 0;     // steady
  bool reading_ = false, writing_ = false;
  bool flush_wanted_ = false, waiting_for_progress_ = false;
  bool paused_ = false;                                  // by the size of the output
  bool suspended_ = false;                               // by a command that waits
  bool retry_wanted_ = false, resume_deferred_ = false;  // until there is memory again
  bool close_when_sent_ = false, closed_ = false;
};

}  // namespace sett::server
