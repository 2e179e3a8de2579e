#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>

#include "server/services.h"

namespace sett::server {

// What somebody has to look at once a second: whether the wall clock jumped, how far loading is, whether options
// changed that the process itself has to follow (log level, descriptors), whether memory should be given back to the
// system. On the thread that runs its io_context.
class Housekeeping {
 public:
  Housekeeping(boost::asio::io_context& context, Services& services);
  void start();
  void stop() { timer_.cancel(); }

 private:
  void schedule();
  void look();
  void look_at_clock();
  void look_at_loading();
  void look_at_memory();
  void look_at_stores();

  Services& services_;
  boost::asio::steady_timer timer_;
  int64_t wall_ms_ = 0, steady_ms_ = 0;  // when it last looked
  int64_t memory_ms_ = 0;                // steady, when memory was last given back
  uint64_t options_version_ = 0;
  double progress_ = 0;  // of loading, as the log has last said
  struct Told {          // what the log has last said of a store
    bool disk_full = false, snapshot_failed = false, failed = false;
  };
  std::map<const storage::Store*, Told> told_;
};

}  // namespace sett::server
