#include "broker/api/dataset_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/api/job_check.h"
#include "broker/api/job_json.h"
#include "broker/api/json_reader.h"
#include "broker/core/datasets.h"
#include "schemas/limits.h"
#include "schemas/url.h"

namespace tradewind {

Result<Dataset> parse_dataset(const std::string& name, std::string_view text) {
  if (auto named = check_name("name", name); !named) return fail(std::move(named.error()));
  if (text.size() > dataset_document_bytes_max) {
    return fail(ErrorCode::too_large, "body", fmt::format("it has {} bytes", text.size()),
                fmt::format("send at most {} bytes", dataset_document_bytes_max));
  }
  const auto document = parse_json("body", text);
  if (!document) return fail(document.error());
  Reading reading;
  ObjectReader in(reading, *document, "");
  Dataset dataset;
  dataset.name = name;
  read_replicas(reading, in, dataset.replicas);
  in.whole("size_bytes", dataset.size_bytes, 0, static_cast<std::int64_t>(size_bytes_max));
  if (in.text("sha256", dataset.sha256)) in.keep(check_sha256("sha256", dataset.sha256));
  read_ids(in, "residency", dataset.residency);
  read_ids(in, "shared_with", dataset.shared_with);
  in.boolean("shared_with_all", dataset.shared_with_all);
  in.finish();
  if (!reading.error && dataset.replicas.empty()) {
    in.refuse("replicas", "there is no replica",
              "say where the data lies: url, or replicas of url, site and region");
  }
  for (std::size_t i = 0; i < dataset.replicas.size(); ++i) {
    const std::string path = fmt::format("replicas[{}].", i);
    const std::string& url = dataset.replicas[i].url;
    in.keep(check_replica(path, dataset.replicas[i]));
    // "file://" and a slash before each part.
    if (is_file_url(url) &&
        std::ranges::count(url, '/') > static_cast<std::ptrdiff_t>(2 + dataset_path_parts_max)) {
      in.keep(fail(ErrorCode::invalid, path + "url",
                   fmt::format("its path has more than {} parts", dataset_path_parts_max),
                   "put the data nearer to the root"));
    }
  }
  for (std::size_t i = 0; i < dataset.residency.size(); ++i) {
    in.keep(check_jurisdiction(fmt::format("residency[{}]", i), dataset.residency[i].value));
  }
  for (std::size_t i = 0; i < dataset.shared_with.size(); ++i) {
    in.keep(check_name(fmt::format("shared_with[{}]", i), dataset.shared_with[i].value));
  }
  if (reading.error) return fail(*reading.error);
  return dataset;
}

json::object dataset_to_json(const Dataset& dataset) {
  return {{"name", dataset.name},
          {"owner", dataset.owner.value},
          {"replicas", replicas_to_json(dataset.replicas)},
          {"size_bytes", dataset.size_bytes},
          {"sha256", dataset.sha256},
          {"residency", ids_to_json(dataset.residency)},
          {"shared_with", ids_to_json(dataset.shared_with)},
          {"shared_with_all", dataset.shared_with_all}};
}

}  // namespace tradewind
