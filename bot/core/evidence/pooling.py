"""Into the pool and out of it: tests of all candidates, made runnable on any of them, and what came of running them.

What candidates bring is gathered into *entries*: the test files of one of them with the data that they stand on, run
alone by the narrowed test command, or one script; and each test file that was written from the issue alone. An entry
never brings sources, nor settings of a runner, nor what a runner loads first, but for a `conftest.py` that holds
nothing but fixtures. What it then says about others is weighed in `champion.py`: a hostile test speaks against
everybody but its author, and such a test is worth nearly nothing.

A test case enters the pool when it fails on the base commit, twice, and passes on a candidate. One that cannot even be
loaded on the base commit does not: what imports that which only its author has says nothing about the others.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.core.candidate.file_roles import roles_of
from bot.core.candidate.testfiles import is_test_file, sets_the_runner_up
from bot.core.evidence.controls import Contents, control_test, guarded_script
from bot.core.evidence.observations import is_broken
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import Baseline, Evidence, RunId, Script, SolveFacts, TestReport, Verdict
from bot.core.runners import cases, narrow, narrow_to_cases, runs_script

MOST_CASES = 60  # of one entry
MOST_ENTRIES = 24
LEAST_SECONDS = 240.0  # for all of it, however quick the runs were ...
SHARE_OF_RUNS = 0.5  # ... and how much of their time it may take
_MAX_CONFTEST = 20_000
_NOT_RUN = (126, 127)  # what a shell says of a program that is not there


@dataclass(frozen=True, slots=True)
class Brought:
    """What a candidate brings to the pool. `tests`: those of its files that are tests, or that tests stand on."""

    run: RunId
    letter: str
    evidence: Evidence
    tests: Contents
    scripts: tuple[Script, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What is run together, in one command. `files` are laid over the sources of whoever is tried."""

    key: str
    group: str
    origin: Origin
    author: RunId | None  # None: none of the candidates
    files: Contents
    command: str
    script: str = ""  # its path, where it is judged by its exit code
    control: str = ""  # the name of a test of ours that has to fail wherever it is run


def unbroken(evidence: Iterable[Evidence]) -> tuple[RunId, ...]:
    """Those who may become champion: they pass every gate, and stand for something."""
    return tuple(item.run for item in evidence if not is_broken(item))


def seconds_allowed(facts: SolveFacts) -> float:
    """Half of what the runs took, from the first beginning to the last end; four minutes in any case."""
    begun = [run.started_at for run in facts.runs if run.started_at]
    ended = [run.completed_at for run in facts.runs if run.completed_at]
    took = (max(ended) - min(begun)).total_seconds() if begun and ended else 0.0
    return max(LEAST_SECONDS, SHARE_OF_RUNS * took)


def gather(
    brought: Sequence[Brought], tried: Sequence[RunId], baseline: Baseline, from_issue: Sequence[Script] = ()
) -> tuple[Entry, ...]:
    """The entries, those that say most first; nothing where there is nobody but their author to try them on.

    First what was written from the issue alone, for its author takes nobody's part. Then the tests of each candidate,
    those before all that were seen to go from red to green; then one script of each, and so on. Test files that
    somebody has brought before are left out, and so are tests that pass without any change: that was seen already.
    """
    if baseline.command is None and not any(item.scripts for item in brought):
        return ()
    by_worth = sorted(brought, key=lambda item: (not item.evidence.own_tests_flip, item.run))
    tests = [*_issue_entries(from_issue, baseline), *_test_entries(by_worth, baseline)]
    scripts = [list(_script_entries(item, baseline)) for item in by_worth]
    most = max(map(len, scripts), default=0)
    in_turn = [of_one[number] for number in range(most) for of_one in scripts if number < len(of_one)]
    entries = [*tests, *_once(in_turn)]
    return tuple(entry for entry in entries if set(tried) - {entry.author})[:MOST_ENTRIES]


def _issue_entries(files: Iterable[Script], baseline: Baseline) -> Iterator[Entry]:
    """One for each file, because one that cannot be loaded would keep the others from running."""
    for number, file in enumerate(files if baseline.command is not None else (), 1):
        contents = {file.path: (file.text.encode("utf-8", "replace"), "100644")}
        key = f"issue-tests-{number}"
        yield _controlled(None, key, "tests from the issue", Origin.ISSUE, contents, [file.path], baseline)


