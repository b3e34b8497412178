#include "gateway/engines/attempt.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include <fmt/format.h>

#include "gateway/engines/assignment_check.h"
#include "gateway/engines/job_paths.h"
#include "gateway/engines/program.h"
#include "gateway/engines/tool_run.h"
#include "schemas/assert.h"
#include "schemas/limits.h"
#include "schemas/url.h"

namespace tradewind {
namespace {

constexpr std::size_t system_log_lines_max = 1'000;

// After its lease and the grace of a stop, when an orderly stop has killed what there was. In all,
// less than what brokers wait for (limits::clock_skew_max).
constexpr std::chrono::seconds guard_margin{1};

std::string size_text(std::uint64_t bytes) {
  if (bytes >= 10 * mib) return fmt::format("{} MiB", bytes / mib);
  if (bytes >= 10 * 1024) return fmt::format("{} KiB", bytes / 1024);
  return fmt::format("{} bytes", bytes);
}

std::string stop_detail(EndCode code, std::uint64_t run_seconds_max) {
  switch (code) {
    case EndCode::canceled: return "canceled";
    case EndCode::time_limit:
      return fmt::format("ran longer than its time limit of {} s; state a longer one",
                         run_seconds_max);
    case EndCode::lease_expired: return "the lease ran out without word from the broker";
    case EndCode::preempted: return "preempted";
    default: return fmt::format("stopped: {}", to_string(code));
  }
}

std::string line_of(const Fetched& fetched) {
  const StagedInput& input = fetched.input;
  std::string from = input.url.empty() ? "the job document" : input.url;
  if (fetched.was_held) from = "the site's cache";
  std::string line = fmt::format("staged {} {} from {} in {} ms", input.path,
                                 size_text(input.size_bytes), from, input.milliseconds);
  if (fetched.files != 1) line += fmt::format(", {} files", fetched.files);
  if (fetched.ranges > 1) line += fmt::format(", {} ranges at once", fetched.ranges);
  if (fetched.tries > 1) {
    line += fmt::format(", {} tries, {} not fetched again", fetched.tries,
                        size_text(fetched.resumed_bytes));
  }
  if (!fetched.cache_problem.empty()) {
    line += fmt::format("; not kept for later: {}", fetched.cache_problem);
  }
  return line;
}

}  // namespace

Attempt::Attempt(const EngineContext& context, AttemptId id, Assignment assignment,
                 AttemptDirectory directory)
    : context_(context),
      id_(std::move(id)),
      assignment_(std::make_shared<const Assignment>(std::move(assignment))),
      directory_(std::move(directory)),
      visible_(visible_names(*assignment_)),
      watched_(context.guard->watch(
          context.cgroups ? context.cgroups->directory_of(directory_.name()).string() : "",
          context.containers && std::ranges::any_of(assignment_->executors, names_image)
              ? context.containers->name_of(directory_.name())
              : "")),
      limit_timer_(context.io) {
  report_.usage.started = report_.usage.ended = system_now().wall;
}

// --- telling

void Attempt::emit(EngineEvent event) {
  boost::asio::post(context_.io, [weak = weak_from_this(), event = std::move(event)]() mutable {
    if (const auto self = weak.lock()) self->context_.on_event(std::move(event));
  });
}

void Attempt::enter(AttemptPhase phase) {
  emit({.attempt = id_, .phase = phase});
}

void Attempt::note(std::string line) {
  auto& log = report_.system_log;
  if (log.size() < system_log_lines_max) log.push_back(std::move(line));
  if (log.size() == system_log_lines_max) log.back() = "further lines are left out";
}

// --- beginning

void Attempt::start() {
  enter(AttemptPhase::staging);
  const Status taken = context_.chores->run(
      context_.io.get_executor(),
      [&context = context_, directory = directory_, assignment = assignment_] {
        return prepare(context, directory, *assignment);
      },
      [weak = weak_from_this()](Result<Prepared> prepared) {
        if (const auto self = weak.lock()) self->on_prepared(std::move(prepared));
      });
  TRADEWIND_ASSERT(taken);  // the pool holds more tasks than there can be attempts
}

Result<Attempt::Prepared> Attempt::prepare(const EngineContext& context,
                                           const AttemptDirectory& directory,
                                           const Assignment& assignment) {
  Prepared prepared;
  if (const Status made = context.begun ? ok() : directory.create(); !made) {
    if (made.error().code != ErrorCode::conflict) return fail(made.error());
    auto end = directory.read_end();
    if (end && *end) {
      prepared.ended_before = std::move(**end);
    } else {
      prepared.ended_before = EndReport{};
      prepared.ended_before->code = EndCode::interrupted;
      prepared.ended_before->detail = "the gateway restarted under it";
    }
    return prepared;
  }
  auto files = RootedDirectory::open(directory.files(), Links::as_root);
  if (!files) return fail(files.error());
  auto kept = RootedDirectory::open(directory.kept(), Links::as_root);
  if (!kept) return fail(kept.error());
  for (const auto& each : directories_to_make(assignment)) {
    if (const Status made = files->make_directories(each); !made) return fail(made.error());
  }
  ::chmod((directory.files() / "tmp").c_str(), 01777);
  auto out = LogFile::create(directory.log(LogStream::out), context.options.log_bytes_max);
  if (!out) return fail(out.error());
  auto err = LogFile::create(directory.log(LogStream::err), context.options.log_bytes_max);
  if (!err) return fail(err.error());
  if (context.cgroups) {
    auto cgroup = context.cgroups->make(directory.name(),
                                        {.memory_bytes = assignment.resources.memory_mib * mib,
                                         .cpus = assignment.resources.cpus,
                                         .processes_max = context.options.processes_max});
    if (!cgroup) return fail(cgroup.error());
    prepared.cgroup = std::make_shared<Cgroup>(std::move(*cgroup));
  }
  prepared.files = std::move(*files);
  prepared.kept = std::move(*kept);
  prepared.out = std::move(*out);
  prepared.err = std::move(*err);
  return prepared;
}

void Attempt::on_prepared(Result<Prepared> prepared) {
  if (!prepared) return end(EndCode::engine_failed, describe(prepared.error()));
  prepared_ = std::make_shared<Prepared>(std::move(*prepared));
  if (prepared_->ended_before) {
    ending_ = true;
    watched_.reset();
    emit({.attempt = id_,
          .phase = AttemptPhase::ended,
          .report = std::move(prepared_->ended_before)});
    return;
  }
  if (ended_by_stop()) return;
  find_images();
}

// --- staging in

void Attempt::stage_in() {
  transfers_ = std::make_shared<Transfers>();
  transfers_->policy = policy_for(context_.options.staging, assignment_->tenant);
  transfers_->fetched.resize(assignment_->inputs.size());
  transfers_->budget.emplace(context_.options.staging);
  auto group = TransferGroup::start(
      context_.io.get_executor(), *context_.transfers, assignment_->inputs.size(),
      context_.options.staging_workers,
      [assignment = assignment_, prepared = prepared_, transfers = transfers_,
       stop = stop_transfers_](std::size_t index) mutable {
        transfers->fetched[index].emplace(fetch(transfers->policy, fmt::format("inputs[{}]", index),
                                                assignment->inputs[index], *prepared->files,
                                                *transfers->budget, stop.get_token()));
        const bool done = transfers->fetched[index]->has_value();
        if (!done) {
          transfers->failed(index);
          stop.request_stop();  // the others' work would be for nothing
        }
        return done;
      },
      [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->on_staged_in();
      });
  if (!group) return end(EndCode::engine_failed, describe(group.error()));
  group_ = *group;
}

void Attempt::on_staged_in() {
  group_.reset();
  for (std::size_t i = 0; i < transfers_->fetched.size(); ++i) {
    const auto& each = transfers_->fetched[i];
    if (!each || !each->has_value()) continue;
    note(line_of(**each));
    report_.inputs.push_back((*each)->input);
    if ((*each)->network_bytes == 0) continue;
    const Replica& from = assignment_->inputs[i].replicas.front();
    staged_.push_back(
        {from.site, from.region, true, (*each)->network_bytes, (*each)->network_milliseconds});
  }
  if (ended_by_stop()) return;
  if (const std::size_t failed = transfers_->first_failed; failed != SIZE_MAX) {
    return end(EndCode::stage_in_failed, describe(transfers_->fetched[failed]->error()));
  }
  enter(AttemptPhase::running);
  limit_timer_.expires_after(std::chrono::seconds(assignment_->run_seconds_max));
  limit_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& problem) {
    const auto self = weak.lock();
    if (problem || !self || !(self->run_ || self->container_ending_)) return;
    self->stop(self->watched_->over() ? EndCode::lease_expired : EndCode::time_limit);
  });
  run_next();
}

