// The small types that many messages share.
#include "schemas/codec_internal.h"

namespace tradewind::codec {

static_assert(same_length<Architecture>(schema::Architecture::LOONG64));
static_assert(same_length<Interconnect>(schema::Interconnect::NVLINK));

void write(schema::Resources::Builder to, const Resources& from) {
  to.setCpus(from.cpus);
  to.setMemoryMib(from.memory_mib);
  to.setDiskMib(from.disk_mib);
  to.setAccelerators(from.accelerators);
}
void read(schema::Resources::Reader from, Resources& to) {
  to.cpus = from.getCpus();
  to.memory_mib = from.getMemoryMib();
  to.disk_mib = from.getDiskMib();
  to.accelerators = from.getAccelerators();
}

void write(schema::Accelerator::Builder to, const Accelerator& from) {
  put_text(to, &schema::Accelerator::Builder::setFamily, from.family);
  put_text(to, &schema::Accelerator::Builder::setModel, from.model);
  to.setMemoryGib(from.memory_gib);
  to.setInterconnect(static_cast<schema::Interconnect>(from.interconnect));
}
void read(schema::Accelerator::Reader from, Accelerator& to) {
  to.family = read_clean_text("accelerator.family", from.getFamily());
  to.model = read_clean_text("accelerator.model", from.getModel());
  to.memory_gib = from.getMemoryGib();
  to.interconnect = read_enum<Interconnect>("accelerator.interconnect", from.getInterconnect());
}

void write(schema::AcceleratorNeed::Builder to, const AcceleratorNeed& from) {
  put_text(to, &schema::AcceleratorNeed::Builder::setFamily, from.family);
  put_texts(to, &schema::AcceleratorNeed::Builder::initModels, from.models);
  to.setMemoryGibMin(from.memory_gib_min);
  to.setInterconnectMin(static_cast<schema::Interconnect>(from.interconnect_min));
}
void read(schema::AcceleratorNeed::Reader from, AcceleratorNeed& to) {
  to.family = read_document_text("accelerator.family", from.getFamily());
  read_values("accelerator.models", from.getModels(), limits::list_entries_max, read_document_text,
              to.models);
  to.memory_gib_min = from.getMemoryGibMin();
  to.interconnect_min =
      read_enum<Interconnect>("accelerator.interconnect", from.getInterconnectMin());
}

void write(schema::AttemptId::Builder to, const AttemptId& from) {
  put_text(to, &schema::AttemptId::Builder::setJob, from.job.value);
  to.setNumber(from.number);
}
void read(schema::AttemptId::Reader from, AttemptId& to) {
  to.job = read_job_id("attempt.job", from.getJob());
  to.number = from.getNumber();
  if (to.number == 0) broken("attempt.number", "is 0; attempts count from 1");
}

void write(schema::HoldingLabel::Builder to, const HoldingLabel& from) {
  to.setHigh(from.high);
  to.setLow(from.low);
}
void read(schema::HoldingLabel::Reader from, HoldingLabel& to) {
  to.high = from.getHigh();
  to.low = from.getLow();
}

void write(schema::RecordVersion::Builder to, const RecordVersion& from) {
  to.setEpoch(from.epoch);
  to.setVersion(from.version);
}
void read(schema::RecordVersion::Reader from, RecordVersion& to) {
  to.epoch = from.getEpoch();
  to.version = from.getVersion();
}

void write(schema::SignedRecord::Builder to, const SignedRecord& from) {
  put_bytes(to, &schema::SignedRecord::Builder::setBody, from.body);
  put_bytes(to, &schema::SignedRecord::Builder::setSignature, from.signature);
}
void write(schema::Equivocation::Builder to, const Equivocation& from) {
  write(to.initFirst(), from.first);
  write(to.initSecond(), from.second);
}
void read(schema::Equivocation::Reader from, Equivocation& to) {
  read(from.getFirst(), to.first);
  read(from.getSecond(), to.second);
}
void read(schema::SignedRecord::Reader from, SignedRecord& to) {
  to.body = read_bytes("record.body", from.getBody(), limits::site_record_bytes_max);
  if (to.body.empty()) broken("record.body", "is empty");
  to.signature = read_bytes_exactly("record.signature", from.getSignature(), 64);
}

void read_sites(std::string_view field, capnp::List<capnp::Text>::Reader from,
                std::vector<SiteId>& to) {
  read_values(field, from, limits::exclusions_per_job_max, read_name, to);
  check_rising(field, to, "has sites that are not sorted or come twice");
}

}  // namespace tradewind::codec
