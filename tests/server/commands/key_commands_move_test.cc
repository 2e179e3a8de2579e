// MOVE and COPY between any two backends: the reply, what is where afterwards, and in which order it gets to the disk.
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "storage/chaos/chaos_store.h"
#include "tests/server/commands/live_server.h"
#include "tests/support/temporary_directory.h"

namespace sett::server {
namespace {

// Bucket 1 is in simple_kv, 2 in badger, 3 in memory, others in simple_kv.
config::Options all_backends(const std::string& directory, bool sync_writes) {
  config::Options options;
  options.server.data_dir = directory;
  options.store.backend = "simple_kv";
  options.buckets = {{"1", "simple_kv"}, {"2", "badger"}, {"3", "memory"}};
  options.simple_kv.sync_writes = options.badger.sync_writes = sync_writes;
  options.badger.value_threshold = 64;
  return options;
}

StoreWrapper chaos(uint64_t seed) {
  return [seed](std::unique_ptr<storage::Store> inner, storage::Executor& executor) -> std::unique_ptr<storage::Store> {
    return std::make_unique<storage::ChaosStore>(std::move(inner), executor, storage::ChaosOptions{.seed = seed});
  };
}

// Looks at the log of the other store whenever a key goes by a MOVE: nobody else writes to it.
class OrderWatch final : public storage::MutationHook {
 public:
  StoreWrapper wrapper() {
    return [this](std::unique_ptr<storage::Store> inner, storage::Executor&) {
      inner->set_hook(this);
      stores.push_back(inner.get());
      return inner;
    };
  }
  void on_mutation(std::string_view bucket, const std::string_view*, storage::Event event) override {
    if (event != storage::Event::move_from) return;
    ++removals;
    const std::string_view target = bucket == "1" ? "badger" : "simple_kv";
    for (storage::Store* store : stores)
      if (store->backend() == target && store->journal().synced() < store->journal().last()) ++unsynced;
  }
  std::vector<storage::Store*> stores;
  std::atomic<int> removals{0}, unsynced{0};
};

std::string value_in(LiveServer::Client& client, const std::string& bucket, const std::string& key) {
  return client.call({"KV.GET", bucket, key});
}

}  // namespace

TEST_CASE("a key moves between any two backends", "[server]") {
  const bool is_chaotic = GENERATE(false, true), sync_writes = GENERATE(false, true);
  const storage::TemporaryDirectory directory;
  LiveServer server(all_backends(directory.path(), sync_writes), 2, true, is_chaotic ? chaos(7) : StoreWrapper());
  const auto client = server.connect(0), other = server.connect(1);
  for (const std::string from : {"1", "2", "3"})
    for (const std::string to : {"1", "2", "3"}) {
      if (from == to) continue;
      for (const std::string& value : {std::string("short"), std::string(1000, 'v')}) {
        INFO(from << " to " << to << ", " << value.size() << " bytes");
        const std::string reply = "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
        CHECK(client->call({"SELECT", from}) == "+OK\r\n");
        CHECK(client->call({"MOVE", "k", to}) == ":0\r\n");
        CHECK(client->call({"SET", "k", value, "EX", "100"}) == "+OK\r\n");
        CHECK(client->call({"COPY", "k", "l", "DB", to}) == ":1\r\n");
        CHECK(client->call({"MOVE", "k", to}) == ":1\r\n");
        CHECK(value_in(*other, from, "k") == "$-1\r\n");
        CHECK(value_in(*other, to, "k") == reply);
        CHECK(value_in(*other, to, "l") == reply);
        CHECK(client->call({"KV.TTL", to, "k"}) == ":100000\r\n");
        CHECK(client->call({"SET", "k", "another"}) == "+OK\r\n");
        CHECK(client->call({"MOVE", "k", to}) == ":0\r\n");
        CHECK(value_in(*other, to, "k") == reply);
        CHECK(client->call({"KV.MDEL", to, "k", "l"}).starts_with("*2\r\n:2"));
        CHECK(client->call({"DEL", "k"}) == ":1\r\n");
      }
    }
}

TEST_CASE("the original goes when the copy is on disk", "[server]") {
  const storage::TemporaryDirectory directory;
  OrderWatch watch;
  {
    LiveServer server(all_backends(directory.path(), false), 1, true, watch.wrapper());
    const auto client = server.connect();
    for (int i = 0; i < 50; ++i) {
      const std::string key = "k" + std::to_string(i);
      CHECK(client->call({"SELECT", i % 2 == 0 ? "1" : "2"}) == "+OK\r\n");
      CHECK(client->call({"SET", key, std::string(static_cast<size_t>(i) * 10, 'v')}) == "+OK\r\n");
      CHECK(client->call({"MOVE", key, i % 2 == 0 ? "2" : "1"}) == ":1\r\n");
    }
    CHECK(client->call({"KV.COUNT", "1", ""}) == ":25\r\n");
    CHECK(client->call({"KV.COUNT", "2", ""}) == ":25\r\n");
  }
  CHECK(watch.removals == 50);
  CHECK(watch.unsynced == 0);
  LiveServer again(all_backends(directory.path(), false));
  const auto client = again.connect();
  CHECK(client->call({"KV.COUNT", "1", ""}) == ":25\r\n");
  CHECK(client->call({"KV.COUNT", "2", ""}) == ":25\r\n");
}

// What is appended to a key that somebody moves away all the time: each word is taken once, wherever it came to be.
TEST_CASE("writes of others between the halves of a move are neither lost nor doubled", "[server]") {
  const auto seed = GENERATE(range(0u, 3u));
  const storage::TemporaryDirectory directory;
  LiveServer server(all_backends(directory.path(), false), 2, true, seed == 0 ? StoreWrapper() : chaos(seed));
  constexpr int words = 400, words_per_move = 4;
  const auto mover = server.connect(0), writer = server.connect(1);
  REQUIRE(mover->call({"SELECT", "1"}) == "+OK\r\n");
  REQUIRE(writer->call({"SELECT", "1"}) == "+OK\r\n");
  std::string moved, taken;
  std::set<std::string> odd;
  std::atomic<bool> is_over{false};
  std::atomic<int> attempts{0}, moves{0};
  std::thread moving([&] {
    const auto take = [&] {
      const std::string reply = value_in(*mover, "2", "k");
      if (reply.starts_with("$-1")) return;
      moved += reply.substr(reply.find('\n') + 1);
      mover->call({"KV.DEL", "2", "k"});
    };
    while (!is_over) {
      const std::string reply = mover->call({"MOVE", "k", "2"});
      moves += reply == ":1\r\n";
      if (reply != ":1\r\n" && reply != ":0\r\n" && !reply.starts_with("-TRYAGAIN")) odd.insert(reply);
      take();
      ++attempts;
    }
  });
  for (int word = 0; word < words; ++word) {
    // A key that is written to all the time is never moved: now and then the mover has it for itself.
    const int before = attempts;
    while (word % words_per_move == 0 && attempts < before + 2) std::this_thread::yield();
    writer->call({"APPEND", "k", "<" + std::to_string(word) + ">"});
    if (word % 7 != 6) continue;
    const std::string reply = writer->call({"GETDEL", "k"});
    if (!reply.starts_with("$-1")) taken += reply.substr(reply.find('\n') + 1);
  }
  is_over = true;
  moving.join();
  CHECK(odd.empty());
  CHECK(moves > words / words_per_move / 2);
  const std::string all = moved + taken + value_in(*writer, "1", "k") + value_in(*writer, "2", "k");
  for (int word = 0; word < words; ++word) {
    const std::string shown = "<" + std::to_string(word) + ">";
    INFO(shown);
    const size_t at = all.find(shown);
    CHECK(at != std::string::npos);
    CHECK(all.find(shown, at + 1) == std::string::npos);
  }
}

}  // namespace sett::server
