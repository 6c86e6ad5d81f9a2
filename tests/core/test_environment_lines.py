"""What kind a command line is, what it starts in the end, and how a script is parted into commands."""

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.environment.lines import Kind, kind, parts, single_words, unwrapped

KINDS = {
    Kind.TEST: """
        pytest -q
        python -m pytest tests
        python3.11 -W error -m pytest
        PYTHONPATH=src python -m unittest discover
        coverage run -m pytest -v
        coverage run --source=slugify test.py
        uv run --locked --no-default-groups --group dev tox run
        uvx --with tox-uv tox -e py
        pipx run nox -s tests
        hatch run test
        hatch run +py=3.11 test:default
        hatch test -a
        poetry run pytest
        nox -s tests
        ./manage.py test
        python tests/runtests.py
        python setup.py test
        make test
        make -j4 check
        make ci
        just test
        npm test
        npm t
        npm run test-ci
        npm run -s test:unit
        npm --prefix web test
        yarn workspace core test
        yarn jest --ci
        pnpm -r test
        pnpm run --filter @zod/resolution test:all
        pnpm exec vitest
        pnpm vitest run
        npx --no-install c8 mocha
        npx cross-env CI=1 c8 --reporter lcov mocha -b
        npx jest@29 --ci
        node --import tsx --test
        bun test
        deno test -A
        xvfb-run -a npm test
        dbus-run-session -- pytest
        timeout 600 pytest
        go test -race ./...
        gotestsum -- ./...
        cargo +nightly test --all
        cargo nextest run
        mvn -B -q verify
        ./gradlew --no-daemon check
        bundle exec rspec
        bundle exec rake
        rake test
        bin/rails test
        vendor/bin/phpunit
        composer test
        dotnet test
        prove -l t
        ctest --output-on-failure
        bats test
        mix test
        swift test
        scripts/test
        ./ci/run_tests.sh
        if [ -n "$X" ]; then pytest; fi
        pytest tests/*.py | tee out
        """,
    Kind.CHECK: """
        ruff check .
        python -m mypy src
        tox -e lint
        tox run -e typing
        nox -s mypy
        black --check .
        pre-commit run -a
        npm run lint
        npx tsc --noEmit
        npx eslint .
        yarn prettier --check .
        xo
        tsd
        make lint
        golangci-lint run
        go vet ./...
        cargo clippy -- -D warnings
        cargo fmt --check
        bundle exec rubocop
        vendor/bin/phpstan analyse
        scripts/check
        """,
    Kind.SETUP: """
        pip install -e .[test]
        python -m pip install --upgrade pip
        uv sync --all-extras
        uv pip install --system -e .
        poetry install --with test
        pdm install -G test
        pipx install poetry
        python setup.py develop
        python setup.py build_ext --inplace
        npm ci
        npm install
        yarn
        yarn install --immutable
        yarn --frozen-lockfile
        pnpm i
        npm run build
        tsc -p .
        bundle install
        go mod download
        cargo build
        cargo fetch
        mvn install -DskipTests
        ./gradlew build -x test
        composer install
        make
        make deps
        bash scripts/install.sh
        tox --notest
        """,
    Kind.UNFIT: """
        sudo apt-get install -y libxml2-dev
        apt-get update
        brew install x
        docker compose up -d
        gh release create
        git push
        git submodule update --init && git clone x
        twine upload dist/*
        python -m build
        codecov
        coverage xml
        npm publish
        npm install -g npm
        npm run docs
        npm run test:e2e
        npx playwright install chromium
        curl -s x | bash
        echo "X=1" >> $GITHUB_ENV
        rm -rf src
        make docs
        mvn deploy
        gpg --import key
        kubectl apply -f x
        """,
    Kind.OTHER: """
        echo hello
        mkdir -p build
        cd packages/a
        python scripts/generate.py
        npm start
        set -e
        """,
}


@pytest.mark.parametrize(
    ("line", "expected"),
    [(line.strip(), expected) for expected, lines in KINDS.items() for line in lines.strip().splitlines()],
)
def test_kinds(line: str, expected: Kind) -> None:
    assert kind(line) is expected


