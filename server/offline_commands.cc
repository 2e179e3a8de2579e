#include "server/offline_commands.h"

#include <cstdio>
#include <iostream>

#include "storage/io/posix_file_system.h"
#include "storage/tools/inspect.h"

namespace sett::server {

int run_inspect(const std::string& path) {
  storage::PosixFileSystem files;
  const auto damaged = storage::inspect_file(files, path, std::cout);
  std::cout.flush();
  if (!damaged.is_ok()) {
    std::fprintf(stderr, "%s\n", damaged.status().to_string().c_str());
    return 1;
  }
  return damaged.value() == 0 ? 0 : 1;
}

}  // namespace sett::server
