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

void ServerContext::depend_on_all_stores() {
  if (!services.stores.ready()) return;
  for (const auto& store : services.stores.stores()) {
    const auto last = store->journal().last();
    if (last > store->journal().safe())
      connection.gates().add(connection.output().size(), connection.output().size(), *store, last);
  }
}

}  // namespace sett::server