@pytest.mark.parametrize(
    ("line", "inner"),
    [
        ("pytest -q", "pytest -q"),
        ("CI=1 FORCE=2 pytest -q", "pytest -q"),
        ("env A=1 pytest", "pytest"),
        ("python -X dev -m pytest -q", "pytest -q"),
        ("python test.py", "python test.py"),
        ("~/venv/bin/python3.11 -m coverage run --source x -m unittest discover", "unittest discover"),
        ("coverage run --rcfile x.ini test.py -v", "python test.py -v"),
        ("uv run --group dev --with x -- tox run -e py", "tox run -e py"),
        ("uvx --from tox-uv tox", "tox"),
        ("poetry run python -m pytest", "pytest"),
        ("npx --yes cross-env A=1 nyc --reporter text mocha -b", "mocha -b"),
        ("npx -p typescript tsc", "tsc"),
        ("pnpm --filter core exec vitest run", "pnpm --filter core exec vitest run"),
        ("pnpm exec vitest run", "vitest run"),
        ("yarn --cwd web jest", "jest"),
        ("yarn build", "yarn build"),
        ("npm exec -- jest", "jest"),
        ("xvfb-run -a -s '-screen 0 1x1x24' npm test", "npm test"),
        ("timeout -k 5 60 go test", "go test"),
        ("./node_modules/.bin/jest --ci", "jest --ci"),
        ("bundle exec rspec spec", "rspec spec"),
        ("bash ./ci/test.sh", "./ci/test.sh"),
        ("bash -c 'a b'", "bash -c 'a b'"),
        ("time", "time"),
        ("", ""),
        ("A=1", ""),
    ],
)
def test_what_a_command_starts_in_the_end(line: str, inner: str) -> None:
    assert shlex.join(unwrapped(shlex.split(line))) == inner


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        ("a\nb && c; d", ["a", "b", "c", "d"]),
        ("a || b\nc | d", ["a || b", "c | d"]),
        ("pip install \\\n  -e .\nx", ["pip install  -e .", "x"]),
        ("# first\na # why\necho a#b 'c # d'", ["a", "echo a#b 'c # d'"]),
        ('echo \'a; b\' "c && \\" d"; e', ['echo \'a; b\' "c && \\" d"', "e"]),
        ("if a; then\n  b\nelse c; fi\nd", ["if a; then\n  b\nelse c; fi", "d"]),
        ("for x in a b; do if c; then d; fi; done; e", ["for x in a b; do if c; then d; fi; done", "e"]),
        ("case x in\n a) b;;\nesac\nc", ["case x in\n a) b;;\nesac", "c"]),
        ("(cd a; b)\n{ c; d; }; e", ["(cd a; b)", "{ c; d; }", "e"]),
        ("x=$(a; b) && echo ${x:-;}", ["x=$(a; b)", "echo ${x:-;}"]),
        ("cat > f <<'END'\na; b\nEND\nc", ["cat > f <<'END'\na; b\nEND", "c"]),
        ("cat <<END\nnever ends; a", ["cat <<END\nnever ends; a"]),
        ("echo done; echo if; b", ["echo done", "echo if", "b"]),
        ("test-if a; b", ["test-if a", "b"]),
        ("'never closed; a", ["'never closed", "a"]),
        (" \n;\n&& ", []),
    ],
)
def test_a_script_is_parted_into_its_commands(script: str, commands: list[str]) -> None:
    assert parts(script) == commands


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pip install 'pytest>=8' .[test] dist/*.whl", ["pip", "install", "pytest>=8", ".[test]", "dist/*.whl"]),
        ('echo "a; b"', ["echo", "a; b"]),
        ('echo "$A"', None),
        ("echo $A", None),
        ("a > b", None),
        ("a & b", None),
        ("a `b`", None),
        ("'open", None),
    ],
)
def test_words_of_one_command(line: str, words: list[str] | None) -> None:
    assert single_words(line) == words


SHELL = st.text(alphabet=st.sampled_from("ab;&|<>()$`\"'\\ \n#{}!=-/.*[]if do done fi <<E"), max_size=120)


@settings(max_examples=300, deadline=None)
@given(SHELL | st.text(max_size=60))
def test_no_script_makes_it_raise(script: str) -> None:
    for part in [script, *parts(script)]:
        assert isinstance(kind(part), Kind)
        unwrapped(single_words(part) or [])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["npx", "-p", "env", "A=1", "uv", "run", "python", "-m", "timeout", "x", "--", ""])))
def test_no_words_make_it_raise(words: list[str]) -> None:
    unwrapped(words)
    assert isinstance(kind(shlex.join(words)), Kind)
