// Writes the samples that are kept as files. Usage:
//   write_samples golden DIRECTORY   NAME.N.hex of each message that has no golden file yet, or
//                                    whose newest one does not hold every field
//   write_samples corpus DIRECTORY   DIRECTORY/DECODER/NAME, seeds for the fuzzers
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/unit/schemas/samples.h"

namespace tradewind::testing {
namespace {

Bytes full_sample(const Message& message) {
  Sampler full;
  return message.encoded(full);
}

std::string to_hex(BytesView bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
    if (i % 48 == 47) text += '\n';
  }
  return text + "\n";
}

void write_golden(const std::filesystem::path& directory) {
  for (const Message& message : messages()) {
    const std::string text = to_hex(full_sample(message));
    const auto path = [&](int version) {
      return directory / (message.name + "." + std::to_string(version) + ".hex");
    };
    int version = 1;
    std::string newest;
    for (; std::filesystem::exists(path(version)); ++version) {
      std::ifstream stream(path(version));
      newest.assign(std::istreambuf_iterator<char>(stream), {});
    }
    if (newest == text) continue;
    std::ofstream(path(version)) << text;
    std::cout << "wrote " << path(version).string() << "\n";
  }
}

void write_corpus(const std::filesystem::path& directory) {
  for (const Message& message : messages()) {
    std::filesystem::create_directories(directory / message.decoder);
    std::ofstream(directory / message.decoder / message.name, std::ios::binary)
        << full_sample(message);
  }
}

}  // namespace
}  // namespace tradewind::testing

int main(int argc, char** argv) {
  const std::string what = argc == 3 ? argv[1] : "";
  if (what != "golden" && what != "corpus") {
    std::cerr << "usage: write_samples golden|corpus DIRECTORY\n";
    return 2;
  }
  const std::filesystem::path directory(argv[2]);
  std::filesystem::create_directories(directory);
  if (what == "golden") {
    tradewind::testing::write_golden(directory);
  } else {
    tradewind::testing::write_corpus(directory);
  }
  return 0;
}
