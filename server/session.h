#pragma once

#include <cstdint>
#include <string>

#include "protocol/reply_writer.h"

namespace sett::server {

// What one connection has said about itself. Belongs to its loop's thread.
struct Session {
  enum class Replies : uint8_t { on, off, skip_next, skip_this };

  uint64_t id = 0;
  protocol::ReplyWriter::Version version = protocol::ReplyWriter::Version::resp2;
  std::string bucket = "0";
  bool authenticated = false;
  Replies replies = Replies::on;
  std::string name, lib_name, lib_version;
  bool no_evict = false, no_touch = false;
  bool close_after_reply = false;

  // As after connecting, but for the id (RESET).
  void reset(bool needs_password) {
    const uint64_t own_id = id;
    *this = Session{};
    id = own_id;
    authenticated = !needs_password;
  }
};

}  // namespace sett::server
