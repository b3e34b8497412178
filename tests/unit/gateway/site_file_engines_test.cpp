// What runs a site's attempts, as its file tells it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/site_file.h"
#include "tests/unit/gateway/site_file_text.h"

namespace tradewind {
namespace {

using namespace site_text;

const std::string slurm_engine = R"(
[engine]
kind = "slurm"

[engine.slurm]
url = "http://${SUITE}:6820"
user = "federation"
token_file = "${DATA}/token"
directory = "/shared/site"
programs = { arm64 = "/shared/arm64/tradewind-attempt" }
staging_minutes = 30
account = "guests"
tenants = { physics = { account = "phys", qos = "high" } }
pools = { gpu = { partition = "batch", features = "zen4", gres = "gpu:h100" } }
)";

std::string with_slurm(const std::string& from = "", const std::string& to = "") {
  return with_engine(slurm_engine, from, to);
}

TEST(SiteFile, TellsWhereASlurmIsAndWhoItsTenantsAreThere) {
  const auto file = parse(with_slurm());
  ASSERT_TRUE(file) << describe(file.error());
  ASSERT_TRUE(file->engine.slurm);
  const SlurmSettings& slurm = *file->engine.slurm;
  EXPECT_EQ(slurm.url, "http://suite:6820");
  EXPECT_EQ(slurm.token_file, "/srv/data/token");
  EXPECT_EQ(slurm.directory, "/shared/site");
  EXPECT_EQ(slurm.programs.at(Architecture::arm64), "/shared/arm64/tradewind-attempt");
  EXPECT_EQ(slurm.staging_minutes, 30U);
  EXPECT_EQ(slurm.account, (SlurmAccountSettings{"guests", ""}));
  EXPECT_EQ(slurm.tenants.at(TenantId{"physics"}), (SlurmAccountSettings{"phys", "high"}));
  EXPECT_EQ(slurm.pools.at(PoolId{"gpu"}), (SlurmPoolSettings{"batch", "zen4", "gpu:h100"}));
  EXPECT_EQ(slurm.pools.at(PoolId{"cpu"}), (SlurmPoolSettings{"cpu", "", "gpu"}));
}

TEST(SiteFile, TellsWhereSlurmsCommandsAreInPlaceOfSlurmrestd) {
  const std::string by_rest =
      "url = \"http://${SUITE}:6820\"\nuser = \"federation\"\n"
      "token_file = \"${DATA}/token\"\n";
  const auto found = parse(with_slurm(by_rest, ""));
  ASSERT_TRUE(found) << describe(found.error());
  EXPECT_EQ(found->engine.slurm->url, "");
  EXPECT_EQ(found->engine.slurm->commands, "") << "as PATH has them";
  const auto named = parse(with_slurm(by_rest, "commands = \"${DATA}/bin\"\n"));
  ASSERT_TRUE(named) << describe(named.error());
  EXPECT_EQ(named->engine.slurm->commands, "/srv/data/bin");
}

TEST(SiteFile, RefusesASlurmThatCannotBe) {
  const auto field_of = [](const std::string& from, const std::string& to) {
    const auto file = parse(with_slurm(from, to));
    return file ? std::string() : file.error().field;
  };
  EXPECT_EQ(field_of("url = \"http", "url = \"ftp"), "engine.slurm.url");
  EXPECT_EQ(field_of("token_file = \"${DATA}/token\"", ""), "engine.slurm.token_file");
  EXPECT_EQ(field_of("user =", "token_command = \"x\"\nuser ="), "engine.slurm.token_file");
  EXPECT_EQ(field_of("url = \"http://${SUITE}:6820\"\n", ""), "engine.slurm.token_file");
  EXPECT_EQ(field_of("user =", "commands = \"/opt/slurm/bin\"\nuser ="), "engine.slurm.commands");
  EXPECT_EQ(field_of("/shared/site", "shared"), "engine.slurm.directory");
  EXPECT_EQ(field_of("{ gpu = {", "{ tpu = {"), "engine.slurm.pools.tpu");
  EXPECT_EQ(field_of("qos = \"high\"", "qso = \"high\""), "engine.slurm.tenants.physics.qso");
  EXPECT_EQ(field_of("{ physics", "{ Physics"), "engine.slurm.tenants.Physics");
  EXPECT_EQ(field_of("kind = \"slurm\"", "kind = \"process\""), "engine.slurm");
}

const std::string tes_engine = R"(
[engine]
kind = "tes"

[engine.tes]
url = "https://${SUITE}/ga4gh/tes/v1"
token_file = "${DATA}/token"
user = "federation"
ca_file = "/etc/tes.pem"
image = "debian:12"
outputs_url = "file://${DATA}/kept/"
pools = { gpu = { zones = ["gpu-1"], backend_parameters = { gpu = "1" } } }
)";

