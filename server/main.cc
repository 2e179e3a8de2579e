#include "server/process.h"

int main(int argc, char** argv) {
  return sett::server::run_process(argc, argv, {});
}
