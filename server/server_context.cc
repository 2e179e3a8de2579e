#include "server/server_context.h"

#include "server/connection.h"
#include "server/event_loop.h"
#include "server/services.h"

namespace sett::server {

ServerContext::Answer ServerContext::defer() {
  deferred = true;
  return [loop = &loop,
          weak = std::weak_ptr(connection.shared_from_this())](std::function<void(protocol::ReplyWriter&)> write) {
    loop->post([weak, write = std::move(write)] {
      if (const auto self = weak.lock()) self->finish_deferred(write);
    });
  };
}

}  // namespace sett::server