TEST(SiteFile, TellsWhereATesServerIsAndWhatItsPoolsAreThere) {
  const auto file = parse(with_engine(tes_engine, "", ""));
  ASSERT_TRUE(file) << describe(file.error());
  ASSERT_TRUE(file->engine.tes);
  const TesSettings& tes = *file->engine.tes;
  EXPECT_EQ(tes.url, "https://suite/ga4gh/tes/v1");
  EXPECT_EQ(tes.token_file, "/srv/data/token");
  EXPECT_EQ(tes.user, "federation");
  EXPECT_EQ(tes.ca_file, "/etc/tes.pem");
  EXPECT_EQ(tes.image, "debian:12");
  EXPECT_EQ(tes.outputs_url, "file:///srv/data/kept");
  EXPECT_EQ(tes.pools.at(PoolId{"gpu"}), (TesPoolSettings{{"gpu-1"}, {{"gpu", "1"}}}));
}

TEST(SiteFile, RefusesATesServerThatCannotBe) {
  const auto field_of = [](const std::string& from, const std::string& to) {
    const auto file = parse(with_engine(tes_engine, from, to));
    return file ? std::string() : file.error().field;
  };
  EXPECT_EQ(field_of("https:", "ftp:"), "engine.tes.url");
  EXPECT_EQ(field_of("https:", "http:"), "engine.tes.url") << "the token would be in the clear";
  EXPECT_EQ(field_of("https://${SUITE}", "http://127.0.0.1:80"), "");
  EXPECT_EQ(field_of("token_file = \"${DATA}/token\"", ""), "engine.tes.user");
  EXPECT_EQ(field_of("\"federation\"", "\"a:b\""), "engine.tes.user");
  EXPECT_EQ(field_of("{ gpu = {", "{ tpu = {"), "engine.tes.pools.tpu");
  EXPECT_EQ(field_of("zones", "zone"), "engine.tes.pools.gpu.zone");
  EXPECT_EQ(field_of("[engine.tes]", "[engine.slurm]"), "engine.tes");
  EXPECT_EQ(field_of("kind = \"tes\"", "kind = \"process\""), "engine.tes");
}

const std::string batch_engine = R"(
[engine]
kind = "batch"

[engine.batch]
directory = "${DATA}/shared"
poll_seconds = 20
options = ["-P", "guests"]
tenants = { physics = ["-P", "phys"] }
pools = { gpu = ["-q", "gpu", "-l", "gpu={accelerators}"] }

[engine.batch.submit]
command = ["qsub", "-N", "{key}", "{pool_options}", "{script}"]
job = '^(?P<job>\d+)'

[engine.batch.status]
command = ["qstat"]
job = '(?P<job>\d+) (?P<key>\S+) (?P<state>\S+)'
waiting = ["qw"]
held = ["hqw", "Eqw"]

[engine.batch.cancel]
command = ["qdel", "{job}"]
)";

TEST(SiteFile, TellsByWhichCommandsAQueueIsUsed) {
  const auto file = parse(with_engine(batch_engine, "", ""));
  ASSERT_TRUE(file) << describe(file.error());
  ASSERT_TRUE(file->engine.batch);
  const BatchSettings& batch = *file->engine.batch;
  EXPECT_EQ(batch.directory, "/srv/data/shared");
  EXPECT_EQ(batch.poll_seconds, 20U);
  EXPECT_EQ(batch.staging_minutes, 10U);
  EXPECT_EQ(batch.commands.submit.command.back(), "{script}");
  EXPECT_EQ(batch.commands.status.states.at("Eqw"), QueueState::held);
  EXPECT_EQ(batch.commands.pool_options.at(PoolId{"gpu"}).size(), 4U);
  EXPECT_EQ(batch.commands.tenant_options.at(TenantId{"physics"}).back(), "phys");
  EXPECT_TRUE(batch.commands.usage.command.empty());
}

