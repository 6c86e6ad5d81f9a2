"""Which of the product's own files are broken to see whether the tests are about them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.environment.files import Files
from bot.core.environment.sources import sources_to_break


@pytest.mark.parametrize(
    ("ecosystem", "paths", "broken"),
    [
        ("python", ["shop/__init__.py", "shop/a.py", "shop/deep/__init__.py", "shop/deep/b.py"], ["shop/__init__.py"]),
        ("python", ["src/shop/__init__.py", "src/shop/a.py", "tests/test_a.py"], ["src/shop/__init__.py"]),
        ("python", ["shop.py", "setup.py", "conftest.py", "noxfile.py", "docs/conf.py"], ["shop.py"]),
        ("python", ["src/one.py", "src/two.py", "scripts/x.py", "tools/y.py"], ["src/one.py", "src/two.py"]),
        (
            "python",
            ["src/space/name/__init__.py", "src/space/name/a.py", "src/space/other/__init__.py"],
            ["src/space/name/__init__.py", "src/space/other/__init__.py"],
        ),
        ("python", ["manage.py", "app/__init__.py", "app/models.py", "app/tests.py"], ["app/__init__.py"]),
        ("python", ["shop/__init__.py", "shop/tests/__init__.py", "shop/tests/test_a.py"], ["shop/__init__.py"]),
        ("node", ["lib/a.js", "index.js", "test/a.js", "x.test.js", "eslint.config.js"], ["index.js", "lib/a.js"]),
        ("node", ["src/b.ts", "src/index.ts", "src/types.d.ts", ".eslintrc.cjs"], ["src/index.ts", "src/b.ts"]),
        ("node", ["dist/index.js", "node_modules/x/index.js", "source/main.mts"], ["source/main.mts"]),
        ("go", ["a.go", "b.go", "a_test.go", "sub/x_windows.go", "sub/y.go", "vendor/z/z.go"], ["a.go", "sub/y.go"]),
        (
            "rust",
            ["src/lib.rs", "src/a.rs", "build.rs", "crates/x/src/main.rs"],
            ["src/lib.rs", "crates/x/src/main.rs"],
        ),
        (
            "java",
            [
                "src/main/java/a/A.java",
                "src/main/java/a/B.java",
                "m/src/main/kotlin/C.kt",
                "src/test/java/a/ATest.java",
            ],
            ["m/src/main/kotlin/C.kt", "src/main/java/a/A.java"],
        ),
        ("ruby", ["lib/shop.rb", "lib/shop/a.rb", "spec/a_spec.rb", "Rakefile"], ["lib/shop.rb", "lib/shop/a.rb"]),
        ("php", ["src/A.php", "tests/ATest.php"], ["src/A.php"]),
        ("", ["shop/__init__.py", "shop/a.py", "index.js"], ["shop/__init__.py", "index.js"]),
        ("python", [], []),
        ("cobol", ["a.cob"], []),
    ],
)
def test_what_is_broken(ecosystem: str, paths: list[str], broken: list[str]) -> None:
    assert sources_to_break(Files(frozenset(paths), {}), ecosystem) == tuple(broken)


def test_what_a_package_names_comes_first() -> None:
    paths = frozenset({"package.json", "a.js", "lib/api.js", "lib/web.js", "cli/index.js", "packages/x/source/x.mjs"})
    texts = {
        "package.json": '{"main": "lib/api", "exports": {".": {"import": ["./lib/web.js"]}}, "bin": "./cli", "x": 1}',
        "packages/x/package.json": '{"main": "source/x.mjs"}',
    }
    found = sources_to_break(Files(paths, texts), "node")
    assert found == ("lib/api.js", "cli/index.js", "lib/web.js", "packages/x/source/x.mjs", "a.js")


def test_there_are_not_too_many() -> None:
    assert len(sources_to_break(Files(frozenset(f"src/{n}.js" for n in range(500)), {}), "node")) == 60


@given(
    paths=st.frozensets(st.text(alphabet="ab/.pyjs_-", max_size=20), max_size=10),
    text=st.text(max_size=40) | st.just('{"main": ["..", {"a": "../../x"}, 1, null]}'),
    ecosystem=st.sampled_from(["python", "node", "go", ""]),
)
def test_only_files_that_are_there(paths: frozenset[str], text: str, ecosystem: str) -> None:
    assert paths.issuperset(sources_to_break(Files(paths, {"package.json": text}), ecosystem))
