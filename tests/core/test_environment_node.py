"""Node: who installs, what the scripts of package.json come to, and what is a plan of its own."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.environment.files import Files
from bot.core.environment.node import WANTED, expand, plans
from bot.core.environment.node_programs import Role
from bot.core.environment.node_scripts import MAX_STEPS, Package, lines_of, steps
from bot.core.environment.node_versions import major_to_bring, satisfies
from bot.core.environment.plan import Expanded, Plans
from bot.core.environment.tools import Tools

NODE_20 = Tools({"node": "20.20.2", "npm": "11.19.1"})
YARN = "TMPDIR=~ YARN_NODE_LINKER=node-modules"
BRING = "npm install --global --prefix ~/.local --no-audit --no-fund"


def files_of(files: dict[str, object]) -> Files:
    """Mappings are written as JSON."""
    texts = {path: text if isinstance(text, str) else json.dumps(text) for path, text in files.items()}
    return Files(frozenset(texts), {path: text for path, text in texts.items() if WANTED.fullmatch(path)})


def found(files: dict[str, object], tools: Tools = NODE_20, *, about: tuple[str, ...] = ()) -> Plans:
    return plans(files_of(files), tools, about=about)


@pytest.mark.parametrize(
    ("script", "test", "checks"),
    [
        ("xo && c8 ava && tsd", "npx ava", ("npx xo", "npx tsd")),
        ("node --test", "node --test", ()),
        ("nyc --reporter=lcov -x examples npm run unit", "npx mocha test/unit", ()),
        ("cross-env NODE_ENV=test 'A=b c' mocha -R dot", "NODE_ENV=test A='b c' npx mocha -R dot", ()),
        ("NODE_OPTIONS=--import=tsx ava", "NODE_OPTIONS=--import=tsx npx ava", ()),
        (
            "node --experimental-vm-modules node_modules/jest/bin/jest.js --coverage --coverageDirectory x",
            "NODE_OPTIONS=--experimental-vm-modules npx jest --coverage=false",
            (),
        ),
        ("node ssl.js eslint lib/**/*.js; node ssl.js mocha --exit", "npx mocha --exit", ("npx eslint lib/**/*.js",)),
        ("tsx --test test/*.ts", "node --import tsx --test test/*.ts", ()),
        ("tape 'test/**/*.js'", "npx tape 'test/**/*.js'", ()),
        ("vitest", "npx vitest run", ()),
        ("vitest --coverage --project 'unit*'", "npx vitest run --project 'unit*'", ()),
        ("jest --watchAll", "npx jest", ()),
        ("jest a.test --coverage=false", "npx jest a.test --coverage=false", ()),
        ("jest -w 2", "npx jest -w 2", ()),
        ("istanbul cover _mocha -- -R spec", "npx mocha -R spec", ()),
        ("./node_modules/.bin/mocha --watch", "npx mocha", ()),
        ("npx --no-install jest@29 a", "npx jest a", ()),
        ("npm run unit -- --bail", "npx mocha test/unit --bail", ()),
        ("yarn unit --bail && pnpm run lint", "npx mocha test/unit --bail", ("npx eslint .",)),
        ("run-s lint 'part:*'", "npx jest a && npx jest b", ("npx eslint .",)),
        ("npm-run-all -p lint -s part:**", "npx jest a && npx jest b && npx jest deep", ("npx eslint .",)),
        ("concurrently -n a,b 'npm:part:*' \"mocha x\"", "npx mocha x && npx jest a && npx jest b", ()),
        (
            "tsc --noEmit && tsc -p . && rimraf out && mocha && tsc -p types",
            "npx tsc -p . && npx rimraf out && npx mocha",
            ("npx tsc --noEmit", "npx tsc -p types"),
        ),
        ("cd lib && mocha && cd .. && ava", "(cd lib && npx mocha) && npx ava", ()),
        ("yarn mocha --exit", "npx mocha --exit", ()),
        ("react-scripts test", "npx react-scripts test", ()),
        ("bun test", "bun test", ()),
        ("node Makefile.js test", "node Makefile.js test", ()),
        ("lab -a @hapi/code -t 100 -L -Y", "npx lab -a @hapi/code", ()),
        ("bin/mocha.js a && bin/bats test", "bin/mocha.js a && bin/bats test", ()),
        ("./scripts/run-tests.sh", "./scripts/run-tests.sh", ()),
        ("ENV=a; export B=c && mocha", "ENV=a B=c npx mocha", ()),
        ("mocha | cat", "npx -c 'mocha | cat'", ()),
        ("mocha || true", "npx -c 'mocha || true'", ()),
        ("npm run missing && mocha", "npx mocha", ()),
        ("npm audit && codecov && mocha", "npx mocha", ()),
        ("gulp test", "npx gulp test", ()),
        ("", "npx mocha test/unit", ()),
        ("eslint .", "npx mocha test/unit", ()),
        ("quux --frob", "npx mocha test/unit", ()),
    ],
)  # fmt: skip
def test_what_a_script_comes_to(script: str, test: str, checks: tuple[str, ...]) -> None:
    scripts = {"test": script, "unit": "mocha test/unit", "lint": "eslint .", "part:a": "jest a", "part:b": "jest b"}
    plan = found({"package.json": {"scripts": {**scripts, "part:c:d": "jest deep"}}}).plans[0]
    assert (plan.test, plan.checks) == (test, checks)


def test_hooks_are_followed_and_browsers_are_left_out() -> None:
    scripts = {
        "pretest": "npm run lint && npm run build",
        "lint": "eslint .",
        "build": "rollup -c",
        "test": "npm run test:unit && npm run test:e2e && karma start",
        "test:unit": "jest",
        "test:e2e": "jest --config e2e.js",
        "posttest": "npx npm@'>=10' audit",
    }
    plans = found({"package.json": {"scripts": scripts}})
    assert [plan.test for plan in plans.plans] == ["npx rollup -c && npx jest", "npx jest", "CI=true npm test"]
    assert plans.plans[0].checks == ("npx eslint .",)
    assert [skipped.source for skipped in plans.skipped] == ["package.json: test:e2e", "package.json: test"]


def test_unit_tests_come_first_where_the_whole_may_start_browsers() -> None:
    scripts = {"test": "vitest", "test-unit": "vitest --project unit", "test-e2e": "vitest --project e2e"}
    tests = [plan.test for plan in found({"package.json": {"scripts": scripts}}).plans]
    assert tests == ["npx vitest run --project unit", "npx vitest run", "CI=true npm test"]


def test_types_that_vitest_checks_are_a_check() -> None:
    config = "export default {test: {typecheck: {include: ['a'], enabled: true}}}"
    package = {"scripts": {"test": "vitest run src"}}
    plan = found({"package.json": package, "vitest.config.ts": config}).plans[0]
    assert plan.test == "npx vitest run --typecheck.enabled=false src"
    assert plan.checks == ("npx vitest run --typecheck.only src",)
    unasked = found({"package.json": package, "vitest.config.ts": config.replace("true", "false")}).plans[0]
    assert (unasked.test, unasked.checks) == ("npx vitest run src", ())


def test_wireit_runs_what_its_scripts_depend_on() -> None:
    package = {
        "scripts": {"test": "wireit", "build": "wireit"},
        "wireit": {
            "test": {"command": "mocha", "dependencies": ["build", {"script": "build"}, "../other:x"]},
            "build": {"command": "tsc"},
        },
    }
    assert found({"package.json": package}).plans[0].test == "npx tsc && npx mocha"


@pytest.mark.parametrize(
    ("package", "files", "test"),
    [
        ({"devDependencies": {"vitest": "1"}}, {}, "npx vitest run"),
        ({"devDependencies": {"mocha": "1"}}, {"test/a.js": ""}, "npx mocha"),
        ({"devDependencies": {"mocha": "1"}}, {"spec/deep/a.js": ""}, "npx mocha --recursive spec"),
        ({"jest": {}}, {}, "npx jest"),
        ({}, {"jest.config.ts": ""}, "npx jest"),
        ({}, {"test/a.js": ""}, "node --test"),
        ({}, {"src/a.test.js": ""}, "node --test"),
        ({}, {"src/a.js": ""}, None),
        ({"scripts": {"test": 'echo "Error: no test specified" && exit 1'}}, {}, None),
        ({"scripts": {"test": "quux"}}, {}, "CI=true npm test"),
    ],
)  # fmt: skip
def test_a_runner_by_itself(package: dict[str, object], files: dict[str, object], test: str | None) -> None:
    assert found({"package.json": package, **files}).plans[0].test == test


@pytest.mark.parametrize(
    ("files", "tools", "setup"),
    [
        ({"package-lock.json": ""}, NODE_20, ("npm ci --no-audit --no-fund",)),
        ({}, NODE_20, ("npm install --no-package-lock --no-audit --no-fund",)),
        (
            {"pnpm-lock.yaml": "lockfileVersion: '6.0'\n"},
            NODE_20,
            (f"{BRING} pnpm@8", "pnpm install --frozen-lockfile"),
        ),
        ({"pnpm-lock.yaml": ""}, Tools({"npm": "11.0.0", "pnpm": "9.1.0"}), ("pnpm install --frozen-lockfile",)),
        (
            {"yarn.lock": ""},
            NODE_20,
            (f"{BRING} yarn@1", "yarn install --frozen-lockfile --non-interactive --ignore-engines"),
        ),
        (
            {"yarn.lock": "", ".yarnrc.yml": ""},
            NODE_20,
            (f"{BRING} @yarnpkg/cli-dist@4", f"{YARN} yarn install --immutable"),
        ),
        (
            {"yarn.lock": "", ".yarnrc.yml": "", ".yarn/releases/yarn-4.1.0.cjs": ""},
            NODE_20,
            (f"{YARN} node .yarn/releases/yarn-4.1.0.cjs install --immutable",),
        ),
        ({"bun.lock": ""}, NODE_20, (f"{BRING} bun", "bun install --frozen-lockfile")),
    ],
)
def test_the_lock_file_decides_who_installs(files: dict[str, object], tools: Tools, setup: tuple[str, ...]) -> None:
    package = {"scripts": {"test": "jest"}, "devDependencies": {"jest": "29"}}
    assert found({"package.json": package, **files}, tools).plans[0].setup == setup


@pytest.mark.parametrize(
    ("said", "have", "brought"),
    [
        ("pnpm@9.1.0+sha512.abc", {}, f"{BRING} pnpm@9.1.0"),
        ("pnpm@9.1.0", {"pnpm": "9.0.3"}, ""),
        ("pnpm@9.1.0", {"pnpm": "8.0.0"}, f"{BRING} pnpm@9.1.0"),
        ("yarn@1.22.22", {}, f"{BRING} yarn@1.22.22"),
        ("yarn@4.5.0", {}, f"{BRING} @yarnpkg/cli-dist@4.5"),
        ("bun@1.2.3", {}, f"{BRING} bun@1.2.3"),
        ("npm@10.0.0", {}, ""),
        ("pnpm@$(id)", {}, f"{BRING} pnpm@9"),
    ],
)
def test_the_manifest_names_the_package_manager(said: str, have: dict[str, str], brought: str) -> None:
    package = {"packageManager": said, "devDependencies": {"jest": "29"}}
    setup = found({"package.json": package}, Tools({"node": "22.1.0", "npm": "11.0.0", **have})).plans[0].setup
    assert setup[:-1] == ((brought,) if brought else ())


def test_the_lock_file_is_trusted_by_those_who_would_ask_for_every_package() -> None:
    package = {"packageManager": "pnpm@11.1.0", "dependencies": {"a": "1"}}
    assert (
        found({"pnpm-lock.yaml": "", "package.json": package}).plans[0].setup[-1]
        == "pnpm install --frozen-lockfile --config.trust-lockfile=true"
    )


def test_each_way_to_install_is_a_plan() -> None:
    package = {"scripts": {"test": "jest"}, "devDependencies": {"jest": "29", "puppeteer": "1"}}
    setups = [plan.setup for plan in found({"package.json": package, "package-lock.json": ""}).plans]
    assert setups == [
        ("PUPPETEER_SKIP_DOWNLOAD=1 npm ci --no-audit --no-fund",),
        ("PUPPETEER_SKIP_DOWNLOAD=1 npm ci --no-audit --no-fund --ignore-scripts",),
        ("PUPPETEER_SKIP_DOWNLOAD=1 npm ci --no-audit --no-fund",),  # and npm test
        (
            "PUPPETEER_SKIP_DOWNLOAD=1 npm install --no-package-lock --legacy-peer-deps --ignore-scripts --no-audit"
            " --no-fund",
        ),
    ]


def test_a_newer_node_is_brought_where_the_sandbox_has_an_older_one() -> None:
    plan = found({"package.json": {"scripts": {"test": "node --test"}, "engines": {"node": ">=22.12"}}}).plans[0]
    assert plan.setup == (f"{BRING} node@22",)
    assert "The repository wants Node 22, the sandbox has 20.20.2" in plan.notes[0]
    assert "SANDBOX_TOOLCHAINS" in plan.notes[0]


def test_what_developers_use_is_a_later_plan() -> None:
    package = {"scripts": {"test": "jest"}, "devDependencies": {"jest": "29"}}
    setups = [plan.setup[0] for plan in found({"package.json": package, ".nvmrc": "v24.1.0\n"}).plans]
    assert setups[:2] == ["npm install --no-package-lock --no-audit --no-fund", f"{BRING} node@24"]


@pytest.mark.parametrize(
    ("version", "wanted", "yes"),
    [
        ((20, 20, 2), ">=18", True),
        ((20, 20, 2), ">=22.12.0", False),
        ((20, 20, 2), "^20.19.0 || >=22.12.0", True),
        ((20, 18, 0), "^20.19.0 || >=22.12.0", False),
        ((20, 20, 2), "^18 || ^22.11", False),
        ((20, 20, 2), ">= 16 < 20", False),
        ((20, 20, 2), "20.x", True),
        ((20, 20, 2), "18 - 20", True),
        ((20, 20, 2), "18 - 19", False),
        ((20, 20, 2), "~20.20", True),
        ((20, 20, 2), ">20", False),
        ((20, 20, 2), "<=20", True),
        ((20, 20, 2), "*", True),
        ((20, 20, 2), "", True),
        ((20, 20, 2), "lts/*", True),
    ],
)
def test_ranges_of_versions(version: tuple[int, ...], wanted: str, yes: bool) -> None:
    assert satisfies(version, wanted) is yes


@pytest.mark.parametrize(
    ("package", "pinned", "major"),
    [
        ({"engines": {"node": ">=22"}}, "", 22),
        ({"engines": {"node": ">=22"}}, "24", 24),
        ({"engines": {"node": ">=25"}}, "", 25),
        ({"engines": {"node": "<18"}}, "", None),  # none that we would bring
        ({"packageManager": "pnpm@11.1.0"}, "", 22),
        ({"packageManager": "pnpm@10.1.0"}, "", None),
        ({"engines": {"node": ">=18"}}, "lts/iron", None),
    ],
)
def test_the_major_that_is_brought(package: dict[str, object], pinned: str, major: int | None) -> None:
    assert major_to_bring(files_of({"package.json": package, ".nvmrc": pinned}), NODE_20) == major
    assert major_to_bring(files_of({"package.json": package, ".nvmrc": pinned}), Tools({})) is None


def test_without_node_nothing_is_tried() -> None:
    plans = found({"package.json": {"scripts": {"test": "jest"}}}, Tools({"python3": "3.11.2"}))
    assert plans.plans == ()
    assert "SANDBOX_TOOLCHAINS" in plans.skipped[0].reason


# ---------------------------------------------------------------------------------------------------------- monorepos

MEMBER = {"scripts": {"test": "vitest"}}
MONOREPO: dict[str, object] = {
    "packages/a/package.json": {"name": "@x/a", **MEMBER},
    "packages/b/package.json": {"name": "@x/b", "scripts": {"test": "tsc && mocha", "lint": "eslint ."}},
    "packages/c/package.json": {"name": "@x/c"},
    "packages/a/test/fixtures/p/package.json": MEMBER,
    "examples/e/package.json": MEMBER,
}
BOTH = "(cd packages/a && npx vitest run) && (cd packages/b && npx tsc && npx mocha)"


@pytest.mark.parametrize(
    ("script", "test"),
    [
        ("pnpm -r test", BOTH),
        ("pnpm -r --parallel run test", BOTH),
        ("pnpm --filter './packages/*' test", BOTH),
        ("pnpm --filter @x/a test", "(cd packages/a && npx vitest run)"),
        ("npm test --workspaces --if-present", BOTH),
        ("npm run test -w @x/b", "(cd packages/b && npx tsc && npx mocha)"),
        ("npm --prefix packages/a test", "(cd packages/a && npx vitest run)"),
        ("yarn workspaces foreach -A run test", BOTH),
        ("yarn workspaces run test", BOTH),
        ("yarn workspace @x/a test", "(cd packages/a && npx vitest run)"),
        ("lerna run test --stream", BOTH),
        ("turbo run test", BOTH),
        ("turbo test --filter=@x/a", "(cd packages/a && npx vitest run)"),
        ("nx run-many -t test,lint", BOTH),
        ("nx test a", "(cd packages/a && npx vitest run)"),
        ("cd packages/a && npm test", "(cd packages/a && npx vitest run)"),
        ("vitest run", "npx vitest run"),
        ("", BOTH),
    ],
)
def test_scripts_that_run_those_of_packages(script: str, test: str) -> None:
    files = {"package.json": {"workspaces": ["packages/*"], "scripts": {"test": script}}, **MONOREPO}
    assert found(files).plans[0].test == test


@pytest.mark.parametrize(
    "top",
    [
        {"package.json": {"workspaces": ["packages/*"]}},
        {"package.json": {"workspaces": {"packages": ["./packages/**", "!packages/c"]}}},
        {"package.json": {}, "pnpm-workspace.yaml": "packages:\n  - 'packages/*'\n", "pnpm-lock.yaml": ""},
        {"package.json": {}, "lerna.json": '{"packages": ["packages/*"]}'},
        {"package.json": {}, "lerna.json": "{}"},
    ],
)
def test_who_names_the_packages(top: dict[str, object]) -> None:
    assert found({**top, **MONOREPO}).plans[0].test == BOTH


def test_the_packages_that_the_issue_is_about_come_first_and_few_are_run() -> None:
    members = {f"packages/p{number:02}/package.json": MEMBER for number in range(15)}
    files: dict[str, object] = {"package.json": {"workspaces": ["packages/*"]}, **members}
    plan = found(files, about=("packages/p14/src/a.ts",)).plans[0]
    assert plan.test is not None
    assert plan.test.startswith("(cd packages/p14 && npx vitest run) && (cd packages/p00 && npx vitest run) && ")
    assert plan.test.count("vitest") == 12
    assert plan.notes == ("Tests of 3 more packages are not run: packages/p11, packages/p12, packages/p13.",)


def test_packages_that_import_what_is_built_of_each_other_are_built_first() -> None:
    files: dict[str, object] = {
        "package.json": {"workspaces": ["packages/*"], "scripts": {"build": "turbo build"}},
        "packages/a/package.json": {"name": "a", "main": "./dist/index.js", **MEMBER},
        "packages/b/package.json": {"name": "b", "main": "src/b.js", "dependencies": {"a": "*"}, **MEMBER},
        "packages/b/src/b.js": "",
    }
    both = "(cd packages/a && npx vitest run) && (cd packages/b && npx vitest run)"
    assert [plan.test for plan in found(files).plans[:3]] == [
        f"npm run build && {both}",
        f"npm run build && {both}",
        both,
    ]
    files["packages/a/dist/index.js"] = ""
    assert found(files).plans[0].test == both


@pytest.mark.parametrize(
    ("config", "tests"),
    [
        ("", ["npm run build && npx vitest run", "npx vitest run"]),
        ("resolve: {alias: {}}", ["npx vitest run", "npm run build && npx vitest run"]),
        ("resolve: {conditions: ['src']}", ["npx vitest run", "npm run build && npx vitest run"]),
    ],
)
def test_a_runner_at_the_top_that_is_led_to_sources_needs_no_build(config: str, tests: list[str]) -> None:
    scripts = {"build": "turbo build", "test": "vitest"}
    files: dict[str, object] = {
        "package.json": {"workspaces": ["packages/*"], "scripts": scripts},
        "vitest.config.ts": config,
        "packages/a/package.json": {
            "name": "a",
            "exports": {".": "./dist/index.js", "./package.json": "./package.json"},
        },
        "packages/b/package.json": {"name": "b", "main": "src/b.js", "dependencies": {"a": "*"}},
    }
    assert list(dict.fromkeys(plan.test for plan in found(files).plans))[:2] == tests


def test_a_runner_that_is_one_of_the_packages_has_to_be_built() -> None:
    files: dict[str, object] = {
        "package.json": {"workspaces": ["packages/*"], "scripts": {"build": "turbo build", "test": "vitest"}},
        "vitest.config.ts": "alias",
        "packages/vite/package.json": {"name": "vite", "exports": {".": "./dist/a.js", "./b": {"types": "./b.d.ts"}}},
        "packages/vite/b.d.ts": "",
        "packages/b/package.json": {"name": "b", "dependencies": {"vite": "*"}},
    }
    assert found(files).plans[0].test == "npm run build && npx vitest run"


@pytest.mark.parametrize(
    ("command", "expanded"),
    [
        (["npm", "test"], Expanded((), ("npx tsc", "npx jest"), ("npx eslint .",))),
        (["yarn", "run", "unit"], Expanded((), ("npx jest",))),
        (["npm", "run", "lint"], Expanded((), (), ("npx eslint .",))),
        (["npm", "run", "missing"], None),
        (["npm", "ci"], None),
        (["pytest"], None),
        ([], None),
    ],
)
def test_commands_of_others_are_taken_apart(command: list[str], expanded: Expanded | None) -> None:
    scripts = {"test": "npm run lint && tsc && npm run unit", "unit": "jest", "lint": "eslint ."}
    assert expand(command, files_of({"package.json": {"scripts": scripts}}), NODE_20) == expanded


# ------------------------------------------------------------------------------------------------------------ hostile


def test_scripts_that_run_each_other_end() -> None:
    scripts = {name: " && ".join(f"npm run {other}" for other in "abcdefgh") for name in "abcdefgh"}
    assert len(steps(Package("", {"scripts": {**scripts, "test": "npm run a; mocha"}}), (), "test")) <= MAX_STEPS


@pytest.mark.parametrize("script", ["'" * 9999, '"' * 9999, "(" * 9999, "a&&" * 9999, "\\" * 9999, "x" * 99_999])
def test_long_scripts_are_cheap(script: str) -> None:
    found({"package.json": {"scripts": {"test": script}}})


def test_directories_are_quoted() -> None:
    scripts = {"test": "cd 'a; rm -rf b' && mocha"}
    assert lines_of(steps(Package("", {"scripts": scripts}), (), "test")) == ["(cd 'a; rm -rf b' && npx mocha)"]


@pytest.mark.parametrize("way", ["cd / && mocha", "cd ../.. && mocha", "cd $HOME && mocha", "cd ~ && mocha"])
def test_nothing_leads_out_of_the_repository(way: str) -> None:
    found = steps(Package("", {"scripts": {"test": way}}), (), "test")
    assert [step.directory for step in found if step.role is Role.TEST] == [""]


SOME_WORDS = (
    "npm run a b test && ; || | ( ) ' \" $( ` cross-env A=b c8 npx -p yarn pnpm -r --filter x turbo nx run-s a:* -- cd"
    " .. / vitest jest --coverage node -r lerna concurrently npm:a export = wireit"
)
WORDS = st.sampled_from(SOME_WORDS.split())
SCRIPT = st.lists(WORDS, max_size=12).map(" ".join)
PACKAGE = st.fixed_dictionaries(
    {},
    optional={
        "scripts": st.dictionaries(st.sampled_from(["test", "a", "b", "pretest", "build"]), SCRIPT | st.none()),
        "workspaces": st.lists(st.text(max_size=6), max_size=3) | st.integers(),
        "engines": st.dictionaries(st.just("node"), st.text(max_size=12) | st.integers()),
        "packageManager": st.text(max_size=12) | st.integers(),
        "main": st.text(max_size=5) | st.none(),
        "exports": st.recursive(st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)),
        "wireit": st.dictionaries(st.just("test"), st.dictionaries(st.just("dependencies"), st.lists(SCRIPT))),
        "devDependencies": st.dictionaries(st.sampled_from(["mocha", "jest", "x"]), st.text(max_size=3)),
    },
)


@settings(max_examples=300, deadline=None)
@given(PACKAGE, PACKAGE, st.text(max_size=40), SCRIPT)
def test_nothing_that_a_repository_says_makes_it_raise(
    top: dict[str, object], member: dict[str, object], text: str, command: str
) -> None:
    files = {"package.json": top, "packages/a/package.json": member, "pnpm-workspace.yaml": text, ".nvmrc": text}
    for plan in found(dict(files)).plans:
        assert plan.test != ""
    expand(command.split(), files_of(dict(files)), NODE_20)
