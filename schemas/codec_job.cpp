// Jobs as they were asked for.
#include "schemas/codec_internal.h"

namespace tradewind::codec {
namespace {

static_assert(same_length<FileType>(schema::FileType::DIRECTORY));
static_assert(same_length<Objective>(schema::Objective::BALANCED));
static_assert(same_length<OnDisconnect>(schema::OnDisconnect::RESUME));

// Lists without a bound of their own, such as argv, cannot be longer than the document they came
// in.
constexpr std::size_t kDocumentCount = limits::job_document_bytes_max;

template <class T>
void read_document_texts(std::string_view field, TextsReader list, std::size_t count_max,
                         std::vector<T>& to) {
  read_values(field, list, count_max, read_document_text, to);
}

}  // namespace

void write(schema::Executor::Builder to, const Executor& from) {
  using Builder = schema::Executor::Builder;
  put_text(to, &Builder::setImage, from.image);
  put_texts(to, &Builder::initCommand, from.command);
  put_text(to, &Builder::setWorkdir, from.workdir);
  put_text(to, &Builder::setStdinPath, from.stdin_path);
  put_text(to, &Builder::setStdoutPath, from.stdout_path);
  put_text(to, &Builder::setStderrPath, from.stderr_path);
  put_map(to, &Builder::initEnv, from.env);
  to.setIgnoreError(from.ignore_error);
}
void read(schema::Executor::Reader from, Executor& to) {
  to.image = read_document_text("executor.image", from.getImage());
  read_document_texts("executor.command", from.getCommand(), kDocumentCount, to.command);
  to.workdir = read_document_text("executor.workdir", from.getWorkdir());
  to.stdin_path = read_document_text("executor.stdin", from.getStdinPath());
  to.stdout_path = read_document_text("executor.stdout", from.getStdoutPath());
  to.stderr_path = read_document_text("executor.stderr", from.getStderrPath());
  to.env = read_document_map("executor.env", from.getEnv());
  to.ignore_error = from.getIgnoreError();
}

void write(schema::Replica::Builder to, const Replica& from) {
  put_text(to, &schema::Replica::Builder::setUrl, from.url);
  put_text(to, &schema::Replica::Builder::setSite, from.site);
  put_text(to, &schema::Replica::Builder::setRegion, from.region);
}
void read(schema::Replica::Reader from, Replica& to) {
  to.url = read_document_text("replica.url", from.getUrl());
  to.site = read_document_text("replica.site", from.getSite());
  to.region = read_document_text("replica.region", from.getRegion());
}

void write(schema::Input::Builder to, const Input& from) {
  using Builder = schema::Input::Builder;
  put_text(to, &Builder::setName, from.name);
  put_text(to, &Builder::setDescription, from.description);
  put_text(to, &Builder::setPath, from.path);
  to.setType(static_cast<schema::FileType>(from.type));
  put_bytes(to, &Builder::setContent, from.content);
  put_list(to, &Builder::initReplicas, from.replicas);
  to.setSizeBytes(from.size_bytes);
  put_text(to, &Builder::setSha256, from.sha256);
  put_texts(to, &Builder::initResidency, from.residency);
  to.setExecutable(from.executable);
  to.setStreamable(from.streamable);
  put_text(to, &Builder::setDataset, from.dataset);
  to.setResidencyBound(from.residency_bound);
  if (!from.holding.none()) write(to.initHolding(), from.holding);
}
void read(schema::Input::Reader from, Input& to) {
  to.name = read_document_text("input.name", from.getName());
  to.description = read_document_text("input.description", from.getDescription());
  to.path = read_document_text("input.path", from.getPath());
  to.type = read_enum<FileType>("input.type", from.getType());
  to.content = read_bytes("input.content", from.getContent(), limits::job_document_bytes_max);
  read_list("input.replicas", from.getReplicas(), limits::replicas_max, to.replicas);
  to.size_bytes = from.getSizeBytes();
  to.sha256 = read_document_text("input.sha256", from.getSha256());
  read_document_texts("input.residency", from.getResidency(), limits::list_entries_max,
                      to.residency);
  to.executable = from.getExecutable();
  to.streamable = from.getStreamable();
  to.dataset = read_document_text("input.dataset", from.getDataset());
  to.residency_bound = from.getResidencyBound();
  read(from.getHolding(), to.holding);
}

void write(schema::Output::Builder to, const Output& from) {
  using Builder = schema::Output::Builder;
  put_text(to, &Builder::setName, from.name);
  put_text(to, &Builder::setDescription, from.description);
  put_text(to, &Builder::setPath, from.path);
  put_text(to, &Builder::setPathPrefix, from.path_prefix);
  put_text(to, &Builder::setUrl, from.url);
  to.setType(static_cast<schema::FileType>(from.type));
  to.setSizeBytes(from.size_bytes);
  put_text(to, &Builder::setRegion, from.region);
}
void read(schema::Output::Reader from, Output& to) {
  to.name = read_document_text("output.name", from.getName());
  to.description = read_document_text("output.description", from.getDescription());
  to.path = read_document_text("output.path", from.getPath());
  to.path_prefix = read_document_text("output.path_prefix", from.getPathPrefix());
  to.url = read_document_text("output.url", from.getUrl());
  to.type = read_enum<FileType>("output.type", from.getType());
  to.size_bytes = from.getSizeBytes();
  to.region = read_document_text("output.region", from.getRegion());
}

void write(schema::Variant::Builder to, const Variant& from) {
  put_text(to, &schema::Variant::Builder::setName, from.name);
  put_numbers(to, &schema::Variant::Builder::initArchitectures, from.architectures,
              [](Architecture each) { return static_cast<schema::Architecture>(each); });
  write(to.initAccelerator(), from.accelerator);
  put_text(to, &schema::Variant::Builder::setWorkloadClass, from.workload_class);
  to.setWorkSeconds(from.work_seconds);
  to.setDurationSeconds(from.duration_seconds);
  put_list(to, &schema::Variant::Builder::initExecutors, from.executors);
}
void read(schema::Variant::Reader from, Variant& to) {
  to.name = read_document_text("variant.name", from.getName());
  read_values("variant.architectures", from.getArchitectures(), limits::list_entries_max,
              read_enum<Architecture, schema::Architecture>, to.architectures);
  read(from.getAccelerator(), to.accelerator);
  to.workload_class = read_document_text("variant.workload_class", from.getWorkloadClass());
  to.work_seconds = from.getWorkSeconds();
  to.duration_seconds = from.getDurationSeconds();
  read_list("variant.executors", from.getExecutors(), limits::executors_max, to.executors);
}

void write(schema::Constraints::Builder to, const Constraints& from) {
  using Builder = schema::Constraints::Builder;
  put_texts(to, &Builder::initSitesAllowed, from.sites_allowed);
  put_texts(to, &Builder::initSitesDenied, from.sites_denied);
  put_texts(to, &Builder::initRegionsAllowed, from.regions_allowed);
  put_texts(to, &Builder::initRegionsDenied, from.regions_denied);
  put_texts(to, &Builder::initJurisdictionsAllowed, from.jurisdictions_allowed);
  put_texts(to, &Builder::initJurisdictionsDenied, from.jurisdictions_denied);
  put_texts(to, &Builder::initProvidersAllowed, from.providers_allowed);
  put_texts(to, &Builder::initProvidersDenied, from.providers_denied);
  put_map(to, &Builder::initLabels, from.labels);
  put_text(to, &Builder::setLatencyRegion, from.latency_region);
  to.setLatencyMsMax(from.latency_ms_max);
  if (from.deadline) to.setDeadline(micros_of(*from.deadline));
  if (from.cost_max) to.setCostMax(from.cost_max->micros);
  if (from.rate_max) to.setRateMax(from.rate_max->micros);
  to.setPreemptibleAllowed(from.preemptible_allowed);
  to.setCarbonGramsKwhMax(from.carbon_g_kwh_max);
  to.setWaitSecondsMax(from.wait_seconds_max);
  put_map(to, &Builder::initLabelsDenied, from.labels_denied);
}
void read(schema::Constraints::Reader from, Constraints& to) {
  const auto list = [](std::string_view field, TextsReader texts, std::vector<std::string>& names) {
    read_document_texts(field, texts, limits::list_entries_max, names);
  };
  list("constraints.sites_allowed", from.getSitesAllowed(), to.sites_allowed);
  list("constraints.sites_denied", from.getSitesDenied(), to.sites_denied);
  list("constraints.regions_allowed", from.getRegionsAllowed(), to.regions_allowed);
  list("constraints.regions_denied", from.getRegionsDenied(), to.regions_denied);
  list("constraints.jurisdictions_allowed", from.getJurisdictionsAllowed(),
       to.jurisdictions_allowed);
  list("constraints.jurisdictions_denied", from.getJurisdictionsDenied(), to.jurisdictions_denied);
  list("constraints.providers_allowed", from.getProvidersAllowed(), to.providers_allowed);
  list("constraints.providers_denied", from.getProvidersDenied(), to.providers_denied);
  to.labels = read_document_map("constraints.labels", from.getLabels());
  to.latency_region = read_document_text("constraints.latency_region", from.getLatencyRegion());
  to.latency_ms_max = from.getLatencyMsMax();
  if (from.getDeadline() != -1) {
    to.deadline = read_time("constraints.deadline", from.getDeadline());
  }
  if (from.getCostMax() != -1) to.cost_max = read_money("constraints.cost_max", from.getCostMax());
  if (from.getRateMax() != -1) {
    to.rate_max = MoneyPerHour{not_negative("constraints.rate_max", from.getRateMax())};
  }
  to.preemptible_allowed = from.getPreemptibleAllowed();
  to.carbon_g_kwh_max = from.getCarbonGramsKwhMax();
  to.wait_seconds_max = from.getWaitSecondsMax();
  to.labels_denied = read_document_map("constraints.labels_denied", from.getLabelsDenied());
}

void write(schema::JobSpec::Builder to, const JobSpec& from) {
  using Builder = schema::JobSpec::Builder;
  put_text(to, &Builder::setName, from.name);
  put_text(to, &Builder::setDescription, from.description);
  put_map(to, &Builder::initTags, from.tags);
  write(to.initResources(), from.resources);
  to.setNodes(from.nodes);
  put_list(to, &Builder::initVariants, from.variants);
  put_list(to, &Builder::initInputs, from.inputs);
  put_list(to, &Builder::initOutputs, from.outputs);
  put_texts(to, &Builder::initVolumes, from.volumes);
  write(to.initConstraints(), from.constraints);
  to.setObjective(static_cast<schema::Objective>(from.objective));
  to.setValuePerHour(from.value_per_hour.micros);
  put_text(to, &Builder::setHomeRegion, from.home_region);
  to.setNetwork(from.network);
  to.setRestartable(from.restartable);
  to.setAttemptsMax(from.attempts_max);
  to.setOnDisconnect(static_cast<schema::OnDisconnect>(from.on_disconnect));
  to.setPriority(from.priority);
  to.setQueueSecondsMax(from.queue_seconds_max);
  to.setRunSecondsMax(from.run_seconds_max);
  to.setArrayCount(from.array_count);
  put_text(to, &Builder::setTesResources, from.tes_resources);
  to.setTotalSecondsMax(from.total_seconds_max);
  // An empty list too, as ever: the same job keeps the same bytes.
  write_texts(to.initAfter(list_size(from.after.size())), from.after);
}
void read(schema::JobSpec::Reader from, JobSpec& to) {
  to.name = read_document_text("name", from.getName());
  to.description = read_document_text("description", from.getDescription());
  to.tags = read_document_map("tags", from.getTags());
  read(from.getResources(), to.resources);
  to.nodes = from.getNodes();
  read_list("variants", from.getVariants(), limits::variants_max, to.variants);
  read_list("inputs", from.getInputs(), limits::inputs_max, to.inputs);
  read_list("outputs", from.getOutputs(), limits::outputs_max, to.outputs);
  read_document_texts("volumes", from.getVolumes(), kDocumentCount, to.volumes);
  read(from.getConstraints(), to.constraints);
  to.objective = read_enum<Objective>("objective", from.getObjective());
  to.value_per_hour = {not_negative("value_per_hour", from.getValuePerHour())};
  to.home_region = read_document_text("home_region", from.getHomeRegion());
  to.network = from.getNetwork();
  to.restartable = from.getRestartable();
  to.attempts_max = from.getAttemptsMax();
  to.on_disconnect = read_enum<OnDisconnect>("on_disconnect", from.getOnDisconnect());
  to.priority = from.getPriority();
  to.queue_seconds_max = from.getQueueSecondsMax();
  to.run_seconds_max = from.getRunSecondsMax();
  to.array_count = from.getArrayCount();
  to.tes_resources = read_document_text("tes_resources", from.getTesResources());
  to.total_seconds_max = from.getTotalSecondsMax();
  read_document_texts("after", from.getAfter(), limits::after_max, to.after);
}

}  // namespace tradewind::codec
