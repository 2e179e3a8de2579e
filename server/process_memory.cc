#include "server/process_memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <string>

#include "protocol/number_text.h"

#ifdef SETT_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

namespace sett::server {
namespace {

// "<name>   123 kB" on a line of its own.
uint64_t kilobyte_line(std::string_view text, std::string_view name) {
  size_t at = text.find(name);
  while (at != std::string_view::npos && at > 0 && text[at - 1] != '\n') at = text.find(name, at + 1);
  if (at == std::string_view::npos) return 0;
  const size_t begin = text.find_first_not_of(" \t", at + name.size());
  if (begin == std::string_view::npos) return 0;
  const size_t end = text.find_first_not_of("0123456789", begin);
  return protocol::parse_uint64(text.substr(begin, end - begin)).value_or(0) * 1024;
}

#ifdef SETT_JEMALLOC
uint64_t allocator_figure(const char* name) {
  size_t value = 0, bytes = sizeof value;
  return mallctl(name, &value, &bytes, nullptr, 0) == 0 ? value : 0;
}
#endif

}  // namespace

ProcessMemory parse_process_status(std::string_view text) {
  return {.anonymous = kilobyte_line(text, "RssAnon:") + kilobyte_line(text, "VmSwap:"),
          .resident = kilobyte_line(text, "VmRSS:")};
}

ProcessMemory read_process_memory() {
  const int fd = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  char text[8192];
  const ssize_t bytes = ::read(fd, text, sizeof text);
  ::close(fd);
  return bytes > 0 ? parse_process_status({text, static_cast<size_t>(bytes)}) : ProcessMemory{};
}

AllocatorMemory read_allocator_memory() {
#ifdef SETT_JEMALLOC
  // The figures are those of the last epoch.
  uint64_t epoch = 1;
  size_t bytes = sizeof epoch;
  mallctl("epoch", &epoch, &bytes, &epoch, sizeof epoch);
  return {.allocated = allocator_figure("stats.allocated"),
          .active = allocator_figure("stats.active"),
          .resident = allocator_figure("stats.resident")};
#else
  return {};
#endif
}

void free_memory_in_background() {
#ifdef SETT_JEMALLOC
  bool on = true;
  mallctl("background_thread", nullptr, nullptr, &on, sizeof on);
#endif
}

void give_back_free_memory() {
#ifdef SETT_JEMALLOC
  const std::string all_arenas = "arena." + std::to_string(MALLCTL_ARENAS_ALL) + ".purge";
  mallctl(all_arenas.c_str(), nullptr, nullptr, nullptr, 0);
#else
  ::malloc_trim(0);
#endif
}

std::string_view allocator_name() {
#ifdef SETT_JEMALLOC
  static const std::string name = "jemalloc-" + std::to_string(JEMALLOC_VERSION_MAJOR) + "." +
                                  std::to_string(JEMALLOC_VERSION_MINOR) + "." +
                                  std::to_string(JEMALLOC_VERSION_BUGFIX);
  return name;
#else
  return "libc";
#endif
}

uint64_t system_memory_bytes() {
  struct sysinfo info {};
  return ::sysinfo(&info) == 0 ? static_cast<uint64_t>(info.totalram) * info.mem_unit : 0;
}

}  // namespace sett::server
