#pragma once

#include <string>
#include <vector>

#include "storage/tools/observer.h"

namespace sett::storage {

// Remembers what a tool said.
class ToolNotes final : public ToolObserver {
 public:
  void on_good_file(const std::string& path, const std::string& note) override {
    good.push_back(path);
    if (!note.empty()) notes.push_back(path + ": " + note);
  }
  void on_damage(const Status& status) override { damage.push_back(status); }
  void on_note(const std::string& text) override { notes.push_back(text); }
  void on_progress(uint64_t done, uint64_t all) override {
    goes_on = goes_on && done >= done_bytes && done <= all;
    done_bytes = done;
  }
  std::string text() const {
    std::string all;
    for (const Status& status : damage) all += "DAMAGED " + status.to_string() + "\n";
    for (const std::string& path : good) all += "ok " + path + "\n";
    for (const std::string& note : notes) all += note + "\n";
    return all;
  }
  bool has_note(std::string_view part) const { return text().find(part) != std::string::npos; }

  std::vector<std::string> good, notes;
  std::vector<Status> damage;
  uint64_t done_bytes = 0;
  bool goes_on = true;  // progress never went back or beyond its end
};

}  // namespace sett::storage
