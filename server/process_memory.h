#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sett::server {

// This process's memory, in bytes, as the kernel and the allocator count it. What cannot be read is 0.
struct ProcessMemory {
  uint64_t anonymous = 0;  // resident or swapped out: what the process uses, code and mapped files apart
  uint64_t resident = 0;   // with code and mapped files
};
struct AllocatorMemory {
  uint64_t allocated = 0;  // asked for and not freed
  uint64_t active = 0;     // pages that hold any of it
  uint64_t resident = 0;   // with the allocator's own, and pages kept for reuse
};

ProcessMemory read_process_memory();
AllocatorMemory read_allocator_memory();
std::string_view allocator_name();
// Has the allocator give back what is free for ten seconds or so by itself, on a thread of its own. Once, at the start.
void free_memory_in_background();
// Pages that the allocator keeps for reuse go back to the system. Takes milliseconds per free gigabyte; from any
// thread.
void give_back_free_memory();
uint64_t system_memory_bytes();
// What this process may use: of the machine, or less where a control group (a container, a unit) limits it.
uint64_t usable_memory_bytes();
// The least of the limits on the way from a control group, as /proc/self/cgroup names it, up to the root of where they
// are mounted; UINT64_MAX: there is none.
uint64_t cgroup_memory_limit(const std::string& mounted_at, std::string_view proc_self_cgroup);

// The figures of /proc/<pid>/status, from its text.
ProcessMemory parse_process_status(std::string_view text);

}  // namespace sett::server
