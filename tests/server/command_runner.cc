#include "tests/server/command_runner.h"

#include <catch2/catch.hpp>
#include <cstdio>

#include "protocol/number_text.h"
#include "protocol/request_parser.h"
#include "server/commands/errors.h"

namespace sett::server::test {

using storage::LockSet;
using storage::Transaction;

namespace {

std::vector<std::string_view> views_of(const CommandRunner::Command& command) {
  return {command.begin(), command.end()};
}

std::unique_ptr<storage::MemoryStore> make_store(std::string name, storage::ShardIndex shards,
                                                 storage::Journal& journal, storage::Executor& executor,
                                                 storage::Clock& clock) {
  storage::MemoryStoreOptions options;
  options.backend = std::move(name);
  options.shards = shards;
  options.hash = storage::find_key_hash("xxh3");
  return std::make_unique<storage::MemoryStore>(options, &journal, executor, clock);
}

}  // namespace

CommandRunner::CommandRunner(storage::ShardIndex shards)
    : main_(make_store("memory", shards, journal_, tasks_, clock)),
      other_(make_store("second", 2, other_journal_, tasks_, clock)),
      txn_(*this) {}

CommandRunner::~CommandRunner() {
  tasks_.run();
}

const CommandRow* CommandRunner::find_row(Arguments args, std::string& reply) const {
  const CommandTable& table = CommandTable::instance();
  protocol::ReplyWriter writer(reply, version);
  const CommandRow* row = table.find(args[0]);
  if (row && args.size() > 1 && table.is_container(*row)) {
    row = table.find_subcommand(*row, args[1]);
  }
  if (!row) {
    writer.error("ERR unknown command");
    return nullptr;
  }
  const auto count = static_cast<int>(args.size());
  if (row->arity > 0 ? count != row->arity : count < -row->arity) {
    writer.error(error_arity(row->name));
    return nullptr;
  }
  REQUIRE(row->handler);
  return row;
}

void CommandRunner::call(const CommandRow& row, Arguments args, std::string_view bucket, Progress& progress,
                         std::string& reply) {
  protocol::ReplyWriter writer(reply, version);
  CommandContext ctx{row,     args,     txn_,    writer, bucket, 16, value_bytes_max, reply_bytes_max,
                     random_, progress, nullptr, {}};
  if (row.all_stores) ctx.store = &store_of(bucket);
  if (row.prepare) ctx.prepared = txn_.keep(row.prepare(args));
  row.handler(ctx);
}

// Gives back the locks however the body ends.
template <typename Body>
void CommandRunner::run_locked(LockSet locks, const Body& body) {
  for (int rounds = 0; rounds < 4; ++rounds) {
    for (const auto& item : locks) REQUIRE(item.store->try_lock(item.shard));
    txn_.begin(locks, clock.wall_ms());
    body();
    const auto verdict = txn_.verdict();
    if (verdict == Transaction::Verdict::good) {
      const bool committed = txn_.commit() == storage::CommitResult::Kind::committed;
      hits += txn_.hits();
      misses += txn_.misses();
      for (const auto& item : locks) item.store->unlock(item.shard);
      REQUIRE(committed);
      return;
    }
    for (const auto& item : locks) item.store->unlock(item.shard);
    REQUIRE(verdict == Transaction::Verdict::needs_shards);
    txn_.add_missing_shards(locks);
  }
  FAIL("the command asks for ever more locks");
}

void CommandRunner::run_step(const CommandRow& row, Arguments args, std::string_view bucket, Progress& progress,
                             std::string& reply) {
  std::vector<KeyTarget> targets;
  LockSet locks;
  if (command_targets(row, args, bucket, 16, targets)) {
    for (const KeyTarget& target : targets) {
      storage::Store& store = store_of(target.bucket);
      if (row.kind == CommandKind::entry)
        locks.add(store, store.shard_of(target.key));
      else if (row.kind == CommandKind::keyspace)
        locks.add(store, progress.shard);
      else
        locks.add_all(store);
    }
  }
  const Progress before = progress;
  const size_t reply_before = reply.size();
  run_locked(locks, [&] {
    progress = before;
    reply.resize(reply_before);
    call(row, args, bucket, progress, reply);
  });
}

// Rows of all stores run for each store in turn; the others once, for the session's bucket. `step` runs the handler
// once.
template <typename Step>
void CommandRunner::for_each_store(const CommandRow& row, const Step& step) {
  // The bytes of a bucket's name must hold for the whole transaction.
  constexpr std::string_view of_each_store[] = {"0", "other"};
  Progress progress;
  const uint32_t stores = row.all_stores ? std::size(of_each_store) : 1;
  for (uint32_t nth = 0; nth < stores; ++nth) {
    progress.stores_left = stores - 1 - nth;
    progress.shard = 0;
    progress.position = 0;
    progress.done = false;
    int steps = 0;
    do {
      REQUIRE(++steps < 100'000);
      step(row.all_stores ? of_each_store[nth] : std::string_view(selected), progress);
    } while (row.kind == CommandKind::keyspace && !progress.done);
  }
}

std::string CommandRunner::run(const Command& command) {
  const auto views = views_of(command);
  std::string reply;
  if (const CommandRow* row = find_row(views, reply)) {
    for_each_store(
        *row, [&](std::string_view bucket, Progress& progress) { run_step(*row, views, bucket, progress, reply); });
  }
  tasks_.run();
  return reply;
}

std::string CommandRunner::run_body(const std::vector<Command>& body) {
  LockSet locks;
  locks.add_all(*main_);
  locks.add_all(*other_);
  std::string reply;
  run_locked(locks, [&] {
    reply.clear();
    for (const Command& command : body) {
      const auto views = views_of(command);
      // The bytes of a request live until the commit; `command` does, the views need not.
      if (const CommandRow* row = find_row(views, reply)) {
        for_each_store(
            *row, [&](std::string_view bucket, Progress& progress) { call(*row, views, bucket, progress, reply); });
      }
    }
  });
  tasks_.run();
  return reply;
}

CommandRunner::Contents CommandRunner::contents() {
  Contents all;
  for (storage::MemoryStore* store : {main_.get(), other_.get()}) {
    for (storage::ShardIndex shard = 0; shard < store->shard_count(); ++shard) REQUIRE(store->try_lock(shard));
    for (const storage::BucketInfo& bucket : store->list_buckets()) {
      uint64_t position = 0;
      do {
        std::vector<storage::Need> needs;
        const storage::Store::Scan scan{bucket.id, position, 1000, clock.wall_ms(), {}, true};
        const auto visit = [&](std::string_view key, const storage::EntryView& entry) {
          all[{bucket.name, std::string(key)}] = {std::string(entry.value), entry.expires_at_ms};
        };
        position = store->scan(scan, visit, needs);
        REQUIRE(needs.empty());
      } while (position != 0);
    }
    for (storage::ShardIndex shard = 0; shard < store->shard_count(); ++shard) store->unlock(shard);
  }
  return all;
}

std::vector<std::string> split_line(std::string_view line) {
  protocol::RequestParser parser;
  const std::string text = std::string(line) + "\r\n";
  const auto outcome = parser.parse(text, {});
  INFO(line);
  REQUIRE(outcome == protocol::RequestParser::Outcome::request);
  return {parser.arguments().begin(), parser.arguments().end()};
}

std::string readable(std::string_view reply) {
  std::string text;
  for (size_t i = 0; i < reply.size(); ++i) {
    const auto byte = static_cast<unsigned char>(reply[i]);
    if (byte == '\r' && i + 1 < reply.size() && reply[i + 1] == '\n') {
      if (++i + 1 < reply.size()) text.push_back('|');
    } else if (byte >= ' ' && byte < 0x7F) {
      text.push_back(reply[i]);
    } else {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", byte);
      text.append(hex);
    }
  }
  return text;
}

void check_table(CommandRunner& runner, std::string_view table) {
  while (!table.empty()) {
    const size_t end = std::min(table.find('\n'), table.size());
    std::string_view line = table.substr(0, end);
    table.remove_prefix(std::min(end + 1, table.size()));
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty() || line.front() == '#') continue;
    INFO(line);
    const size_t arrow = line.find(" => ");
    const auto words = split_line(line.substr(0, arrow));
    if (words[0] == "@sleep") {
      runner.clock.now_ms += *protocol::parse_int64(words[1]);
    } else if (words[0] == "@select") {
      runner.selected = words[1];
    } else if (words[0] == "@resp") {
      runner.version = words[1] == "3" ? protocol::ReplyWriter::Version::resp3 : protocol::ReplyWriter::Version::resp2;
    } else {
      REQUIRE(arrow != std::string_view::npos);
      CHECK(readable(runner.run(words)) == line.substr(arrow + 4));
    }
  }
}

}  // namespace sett::server::test
