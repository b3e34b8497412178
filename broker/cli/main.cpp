// `tradewind`, the one command for users, centres and auditors.
#include "broker/cli/program.h"

int main(int argc, char** argv) {
  return tradewind::cli::run_program(argc, argv);
}
