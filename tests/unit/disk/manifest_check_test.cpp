// A list of files that was cut short while it was written is taken; one in which a damaged length
// hides what follows is not, which the store itself would not notice.
#include "state/disk/manifest_check.h"

#include <gtest/gtest.h>

#include <rocksdb/db.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "state/disk/store_options.h"

namespace tradewind {
namespace {

namespace fs = std::filesystem;

class ManifestCheck : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "tradewind-manifest-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    store_ = name;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(store_options(), store_.string(), &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    for (int table = 0; table < 5; ++table) {
      ASSERT_TRUE(db->Put({}, "key" + std::to_string(table), "value").ok());
      ASSERT_TRUE(db->Flush({}).ok());
    }
    for (const auto& each : fs::directory_iterator(store_)) {
      if (each.path().filename().string().starts_with("MANIFEST")) manifest_ = each.path();
    }
    std::ifstream file(manifest_, std::ios::binary);
    whole_.assign(std::istreambuf_iterator<char>(file), {});
  }
  void TearDown() override { fs::remove_all(store_); }

  Status check(const std::string& bytes) {
    std::ofstream(manifest_, std::ios::binary | std::ios::trunc) << bytes;
    return check_manifest(store_);
  }

  fs::path store_;
  fs::path manifest_;
  std::string whole_;
};

TEST_F(ManifestCheck, AWholeOneIsGoodAndSoIsNone) {
  const Status whole = check(whole_);
  EXPECT_TRUE(whole) << describe(whole.error());
  EXPECT_TRUE(check_manifest(store_ / "none"));
}

TEST_F(ManifestCheck, OneThatWasCutWhileItWasWrittenIsGood) {
  for (std::size_t length = 0; length < whole_.size(); ++length) {
    EXPECT_TRUE(check(whole_.substr(0, length))) << length;
  }
}

TEST_F(ManifestCheck, EveryFlippedBitIsFound) {
  for (std::size_t at = 0; at < whole_.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string bytes = whole_;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      const Status checked = check(bytes);
      ASSERT_FALSE(checked) << at << " " << bit;
      EXPECT_EQ(checked.error().code, ErrorCode::corrupt);
    }
  }
}

// What it is for: the store itself would open, without its last tables.
TEST_F(ManifestCheck, TheStoreOpensOnSomeOfThem) {
  unsigned silent = 0;
  for (std::size_t at = 0; at < whole_.size(); ++at) {
    std::string bytes = whole_;
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    ASSERT_FALSE(check(bytes));
    rocksdb::DB* opened = nullptr;
    if (!rocksdb::DB::OpenForReadOnly(store_options(), store_.string(), &opened).ok()) continue;
    const std::unique_ptr<rocksdb::DB> db(opened);
    std::string value;
    if (db->Get({}, "key4", &value).IsNotFound()) ++silent;
  }
  EXPECT_GT(silent, 0U);
}

}  // namespace
}  // namespace tradewind
