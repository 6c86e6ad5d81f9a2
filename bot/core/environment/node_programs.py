"""Programs that scripts of package.json start, and what they are to those who want the tests."""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    TEST = "test"
    BUILD = "build"  # what is not known is taken for something that the tests after it need
    CHECK = "check"
    BROWSER = "browser"  # tests that need a browser or a whole application
    NOTHING = "nothing"  # prints, uploads, deploys, watches: left out


_TABLE: tuple[tuple[Role, str], ...] = (
    (Role.TEST, "mocha ts-mocha electron-mocha jest vitest ava tap tape jasmine jasmine-ts jasmine-node uvu lab qunit"),
    (Role.TEST, "borp bnt better-node-test poku zora pta japa xv brittle nodeunit vows expresso bats baretest riteway"),
    (
        Role.BROWSER,
        "playwright cypress karma testcafe nightwatch wdio wtr web-test-runner airtap zuul testem protractor",
    ),
    (Role.BROWSER, "codeceptjs start-server-and-test start-test xvfb-run xvfb-maybe wct polymer test-storybook"),
    (
        Role.BROWSER,
        "storybook percy chromatic backstop lhci lighthouse detox maestro browserstack-runner electron mochify",
    ),
    (Role.CHECK, "xo eslint standard semistandard ts-standard neostandard prettier biome rome oxlint oxfmt dprint"),
    (
        Role.CHECK,
        "tslint jshint jscs tsd dtslint check-dts attw publint size-limit bundlesize bundlewatch markdownlint",
    ),
    (Role.CHECK, "markdownlint-cli2 cspell knip madge depcheck depcruise ls-lint commitlint lint-staged ls-engines"),
    (Role.CHECK, "installed-check vue-tsc svelte-check flow stylelint syncpack manypkg sherif es-check type-coverage"),
    (Role.CHECK, "api-extractor alex remark eclint editorconfig-checker evalmd license-checker npmPkgJsonLint gts"),
    (
        Role.CHECK,
        "sort-package-json tsc-strict typedoc template-oss-check require-lint npm-check-updates jsonlint typos",
    ),
    (Role.NOTHING, "echo printf date true : clear exit sleep np release-it semantic-release gh-pages docker nodemon"),
    (Role.NOTHING, "docker-compose codecov coveralls aud audit-ci better-npm-audit snyk open opener git husky"),
    (Role.NOTHING, "simple-git-hooks nyc c8 istanbul only-allow changeset cat ls kill wait serve http-server"),
    (Role.BUILD, "tsc tsgo tsup tsdown unbuild rollup webpack esbuild vite parcel babel swc ncc rimraf rm del del-cli"),
    (Role.BUILD, "mkdir mkdirp cp cpr cpx cpy copyfiles mv ncp shx touch browserify microbundle bili zshy obuild next"),
    (Role.BUILD, "nuxt nuxi ng node-gyp prebuildify pegjs peggy jison nearleyc protoc napi wasm-pack preconstruct"),
    (Role.BUILD, "patch-package prisma graphql-codegen"),
)
ROLES = {name: role for role, names in _TABLE for name in names.split()}


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


# Programs with many uses: with `test` behind them, they test.
TASK_RUNNERS = _set(
    "react-scripts react-app-rewired craco tsdx dts kcd-scripts aegir vp umi-test father gulp grunt jake make just task"
    " wp-scripts web-scripts vue-cli-service"
)
# They run a file.
INTERPRETERS = _set("node tsx ts-node babel-node esmo esno jiti coffee sh bash deno bun")
# They start the command that follows.
STARTERS = _set("cross-env cross-env-shell env exec command time")
COVERAGE = _set("c8 nyc istanbul babel-istanbul isparta")
# They run scripts.
MANAGERS = _set("npm yarn pnpm bun npx run-s run-p npm-run-all npm-run-all2")
# What is there without any node_modules.
SYSTEM = _set(
    "node npm npx yarn pnpm bun deno sh bash zsh env cd rm mkdir cp mv cat test [ true false : echo printf date sleep"
    " exit export set unset git make cmake just python python3 perl ruby go cargo touch ln ls find sed awk grep xargs"
    " chmod kill wait source . exec command time ulimit trap docker docker-compose bats task"
)


def starts_something(name: str) -> bool:
    """Is it the name of a program that scripts start?"""
    return name in ROLES or name in STARTERS or name in MANAGERS or name in ("node", "tsx", "ts-node")
