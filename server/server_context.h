#pragma once

#include <functional>

#include "protocol/reply_writer.h"
#include "server/command.h"
#include "server/session.h"

namespace sett::server {

class Connection;
class EventLoop;
struct Services;

// What a server handler has. It runs once, on the loop of its connection, without any shard's lock; it writes its
// reply, or takes `defer` and answers later.
struct ServerContext {
  // Ends the deferred command: from any thread, once; `write` runs on the connection's loop.
  using Answer = std::function<void(std::function<void(protocol::ReplyWriter&)> write)>;

  const CommandRow& row;
  Arguments args;
  protocol::ReplyWriter& reply;
  Session& session;
  Connection& connection;
  EventLoop& loop;
  Services& services;
  bool deferred = false;

  // The reply comes later; the client's further commands wait for it, other clients do not. Nothing may be written now.
  Answer defer();
};

}  // namespace sett::server
