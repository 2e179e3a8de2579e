#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/commands/server_handlers.h"
#include "server/connection.h"
#include "server/event_loop.h"
#include "server/info/sections.h"
#include "server/services.h"

namespace sett::server {
namespace {

using Sections = std::vector<const InfoSection*>;

std::string info_text(const Sections& sections, const InfoSource& source) {
  InfoText text;
  for (const InfoSection* section : sections) section->write(source, text);
  return text.text();
}

// Counts are the stores' latest state, and shown only when that is safe.
void gate_reply(Connection& connection, const StoreSet& stores, size_t begin, size_t end) {
  for (const auto& store : stores.stores())
    if (const auto last = store->journal().last(); last > store->journal().safe())
      connection.gates().add(begin, end, *store, last);
}

// The keyspace section needs a visit to every shard.
void answer_after_walk(ServerContext& ctx, Sections sections) {
  auto done = [&services = ctx.services, sections = std::move(sections), answer = ctx.defer(),
               weak = std::weak_ptr(ctx.connection.shared_from_this())](std::vector<BucketTotal> buckets) {
    const InfoSource source{services, services.clock.wall_ms(), services.clock.steady_ms(), &buckets};
    answer([text = info_text(sections, source), weak, &services](protocol::ReplyWriter& reply) {
      const auto connection = weak.lock();
      if (!connection) return;
      const size_t begin = reply.mark();
      reply.verbatim("txt", text);
      gate_reply(*connection, services.stores, begin, reply.mark());
    });
  };
  UsageWalk::start(
      ctx.services.stores.stores(), ctx.loop.wall_ms(),
      [&loop = ctx.loop](std::function<void()> task) { loop.post(std::move(task)); }, std::move(done));
}

}  // namespace

void info_command(ServerContext& ctx) {
  Sections sections = wanted_sections(ctx.args.subspan(1));
  bool with_keyspace = false;
  for (const InfoSection* section : sections) with_keyspace = with_keyspace || section->write == write_keyspace_section;
  if (with_keyspace && ctx.services.stores.ready()) return answer_after_walk(ctx, std::move(sections));
  const InfoSource source{ctx.services, ctx.services.clock.wall_ms(), ctx.services.clock.steady_ms()};
  ctx.reply.verbatim("txt", info_text(sections, source));
}

}  // namespace sett::server
