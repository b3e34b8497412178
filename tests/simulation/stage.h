// What a scenario directs: a federation that takes commands and tells what happens. The commands
// are the vocabulary of everything that is done to a simulated federation: a seed draws them, a
// scenario file holds them, and a failing seed shrinks to a few of them.
//
// Names: brokers b1, b2…, sites s1, s2…, jobs j1, j2… in the order of their submission (or the name
// that `submit job=` gives), tasks of an array j1.0, j1.1…, attempts j1#1. Spans: 250ms, 20s, 5m.
// EVENT is the first word of what is told: of a message, an entry of the journal, or a commit.
// What finds nothing to do, as a start of what is up, does nothing.
//
//   submit [job=NAME] [broker=b1] [tenant=T] [cpus=N] [run=SPAN] [nodes=N] [array=N] [after=j1,j2]
//          [restartable=no] [attempts=N] [on-disconnect=continue] [priority=N] [queue=SPAN]
//          [total=SPAN] [limit=SPAN] [takes=SPAN] [site=s1] [outcome=fails]
//                                 a job of this name again: the same submission is tried again.
//                                 `run` is what it says that it runs for, `takes` what it does
//   cancel JOB
//   budget TENANT removed|limit=N [period=none] [broker=b1]
//                                 micro-units, of the month or for ever; "removed" lifts it. A
//                                 broker of the release before knows no budgets
//   kill NODE [before|after=EVENT] [wipe|restore]   at once, or with the next event of that name; a
//                                 site's disk is lost, or as it was when it was last saved
//   save SITE                     copies its disk
//   start NODE
//   replace BROKER                another process takes over the journal; the old one runs on until
//                                 it next tries to write
//   pause NODE for=SPAN           stops as a stopped process does
//   cut NODE [NODE] [one-way]     messages between them (or of the first with anybody) are lost;
//                                 one way: those that the first sends
//   heal NODE [NODE]
//   lose EVENT [from=NODE]        the next message of that name is lost
//   hold EVENT for=SPAN           … arrives so much later
//   repeat EVENT                  … arrives twice
//   replay NODE                   what was sent to it long ago is sent again
//   state SITE active|draining|maintenance
//   jump NODE by=SPAN             of its wall clock, ahead or (-20s) back
//   disk NODE full|broken|good
//   behave SITE honest|overclaims|refuses|never-runs|never-answers|equivocates|slow
//   leave SITE
//   join SITE
//   upgrade NODE                  it starts anew with this release, when it has the one before
//   downgrade SITE                … with the release before, which would refuse this one's store
//                                 and begins with an empty one
//   price SITE PPM                the factor of its next quote sheets
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/result.h"
#include "tests/simulation/scheduler.h"

namespace tradewind::simulation {

class Stage {
 public:
  virtual ~Stage() = default;
  // One command, at the present moment. invalid: it names the word that is not understood.
  virtual Status apply(std::string_view command) = 0;
  // True time passes; what is due until then happens.
  virtual void advance(Micros span) = 0;
  // All faults end, everything comes to rest, and the checks of the end are made.
  virtual void finish() = 0;
  // What has happened since the last call, a line each, in order: events in the words of the
  // journal and of the links ("attempt.granted j1#1 s1", "dispatch b1 -> s1 j1#1" when it is sent
  // and "at s1 dispatch from b1 j1#1" when it has arrived, "lost dispatch b1 -> s1 j1#1", "start s1
  // j1#1", "end s1 j1#1 succeeded", "up b1", "down b1", "acknowledged j1", "job.ended j1 failed: …"
  // with its last entry), commands as "> kill b1".
  virtual std::vector<std::string> told() = 0;
  // The first invariant that did not hold.
  virtual std::optional<std::string> violation() const = 0;
};

}  // namespace tradewind::simulation