// --- running

std::map<std::string, std::string> Attempt::environment(const Executor& executor) const {
  const bool sandboxed = context_.sandbox.has_value() || in_container();
  const std::string root = sandboxed ? "" : directory_.files().string();
  std::map<std::string, std::string> env{{"HOME", root + std::string(default_workdir)},
                                         {"TMPDIR", root + "/tmp"},
                                         {"LANG", "C.UTF-8"},
                                         {"TRADEWIND_ROOT", root},
                                         {"TRADEWIND_NODES", std::to_string(assignment_->nodes)}};
  // An image says itself where its programs are.
  if (!in_container()) env["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (const auto& [name, value] : assignment_->env) env[name] = value;
  for (const auto& [name, value] : executor.env) env[name] = value;
  return env;
}

Result<StreamCopy> Attempt::open_copy(const std::string& path, const std::string& field) const {
  StreamCopy copy;
  if (path.empty()) return copy;
  auto fd = prepared_->files->create_file(path, 0644);
  if (!fd) {
    Error error = fd.error();
    error.field = field;
    return fail(error);
  }
  copy.fd = std::move(*fd);
  copy.bytes_max = assignment_->resources.disk_mib > 0 ? assignment_->resources.disk_mib * mib
                                                       : context_.options.staging.file_bytes_max;
  return copy;
}

std::optional<ExecutorTask> Attempt::task_for(const Executor& executor,
                                              Result<ExecutorOutcome>& outcome) {
  const ProcessEngineOptions& options = context_.options;
  const std::string field = fmt::format("executors[{}]", executor_);
  const std::string workdir =
      executor.workdir.empty() ? std::string(default_workdir) : executor.workdir;
  const auto env = environment(executor);
  const auto refused = [&outcome](std::int32_t exit_code, std::string why) {
    outcome = ExecutorOutcome{};
    outcome->exit_code = exit_code;
    outcome->started = outcome->ended = system_now().wall;
    outcome->stderr_tail = std::move(why) + "\n";
    return std::nullopt;
  };

  const PoolMachine machine{options.pools.at(assignment_->pool), options.host};
  const ProgramPlan plan = in_container()
                               ? ProgramPlan{}
                               : plan_program(executor.command.front(), workdir, env.at("PATH"),
                                              *prepared_->files, visible_, machine);
  if (!plan.refusal.empty()) return refused(126, "exec format error: " + plan.refusal);
  std::vector<std::string> command = executor.command;
  const std::filesystem::path files = directory_.files();
  const auto own = [&files](const std::string& path) {
    return (files / std::filesystem::path(path).relative_path()).string();
  };
  if (!context_.sandbox && !plan.own_path.empty()) command.front() = own(plan.own_path);
  if (plan.emulated) {
    command.insert(command.begin(), context_.sandbox ? Sandbox::emulator_path(machine.pool)
                                                     : options.emulators.at(machine.pool));
  }

  ExecutorTask task;
  task.sandboxed = context_.sandbox.has_value() && !in_container();
  task.stop_grace = options.stop_grace;
  UniqueFd input;
  if (!executor.stdin_path.empty()) {
    auto opened = prepared_->files->open_file(executor.stdin_path);
    if (!opened) return refused(1, fmt::format("{}.stdin: {}", field, describe(opened.error())));
    input = std::move(*opened);
    ::lseek(input.get(), 0, SEEK_SET);
  }
  auto out = open_copy(executor.stdout_path, field + ".stdout");
  if (!out) return refused(1, describe(out.error()));
  // One file for both streams is opened once, or the second would empty what the first wrote.
  auto err = executor.stderr_path == executor.stdout_path && out->fd
                 ? Result<StreamCopy>(StreamCopy{
                       UniqueFd(::fcntl(out->fd.get(), F_DUPFD_CLOEXEC, 3)), out->bytes_max, 0, {}})
                 : open_copy(executor.stderr_path, field + ".stderr");
  if (!err) return refused(1, describe(err.error()));
  task.copy_out = std::move(*out);
  task.copy_err = std::move(*err);
  task.log_out = &*prepared_->out;
  task.log_err = &*prepared_->err;
  task.cgroup = prepared_->cgroup.get();
  task.process = &watched_->process();

  LaunchSpec& spec = task.spec;
  if (input) {
    spec.standard_input = input.get();
    task.input = std::move(input);
  }
  if (in_container()) {
    if (const Status filled = fill_container(executor, workdir, task); !filled) {
      outcome = fail(filled.error());
      return std::nullopt;
    }
    if (lives_apart(context_.containers->options().runtime)) return task;
  } else if (context_.sandbox) {
    auto wrapped = context_.sandbox->wrap(command, workdir, env, files, visible_,
                                          assignment_->network, devices());
    if (!wrapped) {
      outcome = fail(wrapped.error());
      return std::nullopt;
    }
    spec.argv = std::move(wrapped->argv);
    task.arguments = std::move(wrapped->arguments);
    // Bubblewrap itself runs on the machine: nothing that a job sets may reach it.
    spec.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  } else {
    if (const std::string found = find_program(command.front()); !found.empty()) {
      command.front() = found;
    } else {
      return refused(127, fmt::format("{}: no such program", command.front()));
    }
    spec.argv = std::move(command);
    spec.directory = own(workdir);
    for (const auto& [name, value] : env) spec.env.push_back(name + "=" + value);
  }
  if (prepared_->cgroup) spec.cgroup_entrances = prepared_->cgroup->entrances();
  const bool memory_by_group = context_.cgroups && context_.cgroups->limits_memory();
  const bool processes_by_group = context_.cgroups && context_.cgroups->limits_processes();
  spec.file_bytes_max = assignment_->resources.disk_mib * mib;
  if (!memory_by_group) spec.data_bytes_max = assignment_->resources.memory_mib * mib;
  // Root's processes are not counted, and those of others are counted over the whole machine.
  if (!processes_by_group && ::geteuid() != 0) spec.processes_max = options.processes_max;
  task.sampled = !memory_by_group;
  return task;
}

std::vector<std::string> Attempt::devices() const {
  const auto listed = context_.options.devices.find(assignment_->pool);
  if (assignment_->resources.accelerators == 0 || listed == context_.options.devices.end())
    return {};
  return listed->second;
}

void Attempt::run_next() {
  if (executor_ == assignment_->executors.size()) return stage_out();
  const Executor& executor = assignment_->executors[executor_];
  Result<ExecutorOutcome> outcome = ExecutorOutcome{};
  auto task = task_for(executor, outcome);
  if (!outcome) return end(EndCode::engine_failed, describe(outcome.error()));
  if (!task) {
    prepared_->err->append(outcome->stderr_tail);
    return on_executor_ended(std::move(*outcome));
  }
  auto run = ExecutorRun::start(context_.io, std::move(*task),
                                [weak = weak_from_this()](ExecutorOutcome ended) {
                                  const auto self = weak.lock();
                                  if (!self) return;
                                  self->run_.reset();
                                  self->on_run_ended(std::move(ended));
                                });
  if (!run) return end(EndCode::engine_failed, describe(run.error()));
  run_ = *run;
}

void Attempt::on_executor_ended(ExecutorOutcome outcome) {
  const Executor& executor = assignment_->executors[executor_];
  const std::string name = fmt::format("executors[{}]", executor_);
  const bool set_up = outcome.problem.empty();
  if (!report_.started && set_up) {
    report_.started = true;
    report_.usage.started = outcome.started;
  }
  report_.usage.ended = std::max(outcome.ended, report_.usage.started);
  report_.usage.cpu_milliseconds += outcome.cpu_milliseconds;
  report_.usage.memory_peak_mib =
      std::max(report_.usage.memory_peak_mib, (outcome.memory_peak_bytes + mib - 1) / mib);
  if (!outcome.stdout_problem.empty()) {
    note(fmt::format("{} is not complete: {}", executor.stdout_path, outcome.stdout_problem));
  }
  if (!outcome.stderr_problem.empty()) {
    note(fmt::format("{} is not complete: {}", executor.stderr_path, outcome.stderr_problem));
  }
  if (set_up) {
    report_.executors.push_back({.exit_code = outcome.exit_code,
                                 .started = outcome.started,
                                 .ended = outcome.ended,
                                 .stdout_tail = std::move(outcome.stdout_tail),
                                 .stderr_tail = std::move(outcome.stderr_tail),
                                 .image = in_container() ? images_[executor_]->pinned : ""});
    note(fmt::format("{} ({}) ended with exit code {}", name, executor.command.front(),
                     outcome.exit_code));
  }
  if (ended_by_stop()) return;
  if (!set_up || outcome.exit_code != 0) {
    // With very little memory it is already the sandbox that the kernel kills.
    const std::uint64_t kills = prepared_->cgroup ? prepared_->cgroup->usage().oom_kills : 0;
    const bool out_of_memory = kills > std::exchange(oom_kills_, kills) || outcome.out_of_memory;
    if (out_of_memory && (!set_up || !executor.ignore_error)) {
      return end(EndCode::out_of_memory,
                 fmt::format("{} used more than the {} MiB of memory it asked for; ask for more",
                             name, assignment_->resources.memory_mib));
    }
  }
  if (!set_up) {
    return end(EndCode::engine_failed,
               fmt::format("{}: the sandbox could not be set up: {}", name, outcome.problem));
  }
  if (outcome.exit_code != 0 && !executor.ignore_error) {
    return end(EndCode::failed, fmt::format("{} ({}) ended with exit code {}", name,
                                            executor.command.front(), outcome.exit_code));
  }
  ++executor_;
  run_next();
}

// --- staging out

void Attempt::stage_out() {
  limit_timer_.cancel();
  enter(AttemptPhase::finishing);
  transfers_->stored.resize(assignment_->outputs.size());
  transfers_->stored_in.resize(assignment_->outputs.size());
  transfers_->budget.emplace(context_.options.staging);
  auto group = TransferGroup::start(
      context_.io.get_executor(), *context_.transfers, assignment_->outputs.size(),
      context_.options.staging_workers,
      [assignment = assignment_, prepared = prepared_, transfers = transfers_,
       stop = stop_transfers_](std::size_t index) mutable {
        const auto start = std::chrono::steady_clock::now();
        transfers->stored[index].emplace(
            store(transfers->policy, fmt::format("outputs[{}]", index), assignment->outputs[index],
                  *prepared->files, *prepared->kept, *transfers->budget, stop.get_token()));
        transfers->stored_in[index] =
            static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                           std::chrono::steady_clock::now() - start)
                                           .count());
        const bool done = transfers->stored[index]->has_value();
        if (!done) {
          transfers->failed(index);
          stop.request_stop();
        }
        return done;
      },
      [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->on_staged_out();
      });
  if (!group) return end(EndCode::engine_failed, describe(group.error()));
  group_ = *group;
}

