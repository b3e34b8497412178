// How attempts ended.
#include "schemas/codec.h"
#include "schemas/codec_internal.h"

namespace tradewind {
namespace codec {

static_assert(same_length<EndCode>(schema::EndCode::OUT_OF_MEMORY));

void write(schema::ExecutorEnd::Builder to, const ExecutorEnd& from) {
  to.setExitCode(from.exit_code);
  to.setStarted(micros_of(from.started));
  to.setEnded(micros_of(from.ended));
  put_bytes(to, &schema::ExecutorEnd::Builder::setStdoutTail, from.stdout_tail);
  put_bytes(to, &schema::ExecutorEnd::Builder::setStderrTail, from.stderr_tail);
  put_text(to, &schema::ExecutorEnd::Builder::setImage, from.image);
}
void read(schema::ExecutorEnd::Reader from, ExecutorEnd& to) {
  to.exit_code = from.getExitCode();
  to.started = read_time("executor.started", from.getStarted());
  to.ended = read_time("executor.ended", from.getEnded());
  to.stdout_tail =
      read_bytes("executor.stdout_tail", from.getStdoutTail(), limits::log_tail_bytes_max);
  to.stderr_tail =
      read_bytes("executor.stderr_tail", from.getStderrTail(), limits::log_tail_bytes_max);
  to.image = read_report_text("executor.image", from.getImage());
}

void write(schema::StagedInput::Builder to, const StagedInput& from) {
  put_text(to, &schema::StagedInput::Builder::setPath, from.path);
  put_text(to, &schema::StagedInput::Builder::setUrl, from.url);
  to.setSizeBytes(from.size_bytes);
  put_text(to, &schema::StagedInput::Builder::setSha256, from.sha256);
  to.setMilliseconds(from.milliseconds);
}
void read(schema::StagedInput::Reader from, StagedInput& to) {
  to.path = read_report_text("staged.path", from.getPath());
  to.url = read_report_text("staged.url", from.getUrl());
  to.size_bytes = from.getSizeBytes();
  to.sha256 = read_sha256("staged.sha256", from.getSha256());
  to.milliseconds = from.getMilliseconds();
}

void write(schema::OutputFile::Builder to, const OutputFile& from) {
  put_text(to, &schema::OutputFile::Builder::setPath, from.path);
  put_text(to, &schema::OutputFile::Builder::setUrl, from.url);
  to.setSizeBytes(from.size_bytes);
  put_text(to, &schema::OutputFile::Builder::setSha256, from.sha256);
}
void read(schema::OutputFile::Reader from, OutputFile& to) {
  to.path = read_report_text("output.path", from.getPath());
  to.url = read_report_text("output.url", from.getUrl());
  to.size_bytes = from.getSizeBytes();
  to.sha256 = read_sha256("output.sha256", from.getSha256());
}

void write(schema::Usage::Builder to, const Usage& from) {
  to.setStarted(micros_of(from.started));
  to.setEnded(micros_of(from.ended));
  to.setWallSeconds(from.wall_seconds);
  to.setCpuMilliseconds(from.cpu_milliseconds);
  to.setMemoryPeakMib(from.memory_peak_mib);
}
void read(schema::Usage::Reader from, Usage& to) {
  to.started = read_time("usage.started", from.getStarted());
  to.ended = read_time("usage.ended", from.getEnded());
  to.wall_seconds = from.getWallSeconds();
  to.cpu_milliseconds = from.getCpuMilliseconds();
  to.memory_peak_mib = from.getMemoryPeakMib();
}

void write(schema::EndReport::Builder to, const EndReport& from) {
  using Builder = schema::EndReport::Builder;
  to.setCode(static_cast<schema::EndCode>(from.code));
  put_text(to, &Builder::setDetail, from.detail);
  to.setStarted(from.started);
  put_list(to, &Builder::initExecutors, from.executors);
  put_list(to, &Builder::initInputs, from.inputs);
  put_list(to, &Builder::initOutputs, from.outputs);
  write(to.initUsage(), from.usage);
  to.setCharge(from.charge.micros);
  put_texts(to, &Builder::initSystemLog, from.system_log);
}
void read(schema::EndReport::Reader from, EndReport& to) {
  to.code = read_enum<EndCode>("report.code", from.getCode());
  to.detail = read_report_text("report.detail", from.getDetail());
  to.started = from.getStarted();
  read_list("report.executors", from.getExecutors(), limits::executors_max, to.executors);
  read_list("report.inputs", from.getInputs(), limits::report_files_max, to.inputs);
  read_list("report.outputs", from.getOutputs(), limits::report_files_max, to.outputs);
  read(from.getUsage(), to.usage);
  to.charge = read_money("report.charge", from.getCharge());
  read_values("report.system_log", from.getSystemLog(), limits::report_lines_max, read_report_text,
              to.system_log);
}

}  // namespace codec

Bytes encode(const EndReport& report) {
  return codec::encode_message<schema::EndReport>(report);
}

Result<EndReport> decode_end_report(BytesView bytes) {
  return codec::decode_value<schema::EndReport, EndReport>("end report", bytes,
                                                           limits::entry_bytes_max);
}

}  // namespace tradewind
