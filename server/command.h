#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_writer.h"
#include "storage/base/random.h"
#include "storage/store.h"
#include "storage/transaction.h"

namespace sett::server {

struct ServerContext;  // server_context.h
struct CommandRow;

using Arguments = std::span<const std::string_view>;  // [0] is the command's name as it was sent

// What a keyspace handler keeps from one step to the next. A step whose run was void runs again from the progress, and
// the reply, as they were before it.
struct Progress {
  storage::ShardIndex shard = 0;  // whose lock the next step wants
  uint64_t position = 0;          // of Transaction::scan
  uint64_t number = 0;
  size_t elements = 0;  // written so far, for the header that comes last
  size_t mark = 0;      // where in the reply they begin
  std::vector<uint64_t> numbers;
  std::string text;
  bool started = false;
  bool done = false;
  uint32_t stores_left = 0;         // of all_stores rows: how many stores come after this one
  storage::Sequence committed = 0;  // of `apart` handlers: what the last run wrote; 0: this is the first
};

// What an entry or keyspace handler has. It translates arguments, reads and stages through the transaction and writes
// one reply; it knows no thread, clock or file, and may run again from the start at any time before its commit.
struct CommandContext {
  const CommandRow& row;
  Arguments args;
  storage::Transaction& txn;
  protocol::ReplyWriter& reply;
  std::string_view selected;  // the session's bucket
  int64_t databases;          // SELECT 0 .. databases - 1
  uint64_t value_bytes_max;   // proto_max_bulk_len
  uint64_t reply_bytes_max;   // client_output_buffer_limit: a handler that writes many values stops beyond
  storage::Random& random;
  Progress& progress;               // of keyspace and `apart` handlers, and of all_stores rows
  storage::Store* store = nullptr;  // of all_stores rows: the backend of this run; nullptr: the only one
  std::string_view prepared;        // what the row's `prepare` gave; holds until the commit

  storage::Store& store_of_run() { return store ? *store : txn.store(bucket()); }
  storage::Transaction::Bucket bucket() { return txn.bucket(selected); }
  int64_t now_ms() const { return txn.now_ms(); }
};

// Where a command's keys are, for locks and for COMMAND GETKEYS.
struct KeyTarget {
  std::string_view bucket;
  std::string_view key;
};
// Appends the targets; of keyspace and all_shards rows these are the buckets, with empty keys. False: the arguments are
// malformed (the handler will say how) and nothing needs a lock.
using TargetsFunction = bool (*)(Arguments args, std::string_view selected, int64_t databases,
                                 std::vector<KeyTarget>& targets);

enum class CommandKind : uint8_t {
  entry,       // works on the keys that its row names, under their shards' locks
  keyspace,    // iterates or counts: steps, each under the lock of progress.shard, until progress.done
  all_shards,  // changes the catalogue: one run under all locks of the stores of its buckets
  server,      // no keys: runs once on the loop, may finish later
};

enum CommandFlag : uint32_t {  // as COMMAND INFO names them
  flag_write = 1 << 0,
  flag_readonly = 1 << 1,
  flag_denyoom = 1 << 2,
  flag_admin = 1 << 3,
  flag_noscript = 1 << 4,
  flag_loading = 1 << 5,
  flag_stale = 1 << 6,
  flag_fast = 1 << 7,
  flag_no_auth = 1 << 8,
  flag_skip_monitor = 1 << 9,
  flag_skip_slowlog = 1 << 10,
  flag_blocking = 1 << 11,
  flag_movablekeys = 1 << 12,
  flag_no_multi = 1 << 13,
  flag_allow_busy = 1 << 14,
  flag_pubsub = 1 << 15,
  flag_no_async_loading = 1 << 16,
};

using EntryHandler = void (*)(CommandContext&);
// What a command works out of its arguments alone, and at length: once, before any lock is taken. Of malformed
// arguments anything: the handler says what is wrong with them.
using PrepareFunction = std::string (*)(Arguments args);
using ServerHandler = void (*)(ServerContext&);

// One row a command: dispatch, COMMAND and its documentation read the same. A container (CLIENT, CONFIG, ...) has a
// row, and each of its subcommands another, named "client|list".
struct CommandRow {
  std::string_view name;  // lower case
  int arity;              // with the name (and subcommand); negative: at least
  uint32_t flags;
  int first_key, last_key, key_step;  // positions in the arguments; 0: none; last_key negative: from the end
  CommandKind kind;
  std::string_view acl;    // categories, "@read @string @fast"
  std::string_view group;  // "string", "generic", "connection", "server", "bitmap", "bucket", "filter"
  std::string_view since;
  std::string_view complexity;
  std::string_view summary;
  std::string_view syntax;  // arguments as documented: "key value [NX | XX] [GET]"
  EntryHandler handler = nullptr;
  ServerHandler server_handler = nullptr;
  int bucket_argument = 0;            // which argument names the bucket; 0: the selected one
  TargetsFunction targets = nullptr;  // where the key positions do not say it all
  // all_shards and keyspace: of every backend, not only of the bucket's. The handler runs for each store
  // (context.store) in turn, in the keyspace kind until `done`. Between stores the dispatcher sets shard, position and
  // done back and counts stores_left down to 0; all else in Progress, and the reply, are carried on. The reply is
  // complete after the last run.
  bool all_stores = false;
  PrepareFunction prepare = nullptr;  // of entry rows
  // Of entry rows: runs in place of `handler` where that would write to two stores each of which may refuse. Several
  // runs, each of which writes to one store, until `done`; the next begins when what the last has written is on disk,
  // also if the client has gone. Only the last writes a reply.
  EntryHandler apart = nullptr;
};

// All rows, sorted by name. The families are in commands/, each with a function that appends its rows.
class CommandTable {
 public:
  static const CommandTable& instance();

  // By name, in any case; nullptr: unknown.
  const CommandRow* find(std::string_view name) const;
  // By "container" and "subcommand".
  const CommandRow* find_subcommand(const CommandRow& container, std::string_view name) const;
  bool is_container(const CommandRow& row) const;
  std::span<const CommandRow> rows() const { return rows_; }

  CommandTable(const CommandTable&) = delete;
  CommandTable& operator=(const CommandTable&) = delete;

 private:
  CommandTable();
  std::vector<CommandRow> rows_;
  std::vector<uint16_t> slots_;  // open addressing by folded name; 0: free, else index + 1
  uint32_t mask_ = 0;
};

// 1 to 255 bytes, any.
inline bool is_bucket_name(std::string_view name) {
  return !name.empty() && name.size() <= 255;
}

// The targets of one command by its row; false as TargetsFunction.
bool command_targets(const CommandRow& row, Arguments args, std::string_view selected, int64_t databases,
                     std::vector<KeyTarget>& targets);

}  // namespace sett::server
