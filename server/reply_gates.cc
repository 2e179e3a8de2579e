#include "server/reply_gates.h"

namespace sett::server {

void ReplyGates::replace_broken(std::string& output, std::string_view error_line) {
  std::string mended;
  std::vector<Gate> left;
  size_t copied = 0;  // of `output`
  size_t replaced_begin = std::string::npos;
  for (const Gate& gate : gates_) {
    const bool is_broken = gate.store->journal().failed() && gate.store->journal().safe() < gate.sequence;
    if (gate.begin == replaced_begin) continue;  // another gate of a reply that is gone
    if (!is_broken) {
      left.push_back(gate);
      continue;
    }
    while (!left.empty() && left.back().begin == gate.begin) left.pop_back();
    mended.append(output, copied, gate.begin - copied);
    mended.append(error_line);
    copied = gate.end;
    replaced_begin = gate.begin;
  }
  mended.append(output, copied, output.size() - copied);
  // What is left only delays the output: its offsets need not be exact, but must stay within it.
  for (Gate& gate : left) gate.begin = gate.end = mended.size();
  gates_ = std::move(left);
  output = std::move(mended);
}

}  // namespace sett::server
