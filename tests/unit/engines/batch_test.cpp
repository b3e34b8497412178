// What is made of a queue's commands and of what they print, without running any.
#include <gmock/gmock.h>

#include <thread>

#include "gateway/engines/batch_commands.h"
#include "gateway/engines/batch_queue.h"
#include "gateway/engines/batch_reader.h"
#include "tests/unit/staging/scratch.h"

namespace tradewind {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

BatchCommands commands() {
  BatchCommands made;
  made.submit.command = {"qsub", "{pool_options}", "-N", "{key}", "{script}"};
  made.submit.job = R"(Your job (?P<job>\S+) )";
  made.submit.refused = "unknown queue";
  made.status.command = {"qstat"};
  made.status.job = R"(^\s*(?P<job>\S+) +(?P<key>\S*) +(?P<state>\S+))";
  made.cancel = {"qdel", "{job}"};
  made.usage.command = {"qacct", "-j", "{job}"};
  made.usage.record_end = "====";
  made.usage.job = R"((?s)name (?P<key>\S+).*exit (?P<exit>\d+).*wall (?P<seconds>\d+))";
  return made;
}

BatchReader reader(const BatchCommands& from = commands()) {
  auto made = BatchReader::make(from);
  EXPECT_TRUE(made) << describe(made.error());
  return *made;
}

std::string field_of(const BatchCommands& wrong) {
  if (const Status fine = check_batch_commands(wrong); !fine) return fine.error().field;
  const auto made = BatchReader::make(wrong);
  return made ? std::string() : made.error().field;
}

TEST(BatchCommands, AreFilledInArgumentByArgument) {
  const BatchValues values{{"key", "tw-1"}, {"cpus", "4"}};
  EXPECT_THAT(fill_in({"q", "-N", "{key}", "{key}:{cpus}", "{pool_options}", "{tenant_options}"},
                      values, {{"pool_options", {"-pe", "smp {cpus}"}}}),
              ElementsAre("q", "-N", "tw-1", "tw-1:4", "-pe", "smp 4"));
  // What a shell or awk would write in braces is theirs.
  EXPECT_THAT(fill_in({"${HOME}", "{print $1}", "{}", "{{key}}", "{key"}, values),
              ElementsAre("${HOME}", "{print $1}", "{}", "{tw-1}", "{key"));
}

TEST(BatchCommands, ThatCannotWorkAreRefusedByField) {
  EXPECT_EQ(field_of(commands()), "");
  const auto with = [](auto change) {
    BatchCommands wrong = commands();
    change(wrong);
    return field_of(wrong);
  };
  EXPECT_EQ(with([](auto& c) { c.submit.command.clear(); }), "submit.command");
  EXPECT_EQ(with([](auto& c) { c.submit.command.back() = "{program}"; }), "submit.command");
  EXPECT_EQ(with([](auto& c) { c.submit.command.back() = "x"; }), "submit.command");
  EXPECT_EQ(with([](auto& c) { c.submit.job = "job"; }), "submit.job");
  EXPECT_EQ(with([](auto& c) { c.submit.job = "(?P<job>"; }), "submit.job");
  EXPECT_EQ(with([](auto& c) { c.submit.refused = "("; }), "submit.refused");
  EXPECT_EQ(with([](auto& c) { c.status.command = {"qstat", "{job}"}; }), "status.command");
  EXPECT_EQ(with([](auto& c) { c.status.job = R"((?P<job>\d+) (?P<key>\S+))"; }), "status.job");
  EXPECT_EQ(with([](auto& c) { c.status.record_end = ""; }), "status.record_end");
  EXPECT_EQ(with([](auto& c) { c.cancel = {}; }), "cancel.command");
  EXPECT_EQ(with([](auto& c) { c.usage.job = "x"; }), "usage.job");
  EXPECT_EQ(with([](auto& c) { c.pool_options[PoolId{"gpu"}] = {"{gpus}"}; }), "pools.gpu");
  EXPECT_EQ(with([](auto& c) { c.usage = {}; }), "");
}

TEST(BatchReader, FindsTheNumberOfAJobThatWasTaken) {
  EXPECT_EQ(reader().submitted("note\nYour job 17.server-1 is there\n"), "17.server-1");
  EXPECT_EQ(reader().submitted("no job"), std::nullopt);
  // Never an option, nor a word that a shell would read as more.
  for (const char* wrong : {"-rf", "1;x", "$(x)", "1.", "'1'", "\xff", "*"}) {
    EXPECT_EQ(reader().submitted("Your job " + std::string(wrong) + " is"), std::nullopt) << wrong;
  }
  EXPECT_EQ(reader().submitted("Your job " + std::string(65, '1') + " is"), std::nullopt);
  EXPECT_TRUE(reader().refused("qsub: unknown queue x"));
  EXPECT_FALSE(reader().refused("qsub: no connection"));
}

TEST(BatchReader, ListsJobsRecordByRecordAndLeavesOutWhatIsNone) {
  const auto jobs = reader().listed("id name state\n\n 1 a r\n-2 b r\n3 c Eqw\n4 d");
  ASSERT_TRUE(jobs);
  EXPECT_THAT(*jobs, ElementsAre(BatchJob{"id", "name", "state"}, BatchJob{"1", "a", "r"},
                                 BatchJob{"3", "c", "Eqw"}));
  EXPECT_THAT(reader().listed("").value(), IsEmpty());
}

TEST(BatchReader, AFieldIsNeverTakenFromAnotherRecord) {
  BatchCommands xml = commands();
  xml.status.record_end = "</job>";
  xml.status.job = "(?s)<id>(?P<job>[^<]*)<.*<name>(?P<key>[^<]*)<.*<state>(?P<state>[^<]*)<";
  xml.status.whole = R"(</jobs>\s*$)";
  const std::string text =
      "<jobs><job><id>1</id><state>r</state></job><job>\n<id>2</id><name>b</name>"
      "<state>qw</state></job></jobs>\n";
  EXPECT_THAT(reader(xml).listed(text).value(), ElementsAre(BatchJob{"2", "b", "qw"}));
  // Half a list is none.
  EXPECT_FALSE(reader(xml).listed(text.substr(0, text.size() - 3)));
  EXPECT_FALSE(reader(xml).listed(""));
}

TEST(BatchReader, BelievesTheUsageOfItsOwnJobOnly) {
  const std::string text =
      "====\nname other\nexit 9\nwall 1\n====\nname key\nexit 3\nwall 70s\n====\nname key\n";
  EXPECT_EQ(reader().used(text, "key"), (BatchUsage{3, 70}));
  EXPECT_EQ(reader().used(text, "nobody"), std::nullopt);
  EXPECT_EQ(reader().used("name key exit 999 wall 1", "key"), std::nullopt);
  EXPECT_EQ(reader().used("name key exit 1 wall 99999999999999999999", "key"), (BatchUsage{1, 0}));
}

TEST(BatchReader, TakesTimeByTheLengthOfWhatItReadsAlone) {
  BatchCommands nested = commands();
  nested.status.job = R"((?P<job>(\w+\s?)*)(?P<key>x)(?P<state>(y|y)*)$)";
  EXPECT_TRUE(reader(nested).listed(std::string(1 << 20, 'a')));
}

// A queue of shell scripts.
class BatchQueueTest : public testing::Test {
 protected:
  BatchQueueTest() {
    options.key_prefix = "tw-1-";
    options.user = "me";
    Pool pool;
    pool.id = PoolId{"pool"};
    pool.unit = Resources{2, 3'000, 0, 1};
    options.pools[pool.id] = pool;
    options.on_warning = [this](const std::string& text) { warnings.push_back(text); };
    options.commands = commands();
    says("qsub", "echo Your job 7 is there");
    says("qstat", "true");
    says("qdel", "echo \"$@\" >> " + (scratch / "canceled").string());
    says("qacct", "printf 'name tw-1-j1.1\\nexit 137\\nwall 70\\n'");
    request.attempt = "j1.1";
    Assignment assignment;
    assignment.pool = PoolId{"pool"};
    assignment.units = 2;
    assignment.nodes = 3;
    request.assignment = std::make_shared<const Assignment>(assignment);
    request.directory = scratch.path();
    request.command = {"/bin/run it", "exchange", "j1.1"};
    request.seconds_max = 3'661;
  }
  void says(const std::string& name, const std::string& script) {
    scratch.write(name, "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(scratch / name, std::filesystem::perms(0755));
    auto& made = options.commands;
    for (auto* each :
         {&made.submit.command, &made.status.command, &made.cancel, &made.usage.command}) {
      if (each->front() == name) each->front() = (scratch / name).string();
    }
  }
  BatchQueue& queue() {
    if (!queue_) queue_.emplace(options, reader(options.commands));
    return *queue_;
  }

  test::Scratch scratch;
  BatchQueueOptions options;
  QueueRequest request;
  std::vector<std::string> warnings;

 private:
  std::optional<BatchQueue> queue_;
};

TEST_F(BatchQueueTest, SubmitsAScriptWithWhatTheJobNeeds) {
  options.commands.pool_options[PoolId{"pool"}] = {"{nodes}x{cpus}={slots}", "{memory_mib}",
                                                   "{memory_mib_cpu}", "{accelerators}",
                                                   "{seconds} {minutes} {hms} {user}"};
  says("qsub", "echo \"$@\" > " + (scratch / "asked").string() + "; echo Your job 7 is there");
  EXPECT_EQ(queue().submit(request).value(), "7");
  EXPECT_EQ(scratch.read("asked"), "3x4=12 6000 1500 2 3661 62 01:01:01 me -N tw-1-j1.1 " +
                                       (scratch / "job").string() + "\n");
  EXPECT_EQ(scratch.read("job"), "#!/bin/sh\nexec '/bin/run it' 'exchange' 'j1.1'\n");
}

TEST_F(BatchQueueTest, TellsARefusalFromAnAnswerThatMeansNothing) {
  says("qsub", "echo unknown queue >&2; exit 1");
  EXPECT_EQ(queue().submit(request).error().code, ErrorCode::refused);
  says("qsub", "echo no connection >&2; exit 1");
  const auto lost = queue().submit(request);
  EXPECT_EQ(lost.error().code, ErrorCode::maybe_delivered);
  EXPECT_THAT(describe(lost.error()), HasSubstr("no connection"));
  says("qsub", "echo welcome");
  EXPECT_EQ(queue().submit(request).error().code, ErrorCode::maybe_delivered);
}

TEST_F(BatchQueueTest, KnowsItsOwnJobsByTheirKeysAndTheirStatesByTheQueuesWords) {
  options.commands.status.states = {
      {"qw", QueueState::waiting}, {"Eqw", QueueState::held}, {"z", QueueState::over}};
  says("qstat",
       "echo '1 tw-1-j1.1 qw'; echo '2 tw-2-j1.1 qw'; echo '3 tw-1-j2.1 Eqw';"
       "echo '4 tw-1-j3.1 odd'; echo '5 tw-1-j4.1 z'");
  const auto jobs = queue().jobs(true).value();
  ASSERT_EQ(jobs->size(), 3U);
  EXPECT_EQ(jobs->at(0).attempt, "j1.1");
  EXPECT_EQ(jobs->at(0).state, QueueState::waiting);
  EXPECT_EQ(jobs->at(1).state, QueueState::held);
  EXPECT_EQ(jobs->at(1).code, EndCode::engine_failed);
  EXPECT_EQ(jobs->at(2).state, QueueState::running);
  queue().capacity(PoolId{"pool"}, {});
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("\"odd\""));
}

TEST_F(BatchQueueTest, ACommandThatFailsOrIsNotThereMeansThatTheQueueIsAway) {
  says("qstat", "echo '1 tw-1-j1.1 qw'; exit 1");
  EXPECT_FALSE(queue().jobs(true));
  std::filesystem::remove(scratch / "qstat");
  EXPECT_FALSE(queue().jobs(true));
}

TEST_F(BatchQueueTest, CancelsOnlyWhatTheNewestListSaysIsTheAttempts) {
  says("qstat", "echo '1 tw-1-j1.1 qw'");
  EXPECT_TRUE(queue().cancel("1", "j1.1"));
  ASSERT_TRUE(queue().jobs(true));
  EXPECT_TRUE(queue().cancel("1", "j2.1"));
  EXPECT_TRUE(queue().cancel("2", "j1.1"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "canceled"));
  EXPECT_TRUE(queue().cancel("1", "j1.1"));
  EXPECT_EQ(scratch.read("canceled"), "1\n");
}

TEST_F(BatchQueueTest, TellsHowAJobEndedThatIsOnNoListAnyMore) {
  const auto ended = [this](std::string number, std::string attempt) {
    QueueJob seen;
    seen.number = std::move(number);
    seen.attempt = std::move(attempt);
    return queue().ended(seen).value();
  };
  const auto killed = ended("7", "j1.1");
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->code, EndCode::interrupted);
  EXPECT_EQ(killed->end - killed->start, 70);
  EXPECT_THAT(killed->words, HasSubstr("137"));
  EXPECT_FALSE(ended("7", "j2.1"));
  EXPECT_FALSE(ended("", "j1.1"));
}

TEST_F(BatchQueueTest, OffersNothingMoreWhileTheQueueLetsOneWait) {
  EXPECT_EQ(queue().capacity(PoolId{"pool"}, {5, 29}), std::nullopt);
  const auto full = queue().capacity(PoolId{"pool"}, {5, 90});
  ASSERT_TRUE(full);
  EXPECT_EQ(full->units_free, 0U);
  EXPECT_EQ(full->wait_seconds, 90U);
}

TEST_F(BatchQueueTest, ACommandThatHangsEndsWithTheEngine) {
  says("qstat", "exec sleep 50");
  queue();
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    queue().stop();
  });
  EXPECT_FALSE(queue().jobs(true));
}

}  // namespace
}  // namespace tradewind
