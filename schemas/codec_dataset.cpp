// Data sets.
#include "schemas/codec_internal.h"

namespace tradewind::codec {

void write(schema::Dataset::Builder to, const Dataset& from) {
  using Builder = schema::Dataset::Builder;
  put_text(to, &Builder::setName, from.name);
  put_text(to, &Builder::setOwner, from.owner.value);
  put_list(to, &Builder::initReplicas, from.replicas);
  to.setSizeBytes(from.size_bytes);
  put_text(to, &Builder::setSha256, from.sha256);
  put_texts(to, &Builder::initResidency, from.residency);
  put_texts(to, &Builder::initSharedWith, from.shared_with);
  to.setSharedWithAll(from.shared_with_all);
}

void read(schema::Dataset::Reader from, Dataset& to) {
  to.name = read_name("dataset.name", from.getName());
  to.owner = TenantId{read_name("dataset.owner", from.getOwner())};
  read_list("dataset.replicas", from.getReplicas(), limits::replicas_max, to.replicas);
  to.size_bytes = from.getSizeBytes();
  to.sha256 = read_sha256("dataset.sha256", from.getSha256());
  const auto read_one = [](std::string_view field, capnp::Text::Reader text) {
    return read_text(field, text, limits::text_bytes_max);
  };
  read_values("dataset.residency", from.getResidency(), limits::list_entries_max, read_one,
              to.residency);
  read_values("dataset.shared_with", from.getSharedWith(), limits::list_entries_max, read_one,
              to.shared_with);
  to.shared_with_all = from.getSharedWithAll();
}

}  // namespace tradewind::codec
