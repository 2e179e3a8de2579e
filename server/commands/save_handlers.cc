#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "protocol/number_text.h"
#include "server/commands/errors.h"
#include "server/commands/server_handlers.h"
#include "server/event_loop.h"
#include "server/info/snapshots.h"
#include "server/services.h"

namespace sett::server {
namespace {

// False, with the error written: no snapshot can begin now.
bool may_save(ServerContext& ctx) {
  const SnapshotState state = snapshot_state(ctx.services);
  if (!state.durable) {
    ctx.reply.error("ERR nothing is saved: no backend in use keeps its data on disk");
    return false;
  }
  if (state.running) {
    ctx.reply.error("ERR Background save already in progress");
    return false;
  }
  return true;
}

// Snapshots of all durable backends at once; `done` gets the first failure, on any thread.
void save_all(const StoreSet& stores, std::function<void(const storage::Status&)> done) {
  struct Saving {
    std::atomic<size_t> left;
    storage::Mutex mutex;
    storage::Status first_failure GUARDED_BY(mutex);
    std::function<void(const storage::Status&)> done;
  };
  std::vector<storage::Store*> durable;
  for (const auto& store : stores.stores())
    if (store->capabilities().durable) durable.push_back(store.get());
  const auto saving = std::make_shared<Saving>();
  saving->left = durable.size();
  saving->done = std::move(done);
  for (storage::Store* store : durable) {
    store->snapshot([saving](const storage::Status& status) {
      storage::Status failure;
      {
        storage::MutexLock guard(saving->mutex);
        if (saving->first_failure.is_ok()) saving->first_failure = status;
        failure = saving->first_failure;
      }
      if (saving->left.fetch_sub(1) == 1) saving->done(failure);
    });
  }
}

}  // namespace

// Unlike Redis's, it keeps nobody else waiting.
void save_command(ServerContext& ctx) {
  if (!may_save(ctx)) return;
  save_all(ctx.services.stores, [answer = ctx.defer()](const storage::Status& status) {
    answer([text = status.is_ok() ? std::string()
                                  : "ERR the snapshot failed: " + status.to_string()](protocol::ReplyWriter& reply) {
      if (text.empty())
        reply.ok();
      else
        reply.error(text);
    });
  });
}

// SCHEDULE is for a server whose log is being rewritten, which sett's never is.
void bgsave_command(ServerContext& ctx) {
  const bool is_scheduled = ctx.args.size() == 2 && protocol::equals_ignoring_case(ctx.args[1], "schedule");
  if (ctx.args.size() > 1 && !is_scheduled) return ctx.reply.error(error_syntax);
  if (!may_save(ctx)) return;
  save_all(ctx.services.stores, [](const storage::Status&) {});  // the stores report a failure, in the log and in INFO
  ctx.reply.simple("Background saving started");
}

void lastsave_command(ServerContext& ctx) {
  ctx.reply.integer(snapshot_state(ctx.services).last_ms / 1000);
}

}  // namespace sett::server
