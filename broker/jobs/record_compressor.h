// Makes the bytes of records small by what they have in common: LZ4 blocks with a dictionary, which
// is the first records that came (https://github.com/lz4/lz4/blob/v1.9.4/doc/lz4_Block_format.md).
// For memory only: what one compressor made, no other can expand. Pure; one thread.
#pragma once

#include <lz4.h>

#include <string>

#include "schemas/result.h"

namespace tradewind {

class RecordCompressor {
 public:
  RecordCompressor() = default;
  RecordCompressor(const RecordCompressor&) = delete;
  RecordCompressor& operator=(const RecordCompressor&) = delete;

  // Of some bytes, at most limits::job_record_bytes_max.
  Bytes compress(BytesView plain);
  // Of what `compress` gave, in its whole life.
  Bytes expand(BytesView compressed) const;

 private:
  void learn(BytesView plain);

  std::string dictionary_;  // stays where it is: `learnt_` points into it
  LZ4_stream_t learnt_{};   // the dictionary's, once that is full
  bool full_ = false;
};

}  // namespace tradewind
