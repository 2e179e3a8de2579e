#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "server/command.h"
#include "storage/memory/memory_store.h"

namespace sett::server::test {

// Time that stands still until a test moves it.
class StillClock final : public storage::Clock {
 public:
  static constexpr int64_t start_ms = 1'700'000'000'000;
  int64_t wall_ms() override { return now_ms; }
  int64_t steady_us() override { return now_ms * 1000; }
  int64_t now_ms = start_ms;
};

// Keeps tasks until run().
class TaskQueue final : public storage::Executor {
 public:
  void post(Lane, Task task) override { tasks_.push_back(std::move(task)); }
  TimerId post_after(Lane, int64_t, Task) override { return 1; }
  void cancel(TimerId) override {}
  void run() {
    for (; !tasks_.empty(); tasks_.pop_front()) tasks_.front()();
  }

 private:
  std::deque<Task> tasks_;
};

// A log that remembers only how much was put into it.
class MeasuringJournal final : public storage::Journal {
 public:
  Appended append(std::span<const std::string_view> parts, Urgency) override {
    for (const std::string_view part : parts) bytes += part.size();
    return {Room::ok, ++last_};
  }
  storage::Sequence last() const override { return last_; }
  storage::Sequence written() const override { return last_; }
  storage::Sequence synced() const override { return last_; }
  storage::Sequence safe() const override { return last_; }
  bool failed() const override { return false; }
  bool keeps_records() const override { return true; }
  void write_if_small() override {}
  void request_sync() override {}
  void set_progress_listener(std::function<void()>) override {}
  void announce_progress() override {}
  uint64_t bytes = 0;

 private:
  storage::Sequence last_ = 0;
};

// Runs commands as the dispatcher does: finds the row, takes the locks that it wants, runs the handler over a
// transaction, runs it again with more locks when it asks for them, steps keyspace handlers, commits. Two backends:
// buckets whose name begins with "other" live in the second.
class CommandRunner final : public storage::StoreRouter {
 public:
  explicit CommandRunner(storage::ShardIndex shards = 4);
  ~CommandRunner() override;

  storage::Store& store_of(std::string_view bucket) override { return bucket.starts_with("other") ? *other_ : *main_; }

  using Command = std::vector<std::string>;
  std::string run(const Command& command);  // the raw reply
  // All in one transaction, as EXEC does: the replies in a row.
  std::string run_body(const std::vector<Command>& body);

  // Everything that lives: (bucket, key) -> (value, expiry).
  using Contents = std::map<std::pair<std::string, std::string>, std::pair<std::string, int64_t>>;
  Contents contents();
  uint64_t log_bytes() const { return journal_.bytes; }
  uint64_t hits = 0, misses = 0;  // of all runs

  StillClock clock;
  std::string selected = "0";
  protocol::ReplyWriter::Version version = protocol::ReplyWriter::Version::resp2;
  uint64_t value_bytes_max = 1 << 20;
  uint64_t reply_bytes_max = 1 << 30;

 private:
  const CommandRow* find_row(Arguments args, std::string& reply) const;
  template <typename Step>
  void for_each_store(const CommandRow& row, const Step& step);
  void run_step(const CommandRow& row, Arguments args, std::string_view bucket, Progress& progress, std::string& reply);
  void call(const CommandRow& row, Arguments args, std::string_view bucket, Progress& progress, std::string& reply);
  template <typename Body>
  void run_locked(storage::LockSet locks, const Body& body);

  TaskQueue tasks_;
  MeasuringJournal journal_, other_journal_;
  std::unique_ptr<storage::MemoryStore> main_, other_;
  storage::Random random_{42};
  storage::Transaction txn_;
};

std::vector<std::string> split_line(std::string_view line);
// Line ends as '|' (the last left out), unprintable bytes as \xHH.
std::string readable(std::string_view reply);
// Runs a table: a line each, `command => readable reply`; empty lines and those that begin with '#' are skipped. A word
// that begins with '@' is for the runner: "@sleep ms", "@select bucket", "@resp 3".
void check_table(CommandRunner& runner, std::string_view table);

}  // namespace sett::server::test
