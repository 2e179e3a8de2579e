#pragma once

#include <cstdio>

#include "storage/base/clock.h"
#include "storage/tools/observer.h"

namespace sett::server {

// Prints what a tool says: a line each, and on a terminal a bar below them that shows how far it is. One thread.
class ConsoleObserver final : public storage::ToolObserver {
 public:
  // `columns`: of the terminal; 0: it is none, and there is no bar. `out` and `clock` outlive it.
  ConsoleObserver(std::FILE* out, unsigned columns, storage::Clock& clock)
      : out_(out), columns_(columns), clock_(clock) {}
  ~ConsoleObserver() override { clear_bar(); }

  void on_good_file(const std::string& path, const std::string& note) override;
  void on_damage(const storage::Status& status) override;
  void on_note(const std::string& text) override;
  void on_progress(uint64_t done_bytes, uint64_t all_bytes) override;

  uint64_t good_files() const { return good_files_; }
  uint64_t damaged() const { return damaged_; }

 private:
  void print(const std::string& line);
  void clear_bar();

  std::FILE* const out_;
  const unsigned columns_;
  storage::Clock& clock_;
  uint64_t good_files_ = 0, damaged_ = 0;
  bool has_bar_ = false;
  int64_t bar_ms_ = 0;  // when it was drawn last; steady
};

// Of standard output; 0: it is no terminal.
unsigned terminal_columns();

}  // namespace sett::server