void Attempt::on_staged_out() {
  group_.reset();
  for (std::size_t i = 0; i < transfers_->stored.size(); ++i) {
    const auto& each = transfers_->stored[i];
    if (!each || !each->has_value()) continue;
    for (const auto& line : (*each)->notes) note(line);
    StagedFile transfer{{}, assignment_->outputs[i].region, false, 0, transfers_->stored_in[i]};
    for (const auto& file : (*each)->files) transfer.size_bytes += file.size_bytes;
    if (is_web_url(assignment_->outputs[i].url)) staged_.push_back(std::move(transfer));
    for (const auto& file : (*each)->files) {
      note(fmt::format("stored {} {} to {}", file.path, size_text(file.size_bytes),
                       file.url.empty() ? "the site" : file.url));
      report_.outputs.push_back(file);
    }
  }
  if (ended_by_stop()) return;
  if (const std::size_t failed = transfers_->first_failed; failed != SIZE_MAX) {
    return end(EndCode::stage_out_failed, describe(transfers_->stored[failed]->error()));
  }
  end(EndCode::succeeded, "");
}

// --- ending

void Attempt::set_lease(Mono::time_point at) {
  if (watched_) watched_->end_at(at + context_.options.stop_grace + guard_margin);
}

void Attempt::stop(EndCode code) {
  if (ending_ || stop_code_) return;
  stop_code_ = code;
  stop_transfers_.request_stop();
  if (group_) group_->stop();
  if (run_) run_->stop();
}

