#include "server/process_memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
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

// Of a file of the kernel's; empty where it cannot be read.
std::string read_start(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  char text[8192];
  const ssize_t bytes = ::read(fd, text, sizeof text);
  ::close(fd);
  return {text, static_cast<size_t>(std::max<ssize_t>(bytes, 0))};
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
  return parse_process_status(read_start("/proc/self/status"));
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

namespace {

// The first number of a small file; UINT64_MAX where there is none ("max").
uint64_t number_in(const std::string& path) {
  const std::string text = read_start(path);
  const size_t end = text.find_first_not_of("0123456789");
  return protocol::parse_uint64(std::string_view(text).substr(0, end)).value_or(UINT64_MAX);
}

// The path of the line that begins so; nothing: there is no such line.
std::string_view path_behind(std::string_view text, std::string_view begin) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (const size_t at = line.find(begin); at != std::string_view::npos) return line.substr(at + begin.size());
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return {};
}

}  // namespace

// Version 2 has one hierarchy, whose line begins with "0::"; version 1 one for memory.
uint64_t cgroup_memory_limit(const std::string& mounted_at, std::string_view proc_self_cgroup) {
  uint64_t limit = UINT64_MAX;
  const auto look = [&](std::string folder, std::string_view group, const char* file) {
    if (group.empty() || group.find("..") != std::string_view::npos) return;
    std::string at(group == "/" ? "" : group);
    while (true) {
      limit = std::min(limit, number_in(folder + at + file));
      if (at.empty()) return;
      at.resize(at.rfind('/'));
    }
  };
  look(mounted_at, path_behind(proc_self_cgroup, "0::"), "/memory.max");
  look(mounted_at + "/memory", path_behind(proc_self_cgroup, ":memory:"), "/memory.limit_in_bytes");
  return limit;
}

uint64_t usable_memory_bytes() {
  return std::min(system_memory_bytes(), cgroup_memory_limit("/sys/fs/cgroup", read_start("/proc/self/cgroup")));
}

}  // namespace sett::server
