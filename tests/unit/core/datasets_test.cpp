// Who may do what with a data set, and what it puts into jobs.
#include "broker/core/datasets.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "schemas/limits.h"
#include "tests/unit/routing/sample_market.h"

namespace tradewind {
namespace {

const DatasetActor kAlpha{TenantId{"alpha"}, "alice", false};
const DatasetActor kBeta{TenantId{"beta"}, "bob", false};
const DatasetActor kOperator{TenantId{}, "olga", true};

std::vector<Jurisdiction> in(std::initializer_list<const char*> codes) {
  std::vector<Jurisdiction> list;
  for (const char* each : codes) list.push_back(Jurisdiction{each});
  return list;
}

Dataset genome() {
  Dataset dataset;
  dataset.name = "genome";
  dataset.replicas = {Replica{"file:///srv/genome", "ch-alps-1", "ch-alps"},
                      Replica{"https://data.example/genome", "", "de-rhine"}};
  dataset.size_bytes = 25'000'000'000;
  dataset.sha256 = std::string(64, 'a');
  dataset.residency = in({"CH", "DE"});
  return dataset;
}

// A job with one input that names the data set, or lies at the URL.
JobSpec naming(const std::string& dataset) {
  JobSpec spec = sample::job();
  spec.inputs.resize(1);
  spec.inputs[0].path = "/in";
  spec.inputs[0].dataset = dataset;
  return spec;
}
JobSpec at_url(const std::string& url) {
  JobSpec spec = naming("");
  spec.inputs[0].replicas = {Replica{url, "", ""}};
  return spec;
}

class DatasetsTest : public ::testing::Test {
 protected:
  Datasets::Change put(Dataset dataset, const DatasetActor& actor = kAlpha) {
    auto change = datasets_.put(std::move(dataset), actor, sample::now);
    EXPECT_TRUE(change.has_value()) << describe(change.error());
    return change ? *change : Datasets::Change{};
  }
  Error refused(JobSpec spec, const char* tenant) {
    const Status bound = datasets_.bind(spec, TenantId{tenant});
    EXPECT_FALSE(bound.has_value());
    return bound ? Error{} : bound.error();
  }
  Input bound(JobSpec spec, const char* tenant = "alpha") {
    const Status done = datasets_.bind(spec, TenantId{tenant});
    EXPECT_TRUE(done.has_value()) << describe(done.error());
    return spec.inputs.at(0);
  }

