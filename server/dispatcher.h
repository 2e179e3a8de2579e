#pragma once

#include <cstdint>
#include <vector>

#include "server/command.h"
#include "server/request_batch.h"
#include "storage/lock_set.h"
#include "storage/transaction.h"

namespace sett::server {

class Connection;
class EventLoop;
struct Services;

// Takes one request to its reply: finds the row, checks what every command is checked for, takes the shards' locks,
// runs the handler, commits, lets go, and notes what the reply depends on. Whatever is not to be had at once (a lock,
// room in the log, an entry that is on disk) suspends the command, never the thread; it begins anew when it is resumed.
// One for each loop, on its thread.
class Dispatcher {
 public:
  enum class Result : uint8_t { done, suspended };

  Dispatcher(Services& services, EventLoop& loop);

  // Finds the rows of requests that were parsed together, and has the memory fetched that they will touch.
  void look_ahead(RequestBatch& requests, std::string_view selected);
  // No more of them are run for now.
  void end_look_ahead();
  // The arguments' bytes must stay where they are until the command is done.
  Result run(Connection& connection, const RequestBatch::Request& request);
  Result resume(Connection& connection, Arguments args);
  // The command that is suspended will be resumed later: nobody is to wait for it meanwhile.
  void give_back_locks(Connection& connection) { release_locks(connection); }
  // The client has gone while its command waited: gives back what it holds.
  void abandon(Connection& connection);

 private:
  enum class Step : uint8_t { done, failed, again, suspended };  // failed: the reply is an error, nothing changed

  // nullptr: an error was replied.
  const CommandRow* admit(Connection& connection, const CommandRow* row, Arguments args);
  Result run_server(Connection& connection, Arguments args, const CommandRow& row);
  Result run_entry(Connection& connection, Arguments args);
  Result run_stepped(Connection& connection, Arguments args);
  Result finish_stepped(Connection& connection);
  Step attempt(Connection& connection, Arguments args, std::string_view selected, std::string& out,
               storage::Store* store);
  Step attempt_entry(Connection& connection, Arguments args, std::string_view selected);
  Step settle(Connection& connection, std::string& out, size_t begin);
  Step replaced_by_error(std::string& out, size_t begin, std::string_view text, Connection& connection);
  bool memory_is_full(std::string_view selected);
  bool take_locks(Connection& connection);
  void release_locks(Connection& connection);
  void fetch(Connection& connection);
  void release_fetched(Connection& connection);
  bool begin_wait_for_disk(Connection& connection);
  // True: what it has written apart is not on disk yet, and it waits. False, with `unsynced` still set: it never will
  // be.
  bool waits_for_disk(Connection& connection);
  void wait_for_room(Connection& connection, const storage::Store& store, uint64_t progress_before);
  void gate(Connection& connection, size_t begin, size_t end);

  Services& services_;
  EventLoop& loop_;
  storage::Transaction txn_;
  std::vector<KeyTarget> targets_;
  std::vector<storage::Store::Lookahead> ahead_;
  storage::Store* looked_ahead_in_ = nullptr;
};

}  // namespace sett::server
