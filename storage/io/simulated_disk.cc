#include "storage/io/simulated_disk.h"

#include <xxhash.h>

#include <algorithm>
#include <set>
#include <unordered_map>

namespace sett::storage::simulated {

namespace {
constexpr uint64_t page_bytes = 4096;

bool touches(const Change& change, const std::string& directory) {
  return parent_path(change.path) == directory ||
         (change.kind == Change::Kind::move && parent_path(change.from) == directory);
}
}  // namespace

void Inode::touch(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  if (dirty_begin >= dirty_end) {
    dirty_begin = begin;
    dirty_end = end;
    return;
  }
  dirty_begin = std::min(dirty_begin, begin);
  dirty_end = std::max(dirty_end, end);
}

void Inode::write(uint64_t offset, std::string_view data) {
  if (offset + data.size() > bytes.size()) bytes.resize(offset + data.size(), '\0');
  bytes.replace(offset, data.size(), data);
  touch(offset, offset + data.size());
}

void Inode::resize(uint64_t size) {
  // A part that was cut and grown again reads as zeroes, also where older bytes are synced.
  touch(std::min<uint64_t>(size, bytes.size()), std::max<uint64_t>(size, bytes.size()));
  bytes.resize(size, '\0');
}

void Inode::sync() {
  synced.resize(bytes.size(), '\0');
  const uint64_t end = std::min<uint64_t>(dirty_end, bytes.size());
  if (dirty_begin < end) synced.replace(dirty_begin, end - dirty_begin, bytes, dirty_begin, end - dirty_begin);
  clean();
}

std::string Inode::after_crash(CrashPolicy policy, Random& random) const {
  const bool changed = dirty_begin < dirty_end || bytes.size() != synced.size();
  if (policy == CrashPolicy::keep || !changed) return bytes;
  if (policy == CrashPolicy::drop) return synced;
  if (bytes.size() < synced.size()) return random.one_in(2) ? bytes : synced;  // cut shorter: done or not

  std::string image = synced;
  const uint64_t end = std::min<uint64_t>(dirty_end, bytes.size());
  const auto take = [&](uint64_t from, uint64_t to) {
    if (from >= to) return;
    if (image.size() < to) image.resize(to, '\0');
    image.replace(from, to - from, bytes, from, to - from);
  };
  switch (policy) {
    case CrashPolicy::torn_512:
    case CrashPolicy::torn_4096: {
      const uint64_t unit = policy == CrashPolicy::torn_512 ? 512 : page_bytes;
      const uint64_t first = dirty_begin / unit;
      const uint64_t border = (first + random.below((end + unit - 1) / unit - std::min(first, end / unit) + 1)) * unit;
      take(dirty_begin, std::min(border, end));
      break;
    }
    case CrashPolicy::zero_filled:
      image.resize(bytes.size(), '\0');
      break;
    case CrashPolicy::reordered:
      if (random.one_in(2)) image.resize(bytes.size(), '\0');
      for (uint64_t page = dirty_begin / page_bytes; page * page_bytes < end; ++page) {
        if (random.one_in(2)) continue;
        take(std::max(dirty_begin, page * page_bytes), std::min(end, (page + 1) * page_bytes));
      }
      break;
    case CrashPolicy::keep:
    case CrashPolicy::drop:
      break;
  }
  return image;
}

bool Disk::holds(const std::string& path) const {
  return path == "/" || path == "." || names_.contains(path);
}

bool Disk::is_directory(const std::string& path) const {
  if (path == "/" || path == ".") return true;
  const auto found = names_.find(path);
  return found != names_.end() && found->second == nullptr;
}

std::shared_ptr<Inode> Disk::file(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

std::vector<std::string> Disk::list(const std::string& directory) const {
  std::vector<std::string> names;
  for (const auto& [path, inode] : names_) {
    if (parent_path(path) == directory) names.push_back(path.substr(path.find_last_of('/') + 1));
  }
  return names;
}

uint64_t Disk::used_bytes() const {
  uint64_t total = 0;
  std::set<const Inode*> counted;  // a file may have several names
  for (const auto& [path, inode] : names_)
    if (inode && counted.insert(inode.get()).second) total += inode->bytes.size();
  return total;
}

void Disk::apply(const Change& change, Names& names) {
  switch (change.kind) {
    case Change::Kind::put:
      names[change.path] = change.inode;
      break;
    case Change::Kind::erase:
      names.erase(change.path);
      break;
    case Change::Kind::move: {
      const auto source = names.find(change.from);
      if (source == names.end()) break;
      names[change.path] = source->second;
      names.erase(change.from);
      break;
    }
  }
}

void Disk::change(Change change) {
  apply(change, names_);
  pending_.push_back(std::move(change));
}

void Disk::add_directory(const std::string& path) {
  names_[path] = nullptr;
  durable_[path] = nullptr;
}

void Disk::sync_directory(const std::string& directory) {
  std::vector<Change> left;
  for (auto& change : pending_) {
    if (touches(change, directory)) {
      apply(change, durable_);
    } else {
      left.push_back(std::move(change));
    }
  }
  pending_ = std::move(left);
}

Disk Disk::copy() const {
  std::unordered_map<const Inode*, std::shared_ptr<Inode>> copies;
  const auto copy_of = [&](const std::shared_ptr<Inode>& inode) -> std::shared_ptr<Inode> {
    if (!inode) return nullptr;
    auto& copy = copies[inode.get()];
    if (!copy) copy = std::make_shared<Inode>(*inode);
    return copy;
  };
  Disk disk;
  for (const auto& [path, inode] : names_) disk.names_[path] = copy_of(inode);
  for (const auto& [path, inode] : durable_) disk.durable_[path] = copy_of(inode);
  for (const auto& change : pending_) {
    disk.pending_.push_back({change.kind, change.path, change.from, copy_of(change.inode)});
  }
  return disk;
}

Disk Disk::after_crash(CrashPolicy policy, uint64_t seed) const {
  Random random(seed);
  Names left = durable_;
  std::set<std::string> lost;  // names of a change that did not happen: what stands on them did not either
  for (const auto& change : pending_) {
    bool kept = policy == CrashPolicy::keep;
    if (policy != CrashPolicy::keep && policy != CrashPolicy::drop) kept = random.one_in(2);
    if (lost.contains(change.path) || lost.contains(change.from)) kept = false;
    if (kept) {
      apply(change, left);
    } else {
      lost.insert(change.path);
      if (change.kind == Change::Kind::move) lost.insert(change.from);
    }
  }
  Disk disk;
  for (const auto& [path, inode] : left) {
    std::shared_ptr<Inode> image;
    if (inode) {
      image = std::make_shared<Inode>();
      image->bytes = inode->after_crash(policy, random);
      image->synced = image->bytes;
    }
    disk.names_[path] = image;
  }
  disk.durable_ = disk.names_;
  return disk;
}

uint64_t Disk::durable_hash() const {
  uint64_t hash = 0;
  for (const auto& [path, inode] : durable_) {
    hash = XXH3_64bits_withSeed(path.data(), path.size(), hash);
    if (inode) hash = XXH3_64bits_withSeed(inode->synced.data(), inode->synced.size(), hash + 1);
  }
  return hash;
}

}  // namespace sett::storage::simulated