bool Attempt::ended_by_stop() {
  // The guard has killed what ran, or would have: this process stood still.
  if (!stop_code_ && watched_->over()) stop_code_ = EndCode::lease_expired;
  if (!stop_code_ && context_.preempted != nullptr && *context_.preempted) {
    stop_code_ = EndCode::preempted;
  }
  if (stop_code_) end(*stop_code_, stop_detail(*stop_code_, assignment_->run_seconds_max));
  return stop_code_.has_value();
}

void Attempt::count_usage() {
  if (prepared_ && prepared_->cgroup) {
    const CgroupUsage usage = prepared_->cgroup->usage();
    // Containers are not in the group: what was seen of them counts.
    const bool all = images_.empty();
    if (usage.cpu_milliseconds) {
      report_.usage.cpu_milliseconds =
          std::max(*usage.cpu_milliseconds, all ? 0 : report_.usage.cpu_milliseconds);
    }
    if (usage.memory_peak_bytes) {
      const std::uint64_t peak = (*usage.memory_peak_bytes + mib - 1) / mib;
      report_.usage.memory_peak_mib = std::max(peak, all ? 0 : report_.usage.memory_peak_mib);
    }
  }
  // What the guard has ended held nothing while this process went on standing still.
  const auto held = watched_->ended().value_or(system_now().mono) - granted_;
  report_.usage.wall_seconds =
      static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(held).count());
}