def _test_entries(brought: Iterable[Brought], baseline: Baseline) -> Iterator[Entry]:
    is_test = roles_of(baseline).is_test
    seen: set[tuple[str, bytes]] = set()
    for item in brought:
        if baseline.command is None or item.evidence.own_tests_on_base is True:
            continue
        files = {path: file for path, file in item.tests.items() if may_come_along(path, file[0])}
        new = [path for path in files if is_test(path) and (path, files[path][0]) not in seen]
        seen |= {(path, files[path][0]) for path in new}
        if new:
            known = {path for path in files if is_test(path)} - set(new)
            kept = {path: file for path, file in files.items() if path not in known}
            group = f"{item.letter}'s tests"
            yield _controlled(item.run, f"{item.run}-tests", group, Origin.CANDIDATE, kept, new, baseline)


def _script_entries(item: Brought, baseline: Baseline) -> Iterator[Entry]:
    for number, script in enumerate(item.scripts, 1):
        if script.path in item.tests:
            continue
        key, group = f"{item.run}-script-{number}", f"{item.letter}'s script {script.path}"
        files = {script.path: (script.text.encode("utf-8", "replace"), "100644")}
        line = runs_script(baseline.command or "", script.path)
        if is_test_file(script.path) and narrow(baseline.command or "", [script.path]):
            yield _controlled(item.run, key, group, Origin.SCRIPT, files, [script.path], baseline)
        elif line is not None:
            control, guarded = guarded_script(script, line, baseline.command or "")
            yield Entry(key, group, Origin.SCRIPT, item.run, {**files, **control}, guarded, script=script.path)


def _controlled(
    author: RunId | None,
    key: str,
    group: str,
    origin: Origin,
    files: Contents,
    tests: Sequence[str],
    baseline: Baseline,
) -> Entry:
    """Run by the narrowed command where there is one, with a test of ours that has to fail where we can write one."""
    whole = baseline.command or ""
    name, control = control_test(tests, files, key)
    command = narrow(whole, [*tests, *control])
    if command is None:
        return Entry(key, group, origin, author, files, whole)
    return Entry(key, group, origin, author, {**files, **control}, command, control=name)


def _once(scripts: Iterable[Entry]) -> list[Entry]:
    """Of the same text, whatever it is called, the first. The script stands before its control."""
    found: dict[bytes, Entry] = {}
    for entry in scripts:
        content, _ = next(iter(entry.files.values()))
        found.setdefault(content, entry)
    return list(found.values())


def may_come_along(path: str, content: bytes) -> bool:
    """Tests and what they read; of what a runner loads first, only fixtures."""
    if not sets_the_runner_up(path):
        return True
    return path.rpartition("/")[2] == "conftest.py" and holds_only_fixtures(content)


def holds_only_fixtures(content: bytes) -> bool:
    """A `conftest.py` that gives tests what they ask for, and has no say in which are run or what they report."""
    if len(content) > _MAX_CONFTEST:
        return False
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(map(_is_harmless, tree.body))


def _is_harmless(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Constant()):
            return True
        case ast.Import(names) | ast.ImportFrom(names=names):
            return not any((name.asname or name.name).startswith(("*", "pytest_")) for name in names)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return any(map(_is_fixture, statement.decorator_list)) and not statement.name.startswith("pytest_")
    return False


def _is_fixture(decorator: ast.expr) -> bool:
    """`@pytest.fixture`, `@fixture(scope="module")`; not one that is used without being asked for."""
    if isinstance(decorator, ast.Call):
        asked_for = all(keyword.arg in ("scope", "params", "ids", "name") for keyword in decorator.keywords)
        return asked_for and _is_fixture(decorator.func)
    match decorator:
        case ast.Name("fixture") | ast.Attribute(ast.Name("pytest" | "pytest_asyncio"), "fixture"):
            return True
    return False


# ------------------------------------------------------------------------------------------------------- what was seen


def script_report(entry: Entry, *, exit_code: int, seconds: float, timed_out: bool) -> TestReport:
    """A script as a test of one case, whose name is its path: green is exit code 0."""
    verdict = Verdict.PASSED if exit_code == 0 and not timed_out else Verdict.FAILED
    return TestReport(entry.command, exit_code, {entry.script: verdict}, True, seconds, timed_out=timed_out)


