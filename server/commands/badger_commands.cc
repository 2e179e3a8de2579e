#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "server/commands/errors.h"
#include "server/commands/families.h"
#include "server/commands/native_arguments.h"
#include "server/commands/server_rows.h"
#include "server/services.h"

namespace sett::server {
namespace {

using storage::Result;
using storage::Store;
using storage::Upkeep;

// What several stores are asked for as one: the sum, or the first failure.
struct Asked {
  std::atomic<size_t> left;
  storage::Mutex mutex;
  uint64_t bytes GUARDED_BY(mutex) = 0;
  storage::Status failure GUARDED_BY(mutex);
};

void write_outcome(protocol::ReplyWriter& reply, bool is_of_bucket, uint64_t bytes, const storage::Status& failure) {
  if (failure.is_ok()) return reply.integer(static_cast<int64_t>(bytes));
  if (is_of_bucket && failure.kind() == storage::ErrorKind::not_found) return reply.error(error_no_such_bucket);
  reply.error("ERR " + failure.to_string());
}

void ask(ServerContext& ctx, const std::vector<Store*>& stores, Upkeep what, const std::string& bucket) {
  const auto asked = std::make_shared<Asked>();
  asked->left = stores.size();
  const auto answer = ctx.defer();
  for (Store* store : stores)
    store->keep_up(what, bucket, [asked, answer, is_of_bucket = !bucket.empty()](const Result<uint64_t>& outcome) {
      uint64_t bytes = 0;
      storage::Status failure;
      {
        storage::MutexLock lock(asked->mutex);
        if (outcome.is_ok())
          asked->bytes += outcome.value();
        else if (asked->failure.is_ok())
          asked->failure = outcome.status();
        bytes = asked->bytes;
        failure = asked->failure;
      }
      if (asked->left.fetch_sub(1) != 1) return;
      answer([is_of_bucket, bytes, failure](protocol::ReplyWriter& reply) {
        write_outcome(reply, is_of_bucket, bytes, failure);
      });
    });
}

void refuse(ServerContext& ctx, std::string_view command, const Store& store) {
  ctx.reply.error("ERR " + std::string(command) + " is not supported by the backend " + std::string(store.backend()) +
                  ": it keeps no tables and no value logs");
}

// Of every backend that has something to keep up.
void ask_all(ServerContext& ctx, std::string_view command, Upkeep what) {
  std::vector<Store*> stores;
  for (const auto& store : ctx.services.stores.stores())
    if (store->capabilities().upkeep) stores.push_back(store.get());
  if (stores.empty()) return refuse(ctx, command, ctx.services.stores.default_store());
  ask(ctx, stores, what, {});
}

void badger_gc_command(ServerContext& ctx) {
  ask_all(ctx, "BADGER.GC", Upkeep::collect_values);
}

void badger_compact_command(ServerContext& ctx) {
  constexpr std::string_view command = "BADGER.COMPACT";
  if (ctx.args.size() > 2) return ctx.reply.error(error_syntax);
  if (ctx.args.size() == 1) return ask_all(ctx, command, Upkeep::merge_tables);
  if (!is_bucket_name(ctx.args[1])) return ctx.reply.error(error_bucket_name);
  Store& store = ctx.services.stores.store_of(ctx.args[1]);
  if (!store.capabilities().upkeep) return refuse(ctx, command, store);
  ask(ctx, {&store}, Upkeep::merge_tables, std::string(ctx.args[1]));
}

}  // namespace

void add_badger_commands(std::vector<CommandRow>& rows) {
  constexpr uint32_t flags = flag_admin | flag_noscript | flag_no_async_loading | flag_no_multi;
  constexpr std::string_view group = "badger", since = "0.1.0";
  rows.push_back(server_row("badger.compact", -1, flags, admin_acl, group, since,
                            "O(N) where N is the number of keys in the tables",
                            "Merges tables until they hold nothing needless, and tells the bytes given back.",
                            "[bucket]", badger_compact_command));
  rows.push_back(server_row("badger.gc", 1, flags, admin_acl, group, since,
                            "O(N) where N is the size of the tables and of the value logs that are collected",
                            "Collects value logs of which a part is dead, and tells the bytes given back.", "",
                            badger_gc_command));
}

}  // namespace sett::server