void Attempt::end(EndCode code, std::string detail) {
  TRADEWIND_ASSERT(!ending_);
  ending_ = true;
  limit_timer_.cancel();
  report_.code = code;
  report_.detail = std::move(detail);
  count_usage();
  const Status taken = context_.chores->run(
      context_.io.get_executor(),
      // The directory's files go before the end is told, so that what is told to be over holds no
      // space; the control group goes with the last reference to it, here.
      [directory = directory_, prepared = std::exchange(prepared_, nullptr),
       report = std::move(report_)]() mutable {
        if (prepared) prepared->cgroup.reset();
        report = directory.record_end(std::move(report));
        directory.remove_files();
        return std::move(report);
      },
      [weak = weak_from_this()](EndReport report) {
        const auto self = weak.lock();
        if (!self) return;
        self->watched_.reset();
        self->context_.on_event({.attempt = self->id_,
                                 .phase = AttemptPhase::ended,
                                 .report = std::move(report),
                                 .transfers = std::move(self->staged_)});
      });
  TRADEWIND_ASSERT(taken);
}

void Attempt::abandon() {
  ending_ = true;
  stop_transfers_.request_stop();
  if (group_) group_->stop();
  if (run_) run_->abandon();
  run_.reset();
}

}  // namespace tradewind
