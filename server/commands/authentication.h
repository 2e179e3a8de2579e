#pragma once

#include <string_view>

#include "server/server_context.h"

namespace sett::server {

// Equal, in a time that depends on the lengths alone.
bool equals_in_constant_time(std::string_view a, std::string_view b);

// Makes the session an authenticated one if the password is that of the user (there is only `default`); else writes the
// error and returns false, the session being as it was. Without a password set, `default` gets in with any.
bool authenticate(ServerContext& ctx, std::string_view user, std::string_view password);

}  // namespace sett::server
