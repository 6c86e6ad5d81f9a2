"""In which order the sources of plans come, and what is joined from several of them."""

from bot.core.environment.files import Files
from bot.core.environment.plan import Plans, Skipped
from bot.core.environment.plans import MAX_PLANS, MAX_SAID, plans, wanted
from bot.core.environment.tools import Tools
from bot.core.model import RepoConfig

TOOLS = Tools({"python3": "3.11.2", "node": "20.19.2", "npm": "9.2.0", "make": "4.3"})
PACKAGE = '{"scripts": {"test": "mocha"}, "devDependencies": {"mocha": "1"}}'
CI = "on: push\njobs:\n  unit:\n    steps:\n      - run: npm ci\n      - run: npx mocha --ci\n"
COPILOT = CI.replace("unit", "copilot-setup-steps").replace("npx mocha --ci", "npm run build")
REPOSITORY = {
    "package.json": PACKAGE,
    "package-lock.json": "{}",
    "index.js": "",
    ".github/workflows/ci.yml": CI,
    ".github/workflows/copilot-setup-steps.yml": COPILOT,
    ".devcontainer/devcontainer.json": '{"postCreateCommand": "npm ci && npm run prepare-all"}',
    "AGENTS.md": "`npm ci`, then `npx mocha --told`",
}


def found(texts: dict[str, str], config: RepoConfig | None = None) -> Plans:
    read = {path: texts[path] for path in wanted(list(texts))}
    return plans(Files(frozenset(texts), read), config or RepoConfig(), TOOLS)


def sources(texts: dict[str, str]) -> list[str]:
    return [plan.why.removeprefix("detected: ") for plan in found(texts).plans]


def test_what_is_said_most_directly_comes_first() -> None:
    order = sources(REPOSITORY)
    places = [
        next(place for place, why in enumerate(order) if why.startswith(start))
        for start in (
            "set-up from .github/workflows/copilot-setup-steps.yml, tests from CI's job `unit`",
            "set-up from .devcontainer/devcontainer.json, tests from CI's job `unit`",
            "CI's job `unit` in .github/workflows/ci.yml",
            "package.json",
            "AGENTS.md",
        )
    ]
    assert places == sorted(places)


def test_set_up_for_agents_has_the_tests_of_ci() -> None:
    first = found(REPOSITORY).plans[0]
    assert first.setup == ("npm ci --no-audit --no-fund", "npm run build")
    assert first.test == "npx mocha --ci"


def test_a_job_with_steps_left_out_comes_after_the_manifests() -> None:
    partial = CI.replace("npm ci", "sudo apt-get install -y libx11-dev && npm ci")
    order = sources({**REPOSITORY, ".github/workflows/ci.yml": partial})
    manifest = next(place for place, why in enumerate(order) if why.startswith("package.json"))
    assert order.index("CI's job `unit` in .github/workflows/ci.yml") > manifest


def test_a_job_of_another_language_comes_after_the_manifests() -> None:
    texts = {"pyproject.toml": "[project]\nname='x'", "tests/test_a.py": "import pytest", "a.py": "", "b.py": ""}
    order = sources({**texts, "web/package.json": PACKAGE, ".github/workflows/ci.yml": CI})
    assert "CI's job" not in order[0]
    assert "CI's job `unit` in .github/workflows/ci.yml" in order


def test_what_is_said_twice_keeps_its_first_place() -> None:
    told = {
        "AGENTS.md": "`npm ci`, then `npx mocha --ci`",
        "package.json": PACKAGE,
        "package-lock.json": "{}",
        "a.js": "",
    }
    assert sources({**told, ".github/workflows/ci.yml": CI})[0] == "CI's job `unit` in .github/workflows/ci.yml"


def test_the_configuration_wins_over_all() -> None:
    config = RepoConfig(setup=("a",), test="b")
    (plan,) = found(REPOSITORY, config).plans
    assert (plan.setup, plan.test, plan.why) == (("a",), "b", "from .github/solvebot.yml")


def test_what_was_skipped_is_kept_with_its_reason() -> None:
    texts = {**REPOSITORY, ".github/workflows/x.yml": "\t", ".devcontainer/devcontainer.json": "{"}
    assert set(found(texts).skipped) == {
        Skipped(".github/workflows/x.yml", "It is not valid YAML at line 1."),
        Skipped(".devcontainer/devcontainer.json", "It is not valid JSON."),
    }


def test_only_so_many_files_are_read_and_plans_made() -> None:
    many = {f".github/workflows/{number}.yml": CI.replace("--ci", f"--{number}") for number in range(200)}
    assert len([path for path in wanted(list(many)) if path.startswith(".github/")]) == MAX_SAID
    assert len(found({**REPOSITORY, **many}).plans) <= MAX_PLANS
