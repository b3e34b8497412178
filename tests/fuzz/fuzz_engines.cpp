// What a site's cluster, its container runtime and its users' image names say: no bytes may crash a
// parser, a refusal says why, and what is taken is within its bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/engines/image_reference.h"
#include "gateway/engines/kubernetes_job.h"
#include "gateway/engines/kubernetes_records.h"
#include "schemas/assert.h"

namespace tradewind {
namespace {

void read_object(const boost::json::object& object) {
  const auto node = read_kubernetes_node(object);
  const auto job = read_kubernetes_job(object);
  const auto pod = read_kubernetes_pod(object);
  TRADEWIND_ASSERT(pod.has_value() == job.has_value() && pod.has_value() == node.has_value());
  if (!pod) return;
  for (const auto& [name, amount] : pod->requests) TRADEWIND_ASSERT(amount >= 0);
  for (const auto& each : pod->containers) {
    TRADEWIND_ASSERT(each.exit_code >= 0 && each.exit_code <= 255 && each.started <= each.ended);
  }
  Assignment assignment;
  assignment.executors.resize(1);
  if (const auto end = kubernetes_end(*pod, true, assignment)) {
    TRADEWIND_ASSERT(end->usage.started <= end->usage.ended);
  }
  kubernetes_hopeless(*pod, true);
  KubernetesPool pool;
  pool.pool.node = pool.pool.unit = Resources{1, 1, 0, 0};
  kubernetes_capacity(pool, {*node}, {*pod, *pod});
}

[[maybe_unused]] void parse_kubernetes(std::string_view text) {
  if (const auto list = read_kubernetes_list(text)) {
    for (const auto& each : list->items) read_object(each);
  }
  const auto event = read_kubernetes_event(text);
  TRADEWIND_ASSERT(event || !event.error().message.empty());
  if (event) read_object(event->object);
  kubernetes_error(text);
  const auto amount = parse_quantity(text);
  TRADEWIND_ASSERT(!amount || *amount >= 0);
}

[[maybe_unused]] void parse_image(std::string_view text) {
  const auto image = parse_image_reference("image", text);
  if (image) {
    const auto again = parse_image_reference("image", image->text());
    TRADEWIND_ASSERT(again && again->repository == image->repository);
    TRADEWIND_ASSERT(image->text().find_first_of(" \n\t\\,;$-") != 0);
  }
  const auto facts = read_image_facts("image", text);
  TRADEWIND_ASSERT(!facts || facts->digest.size() == 71);
}

}  // namespace
}  // namespace tradewind

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tradewind::FUZZED(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
