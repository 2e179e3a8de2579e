#include "server/dispatcher.h"

#include <algorithm>
#include <string>

#include "protocol/number_text.h"
#include "server/commands/errors.h"
#include "server/connection.h"
#include "server/event_loop.h"
#include "server/needs_behind.h"
#include "server/plain_keys.h"
#include "server/server_context.h"
#include "server/services.h"

namespace sett::server {

using storage::CommitResult;
using storage::LockSet;
using storage::Store;
using storage::Transaction;

namespace {

constexpr uint32_t misses_before_keeping = 3;  // then a command queues for its locks and keeps what it has
constexpr uint32_t conflicts_max = 64;
constexpr uint32_t fetch_rounds_max = 1000;
constexpr int keyspace_steps_per_turn = 8;
constexpr size_t lookahead_keys_max = 64;  // few enough that what was fetched first is still in the cache

std::string upper_cased(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return upper;
}

// As Redis cuts it: texts end at a NUL, the command after 128 bytes, the arguments when they are 128 together.
std::string unknown_command(Arguments args) {
  constexpr size_t shown_max = 128;
  const auto shown = [](std::string_view bytes, size_t limit) {
    return bytes.substr(0, std::min(limit, bytes.find('\0')));
  };
  std::string arguments;
  for (size_t i = 1; i < args.size() && arguments.size() < shown_max; ++i) {
    const std::string_view text = shown(args[i], shown_max - arguments.size());  // before the quote counts
    arguments.append("'").append(text).append("' ");
  }
  return "ERR unknown command '" + std::string(shown(args[0], shown_max)) + "', with args beginning with: " + arguments;
}

// The first line, or a header line, of an HTTP request: a web page that was made to talk to us. Its connection is
// closed before anything it smuggles is executed, as Redis does.
bool is_http(std::string_view name) {
  return protocol::equals_ignoring_case(name, "post") || protocol::equals_ignoring_case(name, "host:");
}

bool arity_fits(const CommandRow& row, size_t arguments) {
  const auto count = static_cast<int>(arguments);
  return row.arity >= 0 ? count == row.arity : count >= -row.arity;
}

}  // namespace

Dispatcher::Dispatcher(Services& services, EventLoop& loop) : services_(services), loop_(loop), txn_(services.stores) {}

// --- Before a command runs

void Dispatcher::look_ahead(RequestBatch& requests, std::string_view selected) {
  const CommandTable& table = CommandTable::instance();
  for (RequestBatch::Request& request : requests) request.row = table.find(request.args[0]);
  if (requests.size() < 2 || !services_.stores.ready()) return;
  end_look_ahead();
  ahead_.clear();
  for (const RequestBatch::Request& request : requests) {
    if (!has_plain_keys(request.row)) continue;
    const bool is_read = (request.row->flags & flag_readonly) != 0;
    for_each_plain_key(*request.row, request.args, [&](std::string_view key) {
      if (ahead_.size() == lookahead_keys_max) return false;
      ahead_.push_back({key, is_read});
      return true;
    });
  }
  looked_ahead_in_ = &services_.stores.store_of(selected);
  looked_ahead_in_->prefetch(selected, ahead_);
  ahead_.clear();  // the keys are views into the input
}

void Dispatcher::end_look_ahead() {
  if (Store* store = std::exchange(looked_ahead_in_, nullptr)) store->end_prefetch();
}

const CommandRow* Dispatcher::admit(Connection& connection, const CommandRow* row, Arguments args) {
  protocol::ReplyWriter reply(connection.output(), connection.session().version);
  const auto refuse = [&](std::string_view text) {
    reply.error(text);
    return nullptr;
  };
  const CommandTable& table = CommandTable::instance();
  if (!row && is_http(args[0])) {
    connection.session().close_after_reply = true;
    return nullptr;
  }
  if (!row) return refuse(unknown_command(args));
  if (args.size() > 1 && table.is_container(*row)) {
    const CommandRow* subcommand = table.find_subcommand(*row, args[1]);
    if (!subcommand)
      return refuse("ERR unknown subcommand '" + shown_word(args[1].substr(0, 128)) + "'. Try " +
                    upper_cased(row->name) + " HELP.");
    row = subcommand;
  }
  if (!arity_fits(*row, args.size())) return refuse(error_arity(row->name));
  if (!connection.session().authenticated && !(row->flags & flag_no_auth))
    return refuse("NOAUTH Authentication required.");
  if (row->kind != CommandKind::server || !(row->flags & flag_loading)) {
    if (!services_.stores.ready()) return refuse("LOADING sett is loading the dataset in memory");
  }
  return row;
}

Dispatcher::Result Dispatcher::run(Connection& connection, const RequestBatch::Request& request) {
  const Arguments args = request.args;
  loop_.statistics().commands.add(1);
  auto& calls = connection.record().commands;
  calls.store(calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  const CommandRow* row = admit(connection, request.row, args);
  if (!row) return Result::done;
  connection.record().last_command.store(row->name.data(), std::memory_order_relaxed);
  connection.pending().row = row;
  if (row->kind == CommandKind::server) return run_server(connection, args, *row);
  if (row->prepare) connection.pending().prepared = row->prepare(args);
  return resume(connection, args);
}

Dispatcher::Result Dispatcher::resume(Connection& connection, Arguments args) {
  PendingCommand& pending = connection.pending();
  const CommandRow& row = *pending.row;
  if (!pending.fetch_failure.empty()) {
    release_locks(connection);
    for (Store* store : pending.fetched_from) store->release_fetched(connection.session().id);
    protocol::ReplyWriter reply(connection.output(), connection.session().version);
    reply.error("IOERR what the command reads could not be read: " + pending.fetch_failure);
    return Result::done;
  }
  if (row.all_stores || row.kind == CommandKind::keyspace) return run_stepped(connection, args);
  return run_entry(connection, args);
}

Dispatcher::Result Dispatcher::run_server(Connection& connection, Arguments args, const CommandRow& row) {
  protocol::ReplyWriter reply(connection.output(), connection.session().version);
  ServerContext context{row, args, reply, connection.session(), connection, loop_, services_};
  row.server_handler(context);
  return context.deferred ? Result::suspended : Result::done;
}

// --- Locks

bool Dispatcher::take_locks(Connection& connection) {
  PendingCommand& pending = connection.pending();
  for (size_t i = pending.held; i < pending.locks.size(); ++i) {
    const auto& item = pending.locks[i];
    if (item.store->try_lock(item.shard)) {
      ++pending.held;
      continue;
    }
    const bool keep = ++pending.misses > misses_before_keeping;
    if (!keep) release_locks(connection);
    item.store->wait_for_lock(item.shard, pending, keep);
    return false;
  }
  return true;
}

void Dispatcher::release_locks(Connection& connection) {
  PendingCommand& pending = connection.pending();
  for (size_t i = 0; i < pending.held; ++i) pending.locks[i].store->unlock(pending.locks[i].shard);
  pending.held = 0;
}

void Dispatcher::abandon(Connection& connection) {
  release_locks(connection);
  release_fetched(connection);
  connection.pending().reset();
}

// --- Runs

// One run of the handler under the locks that pending.locks names and holds.
Dispatcher::Step Dispatcher::attempt(Connection& connection, Arguments args, std::string_view selected,
                                     std::string& out, Store* store) {
  PendingCommand& pending = connection.pending();
  const auto& options = loop_.options().server;
  const size_t begin = out.size();
  protocol::ReplyWriter reply(out, connection.session().version);
  txn_.begin(pending.locks, loop_.wall_ms());
  CommandContext context{.row = *pending.row,
                         .args = args,
                         .txn = txn_,
                         .reply = reply,
                         .selected = selected,
                         .databases = options.databases,
                         .value_bytes_max = static_cast<uint64_t>(options.proto_max_bulk_len),
                         .reply_bytes_max = static_cast<uint64_t>(options.client_output_buffer_limit),
                         .random = loop_.random(),
                         .progress = pending.progress,
                         .store = store,
                         .prepared = pending.prepared};
  (pending.apart ? pending.row->apart : pending.row->handler)(context);
  return settle(connection, out, begin);
}

Dispatcher::Step Dispatcher::replaced_by_error(std::string& out, size_t begin, std::string_view text,
                                               Connection& connection) {
  out.resize(begin);
  protocol::ReplyWriter(out, connection.session().version).error(text);
  release_locks(connection);
  return Step::failed;
}

// After a run: commits it, or sees to what it lacked. The locks are released in any case.
Dispatcher::Step Dispatcher::settle(Connection& connection, std::string& out, size_t begin) {
  PendingCommand& pending = connection.pending();
  switch (txn_.verdict()) {
    case Transaction::Verdict::good:
      break;
    case Transaction::Verdict::too_many_buckets:
      return replaced_by_error(out, begin, "ERR there are already max_buckets buckets", connection);
    case Transaction::Verdict::several_stores:
      if (pending.row->apart && !pending.apart) {
        pending.apart = true;
        out.resize(begin);
        release_locks(connection);
        return Step::again;
      }
      return replaced_by_error(out, begin, error_several_stores, connection);
    case Transaction::Verdict::needs_shards:
      out.resize(begin);
      txn_.add_missing_shards(pending.extra_shards);
      release_locks(connection);
      return Step::again;
    case Transaction::Verdict::needs_fetch:
      out.resize(begin);
      release_locks(connection);
      if (++pending.fetch_rounds > fetch_rounds_max)
        return replaced_by_error(out, begin, "TRYAGAIN what the command reads keeps changing", connection);
      fetch(connection);
      return Step::suspended;
  }
  const uint64_t progress_before = loop_.progress_count();
  switch (txn_.commit()) {
    case CommitResult::Kind::committed:
      release_locks(connection);
      loop_.statistics().keyspace_hits.add(txn_.hits());
      loop_.statistics().keyspace_misses.add(txn_.misses());
      return Step::done;
    case CommitResult::Kind::conflict:
      if (++pending.conflicts > conflicts_max)
        return replaced_by_error(out, begin, "TRYAGAIN others keep writing what the command reads", connection);
      out.resize(begin);
      release_locks(connection);
      return Step::again;
    case CommitResult::Kind::hold:
      out.resize(begin);
      release_locks(connection);
      wait_for_room(connection, *pending.locks[0].store, progress_before);
      return Step::suspended;
    case CommitResult::Kind::no_space:
      return replaced_by_error(out, begin, error_no_space, connection);
    case CommitResult::Kind::behind:
      return replaced_by_error(out, begin, error_behind, connection);
    case CommitResult::Kind::failed:
      break;
  }
  return replaced_by_error(out, begin, error_log_failed, connection);
}

void Dispatcher::gate(Connection& connection, size_t begin, size_t end) {
  for (const auto& dependency : txn_.dependencies())
    if (dependency.sequence > dependency.store->journal().safe())
      connection.gates().add(begin, end, *dependency.store, dependency.sequence);
}

void Dispatcher::fetch(Connection& connection) {
  auto self = connection.shared_from_this();
  auto left = std::make_shared<std::atomic<size_t>>(txn_.needs().size());
  for (auto& [store, needs] : txn_.needs()) {
    connection.pending().fetched_from.push_back(store);
    if (connection.pending().fetch_rounds == 1) add_needs_behind(connection.requests(), needs);
    store->fetch(connection.session().id, needs, [this, self, left](const storage::Status& status) {
      if (!status) loop_.post([self, why = status.to_string()] { self->pending().fetch_failure = why; });
      if (left->fetch_sub(1) == 1) loop_.post([self] { self->resume(); });
    });
  }
}

void Dispatcher::release_fetched(Connection& connection) {
  PendingCommand& pending = connection.pending();
  for (Store* store : pending.fetched_from) store->release_fetched(connection.session().id);
  pending.fetched_from.clear();
  pending.fetch_rounds = 0;
}

void Dispatcher::wait_for_room(Connection& connection, const Store& store, uint64_t progress_before) {
  connection.pending().waits_for_room = &store;
  loop_.wait_for_room(connection.shared_from_this());
  // Room that was made before the loop knew that somebody waits was not told.
  if (loop_.progress_count() != progress_before) loop_.on_journal_progress();
}

// Of any store that the command's targets are in.
bool Dispatcher::memory_is_full(std::string_view selected) {
  if (targets_.empty()) return services_.stores.store_of(selected).over_memory_limit();
  Store* last = nullptr;
  for (const KeyTarget& target : targets_) {
    Store& store = services_.stores.store_of(target.bucket);
    if (&store != last && store.over_memory_limit()) return true;
    last = &store;
  }
  return false;
}

// A command that works on the keys it names, or under all locks of its buckets' stores.
Dispatcher::Result Dispatcher::run_entry(Connection& connection, Arguments args) {
  PendingCommand& pending = connection.pending();
  const CommandRow& row = *pending.row;
  const std::string_view selected = connection.session().bucket;
  std::string& out = connection.output();
  if (waits_for_disk(connection)) return Result::suspended;
  targets_.clear();
  command_targets(row, args, selected, loop_.options().server.databases, targets_);
  if ((row.flags & flag_denyoom) && memory_is_full(selected)) {
    release_locks(connection);
    protocol::ReplyWriter(out, connection.session().version).error(error_oom);
    return Result::done;
  }
  while (true) {
    if (pending.unsynced.store) {  // and never will be
      replaced_by_error(out, out.size(), error_log_failed, connection);
      return Result::done;
    }
    if (pending.held == 0) {  // else it waits with what it has, and the set is the same
      pending.locks.clear();
      for (const KeyTarget& target : targets_) {
        Store& store = services_.stores.store_of(target.bucket);
        if (row.kind == CommandKind::all_shards)
          pending.locks.add_all(store);
        else
          pending.locks.add(store, store.shard_of(target.key));
      }
      for (const auto& item : pending.extra_shards) pending.locks.add(*item.store, item.shard);
    }
    if (!take_locks(connection)) return Result::suspended;
    const size_t begin = out.size();
    const Step outcome = attempt_entry(connection, args, selected);
    if (outcome == Step::suspended) return Result::suspended;
    if (outcome == Step::again) continue;
    if (outcome == Step::done && pending.apart && !pending.progress.done) {
      if (begin_wait_for_disk(connection)) return Result::suspended;
      continue;
    }
    gate(connection, begin, out.size());
    release_fetched(connection);
    return Result::done;
  }
}

// A void run of a command that runs apart leaves its progress as it was.
Dispatcher::Step Dispatcher::attempt_entry(Connection& connection, Arguments args, std::string_view selected) {
  PendingCommand& pending = connection.pending();
  if (!pending.apart) return attempt(connection, args, selected, connection.output(), nullptr);
  const Progress before = pending.progress;
  const Step outcome = attempt(connection, args, selected, connection.output(), nullptr);
  if (outcome != Step::done) pending.progress = before;
  return outcome;
}

// --- Commands that run apart

// After a run that was not the last. False: it is on disk already.
bool Dispatcher::begin_wait_for_disk(Connection& connection) {
  PendingCommand& pending = connection.pending();
  release_fetched(connection);
  pending.conflicts = 0;
  pending.unsynced = txn_.committed();
  pending.progress.committed = pending.unsynced.sequence;
  return waits_for_disk(connection);
}

bool Dispatcher::waits_for_disk(Connection& connection) {
  PendingCommand& pending = connection.pending();
  if (!pending.unsynced.store) return false;
  storage::Journal& journal = pending.unsynced.store->journal();
  const uint64_t progress_before = loop_.progress_count();
  if (journal.synced() >= pending.unsynced.sequence || journal.failed()) {
    if (journal.synced() >= pending.unsynced.sequence) pending.unsynced = {};
    return false;
  }
  journal.request_sync();
  wait_for_room(connection, *pending.unsynced.store, progress_before);
  return true;
}

// A command that goes through a bucket or through all backends: step by step, each under its own locks, a bounded
// number of steps a turn. The reply is built aside, since others of this connection may still be leaving.
Dispatcher::Result Dispatcher::run_stepped(Connection& connection, Arguments args) {
  PendingCommand& pending = connection.pending();
  const CommandRow& row = *pending.row;
  const auto& stores = services_.stores.stores();
  const std::string_view selected = connection.session().bucket;
  const std::string_view bucket = row.bucket_argument > 0 ? args[static_cast<size_t>(row.bucket_argument)] : selected;
  for (int step = 0; step < keyspace_steps_per_turn; ++step) {
    Store& store = row.all_stores ? *stores[pending.store_index] : services_.stores.store_of(bucket);
    if (pending.held == 0) {
      pending.locks.clear();
      if (row.kind == CommandKind::all_shards || store.capabilities().ordered)
        pending.locks.add_all(store);
      else
        pending.locks.add(store, pending.progress.shard);
      for (const auto& item : pending.extra_shards) pending.locks.add(*item.store, item.shard);
    }
    if (!take_locks(connection)) return Result::suspended;
    pending.progress.stores_left = row.all_stores ? static_cast<uint32_t>(stores.size() - pending.store_index - 1) : 0;
    // A void step is taken again from where it began.
    const Progress before = pending.progress;
    pending.step_begin = pending.reply.size();
    const Step outcome = attempt(connection, args, selected, pending.reply, &store);
    if (outcome == Step::failed) {
      // Instead of whatever earlier steps have written: one command, one reply.
      pending.reply.erase(0, pending.step_begin);
      return finish_stepped(connection);
    }
    if (outcome != Step::done) {
      pending.progress = before;
      if (outcome == Step::suspended) return Result::suspended;
      continue;
    }
    for (const auto& dependency : txn_.dependencies()) pending.depend_on(dependency);
    // However long the way, what it has in memory and waits for is that of a step.
    release_fetched(connection);
    if (!pending.progress.done && row.kind == CommandKind::keyspace) continue;
    if (row.all_stores && ++pending.store_index < stores.size()) {
      pending.progress.shard = 0;
      pending.progress.position = 0;
      pending.progress.done = false;
      continue;
    }
    return finish_stepped(connection);
  }
  loop_.post([self = connection.shared_from_this()] { self->resume(); });
  return Result::suspended;
}

Dispatcher::Result Dispatcher::finish_stepped(Connection& connection) {
  PendingCommand& pending = connection.pending();
  std::string& out = connection.output();
  const size_t begin = out.size();
  out += pending.reply;
  std::string().swap(pending.reply);
  for (const auto& dependency : pending.dependencies)
    if (dependency.sequence > dependency.store->journal().safe())
      connection.gates().add(begin, out.size(), *dependency.store, dependency.sequence);
  release_fetched(connection);
  return Result::done;
}

}  // namespace sett::server
