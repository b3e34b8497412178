#include "gateway/staging/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <future>

#include "gateway/staging/transfer_group.h"

namespace tradewind {
namespace {

TEST(WorkerPool, RefusesMoreThanMayWait) {
  std::promise<void> go;
  std::promise<void> running;
  WorkerPool pool(1, 1);  // last: its threads use the others
  ASSERT_TRUE(pool.run([&] {
    running.set_value();
    go.get_future().wait();
  }));
  running.get_future().wait();
  EXPECT_TRUE(pool.run([] {}));
  const Status refused = pool.run([] {});
  go.set_value();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::exhausted);
}

TEST(TransferGroup, RunsEachOnceAndIsDoneOnce) {
  boost::asio::io_context io;
  WorkerPool pool(4, 100);
  std::atomic<int> worked{0};
  int done = 0;
  ASSERT_TRUE(TransferGroup::start(
      io.get_executor(), pool, 50, 4,
      [&](std::size_t) {
        ++worked;
        return true;
      },
      [&] { ++done; }));
  while (done == 0) io.run_one_for(std::chrono::seconds(1)), io.restart();
  EXPECT_EQ(worked, 50);
  EXPECT_EQ(done, 1);
}

TEST(TransferGroup, IsDoneAtOnceWhenStoppedBeforeThePoolGotToIt) {
  boost::asio::io_context io;
  std::promise<void> go;
  WorkerPool pool(1, 100);
  ASSERT_TRUE(pool.run([&] { go.get_future().wait(); }));
  bool worked = false;
  int done = 0;
  auto group = TransferGroup::start(
      io.get_executor(), pool, 3, 4, [&](std::size_t) { return worked = true; }, [&] { ++done; });
  ASSERT_TRUE(group);
  (*group)->stop();
  io.poll();
  EXPECT_EQ(done, 1);
  go.set_value();
  EXPECT_FALSE(worked);
}

TEST(TransferGroup, BeginsNoMoreAfterAFailure) {
  boost::asio::io_context io;
  WorkerPool pool(1, 100);
  std::atomic<int> worked{0};
  int done = 0;
  ASSERT_TRUE(TransferGroup::start(
      io.get_executor(), pool, 10, 1, [&](std::size_t) { return ++worked < 3; }, [&] { ++done; }));
  while (done == 0) io.run_one_for(std::chrono::seconds(1)), io.restart();
  EXPECT_EQ(worked, 3);
}

}  // namespace
}  // namespace tradewind
