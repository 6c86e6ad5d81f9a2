"""How each runner is asked to report: what is added to its command, and what is taken away."""

import pytest

from bot.core.runners.recipe import asking
from bot.core.runners.runner import Stream
from bot.core.runners.shell import Command, steps
from bot.core.runners.table import RUNNERS, Call, call

MOCHA = "--reporter=/home/agent/.solvebot/mocha.cjs"
JASMINE = "--reporter=/home/agent/.solvebot/jasmine.cjs"
JEST = "--ci --json --outputFile=R --coverage=false"
VITEST = "--reporter=default --reporter=json --outputFile.json=R --no-coverage"
NODE = "--test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=R"
LAB = "-r console -o stdout -r junit -o R"


def started(line: str) -> Call | None:
    (step,) = steps(line)
    return call(step.part) if isinstance(step.part, Command) else None


@pytest.mark.parametrize(
    ("runner", "command", "asked"),
    [
        ("pytest", "pytest -x tests", "pytest -x tests --maxfail=0"),
        ("pytest", "coverage run -m pytest", "coverage run -m pytest --maxfail=0"),
        ("pytest", "uv run --group test pytest -p no:junitxml -q", "uv run --group test pytest -q --maxfail=0"),
        ("unittest", "python3 -m unittest", "python3 -m unittest -v"),
        ("unittest", "python -W error -m unittest discover -f -s x", "python -W error -m unittest discover -s x -v"),
        ("django", "python manage.py test -v 1 app", "python manage.py test --verbosity=2 app"),
        ("django", "python -m django test", "python -m django test --verbosity=2"),
        ("mocha", "npx mocha --reporter dot 't/**/*.js'", f"npx mocha {MOCHA} 't/**/*.js'"),
        (
            "mocha",
            "NODE_ENV=test nyc --reporter=lcov mocha -R spec",
            f"NODE_ENV=test nyc --reporter=lcov mocha {MOCHA}",
        ),
        ("jest", "cross-env CI=1 jest --watch src > log", f"cross-env CI=1 jest {JEST} src > log"),
        (
            "jest",
            "node --experimental-vm-modules node_modules/jest/bin/jest.js",
            f"node --experimental-vm-modules node_modules/jest/bin/jest.js {JEST}",
        ),
        ("jest", "yarn jest --coverage", f"yarn jest {JEST}"),
        ("vitest", "pnpm exec vitest run --reporter verbose a", f"pnpm exec vitest run {VITEST} a"),
        ("vitest", "vitest", f"vitest {VITEST}"),
        ("vitest", "vitest run --bail 1 a", f"vitest run {VITEST} a"),
        ("vitest", "vitest run --bail=1 a", f"vitest run {VITEST} a"),
        ("ava", "npx ava --verbose test/*.js", "npx ava --tap test/*.js"),
        ("tap", "npx tap -R spec", "npx tap --reporter=tap"),
        ("tape", "tape 'test/*.js'", "tape 'test/*.js'"),
        ("jasmine", "./node_modules/.bin/jasmine a", f"./node_modules/.bin/jasmine {JASMINE} a"),
        ("node", "node --test --test-reporter=spec a b", f"node --test {NODE} a b"),
        ("node", "node --import tsx --test 'src/**/*.ts'", f"node --import tsx --test {NODE} 'src/**/*.ts'"),
        ("node", "c8 node --test", f"c8 node --test {NODE}"),
        ("bun", "bun test", "bun test --reporter=junit --reporter-outfile=R"),
        ("deno", "deno test -A", "deno test --junit-path=R -A"),
        ("lab", "lab -v", f"lab {LAB} -v"),
        ("go", "go test -failfast -race ./...", "go test -json -race ./..."),
        ("gotestsum", "gotestsum -- ./...", "gotestsum --junitfile=R -- ./..."),
        ("cargo", "cargo +nightly test -q --all", "cargo +nightly test --no-fail-fast --all"),
        ("maven", "./mvnw -B verify", "./mvnw --fail-at-end -B verify"),
        ("gradle", "./gradlew check", "./gradlew --continue check"),
        ("dotnet", "dotnet test --no-build", "dotnet test --logger=trx --results-directory=R --no-build"),
        ("ctest", "ctest --stop-on-failure -j2", "ctest -j2"),
        ("rspec", "bundle exec rspec --fail-fast", "bundle exec rspec"),
        ("rake", "bundle exec rake test", "bundle exec rake test"),
        ("rails", "bin/rails test", "bin/rails test -v"),
        ("phpunit", "php -d x=1 vendor/bin/phpunit tests", "php -d x=1 vendor/bin/phpunit --log-junit=R tests"),
        ("phpunit", "vendor/bin/pest", "vendor/bin/pest --log-junit=R"),
        ("artisan", "php artisan test --parallel", "php artisan test --log-junit=R"),
        ("prove", "prove -j 4 -lr t", "prove -v -lr t"),
        ("bats", "bats --formatter pretty test", "bats --tap test"),
    ],
)
def test_what_is_asked(runner: str, command: str, asked: str) -> None:
    found = started(command)
    assert found is not None
    assert (found.runner.name, asking(found, "R")) == (runner, asked)


@pytest.mark.parametrize(
    "command",
    [
        "npm test",
        "npm install mocha",
        "yarn add jest",
        "pip install pytest",
        "rm -rf jest",
        "echo pytest",
        "npx eslint test ava",
        "node scripts/build.js jest",
        "python setup.py pytest",
        "go build ./...",
        "go vet test",
        "cargo build",
        "cargo clippy test",
        "dotnet build",
        "node server.js",
        "python -m unittest2",
        "unittest",
        "make check",
        "A=1",
        "",
    ],
)
def test_what_starts_no_runner(command: str) -> None:
    assert started(command) is None


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda runner: runner.name)
def test_every_runner_leaves_something(runner: object) -> None:
    """A file by option, what it prints, a file by environment, or files of its own."""
    found = next(known for known in RUNNERS if known is runner)
    asks = any("{report}" in word or ".solvebot" in word for word in found.ask)
    assert asks or found.stream is not Stream.NONE or found.name in ("pytest", "rspec", "maven", "gradle")
