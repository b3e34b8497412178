// The part of a job that a site must know.
#include "schemas/codec.h"
#include "schemas/codec_internal.h"

namespace tradewind {
namespace codec {

void write(schema::Assignment::Builder to, const Assignment& from) {
  using Builder = schema::Assignment::Builder;
  put_text(to, &Builder::setTenant, from.tenant.value);
  put_text(to, &Builder::setJobName, from.job_name);
  put_text(to, &Builder::setPool, from.pool.value);
  to.setNodes(from.nodes);
  to.setUnits(from.units);
  to.setPreemptible(from.preemptible);
  write(to.initResources(), from.resources);
  put_list(to, &Builder::initExecutors, from.executors);
  put_list(to, &Builder::initInputs, from.inputs);
  put_list(to, &Builder::initOutputs, from.outputs);
  put_texts(to, &Builder::initVolumes, from.volumes);
  put_map(to, &Builder::initEnv, from.env);
  to.setNetwork(from.network);
  to.setOnDisconnect(static_cast<schema::OnDisconnect>(from.on_disconnect));
  to.setRunSecondsMax(from.run_seconds_max);
  to.setPrice(from.price_ppm);
  to.setRate(from.rate.micros);
  write(to.initQuoteVersion(), from.quote_version);
  to.setConversion(from.conversion_ppm);
  put_text(to, &Builder::setContract, from.contract.value);
  to.setContractUnits(from.contract_units);
  put_text(to, &Builder::setWorkloadClass, from.workload_class);
  to.setWorkSeconds(from.work_seconds);
}
void read(schema::Assignment::Reader from, Assignment& to) {
  to.tenant = TenantId{read_name("assignment.tenant", from.getTenant())};
  to.job_name = read_document_text("assignment.job_name", from.getJobName());
  to.pool = PoolId{read_name("assignment.pool", from.getPool())};
  to.nodes = from.getNodes();
  to.units = from.getUnits();
  to.preemptible = from.getPreemptible();
  read(from.getResources(), to.resources);
  read_list("assignment.executors", from.getExecutors(), limits::executors_max, to.executors);
  read_list("assignment.inputs", from.getInputs(), limits::inputs_max, to.inputs);
  read_list("assignment.outputs", from.getOutputs(), limits::outputs_max, to.outputs);
  read_values("assignment.volumes", from.getVolumes(), limits::job_document_bytes_max,
              read_document_text, to.volumes);
  to.env = read_document_map("assignment.env", from.getEnv());
  to.network = from.getNetwork();
  to.on_disconnect = read_enum<OnDisconnect>("assignment.on_disconnect", from.getOnDisconnect());
  to.run_seconds_max = from.getRunSecondsMax();
  to.price_ppm = in_range("assignment.price_ppm", from.getPrice(), 1, limits::price_ppm_max);
  to.rate = {not_negative("assignment.rate", from.getRate())};
  read(from.getQuoteVersion(), to.quote_version);
  to.conversion_ppm =
      in_range("assignment.conversion_ppm", from.getConversion(), 1, limits::rate_ppm_max);
  to.contract = ContractId{read_name_or_none("assignment.contract", from.getContract())};
  to.contract_units = from.getContractUnits();
  if (to.contract.value.empty() != (to.contract_units == 0) ||
      to.contract_units > std::uint64_t{to.nodes} * to.units) {
    broken("assignment.contract_units", "does not fit the contract and the units");
  }
  to.workload_class = read_document_text("assignment.workload_class", from.getWorkloadClass());
  to.work_seconds = from.getWorkSeconds();
}

}  // namespace codec

Bytes encode(const Assignment& assignment) {
  return codec::encode_message<schema::Assignment>(assignment);
}

Result<Assignment> decode_assignment(BytesView bytes) {
  return codec::decode_value<schema::Assignment, Assignment>("assignment", bytes,
                                                             limits::entry_bytes_max);
}

}  // namespace tradewind
