// The engine that a site's file names, made from what the file says of it: processes of the
// gateway's machine, unless it names a cluster or a server.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "gateway/engines/engine.h"
#include "gateway/site_file.h"
#include "schemas/result.h"

namespace tradewind {

// Attempts run below `directory`, which is absolute, or where the file says. Warnings of the engine
// go to the log. On the thread of `io`, which must outlive it. Fails as the engine does, and as
// read_kubeconfig().
Result<std::unique_ptr<Engine>> make_site_engine(boost::asio::io_context& io, const SiteFile& site,
                                                 const std::filesystem::path& directory,
                                                 Engine::OnEvent on_event);

// Who runs this, as clusters know their users; empty where the account has no name.
std::string account_name();

}  // namespace tradewind
