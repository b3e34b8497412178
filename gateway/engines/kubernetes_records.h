// What a Kubernetes API server says of jobs, pods and nodes, read. Pure.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"
#include "schemas/time.h"

namespace tradewind {

// What a pod's or job's attempt and gateway are told by.
inline constexpr std::string_view kubernetes_attempt_key = "tradewind/attempt";
inline constexpr std::string_view kubernetes_gateway_key = "tradewind/gateway";

// Amounts of resources by name, in thousandths: of a CPU, of a byte, of a device.
using KubernetesAmounts = std::map<std::string, std::int64_t, std::less<>>;

// "100m", "2", "1.5Gi", "1e3": in thousandths, rounded up; beyond what fits, the most that does.
// Nothing for what is no quantity, or negative.
std::optional<std::int64_t> parse_quantity(std::string_view text);

struct KubernetesContainer {
  std::string name;
  std::string image;  // "docker.io/library/debian@sha256:…"; empty: not known yet
  bool began = false;
  bool over = false;
  std::string reason;   // why it waits, or how it ended: "ImagePullBackOff", "OOMKilled"
  std::string message;  // likewise
  std::int32_t exit_code = 0;
  Wall::time_point started{};
  Wall::time_point ended{};
};

struct KubernetesPod {
  std::string name;
  std::string attempt;  // empty: not of a gateway's
  std::string node;     // empty: it waits for one
  std::string phase;
  std::string reason;
  std::string message;                          // of the reason; of a pod that waits, why
  Wall::time_point bound{};                     // when the node took it
  bool leaving = false;                         // it is being deleted
  std::vector<KubernetesContainer> containers;  // in the order in which they run
  KubernetesAmounts requests;
  bool over() const { return phase == "Succeeded" || phase == "Failed"; }
};

struct KubernetesJob {
  std::string name;
  std::string attempt;
  std::string uid;
  std::optional<Wall::time_point> started;  // from when its deadline counts
  std::string failed;                       // a reason: "DeadlineExceeded"
  std::string message;
  bool leaving = false;
};

struct KubernetesNode {
  std::string name;
  std::map<std::string, std::string> labels;
  bool in_service = false;
  KubernetesAmounts allocatable;
};

// Each fails with ErrorCode::corrupt, saying what is wrong, for what is none.
Result<KubernetesPod> read_kubernetes_pod(const boost::json::object& object);
Result<KubernetesJob> read_kubernetes_job(const boost::json::object& object);
Result<KubernetesNode> read_kubernetes_node(const boost::json::object& object);

// One part of a list.
struct KubernetesList {
  std::vector<boost::json::object> items;
  std::string version;  // to watch from
  std::string rest;     // how the next part is asked for; empty: this is the last
};
Result<KubernetesList> read_kubernetes_list(std::string_view text);

enum class KubernetesChange { put, gone, bookmark, expired };
struct KubernetesEvent {
  KubernetesChange change = KubernetesChange::bookmark;
  std::string version;  // to go on from
  boost::json::object object;
};
// One line of a watch.
Result<KubernetesEvent> read_kubernetes_event(std::string_view line);

// The text of an answer that is an error, for a person.
std::string kubernetes_error(std::string_view text);

}  // namespace tradewind
