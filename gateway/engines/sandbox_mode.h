// Whether what runs on the gateway's machine is shut in.
#pragma once

namespace tradewind {

enum class SandboxMode {
  // bubblewrap: own mounts, processes, IPC, host name and, unless the job asks for network,
  // network.
  bubblewrap,
  // Nothing but resource limits: for machines where namespaces are not to be had and every tenant
  // is trusted. The command sees the machine's files; its own lie below $TRADEWIND_ROOT, which is
  // empty in a sandbox, so that "$TRADEWIND_ROOT/work/x" is right in both.
  none,
};

}  // namespace tradewind