  Datasets datasets_;
};

TEST_F(DatasetsTest, FillsInTheInputThatNamesOne) {
  const Datasets::Change made = put(genome());
  EXPECT_TRUE(made.made);
  EXPECT_EQ(made.dataset.owner.value, "alpha");
  const Input input = bound(naming("genome"));
  EXPECT_EQ(input.dataset, "genome");
  EXPECT_EQ(input.replicas, genome().replicas);
  EXPECT_EQ(input.size_bytes, 25'000'000'000U);
  EXPECT_EQ(input.sha256, std::string(64, 'a'));
  EXPECT_EQ(input.residency, in({"CH", "DE"}));
  EXPECT_TRUE(input.residency_bound);
}

TEST_F(DatasetsTest, AJobMayNarrowTheResidencyAndNeverWidenIt) {
  put(genome());
  JobSpec spec = naming("genome");
  spec.inputs[0].residency = in({"CH"});
  const Input narrowed = bound(spec);
  EXPECT_EQ(narrowed.residency, in({"CH"}));
  EXPECT_FALSE(narrowed.residency_bound);
  spec.inputs[0].residency = in({"CH", "US"});
  const Error error = refused(spec, "alpha");
  EXPECT_EQ(error.code, ErrorCode::invalid);
  EXPECT_EQ(error.field, "inputs[0].residency[1]");
  EXPECT_EQ(error.message,
            "\"US\" is not where this data may be processed: the data set says CH or DE");
  EXPECT_EQ(error.remedy, "name some of these, or leave residency out");
}

TEST_F(DatasetsTest, ASpelledOutUrlIsBoundAsWellWhoeverOwnsTheDataSet) {
  put(genome());
  for (const char* url : {"file:///srv/genome", "https://data.example/genome",
                          "http://DATA.example:80//genome#x", "https://data.example/genome?v=2"}) {
    EXPECT_EQ(bound(at_url(url), "beta").residency, in({"CH", "DE"})) << url;
  }
  EXPECT_TRUE(bound(at_url("https://data.example/genome2"), "beta").residency.empty());
  // As one of several replicas too; what the data lies at besides is the job's own word.
  JobSpec spec = at_url("https://mirror.example/x");
  spec.inputs[0].replicas.push_back(Replica{"https://data.example/genome", "", "us-iowa"});
  const Input input = bound(spec, "beta");
  EXPECT_EQ(input.residency, in({"CH", "DE"}));
  EXPECT_EQ(input.replicas.size(), 2U);
  EXPECT_EQ(input.size_bytes, 0U);
  spec.inputs[0].residency = in({"US"});
  EXPECT_EQ(refused(spec, "beta").field, "inputs[0].residency[0]");
  // Inline content comes from nowhere.
  spec.inputs[0].content = "x";
  EXPECT_EQ(bound(spec, "beta").residency, in({"US"}));
}

TEST_F(DatasetsTest, FilesInItsFolderAndFoldersAroundItAreBoundAsWell) {
  put(genome());
  EXPECT_EQ(bound(at_url("file:///srv/genome/chr/1.fa"), "beta").residency, in({"CH", "DE"}));
  EXPECT_TRUE(bound(at_url("file:///srv/genome2/chr"), "beta").residency.empty());
  EXPECT_TRUE(bound(at_url("file:///srv"), "beta").residency.empty()) << "no folder is asked for";
  JobSpec folder = at_url("file:///srv");
  folder.inputs[0].type = FileType::directory;
  EXPECT_EQ(bound(folder, "beta").residency, in({"CH", "DE"}));
  folder.inputs[0].replicas[0].url = "file:///srv/gen";
  EXPECT_TRUE(bound(folder, "beta").residency.empty());
  // What lies on a web server under a like name is another matter.
  EXPECT_TRUE(bound(at_url("https://data.example/genome/x"), "beta").residency.empty());
}

TEST_F(DatasetsTest, AJobsFoldersHoldABoundedNumberOfThem) {
  for (std::size_t i = 0; i < 10'000; ++i) {
    Dataset dataset = genome();
    dataset.name = fmt::format("d{}", i);
    dataset.replicas = {Replica{fmt::format("file:///srv/all/{}", i), "", ""}};
    put(dataset, DatasetActor{TenantId{fmt::format("t{}", i % 10)}, "p", false});
  }
  JobSpec folder = at_url("file:///srv");
  folder.inputs[0].type = FileType::directory;
  EXPECT_EQ(refused(folder, "beta").code, ErrorCode::too_large);
  folder.inputs[0].replicas[0].url = "file:///srv/all/77";
  EXPECT_EQ(bound(folder).residency, in({"CH", "DE"}));
}

TEST_F(DatasetsTest, SeveralThatBindOneInputBindItByWhatAllOfThemAllow) {
  put(genome());
  Dataset copy = genome();
  copy.name = "copy";
  copy.residency = in({"DE", "FR"});
  put(copy, kBeta);
  EXPECT_EQ(bound(naming("genome")).residency, in({"DE"}));
  copy.residency = in({"FR"});
  put(copy, kBeta);
  EXPECT_EQ(refused(naming("genome"), "alpha").field, "inputs[0].dataset");
  EXPECT_EQ(refused(at_url("file:///srv/genome"), "gamma").field, "inputs[0].replicas");
  // One that allows all jurisdictions takes nothing away.
  copy.residency = {};
  put(copy, kBeta);
  EXPECT_EQ(bound(naming("genome")).residency, in({"CH", "DE"}));
}

TEST_F(DatasetsTest, ChangesAndRemovalsHoldForTheJobsThatCome) {
  put(genome());
  Dataset changed = genome();
  changed.replicas.pop_back();
  changed.residency = in({"CH"});
  EXPECT_FALSE(put(changed).made);
  EXPECT_EQ(bound(naming("genome")).residency, in({"CH"}));
  EXPECT_TRUE(bound(at_url("https://data.example/genome")).residency.empty());
  EXPECT_TRUE(datasets_.remove("genome", kAlpha, sample::now).has_value());
  EXPECT_TRUE(bound(at_url("file:///srv/genome")).residency.empty());
  EXPECT_EQ(refused(naming("genome"), "alpha").code, ErrorCode::not_found);
}

TEST_F(DatasetsTest, AnothersIsThereOnlyForThoseItIsSharedWith) {
  put(genome());
  EXPECT_EQ(refused(naming("genome"), "beta").field, "inputs[0].dataset");
  EXPECT_EQ(refused(naming("genome"), "beta").message, refused(naming("genome"), "gamma").message);
  EXPECT_EQ(datasets_.find("genome", kBeta).error().code, ErrorCode::not_found);
  EXPECT_EQ(datasets_.remove("genome", kBeta, sample::now).error().code, ErrorCode::not_found);
  EXPECT_EQ(datasets_.put(genome(), kBeta, sample::now).error().code, ErrorCode::conflict);
  EXPECT_TRUE(datasets_.list(kBeta, "", 10).datasets.empty());
  EXPECT_EQ(datasets_.list(kOperator, "", 10).datasets.size(), 1U);

  Dataset shared = genome();
  shared.shared_with = {TenantId{"beta"}};
  put(shared);
  EXPECT_EQ(bound(naming("genome"), "beta").size_bytes, 25'000'000'000U);
  EXPECT_EQ(refused(naming("genome"), "gamma").code, ErrorCode::not_found);
  EXPECT_EQ(datasets_.list(kBeta, "", 10).datasets.size(), 1U);
  EXPECT_EQ(datasets_.remove("genome", kBeta, sample::now).error().code, ErrorCode::forbidden);
  shared.shared_with = {};
  shared.shared_with_all = true;
  put(shared);
  EXPECT_EQ(bound(naming("genome"), "gamma").size_bytes, 25'000'000'000U);
}

TEST_F(DatasetsTest, AnOperatorChangesAnothersWithoutBecomingItsOwner) {
  put(genome());
  Dataset changed = genome();
  changed.size_bytes = 1;
  EXPECT_EQ(put(changed, kOperator).dataset.owner.value, "alpha");
  changed.name = "new";
  EXPECT_EQ(datasets_.put(changed, kOperator, sample::now).error().code, ErrorCode::forbidden);
  EXPECT_TRUE(datasets_.remove("genome", kOperator, sample::now).has_value());
}

TEST_F(DatasetsTest, FoldsFromItsEntries) {
  std::vector<Entry> entries = {put(genome()).entry};
  Dataset other = genome();
  other.name = "other";
  entries.push_back(put(other, kBeta).entry);
  other.residency = in({"CH"});
  entries.push_back(put(other, kBeta).entry);
  entries.push_back(datasets_.remove("genome", kAlpha, sample::now)->entry);
  Datasets folded;
  for (const Entry& each : entries) folded.apply(each);
  EXPECT_EQ(folded.list(kOperator, "", 10).datasets, datasets_.list(kOperator, "", 10).datasets);
  JobSpec spec = at_url("file:///srv/genome");
  EXPECT_TRUE(folded.bind(spec, TenantId{"gamma"}).has_value());
  EXPECT_EQ(spec.inputs[0].residency, in({"CH"}));
  EXPECT_EQ(std::get<DatasetChanged>(entries[3].body).principal, "alice");
}

TEST_F(DatasetsTest, ListsInOrderPageByPage) {
  for (const char* name : {"c", "a", "d", "b"}) {
    Dataset dataset = genome();
    dataset.name = name;
    put(dataset, std::string_view(name) == "d" ? kBeta : kAlpha);
  }
  const DatasetPage first = datasets_.list(kAlpha, "", 2);
  ASSERT_EQ(first.datasets.size(), 2U);
  EXPECT_EQ(first.datasets[1].name, "b");
  EXPECT_TRUE(first.more);
  const DatasetPage second = datasets_.list(kAlpha, "b", 2);
  ASSERT_EQ(second.datasets.size(), 1U);
  EXPECT_EQ(second.datasets[0].name, "c");
  EXPECT_FALSE(second.more);
}

TEST_F(DatasetsTest, ATenantAndTheFederationHoldSoManyAndNoMore) {
  Dataset dataset = genome();
  dataset.replicas.resize(1);
  const std::size_t tenants = limits::datasets_max / limits::datasets_per_tenant_max;
  for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
    const DatasetActor actor{TenantId{fmt::format("t{}", tenant)}, "p", false};
    for (std::size_t i = 0; i < limits::datasets_per_tenant_max; ++i) {
      dataset.name = fmt::format("d{}-{}", tenant, i);
      put(dataset, actor);
    }
    if (tenant != 0) continue;
    dataset.name = "more";
    const auto over = datasets_.put(dataset, actor, sample::now);
    ASSERT_FALSE(over.has_value());
    EXPECT_EQ(over.error().code, ErrorCode::exhausted);
    EXPECT_EQ(over.error().message, "the tenant has 2000 data sets already");
  }
  dataset.name = "more";
  const auto over = datasets_.put(dataset, kAlpha, sample::now);
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().message, "there are 20000 data sets already");
  dataset.name = "d0-0";
  EXPECT_TRUE(datasets_.put(dataset, kOperator, sample::now).has_value()) << "it is there already";
  ASSERT_TRUE(datasets_.remove("d0-0", kOperator, sample::now).has_value());
  dataset.name = "more";
  EXPECT_TRUE(datasets_.put(dataset, kAlpha, sample::now).has_value());
}

TEST_F(DatasetsTest, WhatTheyPutIntoAJobIsBounded) {
  Dataset large = genome();
  large.replicas.assign(limits::replicas_max,
                        Replica{"https://x/" + std::string(900, 'x'), "", ""});
  put(large);
  JobSpec spec = naming("genome");
  for (int i = 0; i < 7; ++i) spec.inputs.push_back(spec.inputs[0]);
  EXPECT_TRUE(datasets_.bind(spec, TenantId{"alpha"}).has_value());
  for (int i = 0; i < 7; ++i) spec.inputs.push_back(spec.inputs[0]);
  const Error error = refused(spec, "alpha");
  EXPECT_EQ(error.code, ErrorCode::too_large);
  EXPECT_EQ(error.field, "inputs[8].dataset");
}

}  // namespace
}  // namespace tradewind
