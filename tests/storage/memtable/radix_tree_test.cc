#include "storage/memtable/radix_tree.h"

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <string>

#include "storage/base/random.h"

namespace sett::storage {
namespace {

struct Word {
  std::string text;
  int number = 0;
  std::string_view key() const { return text; }
};

using Tree = RadixTree<Word>;

// Keys that share their beginnings in every way that matters: few letters, fronts of each other, long shared parts, all
// bytes at one place.
std::string random_key(Random& random) {
  const auto letters = [&](size_t count, std::string_view alphabet) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += alphabet[random.below(alphabet.size())];
    return text;
  };
  switch (random.below(6)) {
    case 0:
      return letters(random.below(8), "ab");
    case 1:
      return std::string(random.below(40), 'a') + letters(random.below(3), "abc");
    case 2:
      return "a shared beginning of more than twelve bytes:" + letters(random.below(6), "0123456789");
    case 3:
      return std::string("byte") + static_cast<char>(random.below(256)) +
             letters(random.below(2), std::string("\0\xff", 2));
    case 4:
      return letters(random.below(20), std::string("\0\x01\x7f\x80\xff", 5));
    default:
      return "a shared beginning of more than twelve bytes" + letters(random.below(3), ":;a");
  }
}

int number_of(const Word* word) {
  return word ? word->number : -1;
}

void check_like(const Tree& tree, const std::map<std::string, int>& model, const std::string& key) {
  const auto number = [&](auto at) { return at == model.end() ? -1 : at->second; };
  CHECK(number_of(tree.find(key)) == number(model.find(key)));
  CHECK(number_of(tree.at_or_after(key)) == number(model.lower_bound(key)));
  CHECK(number_of(tree.at_or_after(key, true)) == number(model.upper_bound(key)));
  const auto at = model.lower_bound(key);
  CHECK(number_of(tree.before(key)) == (at == model.begin() ? -1 : std::prev(at)->second));
}

}  // namespace

TEST_CASE("a radix tree says what an ordered map says") {
  const auto seed = GENERATE(range(1u, 9u));
  INFO("seed " << seed);
  Random random(seed);
  std::deque<Word> words;
  Tree tree;
  std::map<std::string, int> model;
  CHECK(tree.last() == nullptr);
  CHECK(Tree::Cursor(tree).next() == nullptr);
  check_like(tree, model, "");
  for (int i = 0; i < 3000; ++i) {
    const std::string key = random_key(random);
    INFO("step " << i << " key " << key);
    words.push_back({key, i});
    const auto [at, is_new] = model.try_emplace(key, i);
    REQUIRE(number_of(tree.put(&words.back())) == (is_new ? -1 : at->second));
    at->second = i;
    REQUIRE(tree.size() == model.size());
    check_like(tree, model, key);
    check_like(tree, model, random_key(random));
  }
  CHECK(number_of(tree.last()) == model.rbegin()->second);
  const Word* word = tree.at_or_after("");
  for (const auto& [key, number] : model) {
    REQUIRE(number_of(word) == number);
    word = tree.at_or_after(key, true);
  }
  CHECK(word == nullptr);
  Tree::Cursor cursor(tree);
  for (const auto& [key, number] : model) REQUIRE(number_of(cursor.next()) == number);
  CHECK(cursor.next() == nullptr);
  CHECK(cursor.next() == nullptr);
  for (const auto& [key, number] : model) check_like(tree, model, key);
  CHECK(tree.memory_bytes() > 0);
  std::map<std::string, int> cleared;
  tree.clear([&](const Word* each) { CHECK(cleared.emplace(each->text, each->number).second); });
  CHECK(cleared == model);
  CHECK(tree.size() == 0);
  CHECK(tree.memory_bytes() == 0);
  CHECK(tree.at_or_after("") == nullptr);
}

TEST_CASE("thousands of keys that are each the front of the next make a deep tree and nothing worse") {
  Tree tree;
  std::deque<Word> words;
  std::string key;
  for (int i = 0; i < 5000; ++i) {
    words.push_back({key, i});
    REQUIRE(tree.put(&words.back()) == nullptr);
    key += static_cast<char>(i * 7);
  }
  CHECK(number_of(tree.find(words[4321].text)) == 4321);
  CHECK(number_of(tree.at_or_after(words[4321].text, true)) == 4322);
  CHECK(number_of(tree.before(words[4321].text)) == 4320);
  CHECK(number_of(tree.last()) == 4999);
}

TEST_CASE("a tree that is deep by long shared parts is gone through once for each key") {
  Tree tree;
  std::deque<Word> words;
  std::string shared;
  constexpr int keys = 3000;
  for (int i = 0; i < keys; ++i) {
    words.push_back({shared + 'b', i});
    REQUIRE(tree.put(&words.back()) == nullptr);
    shared += std::string(14, '0');
  }
  for (int i = 0; i < keys; i += 100) {
    CHECK(number_of(tree.find(words[static_cast<size_t>(i)].text)) == i);
    CHECK(number_of(tree.at_or_after(words[static_cast<size_t>(i)].text, true)) == (i == 0 ? -1 : i - 1));
    CHECK(number_of(tree.before(words[static_cast<size_t>(i)].text)) == (i + 1 < keys ? i + 1 : -1));
  }
}

TEST_CASE("keys of megabytes that differ only at their end cost what they share once more") {
  Tree tree;
  std::deque<Word> words;
  for (int i = 0; i < 4; ++i) {
    words.push_back({std::string(1 << 20, 'x') + std::to_string(i), i});
    tree.put(&words.back());
  }
  CHECK(tree.memory_bytes() < (1 << 20) + 4096);
  CHECK(number_of(tree.at_or_after(words[1].text, true)) == 2);
  CHECK(number_of(tree.at_or_after(std::string(1 << 19, 'x'))) == 0);
  CHECK(number_of(tree.before(std::string(1 << 20, 'y'))) == 3);
}

TEST_CASE("shared parts of any length are cut wherever keys part, and again") {
  const auto seed = GENERATE(range(1u, 5u));
  INFO("seed " << seed);
  Random random(seed);
  std::string longest;
  for (int i = 0; i < 300; ++i) longest += static_cast<char>('a' + random.below(3));
  Tree tree;
  std::deque<Word> words;
  std::map<std::string, int> model;
  for (int i = 0; i < 400; ++i) {
    std::string key = longest.substr(0, random.below(longest.size() + 1));
    if (random.one_in(2)) key += static_cast<char>('a' + random.below(4));
    words.push_back({key, i});
    tree.put(&words.back());
    model[key] = i;
  }
  Tree::Cursor cursor(tree);
  for (const auto& [key, number] : model) {
    INFO("key " << key);
    check_like(tree, model, key);
    REQUIRE(number_of(cursor.next()) == number);
  }
}

}  // namespace sett::storage