def red(entry: Entry, baseline: Baseline, first: TestReport, second: TestReport) -> tuple[str, ...]:
    """Cases that fail on the base commit both times. Names that the baseline found unreliable or failing do not count.

    Where single tests are told, the command itself is no case. A script has to end in the same way both times.
    """
    if first.per_test != second.per_test or first.timed_out or second.timed_out:
        return ()
    if entry.script and (first.exit_code != second.exit_code or first.exit_code in _NOT_RUN):
        return ()
    without = {*baseline.failing, *baseline.flaky, *([first.command] if first.per_test else [])}
    failed = [{name for name, seen in report.tests.items() if seen is Verdict.FAILED} for report in (first, second)]
    return tuple(sorted(name for name in (failed[0] & failed[1]) - without if not _is_control(entry, name)))


def narrowed(entry: Entry, baseline: Baseline, names: Sequence[str], on_base: TestReport) -> Entry:
    """The same with only its red cases and the controls that fail, where the runner can be told: nothing else of them
    is looked at on candidates, and test files may be long.
    """
    files = [path for path in entry.files if path.endswith(".py")]
    controls = (name for name, seen in on_base.tests.items() if seen is Verdict.FAILED and _is_control(entry, name))
    single = cases(files, [*names, *controls]) if entry.control and on_base.per_test else None
    command = narrow_to_cases(baseline.command or "", single) if single else None
    return replace(entry, command=command) if command else entry


def pooled(
    entry: Entry, base: tuple[TestReport, TestReport], names: Sequence[str], seen: Mapping[RunId, TestReport | None]
) -> tuple[PooledTest, ...]:
    """How each candidate did on the cases that are red on the base commit. None: it could not be seen.

    Whatever does not pass has failed: a case that is skipped or missing must not look better than one that fails. Where
    our own tests do not all fail that do on the base commit, nothing that is reported can be believed.
    """
    known = {run: report for run, report in seen.items() if report is not None}
    ours = _controls(entry, base[0], Verdict.FAILED) & _controls(entry, base[1], Verdict.FAILED)
    ours = (ours - _red_by_themselves(entry, base[0])) or ours
    honest = {
        run: report
        for run, report in known.items()
        if ours <= _controls(entry, report, Verdict.FAILED) and ours.isdisjoint(_passing_alone(entry, report, base[0]))
    }
    found = []
    for name in names:
        green = tuple(sorted(run for run, report in honest.items() if _passes(name, base[0], report)))
        if green:
            others = tuple(sorted(known.keys() - set(green)))
            found.append(PooledTest(name, entry.origin, entry.author, green, others, entry.group))
    return tuple(found[:MOST_CASES])


def passes_now(entry: Entry, names: Iterable[str], report: TestReport | None) -> tuple[str, ...]:
    """Which of these pooled cases pass in one more report. None: it could not be seen."""
    if report is None or (entry.control and report.per_test and not _fails_controls(entry, report)):
        return ()
    return tuple(name for name in names if _passes(name, report, report))


def _is_control(entry: Entry, name: str) -> bool:
    return bool(entry.control) and entry.control in name


def _controls(entry: Entry, report: TestReport, verdict: Verdict) -> set[str]:
    """Those of which a case ended so. Cases are named by their parameters, which may be of the time of day."""
    return {
        name.partition("[")[0] for name, seen in report.tests.items() if seen is verdict and _is_control(entry, name)
    }


def _red_by_themselves(entry: Entry, base: TestReport) -> set[str]:
    """Controls are a copy of a test file in which a few tests were made to fail; the others are as in the original,
    and what is red there goes from red to green here, too.
    """
    original = entry.control.rpartition("_")[0]
    red = {name.partition("[")[0] for name, seen in base.tests.items() if seen is Verdict.FAILED}
    return {name for name in _controls(entry, base, Verdict.FAILED) if name.replace(entry.control, original) in red}


def _passing_alone(entry: Entry, report: TestReport, base: TestReport) -> set[str]:
    """Those of which a case passes, though none did on the base commit."""
    return _controls(entry, report, Verdict.PASSED) - _controls(entry, base, Verdict.PASSED)


def _fails_controls(entry: Entry, report: TestReport) -> bool:
    """By itself, beside no report of the base commit: some of ours fail. Others of their file may pass."""
    return bool(_controls(entry, report, Verdict.FAILED))


def _passes(name: str, base: TestReport, report: TestReport) -> bool:
    if base.per_test:
        return report.tests.get(name) is Verdict.PASSED
    return report.exit_code == 0 and not report.timed_out and not report.none_ran