TEST(SiteFile, RefusesCommandsThatCannotUseAQueue) {
  const auto field_of = [](const std::string& from, const std::string& to) {
    const auto file = parse(with_engine(batch_engine, from, to));
    return file ? std::string() : file.error().field;
  };
  EXPECT_EQ(field_of("{script}", "{program}"), "engine.batch.submit.command");
  EXPECT_EQ(field_of("(?P<state>", "(?P<word>"), "engine.batch.status.job");
  EXPECT_EQ(field_of("'^(?P<job>\\d+)'", "'('"), "engine.batch.submit.job");
  EXPECT_EQ(field_of("[\"qw\"]", "[\"Eqw\"]"), "engine.batch.status.held");
  EXPECT_EQ(field_of("{ gpu = [", "{ tpu = ["), "engine.batch.pools.tpu");
  EXPECT_EQ(field_of("{accelerators}", "{gpus}"), "engine.batch.pools.gpu");
  EXPECT_EQ(field_of("command = [\"qdel\", \"{job}\"]", ""), "engine.batch.cancel.command");
  EXPECT_EQ(field_of("poll_seconds = 20", "poll_seconds = 0"), "engine.batch.poll_seconds");
  EXPECT_EQ(field_of("kind = \"batch\"", "kind = \"process\""), "engine.batch");
}

TEST(SiteFile, ContainersAndDevicesAreRead) {
  const auto file = parse(with_engine(R"(
[engine]
devices = { gpu = ["/dev/nvidia0"] }

[engine.container]
runtime = "podman"
options = ["--runtime=crun"]
images = ["docker.io/library"]
pull = "never"
)"));
  ASSERT_TRUE(file) << describe(file.error());
  ASSERT_TRUE(file->engine.containers);
  EXPECT_EQ(file->engine.containers->options, std::vector<std::string>{"--runtime=crun"});
  EXPECT_EQ(file->engine.containers->pull, ImagePull::never);
  EXPECT_EQ(file->engine.devices.at(PoolId{"gpu"}), std::vector<std::string>{"/dev/nvidia0"});
  const auto refused = [](const std::string& engine) {
    const auto bad = parse(with_engine("[engine]\n" + engine));
    return bad ? "" : bad.error().field;
  };
  EXPECT_EQ(refused("container = { runtime = \"docker\", images = [\"x\"] }"),
            "engine.container.runtime");
  EXPECT_EQ(refused("container = { runtime = \"podman\" }"), "engine.container.images");
  EXPECT_EQ(refused("container = { images = [\"x\"], run = [\"run\"] }"), "engine.container.run");
  EXPECT_EQ(refused("devices = { tpu = [] }"), "engine.devices.tpu");
  EXPECT_EQ(refused("devices = { gpu = [\"/etc/passwd\"] }"), "engine.devices.gpu");
}

TEST(SiteFile, AKubernetesEngineIsRead) {
  const std::string engine = R"(
[engine]
kind = "kubernetes"

[engine.kubernetes]
kubeconfig = "/etc/kubeconfig"
namespace = "jobs"
images = ["docker.io/library"]
pools = { gpu = { selector = { pool = "a100" }, tolerations = ["nvidia.com/gpu"] } }
)";
  const auto file = parse(with_engine(engine));
  ASSERT_TRUE(file) << describe(file.error());
  ASSERT_TRUE(file->engine.kubernetes);
  const KubernetesPoolSettings& pool = file->engine.kubernetes->pools.at(PoolId{"gpu"});
  EXPECT_EQ(pool.selector.at("pool"), "a100");
  EXPECT_EQ(pool.accelerator, "nvidia.com/gpu");
  const auto refused = [&engine](const std::string& from, const std::string& to) {
    std::string text = engine;
    text.replace(text.find(from), from.size(), to);
    const auto bad = parse(with_engine(text));
    return bad ? "" : bad.error().field;
  };
  EXPECT_EQ(refused("kubeconfig = \"/etc/", "kubeconfig = \"etc/"), "engine.kubernetes.kubeconfig");
  EXPECT_EQ(refused("{ gpu = {", "{ tpu = {"), "engine.kubernetes.pools.tpu");
  EXPECT_EQ(refused("kind = \"kubernetes\"", "kind = \"process\""), "engine.kubernetes");
  EXPECT_EQ(refused("kubeconfig = \"/etc/kubeconfig\"", "url = \"http://k8s\""),
            "engine.kubernetes.url");
}

}  // namespace
}  // namespace tradewind
