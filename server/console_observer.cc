#include "server/console_observer.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace sett::server {

namespace {
constexpr int64_t redraw_ms = 100;
constexpr unsigned default_columns = 80, bar_columns_max = 60, columns_beside_bar = 10;
}  // namespace

void ConsoleObserver::on_good_file(const std::string& path, const std::string& note) {
  ++good_files_;
  print("ok       " + path + (note.empty() ? "" : ": " + note));
}

void ConsoleObserver::on_damage(const storage::Status& status) {
  ++damaged_;
  print("DAMAGED  " + status.to_string());
}

void ConsoleObserver::on_note(const std::string& text) {
  print("         " + text);
}

void ConsoleObserver::print(const std::string& line) {
  clear_bar();
  std::fprintf(out_, "%s\n", line.c_str());
  if (columns_ > 0) std::fflush(out_);
}

void ConsoleObserver::clear_bar() {
  if (!has_bar_) return;
  std::fprintf(out_, "\r\x1b[K");
  std::fflush(out_);
  has_bar_ = false;
}

void ConsoleObserver::on_progress(uint64_t done_bytes, uint64_t all_bytes) {
  if (columns_ == 0 || all_bytes == 0) return;
  const int64_t now_ms = clock_.steady_ms();
  if (has_bar_ && now_ms - bar_ms_ < redraw_ms) return;
  bar_ms_ = now_ms;
  has_bar_ = true;
  const double share = static_cast<double>(done_bytes) / static_cast<double>(all_bytes);
  const unsigned width = std::min(bar_columns_max, columns_ - std::min(columns_ - 1, columns_beside_bar));
  const auto filled = static_cast<unsigned>(share * width);
  std::fprintf(out_, "\r[%s%s] %3u %%", std::string(filled, '#').c_str(), std::string(width - filled, ' ').c_str(),
               static_cast<unsigned>(share * 100));
  std::fflush(out_);
}

unsigned terminal_columns() {
  if (::isatty(STDOUT_FILENO) == 0) return 0;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return default_columns;
  return size.ws_col;
}

}  // namespace sett::server
