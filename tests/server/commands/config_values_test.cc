#include "server/commands/config_values.h"

#include <catch2/catch.hpp>

#include "config/load.h"
#include "server/commands/config_parameters.h"

namespace sett::server {
namespace {

using Catch::Matchers::Contains;
using Words = std::vector<std::string_view>;

std::string value_of(const config::Options& options, std::string_view name) {
  const auto found = matching_config(options, Words{name});
  return found.size() == 1 ? found[0].second : "(" + std::to_string(found.size()) + " found)";
}

TEST_CASE("sizes are read as Redis reads them", "[config]") {
  CHECK(parse_memory("0") == 0);
  CHECK(parse_memory("1k") == 1000);
  CHECK(parse_memory("1KB") == 1024);
  CHECK(parse_memory("2mb") == 2 << 20);
  CHECK(parse_memory("1g") == 1000000000);
  for (const std::string_view wrong : {"", "x", "-1", "1x", "1.5mb", "mb", "9223372036854775807kb"})
    CHECK_FALSE(parse_memory(wrong).has_value());
}

TEST_CASE("CONFIG GET finds Redis's names and the dotted ones, each once", "[config]") {
  const config::Options options;
  CHECK(value_of(options, "maxclients") == "10000");
  CHECK(value_of(options, "tcp-keepalive") == "300");
  CHECK(value_of(options, "server.tcp_keepalive") == "5m");
  CHECK(value_of(options, "nosuch").starts_with("(0"));
  const auto as_written = matching_config(options, Words{"DataBases"});
  REQUIRE(as_written.size() == 1);
  CHECK(as_written[0].first == "DataBases");
  CHECK(matching_config(options, Words{"maxclient*", "MAXCLIENTS"}).size() == 1);
  const auto all = matching_config(options, Words{"*"});
  CHECK(all.size() == config_parameters().size() + config::describe(options).size());
}

TEST_CASE("every name that CONFIG GET shows can be asked for and told from the others", "[config]") {
  const config::Options options;
  for (const auto& [name, value] : matching_config(options, Words{"*"})) {
    INFO(name);
    CHECK(value_of(options, name) == value);
  }
}

TEST_CASE("a parameter that may be set takes its own value back", "[config]") {
  config::Options options;
  for (const ConfigParameter& parameter : config_parameters()) {
    if (parameter.change == ConfigParameter::Change::immutable) continue;
    INFO(parameter.name);
    const std::string before = parameter.read(options);
    CHECK_FALSE(change_config(options, Words{parameter.name, before}).has_value());
    CHECK(parameter.read(options) == before);
  }
}

TEST_CASE("CONFIG SET changes all or nothing", "[config]") {
  config::Options options;
  CHECK_FALSE(change_config(options, Words{"timeout", "5", "maxclients", "77", "loglevel", "verbose"}).has_value());
  CHECK(options.server.timeout_ms == 5000);
  CHECK(options.server.maxclients == 77);
  CHECK(value_of(options, "loglevel") == "verbose");
  const auto problem = change_config(options, Words{"timeout", "9", "maxclients", "0"});
  REQUIRE(problem);
  CHECK(*problem ==
        "ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument must be between 1 and "
        "4294967295 inclusive");
  CHECK(options.server.timeout_ms == 5000);
}

TEST_CASE("CONFIG SET says what is wrong as Redis does", "[config]") {
  config::Options options;
  const auto why = [&](const Words& words) { return change_config(options, words).value_or("changed"); };
  const std::string failed = "ERR CONFIG SET failed (possibly related to argument '";
  CHECK(why({"nosuch", "1"}) == "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'");
  CHECK(why({"databases", "3"}) == failed + "databases') - can't set immutable config");
  CHECK(why({"timeout", "1", "TIMEOUT", "2"}) == failed + "TIMEOUT') - duplicate parameter");
  CHECK(why({"timeout", "abc"}) == failed + "timeout') - argument couldn't be parsed into an integer");
  CHECK(why({"maxmemory", "1x"}) == failed + "maxmemory') - argument must be a memory value");
  CHECK(why({"protected-mode", "maybe"}) == failed + "protected-mode') - argument must be 'yes' or 'no'");
  CHECK_THAT(why({"maxmemory-policy", "bogus"}), Contains("one of the following: volatile-lru"));
  CHECK_THAT(why({"maxmemory-policy", "allkeys-lru"}), Contains("when it starts; it is 'noeviction'"));
  CHECK_THAT(why({"maxclients", "2000000"}), Contains("at most 1000000"));
  CHECK(why({"server.port", "1"}) == failed + "server.port') - can't set immutable config");
  CHECK_THAT(why({"server.maxclients", "-1"}), Contains("allowed: 1..1000000"));
  CHECK(why({"server.maxclients", "12"}) == "changed");
  CHECK(options.server.maxclients == 12);
}

}  // namespace
}  // namespace sett::server
