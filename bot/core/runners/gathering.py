"""The shell around a test command: what is set up before it, and how all reports become one file."""

from __future__ import annotations

from bot.core.reports.formats import ROOT, Format
from bot.core.runners import reporters
from bot.core.runners.folder import ENVIRONMENT, REPORT, REPORT_FOLDER
from bot.core.runners.python import PYTEST_OPTIONS

COPY = 60  # a file descriptor for what is printed and kept as well
_MAX_REPORT = 12 * 1024 * 1024  # bytes of one part's
_PATIENCE = 60  # times 0.05 seconds, for the last of what was printed; what runs on in the background is not waited for

# Options that reach their runners behind make, rake, tox and the like. Several processes of one part must not write the
# same file: pytest itself puts in the names that tox and nox give to theirs.
_FOR_PYTEST = PYTEST_OPTIONS.format(report=f"{REPORT_FOLDER}/$1.pytest\\$TOX_ENV_NAME\\$NOX_CURRENT_SESSION")
# tox hands only what it is told to its environments: the key is another in tox.ini, pyproject.toml, tox.toml, tox 3.
_THROUGH_TOX = ";".join(
    f"{section}.pass_env+=PYTEST_ADDOPTS" for section in ("testenv", "tool.tox.env_run_base", "env_run_base")
)
_FOR_RSPEC = f"--format progress --format json --out {REPORT_FOLDER}/$1.rspec"

PREAMBLE = f"""
_solvebot_root=$PWD _solvebot_code=0
: > {REPORT_FOLDER}/begun
_solvebot_begin() {{
  local at=${{PWD#"$_solvebot_root"}}
  printf '%s %s\\n' "$2" "${{at//[^[:print:]]/?}}" > {REPORT_FOLDER}/$1.head
  export {ENVIRONMENT}={REPORT_FOLDER}/$1.report TESTOPTS=-v
  export TOX_OVERRIDE="{_THROUGH_TOX}" TOX_TESTENV_PASSENV=PYTEST_ADDOPTS
  export PYTEST_ADDOPTS="{_FOR_PYTEST}" SPEC_OPTS="{_FOR_RSPEC}"
  case "$2 ${{GOFLAGS-}} " in
    "{Format.OUTPUT} "*" -v "*) ;;
    "{Format.OUTPUT} "*) export GOFLAGS="${{GOFLAGS:+$GOFLAGS }}-v" ;;
  esac
}}
_solvebot_end() {{
  local code=$? tries=0
  exec {COPY}>&-
  [ "$_solvebot_code" != 0 ] || _solvebot_code=$code
  while [ "${{1-}}" ] && kill -0 "$1" 2>/dev/null && [ $((tries += 1)) -lt {_PATIENCE} ]; do sleep 0.05; done
}}
""".strip()

BEFORE = f"rm -rf {REPORT_FOLDER}; mkdir -p {REPORT_FOLDER}" + "".join(
    f"\ncat > {path} <<'END-OF-REPORTER'{source}END-OF-REPORTER" for path, source in reporters.SOURCES.items()
)

# Java's runners write a file per class, below folders with fixed names.
_JAVA_FOLDERS = ("surefire-reports", "failsafe-reports", "test-results")
_FIND_FOLDERS = f"find . -type d \\( {' -o '.join(f'-name {name}' for name in _JAVA_FOLDERS)} \\) -prune"
REMOVE_JAVA_REPORTS = f"{_FIND_FOLDERS} -exec rm -rf {{}} +"  # Gradle does not run again what has its results

_GATHER = f"""
gather() {{
  sort | while IFS= read -r file; do
    printf '\\0%s\\n' "$1"; head -c {_MAX_REPORT} -- "$file" | tr -d '\\0'
  done
}}
of_part() {{ find {REPORT_FOLDER} -type f -path "{REPORT_FOLDER}/$1.$2*"; }}
""".strip()
_GATHER_JAVA = f"""
  {_FIND_FOLDERS} -exec find {{}} -type f -name 'TEST-*.xml' -newer {REPORT_FOLDER}/begun \\; | gather '{Format.JUNIT} '
""".rstrip()
_GATHER_PARTS = f"""
  for head in {REPORT_FOLDER}/*.head; do
    part=${{head##*/}} part=${{part%.head}}
    IFS= read -r about < "$head"
    of_part "$part" pytest | gather "{Format.JUNIT} ${{about#* }}"
    of_part "$part" rspec | gather "{Format.RSPEC} ${{about#* }}"
    case $about in
      {Format.OUTPUT}\\ *)
        [ "$(of_part "$part" pytest; of_part "$part" rspec)" ] || of_part "$part" report | gather "$about" ;;
      {Format.JAVA}\\ *|{Format.TRX}\\ *) of_part "$part" report | gather "$about"; printf '\\0{Format.NOTHING} \\n' ;;
      *) of_part "$part" report | gather "$about" ;;
    esac
  done
"""


def after(*, java: bool) -> str:
    """`java`: reports may lie in the workspace."""
    parts = f"{_GATHER_JAVA if java else ''}{_GATHER_PARTS}"
    return f"{_GATHER}\n{{\n  printf '\\0{ROOT} %s\\n' \"$PWD\"{parts}}} > {REPORT}"
