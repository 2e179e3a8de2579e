#include <array>
#include <string>

#include "protocol/number_text.h"
#include "server/commands/errors.h"
#include "server/commands/server_handlers.h"
#include "server/event_loop.h"
#include "server/version.h"

namespace sett::server {
namespace {

constexpr size_t width = 60, height = 10;
using Ground = std::array<std::string, height>;

// One tunnel from the surface downwards, with a chamber at its end.
void dig(Ground& ground, storage::Random& random) {
  size_t x = 4 + random.below(width - 8), y = 0;
  for (int steps = 0; steps < 45 && y + 2 < height; ++steps) {
    ground[y][x] = ' ';
    const uint64_t turn = random.below(5);
    if (turn < 2 && x > 3)
      --x;
    else if (turn < 4 && x + 4 < width)
      ++x;
    else
      ++y;
  }
  for (size_t i = x - 2; i <= x + 2; ++i) ground[y][i] = ' ';
}

}  // namespace

// A badger's home, another each time.
void lolwut_command(ServerContext& ctx) {
  if (ctx.args.size() > 2 && protocol::equals_ignoring_case(ctx.args[1], "version") &&
      !protocol::parse_int64(ctx.args[2]))
    return ctx.reply.error(error_not_integer);
  Ground ground;
  ground.fill(std::string(width, '#'));
  const uint64_t entrances = 2 + ctx.loop.random().below(3);
  for (uint64_t i = 0; i < entrances; ++i) dig(ground, ctx.loop.random());
  std::string picture;
  for (const std::string& line : ground) picture += line + "\n";
  picture +=
      "\nA sett. sett ver. " + std::string(sett_version) + ", as Redis ver. " + std::string(redis_version) + "\n";
  ctx.reply.verbatim("txt", picture);
}

}  // namespace sett::server
