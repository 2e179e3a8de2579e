#include "server/commands/authentication.h"

#include "server/event_loop.h"

namespace sett::server {

bool equals_in_constant_time(std::string_view a, std::string_view b) {
  // The longer one decides how long it takes; a shorter one is read again from its start.
  const size_t bytes = a.size() > b.size() ? a.size() : b.size();
  volatile unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < bytes; ++i) {
    const auto of_a = static_cast<unsigned char>(a.empty() ? 0 : a[i % a.size()]);
    const auto of_b = static_cast<unsigned char>(b.empty() ? 0 : b[i % b.size()]);
    difference = difference | static_cast<unsigned>(of_a ^ of_b);
  }
  return difference == 0;
}

bool authenticate(ServerContext& ctx, std::string_view user, std::string_view password) {
  const std::string& wanted = ctx.loop.options().server.requirepass;
  const bool is_right = wanted.empty() || equals_in_constant_time(password, wanted);
  if (user != "default" || !is_right) {
    ctx.reply.error("WRONGPASS invalid username-password pair or user is disabled.");
    return false;
  }
  ctx.session.authenticated = true;
  return true;
}

}  // namespace sett::server
