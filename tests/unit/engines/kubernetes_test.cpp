// Kubernetes' words and amounts, what is asked of it, how an attempt stands by what it says, and
// how it is reached.
#include <gmock/gmock.h>

#include <limits>

#include "gateway/engines/kubernetes_access.h"
#include "gateway/engines/kubernetes_capacity.h"
#include "gateway/engines/kubernetes_job.h"
#include "gateway/engines/kubernetes_reconcile.h"

namespace tradewind {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

boost::json::object parsed(std::string_view text) {
  return boost::json::parse(text).as_object();
}

TEST(KubernetesQuantity, IsReadInThousandthsRoundedUp) {
  EXPECT_EQ(parse_quantity("2"), 2'000);
  EXPECT_EQ(parse_quantity("100m"), 100);
  EXPECT_EQ(parse_quantity("0.5"), 500);
  EXPECT_EQ(parse_quantity("1.5Gi"), 1'610'612'736'000);
  EXPECT_EQ(parse_quantity("1e3"), 1'000'000);
  EXPECT_EQ(parse_quantity("5E-1"), 500);
  EXPECT_EQ(parse_quantity("0.0001"), 1);
  EXPECT_EQ(parse_quantity("131072Ki"), 134'217'728'000);
  EXPECT_EQ(parse_quantity("9999999999999999999999999Ei"),
            std::numeric_limits<std::int64_t>::max());
}

TEST(KubernetesQuantity, WhatIsNoneIsNothing) {
  for (const char* text : {"", ".", "-1", "1.2.3", "1x", "Gi", "1 Gi", "1e", "1e99", "0x10"}) {
    EXPECT_EQ(parse_quantity(text), std::nullopt) << text;
  }
}

TEST(KubernetesPodRecord, AsksForTheMostThatAnyOfItsStepsNeeds) {
  const auto pod = read_kubernetes_pod(parsed(R"({"metadata": {"name": "p"}, "spec": {
      "initContainers": [{"name": "a", "resources": {"requests": {"cpu": "3", "memory": "1Ki"}}}],
      "containers": [{"name": "b", "resources": {"requests": {"cpu": "1"}}},
                     {"name": "c", "resources": {"requests": {"cpu": "500m", "memory": "2Ki"}}}]}})"));
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->requests.at("cpu"), 3'000);
  EXPECT_EQ(pod->requests.at("memory"), 2'048'000);
}

KubernetesPool pool() {
  KubernetesPool pool;
  pool.pool.id = PoolId{"gpu"};
  pool.pool.nodes = 3;
  pool.pool.node = Resources{8, 8'192, 0, 4};
  pool.pool.unit = Resources{2, 2'048, 0, 1};
  pool.selector = {{"pool", "gpu"}};
  pool.accelerator = "nvidia.com/gpu";
  return pool;
}

KubernetesNode node(std::string name, std::int64_t accelerators) {
  KubernetesNode node;
  node.name = std::move(name);
  node.labels = {{"pool", "gpu"}};
  node.in_service = true;
  node.allocatable = {{"cpu", 8'000}, {"memory", 8'192LL << 20}, {"nvidia.com/gpu", accelerators}};
  node.allocatable["memory"] *= 1'000;
  return node;
}

TEST(KubernetesCapacity, CountsWhatNodesInServiceHaveLessWhatPodsAskFor) {
  KubernetesPod pod;
  pod.node = "a";
  pod.phase = "Running";
  pod.requests = {{"nvidia.com/gpu", 3'000}};
  KubernetesPod over = pod;
  over.phase = "Succeeded";
  KubernetesNode drained = node("c", 4'000);
  drained.in_service = false;
  KubernetesNode other = node("d", 4'000);
  other.labels = {};
  const auto capacity = kubernetes_capacity(
      pool(), {node("a", 4'000), node("b", 4'000), drained, other}, {pod, over}, {});
  EXPECT_EQ(capacity, (EngineCapacity{5, 4, 1, 0}));
}

TEST(KubernetesCapacity, WhatWaitsForANodeIsTakenAlready) {
  const auto less = [](std::uint64_t units, Mono::duration longest) {
    return kubernetes_capacity(pool(), {node("a", 4'000), node("b", 4'000)}, {}, {units, longest});
  };
  EXPECT_EQ(less(3, 90s), (EngineCapacity{5, 4, 1, 0}));
  EXPECT_EQ(less(6, 90s), (EngineCapacity{2, 2, 0, 0}));
  // More would wait as long as others have, and no unit is worth nothing.
  EXPECT_EQ(less(8, 90s), (EngineCapacity{0, 0, 0, 90}));
  EXPECT_EQ(less(1'000, 1s), (EngineCapacity{0, 0, 0, 30}));
}

Assignment small() {
  Assignment assignment;
  assignment.pool = PoolId{"gpu"};
  assignment.units = 2;
  assignment.run_seconds_max = 60;
  assignment.executors.resize(2);
  assignment.executors[0].command = {"echo", "$(HOME) costs $5"};
  assignment.executors[0].image = "debian:12";
  assignment.executors[1].command = {"true"};
  return assignment;
}

TEST(KubernetesJobDocument, AsksForTheUnitsOnceAndPutsNothingInForDollars) {
  KubernetesJobOptions options;
  options.gateway = "0123abcd";
  options.image = "quay.io/lab/tools:1";
  const auto job = parsed(kubernetes_job_document("name", "j1.1", small(), pool(), options, 90));
  const auto& spec = job.at("spec").as_object();
  EXPECT_EQ(spec.at("activeDeadlineSeconds"), 90);
  EXPECT_EQ(spec.at("backoffLimit"), 0);
  const auto& pod = spec.at("template").at("spec").as_object();
  EXPECT_EQ(pod.at("restartPolicy"), "Never");
  EXPECT_EQ(pod.at("nodeSelector").at("pool"), "gpu");
  const auto& first = pod.at("initContainers").at(0).as_object();
  EXPECT_EQ(first.at("image"), "docker.io/library/debian:12");
  EXPECT_EQ(first.at("command").at(1), "$$(HOME) costs $$5");
  EXPECT_EQ(first.at("resources").at("limits"), first.at("resources").at("requests"));
  EXPECT_EQ(first.at("resources").at("limits").at("cpu"), "4");
  EXPECT_EQ(first.at("resources").at("limits").at("nvidia.com/gpu"), "2");
  EXPECT_EQ(pod.at("containers").at(0).at("image"), "quay.io/lab/tools:1");
}

TEST(KubernetesJobDocument, ANameIsTheSameWheneverItIsAskedForAndNoOthers) {
  const AttemptId attempt{JobId{"j0000000000001"}, 2};
  EXPECT_EQ(kubernetes_name("ab", attempt), kubernetes_name("ab", attempt));
  EXPECT_NE(kubernetes_name("ab", attempt), kubernetes_name("ac", attempt));
  EXPECT_NE(kubernetes_name("ab", attempt), kubernetes_name("ab", {attempt.job, 3}));
  EXPECT_LE(kubernetes_name("01234567", {attempt.job, 4'000'000'000U}).size(), 58U);
}

TEST(KubernetesCheck, NamesWhatItCannotDo) {
  KubernetesJobOptions options;
  options.images = {"docker.io/library"};
  options.image = "debian:12";
  const auto field = [&options](const auto& change) {
    Assignment assignment = small();
    change(assignment);
    const Status checked = check_kubernetes(assignment, options, {pool()});
    return checked ? "" : checked.error().field;
  };
  EXPECT_EQ(field([](Assignment&) {}), "");
  EXPECT_EQ(field([](Assignment& a) { a.nodes = 2; }), "nodes");
  EXPECT_EQ(field([](Assignment& a) { a.executors[0].image = "quay.io/x/y"; }),
            "executors[0].image");
  EXPECT_EQ(field([](Assignment& a) { a.executors[0].ignore_error = true; }),
            "executors[0].ignore_error");
  EXPECT_EQ(field([](Assignment& a) { a.executors[1].ignore_error = true; }), "");
  EXPECT_EQ(field([](Assignment& a) { a.executors[1].stdout_path = "/work/out"; }),
            "executors[1].stdout");
  EXPECT_EQ(field([](Assignment& a) { a.outputs.resize(1); }), "outputs");
}

constexpr auto now = Wall::time_point(100s);

KubernetesPod ended(std::string_view reason, std::int32_t code, std::string_view pod_reason = "") {
  KubernetesPod pod;
  pod.phase = "Failed";
  pod.reason = pod_reason;
  pod.containers.resize(1);
  pod.containers[0].began = pod.containers[0].over = true;
  pod.containers[0].reason = reason;
  pod.containers[0].exit_code = code;
  pod.containers[0].started = pod.containers[0].ended = Wall::time_point(9s);
  return pod;
}

TEST(KubernetesEnd, SaysWhoEndedAPod) {
  Assignment assignment = small();
  assignment.executors.resize(1);
  const auto code = [&assignment](const KubernetesPod& pod) {
    return kubernetes_end(pod, false, assignment, now).value().code;
  };
  EXPECT_EQ(code(ended("Error", 3)), EndCode::failed);
  EXPECT_EQ(code(ended("OOMKilled", 137)), EndCode::out_of_memory);
  EXPECT_EQ(code(ended("Error", 137, "DeadlineExceeded")), EndCode::time_limit);
  EXPECT_EQ(code(ended("Error", 143, "Evicted")), EndCode::preempted);
  EXPECT_EQ(code(ended("Error", 143, "Terminated")), EndCode::preempted);
  KubernetesPod refused = ended("StartError", 128);
  refused.containers[0].began = false;
  EXPECT_EQ(code(refused), EndCode::engine_failed);
  assignment.executors[0].ignore_error = true;
  EXPECT_EQ(code(ended("Error", 3)), EndCode::succeeded);
  KubernetesPod running = ended("", 0);
  running.phase = "Running";
  running.containers[0].over = false;
  EXPECT_EQ(kubernetes_end(running, false, assignment, now), std::nullopt);
  EXPECT_EQ(kubernetes_end(running, true, assignment, now)->code, EndCode::preempted);
}

TEST(KubernetesEnd, ChargesWhatBeganFromWhenANodeTookThePodAndUntilNowWhereItWasCutOff) {
  KubernetesPod pod = ended("Error", 3);
  pod.bound = Wall::time_point(2500ms);
  const auto whole = kubernetes_end(pod, false, small(), now);
  EXPECT_EQ(whole->usage.wall_seconds, 7U);
  EXPECT_EQ(whole->usage.ended, Wall::time_point(9s));
  pod.containers[0].over = false;
  const auto cut = kubernetes_end(pod, true, small(), now);
  EXPECT_EQ(cut->usage.wall_seconds, 98U);
  EXPECT_EQ(cut->usage.ended, now);
  pod.containers[0].began = false;
  const auto never = kubernetes_end(pod, true, small(), now);
  EXPECT_EQ(never->usage.wall_seconds, 0U);
  EXPECT_EQ(never->usage.started, now);
}

KubernetesPod waiting_for(std::string_view reason) {
  KubernetesPod pod;
  pod.phase = "Pending";
  pod.containers.resize(1);
  pod.containers[0].name = "executor-0";
  pod.containers[0].reason = reason;
  return pod;
}

TEST(KubernetesReconcile, WhoeverAskedForTheEndFirstHasNamedIt) {
  const KubernetesPod killed = ended("Error", 143, "DeadlineExceeded");
  KubernetesJob late;
  late.failed = "DeadlineExceeded";
  const auto end = [&](const KubernetesStanding& standing, const KubernetesJob* job) {
    return reconcile(standing, small(), job, &killed, false, now).end.value();
  };
  EXPECT_EQ(end({.created = true}, nullptr).code, EndCode::time_limit);
  EXPECT_EQ(end({.created = true}, &late).code, EndCode::lease_expired);
  const EndReport stopped = end({.created = true, .stop = EndCode::canceled}, &late);
  EXPECT_EQ(stopped.code, EndCode::canceled);
  EXPECT_EQ(stopped.detail, "canceled");
  EXPECT_EQ(end({.stop = EndCode::engine_failed, .why = "no image"}, &late).detail, "no image");
  // The job's word comes after that of the pod, which is being taken away.
  KubernetesPod leaving = ended("Error", 143);
  leaving.leaving = true;
  const auto taken_away = [&](const KubernetesStanding& standing) {
    return reconcile(standing, small(), nullptr, &leaving, false, now).end.value().code;
  };
  EXPECT_EQ(taken_away({.created = true, .lease_end = now + 500ms}), EndCode::lease_expired);
  EXPECT_EQ(taken_away({.created = true, .lease_end = now + 5s}), EndCode::preempted);
  leaving.leaving = false;
  EXPECT_EQ(taken_away({.created = true, .lease_end = now + 500ms}), EndCode::failed);
  // What has succeeded is not late.
  KubernetesPod done = ended("Completed", 0);
  Assignment one = small();
  one.executors.resize(1);
  EXPECT_EQ(reconcile({}, one, &late, &done, false, now).end->code, EndCode::succeeded);
}

TEST(KubernetesReconcile, WhatIsGoneHasEndedAndWhatMayComeHasNot) {
  const auto gone = [](const KubernetesStanding& standing, const KubernetesJob* job, bool gone) {
    return reconcile(standing, small(), job, nullptr, gone, now).end;
  };
  KubernetesJob late;
  late.failed = "DeadlineExceeded";
  EXPECT_FALSE(gone({.created = true}, nullptr, false));
  EXPECT_EQ(gone({.created = true}, nullptr, true)->code, EndCode::interrupted);
  EXPECT_EQ(gone({.created = true, .lease_end = now + 500ms}, nullptr, true)->code,
            EndCode::lease_expired);
  EXPECT_EQ(gone({.created = true, .lease_end = now + 5s}, nullptr, true)->code,
            EndCode::interrupted);
  // Its pod never came.
  EXPECT_EQ(gone({.created = true}, &late, false)->code, EndCode::lease_expired);
  EXPECT_FALSE(gone({}, &late, false));
  EXPECT_EQ(kubernetes_lost({.lease_end = now - 5s}, now).code, EndCode::interrupted);
}

TEST(KubernetesReconcile, GivesUpAPodThatWillNeverBegin) {
  const auto why = [](std::string_view reason, const KubernetesStanding& standing) {
    const KubernetesPod pod = waiting_for(reason);
    return reconcile(standing, small(), nullptr, &pod, false, now).hopeless;
  };
  EXPECT_THAT(why("InvalidImageName", {}), HasSubstr("executor-0 cannot begin"));
  EXPECT_EQ(why("ImagePullBackOff", {.waited = 119s}), "");
  EXPECT_THAT(why("ImagePullBackOff", {.waited = 121s}), HasSubstr("ImagePullBackOff"));
  EXPECT_EQ(why("ContainerCreating", {.waited = 1h}), "");
  EXPECT_EQ(why("InvalidImageName", {.stop = EndCode::canceled}), "");
}

TEST(KubernetesEvents, AVersionThatIsTooOldIsToldApart) {
  const auto expired = read_kubernetes_event(
      R"({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}})");
  ASSERT_TRUE(expired);
  EXPECT_EQ(expired->change, KubernetesChange::expired);
  EXPECT_FALSE(read_kubernetes_event(
      R"({"type": "ERROR", "object": {"kind": "Status", "code": 500, "message": "no"}})"));
  EXPECT_FALSE(read_kubernetes_event("{}"));
  EXPECT_FALSE(read_kubernetes_event(std::string(10'000, '[')));
}

std::string kubeconfig(const std::string& user,
                       const std::string& server = "https://k8s.example:6443") {
  return "current-context: c\nclusters: [{name: k, cluster: {server: '" + server +
         "', certificate-authority-data: Q0E=}}]\nusers: [{name: u, user: {" + user +
         "}}]\ncontexts: [{name: c, context: {cluster: k, user: u, namespace: jobs}}]\n";
}

TEST(Kubeconfig, GivesServerAuthorityNamespaceAndCredentials) {
  const auto token = read_kubeconfig(kubeconfig("token: abc"), "/etc/kubeconfig");
  ASSERT_TRUE(token) << describe(token.error());
  EXPECT_EQ(token->url, "https://k8s.example:6443");
  EXPECT_EQ(token->ca_pem, "CA");
  EXPECT_EQ(token->token, "abc");
  EXPECT_EQ(token->namespace_name, "jobs");
  const auto certificate = read_kubeconfig(
      kubeconfig("client-certificate-data: Q0VSVA==, client-key-data: S0VZ"), "/etc/kubeconfig");
  ASSERT_TRUE(certificate);
  EXPECT_EQ(certificate->certificate_pem, "CERT");
  EXPECT_EQ(certificate->key_pem, "KEY");
}

TEST(Kubeconfig, RefusesWhatWouldRunProgramsOrTrustAnybody) {
  for (const std::string& text :
       {kubeconfig("exec: {command: aws}"), kubeconfig(""), kubeconfig("token: abc", "http://k8s"),
        kubeconfig("client-certificate-data: Q0VSVA=="), std::string("a: [b"), std::string("[]"),
        std::string("current-context: x")}) {
    const auto access = read_kubeconfig(text, "/etc/kubeconfig");
    ASSERT_FALSE(access) << text;
    EXPECT_THAT(access.error().field, HasSubstr("kubeconfig"));
    EXPECT_THAT(describe(access.error()), Not(HasSubstr("abc")));
  }
}

}  // namespace
}  // namespace tradewind
