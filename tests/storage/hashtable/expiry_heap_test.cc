#include "storage/hashtable/expiry_heap.h"

#include <catch2/catch.hpp>
#include <set>

#include "storage/base/random.h"

using namespace sett::storage;

TEST_CASE("expiry heap: against a multiset", "[hashtable]") {
  for (const uint64_t seed : {1, 2, 3, 4}) {
    INFO("seed " << seed);
    Random random(seed);
    ExpiryHeap heap;
    std::multiset<int64_t> due;
    std::vector<Entry*> entries;
    const auto draw_ms = [&] { return static_cast<int64_t>(1 + random.below(1000)); };
    for (int step = 0; step < 8000; ++step) {
      const uint64_t choice = entries.empty() ? 0 : random.below(step < 4000 ? 5 : 8);
      if (choice <= 1) {
        entries.push_back(Entry::make("k", 0, draw_ms(), 1));
        due.insert(entries.back()->expires_at_ms());
        heap.add(entries.back());
        continue;
      }
      Entry*& entry = entries[random.below(entries.size())];
      due.erase(due.find(entry->expires_at_ms()));
      if (choice == 2) {
        entry->set_expires_at_ms(draw_ms());
        heap.update(entry);
        due.insert(entry->expires_at_ms());
      } else if (choice == 3) {
        Entry* moved = Entry::make("k", 10, draw_ms(), 2);
        heap.move(entry, moved);
        Entry::free(entry);
        entry = moved;
        due.insert(entry->expires_at_ms());
      } else {
        heap.remove(entry);
        Entry::free(entry);
        std::swap(entry, entries.back());
        entries.pop_back();
      }
      REQUIRE(heap.size() == due.size());
      REQUIRE(heap.first_ms() == (due.empty() ? INT64_MAX : *due.begin()));
      if (step % 50 == 0) {
        const int64_t now_ms = draw_ms();
        REQUIRE(heap.due(now_ms) == static_cast<uint64_t>(std::distance(due.begin(), due.upper_bound(now_ms))));
        int64_t sum_ms = 0;
        uint64_t count = 0;
        heap.sample_time_left(now_ms, 32, sum_ms, count);
        REQUIRE(count <= 32);
        REQUIRE(sum_ms >= static_cast<int64_t>(count));
      }
    }
    for (Entry* entry : entries) {
      heap.remove(entry);
      Entry::free(entry);
    }
    REQUIRE(heap.first() == nullptr);
  }
}
