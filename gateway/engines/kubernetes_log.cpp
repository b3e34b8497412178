#include "gateway/engines/kubernetes_log.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "schemas/limits.h"

namespace tradewind {

void keep_kubernetes_log(KubernetesApi& api, const KubernetesPod& pod,
                         const AttemptDirectory& directory, std::uint64_t bytes_max,
                         EndReport* report) {
  std::string all;
  for (std::size_t index = 0; index < pod.containers.size(); ++index) {
    if (!pod.containers[index].began) break;
    const auto text = api.log(pod.name, pod.containers[index].name, bytes_max);
    if (!text) return;
    all += *text;
    if (report != nullptr && index < report->executors.size()) {
      report->executors[index].stdout_tail =
          text->substr(text->size() - std::min(text->size(), limits::log_tail_bytes_max));
    }
  }
  if (all.empty()) return;
  const std::filesystem::path file = directory.log(LogStream::out);
  const std::filesystem::path draft = file.string() + ".new";
  std::ofstream(draft, std::ios::binary) << all;
  std::error_code ignored;
  std::filesystem::rename(draft, file, ignored);
}

}  // namespace tradewind
