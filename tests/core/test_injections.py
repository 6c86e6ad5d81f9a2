"""What others write at us, from issues to names of files: the cases stand in injections.yaml, this says what must hold.

At each place something holds whatever the text is: what the agent reads stays a quotation, what people read stays text,
what runs was in nobody's head but a maintainer's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.agent.calls import Unreadable, read_calls
from bot.core.candidate.gates import GatePolicy, check_gates
from bot.core.environment import documents
from bot.core.localization import Localisation
from bot.core.model import Baseline, Candidate, ChangeKind, Gate, Remark, RepoConfig, Sha, Status, Task, Toolchain
from bot.core.prompts import INSTRUCTION_FILES, task_text
from bot.core.text.cleaning import freeze
from bot.core.text.outgoing import Redactor
from bot.core.trigger.commands import parse_commands
from bot.core.trigger.config import parse_config
from bot.core.trigger.revising import Branch, Heard, freeze_revision
from tests.core.facts import decided, run, solve
from tests.core.spoken import CLEAN, commit_message, explanation, pull_body, pull_title, status_comment
from tests.core.test_environment_documents import files
from tests.core.test_environment_workflows import TOOLS, read
from tests.core.test_gates import candidate
from tests.core.test_prompts import outside
from tests.core.test_render import MARKDOWN

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SECRET = "a1B2" * 9  # behind the letters that a token begins with
TOOLCHAIN = Toolchain((), "pytest -q", "detected")
PLAIN = "It breaks"


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the file."""

    at: str
    text: str
    path: str = ""
    step: str = ""
    mode: str = ""
    gate: str = ""
    gone: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    inert: tuple[str, ...] = ()
    means: tuple[str, ...] | None = None
    runs: tuple[str, ...] | None = None


def cases() -> Iterator[Case]:
    known = {each.name for each in fields(Case)}
    for line in yaml.safe_load(Path(__file__).with_name("injections.yaml").read_text()):
        assert line.keys() <= known, line
        filled = json.loads(json.dumps(line).replace("{secret}", SECRET))
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in filled.items()}
        yield Case(**values)


CASES = list(cases())


def of(*places: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [case for case in CASES if case.at in places], ids=lambda case: case.text)


def test_there_are_many_and_each_is_looked_at() -> None:
    looked_at = {*BRIEFS, *SPOKEN, "asked", "config", "documents", "workflow", "answer", "file_name", "patch"}
    assert len(CASES) >= 80
    assert {case.at for case in CASES} == looked_at
    assert len({(case.at, case.text, case.path, case.step) for case in CASES}) == len(CASES)


# ------------------------------------------------------------------------------------------------- what an agent reads


def _task(title: str = PLAIN, body: str = "body", remark: str = "") -> Task:
    asked = replace(solve(title), issue_body=body)
    remarks = [Remark("eve", remark, NOW)] if remark else []
    return freeze(asked, remarks, base_branch="main", base_sha=Sha("a" * 40), config=RepoConfig(), private=False)


def _review(text: str) -> Task:
    revision = replace(solve(), asked=text)
    return freeze_revision(revision, _task(), Branch("solvebot/7-x", Sha("b" * 40)), Heard(()), RepoConfig())


def _brief(task: Task, instructions: dict[str, str] | None = None) -> str:
    return task_text(task, TOOLCHAIN, Localisation(), instructions or {}, Baseline(None))


BRIEFS: dict[str, Callable[[Case], str]] = {
    "issue": lambda case: _brief(_task(body=case.text)),
    "title": lambda case: _brief(_task(title=case.text)),
    "comment": lambda case: _brief(_task(remark=case.text)),
    "review": lambda case: _brief(_review(case.text)),
    "instructions": lambda case: _brief(_task(), {case.path: case.text}),
}


def _marked(case: Case) -> Case:
    """`{mark}`: what its fence has; nobody can know it, because it depends on the text."""
    if "{mark}" not in case.text:
        return case
    [mark] = set(re.findall(r"<\w+-([0-9a-f]{16})>", BRIEFS[case.at](replace(case, text=PLAIN))))
    return replace(case, text=case.text.replace("{mark}", mark))


@of(*BRIEFS)
def test_what_the_agent_reads_is_what_people_see_and_stays_a_quotation(case: Case) -> None:
    case = _marked(case)
    text, plain = BRIEFS[case.at](case), BRIEFS[case.at](replace(case, text=PLAIN))
    image = "(image)" in text  # of which the brief says that nobody could look at it
    assert image or _without_marks(outside(text)) == _without_marks(outside(plain))
    assert [hidden for hidden in case.gone if hidden in text] == []
    assert [seen for seen in case.kept if seen not in text] == []


def _without_marks(text: str) -> str:
    return re.sub(r"[0-9a-f]{16}", "", text)


def test_the_files_that_speak_to_agents_are_those_that_are_fenced() -> None:
    assert {case.path for case in CASES if case.at == "instructions"} <= set(INSTRUCTION_FILES)


