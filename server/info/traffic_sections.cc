#include <algorithm>
#include <cmath>

#include "server/event_loop.h"
#include "server/info/sections.h"
#include "server/services.h"

namespace sett::server {
namespace {

uint64_t sum_over_loops(const Services& services, Counter LoopStatistics::*counter) {
  uint64_t sum = 0;
  for (const auto& loop : services.loops) sum += (loop->statistics().*counter).get();
  return sum;
}

}  // namespace

void write_clients_section(const InfoSource& source, InfoText& text) {
  const auto clients = source.services.clients.list();
  uint64_t largest_input = 0, largest_output = 0;
  for (const auto& client : clients) {
    largest_input = std::max(largest_input, client->query_buffer.load(std::memory_order_relaxed) +
                                                client->query_buffer_free.load(std::memory_order_relaxed));
    largest_output = std::max(largest_output, client->output_buffer.load(std::memory_order_relaxed));
  }
  text.section("Clients");
  text.field("connected_clients", clients.size());
  text.field("cluster_connections", 0);
  text.field("maxclients", source.services.options.get()->server.maxclients);
  text.field("client_recent_max_input_buffer", largest_input);
  text.field("client_recent_max_output_buffer", largest_output);
  text.field("blocked_clients", 0);  // sett has no commands that block
  text.field("tracking_clients", 0);
}

void write_stats_section(const InfoSource& source, InfoText& text) {
  const Services& services = source.services;
  const Vitals::Rates rates = services.vitals.rates(source.steady_ms);
  uint64_t expired = 0;
  int64_t expiry_lag_ms = 0;
  if (services.stores.ready()) {
    for (const auto& store : services.stores.stores()) {
      const storage::StoreStats stats = store->stats();
      expired += stats.expired_keys;
      expiry_lag_ms = std::max(expiry_lag_ms, stats.expiry_lag_ms);
    }
  }
  expired -= std::min(expired, services.vitals.expired_keys_before_reset());
  const auto counter = [&](std::string_view name, Counter LoopStatistics::*member) {
    text.field(name, sum_over_loops(services, member));
  };
  text.section("Stats");
  counter("total_connections_received", &LoopStatistics::connections);
  counter("total_commands_processed", &LoopStatistics::commands);
  text.field("instantaneous_ops_per_sec", std::llround(rates.commands_per_s));
  counter("total_net_input_bytes", &LoopStatistics::input_bytes);
  counter("total_net_output_bytes", &LoopStatistics::output_bytes);
  text.decimal("instantaneous_input_kbps", rates.input_bytes_per_s / 1024, 2);
  text.decimal("instantaneous_output_kbps", rates.output_bytes_per_s / 1024, 2);
  counter("rejected_connections", &LoopStatistics::rejected_connections);
  text.field("sync_full", 0);
  text.field("sync_partial_ok", 0);
  text.field("sync_partial_err", 0);
  text.field("expired_keys", expired);
  text.field("evicted_keys", 0);  // there is no eviction yet
  counter("evicted_clients", &LoopStatistics::evicted_clients);
  counter("keyspace_hits", &LoopStatistics::keyspace_hits);
  counter("keyspace_misses", &LoopStatistics::keyspace_misses);
  text.field("pubsub_channels", 0);
  text.field("pubsub_patterns", 0);
  text.field("latest_fork_usec", 0);  // sett never forks
  text.field("total_forks", 0);
  counter("total_error_replies", &LoopStatistics::error_replies);
  counter("client_query_buffer_limit_disconnections", &LoopStatistics::query_limit_disconnections);
  counter("client_output_buffer_limit_disconnections", &LoopStatistics::output_limit_disconnections);
  text.field("sett_expiry_lag_ms", expiry_lag_ms);
}

// There is no replication: the id is this run's, and no offset moves.
void write_replication_section(const InfoSource& source, InfoText& text) {
  text.section("Replication");
  text.field("role", "master");
  text.field("connected_slaves", 0);
  text.field("master_failover_state", "no-failover");
  text.field("master_replid", source.services.facts.run_id);
  text.field("master_replid2", std::string(40, '0'));
  text.field("master_repl_offset", 0);
  text.field("second_repl_offset", -1);
  text.field("repl_backlog_active", 0);
  text.field("repl_backlog_size", 0);
}

void write_modules_section(const InfoSource&, InfoText& text) {
  text.section("Modules");
}

void write_cluster_section(const InfoSource&, InfoText& text) {
  text.section("Cluster");
  text.field("cluster_enabled", 0);
}

}  // namespace sett::server
