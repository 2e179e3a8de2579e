#include "server/needs_behind.h"

#include <catch2/catch.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "protocol/request_parser.h"

using namespace sett::server;
using sett::storage::Need;
using sett::storage::Part;

namespace {

constexpr sett::storage::BucketId bucket = 7;

// The commands, each a line of words, as clients send them.
std::string encoded(const std::string& lines) {
  std::string bytes;
  std::istringstream text(lines);
  for (std::string line; std::getline(text, line);) {
    std::vector<std::string> words;
    std::istringstream of_line(line);
    for (std::string word; of_line >> word;) words.push_back(word);
    bytes += "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words) bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return bytes;
}

// A pipeline of commands; their rows are found as the dispatcher finds them.
class Pipeline {
 public:
  explicit Pipeline(const std::string& lines) : input_(encoded(lines)) {
    batch_.parse(input_, {}, RequestBatch::requests_max);
    for (auto& request : batch_) request.row = CommandTable::instance().find(request.args[0]);
  }
  // The keys of what is fetched when the first command lacks these.
  std::vector<std::string> fetched(const std::vector<std::string>& lacks) {
    std::vector<Need> needs;
    for (const std::string& key : lacks) needs.push_back({bucket, key, Part::value});
    add_needs_behind(batch_, needs);
    std::vector<std::string> keys;
    for (const Need& need : needs) {
      REQUIRE(need.bucket == bucket);
      keys.push_back(need.key);
    }
    return keys;
  }

 private:
  const std::string input_;
  RequestBatch batch_;
};

using Keys = std::vector<std::string>;

}  // namespace

TEST_CASE("reads behind a read that has to fetch are fetched with it") {
  CHECK(Pipeline("GET a\nGET b\nSTRLEN c\nMGET d e\n").fetched({"a"}) == Keys{"a", "b", "c", "d", "e"});
  CHECK(Pipeline("GET a\n").fetched({"a"}) == Keys{"a"});
  // Also behind a write that has to.
  CHECK(Pipeline("APPEND a x\nGET b\n").fetched({"a"}) == Keys{"a", "b"});
}

TEST_CASE("writes behind are passed over, and nothing behind a command that may change the bucket is guessed") {
  CHECK(Pipeline("GET a\nSET b 1\nGET c\n").fetched({"a"}) == Keys{"a", "c"});
  CHECK(Pipeline("GET a\nSELECT 3\nGET c\n").fetched({"a"}) == Keys{"a"});
  CHECK(Pipeline("GET a\nKV.GET other b\nGET c\n").fetched({"a"}) == Keys{"a", "c"});
  CHECK(Pipeline("GET a\nNONSENSE\nGET c\n").fetched({"a"}) == Keys{"a"});
}

TEST_CASE("what does not tell the selected bucket adds nothing") {
  CHECK(Pipeline("KV.GET other a\nGET b\n").fetched({"a"}) == Keys{"a"});
  CHECK(Pipeline("DBSIZE\nGET b\n").fetched({""}) == Keys{""});
  CHECK(Pipeline("GET a\nGET b\n").fetched({"another"}) == Keys{"another"});
}

TEST_CASE("no more than a bounded number is fetched together") {
  std::string lines = "GET a\nMGET";
  for (int i = 0; i < 200; ++i) lines += " k" + std::to_string(i);
  CHECK(Pipeline(lines + "\n").fetched({"a"}).size() == needs_together_max);
}