# --------------------------------------------------------------------------------------------------- what people read


def _summary(text: str) -> list[str]:
    champion = run(1)
    assert champion.candidate is not None
    facts = decided()
    told = replace(facts, runs=(replace(champion, candidate=replace(champion.candidate, summary=text)), facts.runs[1]))
    return [pull_body(told, branch="b", verified=True), explanation(told), commit_message(told), pull_title(told)]


def _log(text: str) -> list[str]:
    facts = replace(decided(), baseline=Baseline(None, note=text, tail=text))
    return [pull_body(facts, branch="b", verified=True), status_comment(facts), explanation(facts)]


def _command(text: str) -> list[str]:
    working = run(1, status=Status.RUNNING, last_command=text)
    return [status_comment(replace(decided(), status=Status.RUNNING, decision=None, runs=(working,)))]


SPOKEN: dict[str, Callable[[str], list[str]]] = {"summary": _summary, "log": _log, "command": _command}
ACTIVE = re.compile(r"<(a|img|script|h[1-6]|hr|iframe|form|input)\b")


def _without_code(said: str) -> str:
    return re.sub(r"<code[ >].*?</code>", "", MARKDOWN.render(said), flags=re.DOTALL)


@of(*SPOKEN)
def test_what_people_read_of_it_is_text_and_does_nothing(case: Case) -> None:
    for said, plain in zip(SPOKEN[case.at](case.text), SPOKEN[case.at](PLAIN), strict=True):
        assert [active for active in case.gone if active in said] == []
        assert [active for active in case.inert if active in _without_code(said)] == []
        assert sorted(ACTIVE.findall(MARKDOWN.render(said))) == sorted(ACTIVE.findall(MARKDOWN.render(plain)))
        assert said.count("<!--") == plain.count("<!--")
        assert CLEAN(said) == said


@of(*SPOKEN)
def test_a_secret_of_ours_is_in_none_of_it(case: Case) -> None:
    ours = Redactor(("hunter2-hunter2-hunter2",))
    facts = ours.facts(replace(decided(), baseline=Baseline(None, note=f"{case.text} hunter2-hunter2-hunter2")))
    assert "hunter2-hunter2" not in status_comment(facts)


# ------------------------------------------------------------------------------------------- what starts and configures


@of("asked")
def test_only_a_command_is_a_command(case: Case) -> None:
    assert tuple(type(item).__name__ for item in parse_commands(case.text)) == case.means


@of("config")
def test_a_configuration_cannot_ask_for_more_than_there_is(case: Case) -> None:
    assert (type(parse_config(case.text)).__name__,) == case.means


@of("documents")
def test_what_documents_say_is_only_run_where_it_is_setting_up_and_testing(case: Case) -> None:
    found = [line for recipe, _ in documents.recipes(files({case.path: case.text}), TOOLS) for line in recipe.setup]
    found += [test for recipe, _ in documents.recipes(files({case.path: case.text}), TOOLS) for test in recipe.tests]
    assert [(part, line) for part in case.gone for line in found if part in str(line)] == []


@of("workflow")
def test_what_workflows_do_beyond_testing_is_not_done(case: Case) -> None:
    more = f"        {case.step}\n" if case.step else ""
    workflow = (
        "on: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pip install -e .\n"
        f"      - run: {json.dumps(case.text)}\n{more}      - run: pytest -q\n"
    )
    found = read(workflow)
    lines = [line for plan in (*found.complete, *found.partial) for line in (*plan.setup, plan.test or "")]
    assert [(part, line) for part in case.gone for line in lines if part in line] == []


@of("answer")
def test_of_an_answer_only_commands_are_run(case: Case) -> None:
    calls = read_calls(json.loads(case.text), 1)
    assert case.runs == (() if isinstance(calls, Unreadable) else tuple(call.command for call in calls))


# ------------------------------------------------------------------------------------------------ what would be pushed


@of("file_name", "patch")
def test_what_a_patch_must_not_do_is_refused_and_what_it_may_is_told_as_text(case: Case) -> None:
    found = _candidate(case)
    assert [failure.gate for failure in check_gates(found, GatePolicy())] == ([Gate[case.gate]] if case.gate else [])
    facts = decided()
    champion = replace(run(1), candidate=replace(found, run=facts.runs[0].id))
    body = pull_body(replace(facts, runs=(champion, facts.runs[1])), branch="b", verified=True)
    plain = pull_body(facts, branch="b", verified=True)
    assert [active for active in case.inert if active in _without_code(body)] == []
    assert sorted(ACTIVE.findall(MARKDOWN.render(body))) == sorted(ACTIVE.findall(MARKDOWN.render(plain)))


def _candidate(case: Case) -> Candidate:
    if case.at == "file_name":
        return candidate(case.text)
    kind = ChangeKind.ADDED if case.mode else ChangeKind.MODIFIED
    return candidate(case.path, added=case.text, kind=kind, mode=case.mode or "100644")
