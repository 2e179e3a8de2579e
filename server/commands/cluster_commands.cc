#include "server/commands/server_handlers.h"
#include "server/commands/server_rows.h"

namespace sett::server {
namespace {

void cluster_disabled(ServerContext& ctx) {
  ctx.reply.error("ERR This instance has cluster support disabled");
}

struct Subcommand {
  std::string_view name;
  int arity;
  bool is_admin;
  std::string_view since;
};

// All that a Redis without cluster support refuses with that error; other words are unknown subcommands.
constexpr Subcommand subcommands[] = {
    {"cluster|addslots", -3, true, "3.0.0"},
    {"cluster|addslotsrange", -4, true, "7.0.0"},
    {"cluster|bumpepoch", 2, true, "3.0.0"},
    {"cluster|count-failure-reports", 3, true, "3.0.0"},
    {"cluster|countkeysinslot", 3, false, "3.0.0"},
    {"cluster|delslots", -3, true, "3.0.0"},
    {"cluster|delslotsrange", -4, true, "7.0.0"},
    {"cluster|failover", -2, true, "3.0.0"},
    {"cluster|flushslots", 2, true, "3.0.0"},
    {"cluster|forget", 3, true, "3.0.0"},
    {"cluster|getkeysinslot", 4, false, "3.0.0"},
    {"cluster|help", 2, false, "5.0.0"},
    {"cluster|info", 2, false, "3.0.0"},
    {"cluster|keyslot", 3, false, "3.0.0"},
    {"cluster|links", 2, false, "7.0.0"},
    {"cluster|meet", -4, true, "3.0.0"},
    {"cluster|myid", 2, false, "3.0.0"},
    {"cluster|myshardid", 2, false, "7.2.0"},
    {"cluster|nodes", 2, false, "3.0.0"},
    {"cluster|replicas", 3, true, "5.0.0"},
    {"cluster|replicate", 3, true, "3.0.0"},
    {"cluster|reset", -2, true, "3.0.0"},
    {"cluster|saveconfig", 2, true, "3.0.0"},
    {"cluster|set-config-epoch", 3, true, "3.0.0"},
    {"cluster|setslot", -4, true, "3.0.0"},
    {"cluster|shards", 2, false, "7.0.0"},
    {"cluster|slaves", 3, true, "3.0.0"},
    {"cluster|slots", 2, false, "3.0.0"},
};

}  // namespace

void add_cluster_commands(std::vector<CommandRow>& rows) {
  rows.push_back(container_row("cluster", "cluster", "3.0.0", "Refused: sett is no cluster."));
  for (const Subcommand& subcommand : subcommands) {
    const uint32_t flags =
        flag_stale | (subcommand.is_admin ? flag_admin : 0u) | (subcommand.name == "cluster|help" ? flag_loading : 0u);
    rows.push_back(server_row(subcommand.name, subcommand.arity, flags, subcommand.is_admin ? admin_acl : "@slow",
                              "cluster", subcommand.since, "O(1)", "Refused: sett is no cluster.", "",
                              cluster_disabled));
  }
}

}  // namespace sett::server
