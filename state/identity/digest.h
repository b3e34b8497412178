// SHA-256 and its text form. Any thread.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "schemas/result.h"

struct SHA256state_st;

namespace tradewind {

inline constexpr std::size_t sha256_bytes = 32;

// The raw digest, 32 bytes.
Bytes sha256(BytesView bytes);
// HMAC-SHA-256 (RFC 2104), raw, 32 bytes.
Bytes hmac_sha256(BytesView key, BytesView message);

// The same under one key, for those who do so again and again.
class HmacSha256 {
 public:
  explicit HmacSha256(BytesView key);
  ~HmacSha256();
  HmacSha256(HmacSha256&&) noexcept;
  HmacSha256& operator=(HmacSha256&&) noexcept;

  Bytes operator()(BytesView message) const;

 private:
  struct Begun;
  std::unique_ptr<const Begun> begun_;
};

// A digest over bytes that come piece by piece. One thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(BytesView bytes);
  // The raw digest, 32 bytes, of all that came since the start or the last finish(); starts anew.
  Bytes finish();
  // The same into bytes of the caller's, for those who hash by the million.
  void finish(std::span<char, sha256_bytes> digest);

 private:
  struct Free {
    void operator()(SHA256state_st* state) const;
  };
  std::unique_ptr<SHA256state_st, Free> state_;
};

}  // namespace tradewind
