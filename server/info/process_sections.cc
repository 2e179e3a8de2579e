#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "server/event_loop.h"
#include "server/info/sections.h"
#include "server/process_memory.h"
#include "server/services.h"
#include "server/version.h"

namespace sett::server {
namespace {

constexpr int64_t ms_per_second = 1000;
constexpr int64_t seconds_per_day = 86400;
constexpr int loop_timer_hz = 10;  // of EventLoop's cron

std::string operating_system() {
  utsname names{};
  if (::uname(&names) != 0) return "unknown";
  return std::string(names.sysname) + " " + names.release + " " + names.machine;
}

std::string compiler_version() {
  return std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." + std::to_string(__GNUC_PATCHLEVEL__);
}

double ratio(uint64_t a, uint64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

void write_server_section(const InfoSource& source, InfoText& text) {
  const ProcessFacts& facts = source.services.facts;
  const int64_t uptime_s = std::max<int64_t>(0, source.wall_ms - facts.started_ms) / ms_per_second;
  text.section("Server");
  text.field("redis_version", redis_version);
  text.field("sett_version", sett_version);
  text.field("redis_mode", "standalone");
  text.field("os", operating_system());
  text.field("arch_bits", static_cast<int>(sizeof(void*) * 8));
  text.field("multiplexing_api", "epoll");
  text.field("gcc_version", compiler_version());
  text.field("process_id", ::getpid());
  text.field("run_id", facts.run_id);
  text.field("tcp_port", facts.port);
  text.field("server_time_usec", source.wall_ms * 1000);
  text.field("uptime_in_seconds", uptime_s);
  text.field("uptime_in_days", uptime_s / seconds_per_day);
  text.field("hz", loop_timer_hz);
  text.field("configured_hz", loop_timer_hz);
  text.field("executable", facts.executable);
  text.field("config_file", facts.config_file);
  text.field("io_threads_active", source.services.loops.size() > 1 ? 1 : 0);
  text.field("sett_event_loops", source.services.loops.size());
}

// used_memory is what the kernel counts as the process's anonymous memory; what of it the allocator has handed out is
// allocator_allocated.
void write_memory_section(const InfoSource& source, InfoText& text) {
  const ProcessMemory process = read_process_memory();
  const AllocatorMemory allocator = read_allocator_memory();
  const uint64_t peak = source.services.vitals.note_memory(process.anonymous);
  const auto options = source.services.options.get();
  const auto limit = static_cast<uint64_t>(options->memory.max_memory);
  text.section("Memory");
  text.field("used_memory", process.anonymous);
  text.bytes_for_humans("used_memory_human", process.anonymous);
  text.field("used_memory_rss", process.resident);
  text.bytes_for_humans("used_memory_rss_human", process.resident);
  text.field("used_memory_peak", peak);
  text.bytes_for_humans("used_memory_peak_human", peak);
  text.field("allocator_allocated", allocator.allocated);
  text.field("allocator_active", allocator.active);
  text.field("allocator_resident", allocator.resident);
  text.field("total_system_memory", system_memory_bytes());
  text.bytes_for_humans("total_system_memory_human", system_memory_bytes());
  text.field("maxmemory", limit);
  text.bytes_for_humans("maxmemory_human", limit);
  text.field("maxmemory_policy", options->memory.eviction);
  text.decimal("allocator_frag_ratio", ratio(allocator.active, allocator.allocated), 2);
  text.decimal("allocator_rss_ratio", ratio(allocator.resident, allocator.active), 2);
  text.decimal("mem_fragmentation_ratio", ratio(process.resident, process.anonymous), 2);
  text.field("mem_clients_normal", source.services.clients.buffer_bytes());
  text.field("mem_allocator", allocator_name());
}

void write_cpu_section(const InfoSource&, InfoText& text) {
  rusage own{}, children{};
  ::getrusage(RUSAGE_SELF, &own);
  ::getrusage(RUSAGE_CHILDREN, &children);
  text.section("CPU");
  text.decimal("used_cpu_sys", seconds(own.ru_stime), 6);
  text.decimal("used_cpu_user", seconds(own.ru_utime), 6);
  text.decimal("used_cpu_sys_children", seconds(children.ru_stime), 6);
  text.decimal("used_cpu_user_children", seconds(children.ru_utime), 6);
}

}  // namespace sett::server
