"""Evidence: what happens when we run things on the base commit and on a candidate. Nothing here believes the agent.

The old tests decide about regressions in the version of the base commit, so a candidate that edits, deletes or adds
tests, or what tests load first, changes nothing there. Its own tests run separately, without its change and with it.

Every execution starts in a fresh copy of the prepared snapshot: code we do not trust has just run in any other, and
could have left something behind for the next one. The network is off throughout.

One thing running cannot rule out: the code under test lives in the test runner's process and may forge what the runner
reports. Against that stands the canary: a test file whose tests run to their ends and fail there, with a test case of
our own beside it, of which every candidate's run has to tell that they failed. It exposes forgeries that do not know
each old test by heart; for those that do there is what everybody does with the same inputs, and the people who review.

bench.py    one execution in a fresh sandbox       judge.py    the base commit, and each candidate by itself
trial.py    one candidate on the bench             pool.py     every candidate on the tests of all
compared.py what they are compared by              probe.py    every candidate on the same inputs
trimmer.py  the champion without what it does not take   court.py  all of these together
"""

from bot.judging.bench import Timeouts
from bot.judging.court import Court
from bot.judging.judge import Judge
from bot.judging.pool import CrossExamination, Docket, Heard
from bot.judging.probe import Prober
from bot.judging.trimmer import Trimmer

__all__ = ["Court", "CrossExamination", "Docket", "Heard", "Judge", "Prober", "Timeouts", "Trimmer"]
