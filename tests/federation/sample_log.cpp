// Writes a log as files, for tests that have it verified by others and by the auditors' tool.
//
//   sample_log LOG KEPT KEY FORK SIZE…
//
// Signs with the key in the file KEY, made when it is not there. From the entry FORK on the entries
// differ from those of any other FORK: logs with one key and two forks are a split view.
//
// Publishes at each SIZE into the folder LOG, cosigned by a witness and with a line of a signer
// that nobody knows. Keeps in the folder KEPT each checkpoint under its size, and a receipt with
// its entry. Prints the log's and the witness's verifier keys.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "state/identity/stored_file.h"
#include "state/transparency/log.h"
#include "state/transparency/log_directory.h"
#include "state/transparency/receipt.h"
#include "state/transparency/witness.h"
#include "state/transparency/witness_request.h"

namespace {

using namespace tradewind;

constexpr const char* kOrigin = "log.example/sample";

template <class T>
T need(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "sample_log: %s\n", describe(result.error()).c_str());
    std::exit(1);
  }
  return std::move(*result);
}

// As a broker's events begin.
Bytes entry(std::uint64_t index, std::uint64_t fork) {
  const std::string pad = Bytes(index % 91, 'p') + (index < fork ? "" : std::to_string(fork));
  return "{\"specversion\":\"1.0\",\"id\":\"" + std::to_string(index) +
         "\",\"recordedtime\":\"2026-11-26T00:00:00.000000Z\",\"pad\":\"" + pad + "\"}";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: %s LOG KEPT KEY FORK SIZE...\n", argv[0]);
    return 2;
  }
  const LogDirectory directory{argv[1]};
  const std::filesystem::path kept(argv[2]);
  std::filesystem::create_directories(kept);

  const SigningKey key = need(SigningKey::load_or_generate(argv[3]));
  const std::uint64_t fork = std::strtoull(argv[4], nullptr, 10);
  const VerifierKey log_key{kOrigin, KeyType::ed25519, key.public_key()};
  Witness witness("witness.example/sample", SigningKey::generate());
  witness.trust(log_key);
  const auto tiles = [&](const TileId& id) { return directory.read(id); };

  Log log(kOrigin);
  std::uint64_t witnessed = 0;
  for (int at = 5; at < argc; ++at) {
    const std::uint64_t size = std::strtoull(argv[at], nullptr, 10);
    while (log.size() < size) need(log.append(entry(log.size(), fork)));
    const auto publication = log.publish();
    if (!publication) {
      std::fprintf(stderr, "sample_log: sizes must rise\n");
      return 2;
    }
    need(directory.write(publication->tiles, publication->bundles));
    Note note{publication->checkpoint, {sign_note(publication->checkpoint, kOrigin, key)}};
    TileHashes tree(size, tiles);
    const WitnessRequest request{witnessed, need(prove_consistency(witnessed, tree)),
                                 format_note(note)};
    const auto output = witness.add_checkpoint(format_witness_request(request), system_now().wall);
    if (output.answer.status != 200) {
      std::fprintf(stderr, "sample_log: %s", output.answer.body.c_str());
      return 1;
    }
    witnessed = size;
    note.signatures.insert(note.signatures.begin(), {"nobody.invalid", 7, "no signature at all"});
    const Bytes checkpoint = format_note(note) + output.answer.body;
    need(directory.write_checkpoint(checkpoint));
    need(store_file(kept / std::to_string(size), checkpoint, public_mode));
    if (size == 0) continue;
    const std::uint64_t index = size / 2;
    const Receipt receipt = need(
        make_receipt(index, Hasher().leaf(entry(index, fork)), publication->head.root, checkpoint, tree));
    need(store_file(kept / "receipt.tlog-proof", format_receipt(receipt), public_mode));
    need(store_file(kept / "entry", entry(index, fork), public_mode));
  }
  std::printf("%s\n%s\n", format_verifier_key(log_key).c_str(),
              format_verifier_key(witness.verifier_key()).c_str());
  return 0;
}
