#include <string>

#include "server/commands/server_handlers.h"
#include "server/event_loop.h"
#include "server/info/snapshots.h"
#include "server/services.h"
#include "storage/backup/backup_manifest.h"

namespace sett::server {

namespace {

using storage::ErrorKind;

std::string error_of(const storage::Status& status) {
  switch (status.kind()) {
    case ErrorKind::ok:
      return {};
    case ErrorKind::busy:
      return "ERR Another backup is already in progress";
    case ErrorKind::already_exists:
      return "ERR a backup of that name exists already";
    default:
      return "ERR the backup failed: " + status.to_string();
  }
}

}  // namespace

void backup_command(ServerContext& ctx) {
  const std::string name(ctx.args[1]);
  if (!storage::is_backup_name(name))
    return ctx.reply.error(
        "ERR invalid backup name: it must have 1 to 128 letters, digits, '.', '_' or '-', and no '.' in front");
  if (!snapshot_state(ctx.services).durable)
    return ctx.reply.error("ERR nothing is backed up: no backend in use keeps its data on disk");
  ctx.services.stores.backup(name, [answer = ctx.defer()](const storage::Status& status) {
    answer([text = error_of(status)](protocol::ReplyWriter& reply) {
      if (text.empty())
        reply.ok();
      else
        reply.error(text);
    });
  });
}

}  // namespace sett::server
