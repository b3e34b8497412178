// Data sets.
#include "schemas/codec_internal.h"

namespace tradewind::codec {
namespace {

template <class Id>
void write_ids(TextsBuilder list, const std::vector<Id>& ids) {
  for (unsigned i = 0; i < list.size(); ++i) {
    list.set(i, capnp::Text::Reader(ids[i].value.data(), ids[i].value.size()));
  }
}

}  // namespace

void write(schema::Dataset::Builder to, const Dataset& from) {
  using Builder = schema::Dataset::Builder;
  put_text(to, &Builder::setName, from.name);
  put_text(to, &Builder::setOwner, from.owner.value);
  put_list(to, &Builder::initReplicas, from.replicas);
  to.setSizeBytes(from.size_bytes);
  put_text(to, &Builder::setSha256, from.sha256);
  if (!from.residency.empty()) {
    write_ids(to.initResidency(list_size(from.residency.size())), from.residency);
  }
  if (!from.shared_with.empty()) {
    write_ids(to.initSharedWith(list_size(from.shared_with.size())), from.shared_with);
  }
  to.setSharedWithAll(from.shared_with_all);
}

void read(schema::Dataset::Reader from, Dataset& to) {
  to.name = read_name("dataset.name", from.getName());
  to.owner = TenantId{read_name("dataset.owner", from.getOwner())};
  read_list("dataset.replicas", from.getReplicas(), limits::replicas_max, to.replicas);
  to.size_bytes = from.getSizeBytes();
  to.sha256 = read_sha256("dataset.sha256", from.getSha256());
  for (std::string& each : read_texts("dataset.residency", from.getResidency(),
                                      limits::list_entries_max, limits::text_bytes_max)) {
    to.residency.push_back(Jurisdiction{std::move(each)});
  }
  for (std::string& each : read_texts("dataset.shared_with", from.getSharedWith(),
                                      limits::list_entries_max, limits::text_bytes_max)) {
    to.shared_with.push_back(TenantId{std::move(each)});
  }
  to.shared_with_all = from.getSharedWithAll();
}

}  // namespace tradewind::codec
