#include "server/store_set.h"

#include <map>

#include "protocol/glob.h"
#include "server/backend_registry.h"
#include "server/backends.h"

namespace sett::server {

using storage::ErrorKind;
using storage::Status;
using storage::Store;

namespace {
bool is_enabled(const config::Options& options, const std::string& backend) {
  if (backend == "memory") return options.memory.enabled;
  if (backend == "simple_kv") return options.simple_kv.enabled;
  if (backend == "badger") return options.badger.enabled;
  return true;
}
}  // namespace

Status StoreSet::open(const config::Options& options, const Environment& environment) {
  const BackendRegistry registry = BackendRegistry::standard();
  const BackendContext context{options,           environment.files, environment.executor,
                               environment.clock, &progress_,        environment.give_up};
  stores_.clear();  // of an attempt that failed
  rules_.clear();
  std::map<std::string, Store*> by_backend;
  const auto open_backend = [&](const std::string& name) -> storage::Result<Store*> {
    if (const auto at = by_backend.find(name); at != by_backend.end()) return at->second;
    if (!is_enabled(options, name))
      return Status::error(ErrorKind::invalid_argument,
                           "the backend " + name + " is to be used, but " + name + ".enabled is false");
    auto opened = registry.open(name, context);
    if (!opened.is_ok()) return opened.status();
    stores_.push_back(environment.wrap_store ? environment.wrap_store(std::move(opened).value(), environment.executor)
                                             : std::move(opened).value());
    return by_backend[name] = stores_.back().get();
  };
  auto default_store = open_backend(options.store.backend);
  if (!default_store.is_ok()) return default_store.status();
  default_store_ = default_store.value();
  for (const config::BucketRule& rule : options.buckets) {
    auto store = open_backend(rule.backend);
    if (!store.is_ok()) return store.status();
    const bool is_glob = protocol::glob_literal_prefix(rule.pattern).size() != rule.pattern.size();
    rules_.push_back({rule.pattern, is_glob, store.value()});
  }
  const auto with_data = backends_with_data(context);
  if (!with_data.is_ok()) return with_data.status();
  for (const std::string& name : with_data.value()) {
    if (!is_enabled(options, name))
      return Status::error(ErrorKind::invalid_argument, name + " has files on disk, but " + name +
                                                            ".enabled is false: enable it, or move its folder away");
    if (auto store = open_backend(name); !store.is_ok()) return store.status();
  }
  if (const Status status = check_bucket_homes(); !status.is_ok()) return status;
  backups_ = std::make_unique<storage::Backups>(environment.files, environment.executor, environment.clock,
                                                backup_folder(options));
  // What cannot be removed now is tried again by the next start, and by the next BACKUP of that name.
  [[maybe_unused]] const Status removed = backups_->remove_incomplete();
  for (const auto& store : stores_) {
    store->journal().set_progress_listener(environment.on_journal_progress);
    store->start();
  }
  ready_.store(true, std::memory_order_release);
  return {};
}

Store& StoreSet::store_of(std::string_view bucket) {
  if (!rules_.empty())
    if (Store* store = by_rules(bucket)) return *store;
  return *default_store_;
}

Store* StoreSet::by_rules(std::string_view bucket) const {
  for (const Rule& rule : rules_)
    if (!rule.is_glob && rule.pattern == bucket) return rule.store;
  for (const Rule& rule : rules_)
    if (rule.is_glob && protocol::glob_matches(rule.pattern, bucket)) return rule.store;
  return nullptr;
}

Status StoreSet::check_bucket_homes() const {
  for (const auto& store : stores_) {
    for (const auto& bucket : store->list_buckets()) {
      const Store* wanted = by_rules(bucket.name);
      if (!wanted) wanted = default_store_;
      if (wanted == store.get()) continue;
      return Status::error(
          ErrorKind::invalid_argument,
          "the bucket '" + bucket.name + "' has data in the backend " + std::string(store->backend()) +
              ", but the configuration now sends it to " + std::string(wanted->backend()) +
              ": give it back its backend under 'buckets:', copy what you need (COPY key key DB other) and "
              "BUCKET.DROP it, then change the configuration");
    }
  }
  return {};
}

void StoreSet::backup(const std::string& name, std::function<void(Status)> done) {
  std::vector<storage::Backups::Source> sources;
  for (const auto& store : stores_)
    if (store->capabilities().durable)
      sources.push_back(
          [at = store.get()](storage::BackupPartDone part_done) { at->begin_backup(std::move(part_done)); });
  backups_->begin(name, std::move(sources), std::move(done));
}

Status StoreSet::close() {
  Status first;
  for (const auto& store : stores_)
    if (const Status status = store->close(); !status.is_ok() && first.is_ok()) first = status;
  return first;
}

}  // namespace sett::server
