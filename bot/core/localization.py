"""Where in the repository the issue probably is: files it names, files that its words point to, fixes like it.

Everything is computed from texts: the issue, the list of paths, the counts that `git grep` found for our keywords, and
the subjects of past commits. It saves the agents their first five or ten commands, and all of them the same ones.
"""

from __future__ import annotations

import heapq
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.model import Sha, Task

MAX_KEYWORDS = 20
MAX_NAMED = 20
MAX_RANKED = 10
MAX_FIXES = 5


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that the text names, with the lines it names of it."""

    path: str
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RankedFile:
    path: str
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class PastFix:
    sha: Sha
    subject: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Localisation:
    named: tuple[NamedFile, ...] = ()
    ranked: tuple[RankedFile, ...] = ()
    fixes: tuple[PastFix, ...] = ()


class Commit(Protocol):
    """What we need of a past commit; ports.PastCommit is one."""

    @property
    def sha(self) -> Sha: ...
    @property
    def subject(self) -> str: ...
    @property
    def paths(self) -> tuple[str, ...]: ...


def localize(
    task: Task, paths: Sequence[str], grep_hits: Mapping[str, Mapping[str, int]], history: Sequence[Commit]
) -> Localisation:
    """`grep_hits`: for each of the task's `keywords`, path -> number of lines."""
    text = "\n".join([task.title, task.body, *(remark.body for remark in task.remarks)])
    named = named_files(text, paths)
    ranked = rank(paths, grep_hits, named)
    likely = [*(file.path for file in named), *(file.path for file in ranked)]
    fixes = similar_commits(history, keywords(task.title, task.body), likely)
    return Localisation(tuple(named), tuple(ranked), tuple(fixes))


# ---------------------------------------------------------------------------------------------------------- keywords

_PLACE = re.compile(r"\bhttps?://\S+|(?:[/\\][\w.@-]+){2,}[/\\]")  # addresses, and the directories of absolute paths
_CODE = re.compile(r"`([^`\n]{2,200})`")
_QUOTED = re.compile(r"(?<!\w)\"([^\"\n]{6,100})\"|“([^”\n]{6,100})”|(?<!\w)'([^'\n]{6,100})'(?!\w)")
_MESSAGE = re.compile(r"^[ \t>]*([\w.]{1,100}): (.{6,300})$", re.MULTILINE)
_FAILS = re.compile(r"error|exception|panic|fatal", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d]\w*")
_EXCEPTION = re.compile(r"[A-Z]\w*(?:Error|Exception|Warning)")
_IDENTIFIER = re.compile(r"\w*[a-z0-9][A-Z]\w*|\w+_\w+|_\w+|[A-Za-z]+[0-9]\w*")
_VARIABLE = re.compile(r"[\"'`“”‘’<>{}\[\]()]+|\S*[0-9/\\]\S*")
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        about above actual actually after again against all also although always and another any anything are because
        been before being below between both bug but call called calls can cannot case cause change code command could
        current currently day describe described description different does doesn doing done down each either else
        environment even every everything exactly example expect expected expects fail failed failing fails failure
        false file files find first fix following follows for found from get gets getting give given gives goes got had
        happen happened happens has have having help here how however import instead into issue issues its just know
        last latest let library like line lines linux local long look looks macos make makes many may maybe message
        might more most much must name need needed new none not nothing now null occurs only open other otherwise our
        out output over own package please print possible problem project python question raise raised raises reason
        recent release report reproduce reproduction result results return returned returns run running runs same see
        seems self set should show shows simple since some something somewhere sometimes steps still string such sure
        system test tests text than thanks that the their them then there these they thing this those though through
        time times traceback true trying type under unexpected unless until use used user uses using value values
        version very via wait want was way well were what when where whether which while who why will windows with
        within without work working works would wrong yes you your async await class const def elif end except export
        finally func function global goto impl interface lambda method module package private public require static
        struct super switch throw throws trait try typeof var void yield main node java ruby rust github com www html
        """,
    )
)


def keywords(title: str, body: str) -> list[str]:
    """What to search the repository for, best first: exception and other names, messages, words of the title.

    A name counts by its shape (an exception's, an identifier's), more in the title and in backticks; plain words
    only from the title, or when the body repeats them. Messages are searched without their changing parts.
    """
    text = _PLACE.sub(" ", f"{title}\n{body}")
    scores: dict[str, float] = defaultdict(float)
    spelling: dict[str, str] = {}

    def add(word: str, score: float) -> None:
        scores[spelling.setdefault(word.casefold(), word)] += score

    for message in _messages(text):
        add(message, 4)
    for code in _CODE.findall(text):
        for name in _NAME.findall(code):
            if _is_telling(name):
                add(name, 2)
    for name in _NAME.findall(_PLACE.sub(" ", title)):
        if _is_telling(name):
            add(name, 2)
    seen: dict[str, int] = defaultdict(int)
    for name in _NAME.findall(text):
        if not _is_telling(name):
            continue
        seen[name] += 1
        if seen[name] <= 3:  # a name in every line of a log is no better than one in three
            add(name, 4 if _EXCEPTION.fullmatch(name) else 3 if _IDENTIFIER.fullmatch(name) else 0.5)
    places = {word: place for place, word in enumerate(scores)}
    best = sorted((word for word, score in scores.items() if score >= 1), key=lambda w: (-scores[w], places[w]))
    return best[:MAX_KEYWORDS]


def _is_telling(name: str) -> bool:
    return 3 <= len(name) <= 60 and not name.startswith("__") and name.casefold() not in _STOP_WORDS


def _messages(text: str) -> Iterable[str]:
    """Quoted texts and what follows an exception's name: of each the longest fixed part, if it has several words."""
    quoted = [next(filter(None, groups)) for groups in _QUOTED.findall(text)]
    raised = [message for name, message in _MESSAGE.findall(text) if _FAILS.search(name)]
    for message in [*raised, *quoted]:
        parts = [part.strip(" .,:;!?-") for part in _VARIABLE.split(message)]
        longest = max(parts, key=len)
        if " " in longest and len(longest) <= 80:
            yield longest


# ------------------------------------------------------------------------------------------------------- named files

# at com.acme.Parser.parse(Parser.java:42): the package says in which directory.
_JAVA_FRAME = re.compile(r"(?<![\w$.])((?:[\w$]+\.)+)[\w$]+\.[\w$<>]+\(([\w$]+\.(?:java|kt|scala|groovy)):(\d{1,6})\)")
_PATH = re.compile(r"[\w.@+~$/\\-]+")
_LINE = re.compile(r":(\d{1,6})|\", line (\d{1,6})|#L(\d{1,6})|:line (\d{1,6})")
_ELSEWHERE = re.compile(r"site-packages|dist-packages|node_modules|/usr/lib|/lib/python|/gems/|/rustc/|/go/src|/go/pkg")


def named_files(text: str, paths: Sequence[str]) -> list[NamedFile]:
    """Files of the repository that the text names, in its order: in stack traces of any language, links and prose.

    A name is matched from its end, because the machine it comes from keeps the repository elsewhere: either one path
    ends with the other, or their last two parts are the same. A bare file name that fits more than three is no name.
    """
    index = _by_ending(paths)
    text = _JAVA_FRAME.sub(lambda frame: f" {frame[1].replace('.', '/')}{frame[2]}:{frame[3]} ", text)
    found: dict[str, list[int]] = {}
    for token in _PATH.finditer(text):
        name = token[0].rstrip(".-").replace("\\", "/")
        if "." not in name and "/" not in name:
            continue
        line = _LINE.match(text, token.end())
        for path in _matching(name, index):
            lines = found.setdefault(path, [])
            if line and (number := int(next(filter(None, line.groups())))) not in lines:
                lines.append(number)
    return [NamedFile(path, tuple(lines[:5])) for path, lines in found.items()][:MAX_NAMED]


def _by_ending(paths: Sequence[str]) -> Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]:
    """The parts of each path, under its last part and under its last two."""
    index: dict[tuple[str, ...], list[tuple[str, ...]]] = defaultdict(list)
    for path in paths:
        parts = tuple(path.split("/"))
        for ending in {parts[-1:], parts[-2:]}:
            index[ending].append(parts)
    return index


def _matching(name: str, index: Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]) -> list[str]:
    parts = tuple(part for part in name.split("/") if part not in ("", ".", ".."))
    candidates = index.get(parts[-2:], ()) if parts else ()
    if len(parts) > 1 and not candidates and not _ELSEWHERE.search(name):
        candidates = [path for path in index.get(parts[-1:], ()) if len(path) == 1]
    shared = [_shared(parts, path) for path in candidates]
    most = max(shared, default=0)
    best = [path for path, count in zip(candidates, shared, strict=True) if count == most]
    return ["/".join(path) for path in best] if len(best) <= 3 else []


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    count = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine != theirs:
            break
        count += 1
    return count


# -------------------------------------------------------------------------------------------------------------- rank

_WORTH = (
    (re.compile(r"(.*/)?(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum|[^/]*\.lock)"), 0.0),
    (re.compile(r"(.*/)?(vendor|vendored|_vendor|third_party|node_modules|dist|build)/.*"), 0.1),
    (re.compile(r".*(\.min\.(js|css)|_pb2(_grpc)?\.pyi?|\.pb\.go|\.snap|\.po|\.svg|\.map|\.generated\..*)"), 0.1),
    (re.compile(r"(.*/)?(changelog|changes|history|news|authors|license)[^/]*", re.IGNORECASE), 0.1),
    (re.compile(r"(.*/)?docs?/.*|.*\.(md|rst|txt|adoc)", re.IGNORECASE), 0.3),
    (re.compile(r"(.*/)?(tests?|specs?|__tests__|testdata|fixtures)/.*"), 0.5),
    (re.compile(r"(.*/)?(test_[^/]*|[^/]*(_test|_spec|\.test|\.spec|Tests?)\.\w+)"), 0.5),
)
_NAMED_BONUS = 10.0


def rank(
    paths: Sequence[str], grep_hits: Mapping[str, Mapping[str, int]], named: Sequence[NamedFile]
) -> list[RankedFile]:
    """The ten best files. A word counts the more, the fewer files have it, and a little more for each line.

    A word in the path counts twice, a file that the issue names counts ten. Tests are worth half, documentation less,
    vendored and generated files a tenth, lock files nothing.
    """
    scores: dict[str, float] = defaultdict(float)
    weights: dict[str, float] = {}
    lowered = {path: path.casefold() for path in paths}
    for word, hits in grep_hits.items():
        in_path = [path for path, low in lowered.items() if _is_in(word, low)]
        weights[word] = math.log((1 + len(paths)) / (len({*hits, *in_path}) or 1))
        for path, lines in hits.items():
            scores[path] += weights[word] * (1 + math.log(max(1, min(lines, 20))) / 2)
        for path in in_path:
            scores[path] += 2 * weights[word]
    for file in named:
        scores[file.path] += _NAMED_BONUS
    # What a path is worth is asked of the best few hundred only: it costs more than all else.
    best = heapq.nlargest(300, (path for path in scores if path in lowered), key=lambda path: (scores[path], path))
    ranked = [(round(scores[path] * _worth(path), 3), path) for path in best]
    ranked = sorted((item for item in ranked if item[0] > 0), key=lambda item: (-item[0], item[1]))[:MAX_RANKED]
    return [RankedFile(path, score, _why(path, grep_hits, weights)) for score, path in ranked]


def _is_in(word: str, path: str) -> bool:
    return len(word) > 3 and word.casefold() in path


def _worth(path: str) -> float:
    return next((worth for pattern, worth in _WORTH if pattern.fullmatch(path)), 1.0)


def _why(path: str, grep_hits: Mapping[str, Mapping[str, int]], weights: Mapping[str, float]) -> str:
    """The rarest of the words that led here."""
    words = [word for word, hits in grep_hits.items() if path in hits or _is_in(word, path.casefold())]
    rarest = sorted(words, key=lambda word: (-weights[word], word))[:4]
    return f"has {', '.join(rarest)}" if rarest else "named in the issue"


# ----------------------------------------------------------------------------------------------------- similar fixes

_FIX = re.compile(
    r"\b(fix(es|ed|ing)?|bug|crash(es)?|handle[sd]?|correct(s|ed|ly)?|resolve[sd]?|prevent|regression|wrong|error)\b|#\d+",
    re.IGNORECASE,
)
_NO_FIX = re.compile(r"^(merge|bump|release|revert|chore|docs|style|ci)\b|\btypos?\b", re.IGNORECASE)
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def similar_commits(history: Sequence[Commit], words: Sequence[str], paths: Sequence[str]) -> list[PastFix]:
    """Past fixes of the same corner: their subject shares words with the issue, or they changed the likely files.

    One shared word alone is chance, so it takes a likely file or two words. A commit over many files says less about
    each of them.
    """
    wanted = {part for word in words for part in _parts(word)}
    likely = set(paths)
    fixes = [commit for commit in history if _FIX.search(commit.subject) and not _NO_FIX.search(commit.subject)]
    parts = [_parts(commit.subject) for commit in fixes]
    common: dict[str, int] = defaultdict(int)
    for subject in parts:
        for part in subject:
            common[part] += 1
    scored = []
    for place, (commit, subject) in enumerate(zip(fixes, parts, strict=True)):
        shared = wanted & subject
        touched = likely & set(commit.paths)
        if touched or len(shared) >= 2:
            score = sum(math.log((1 + len(fixes)) / common[part]) for part in sorted(shared))
            scored.append((-score - 3 * len(touched) / math.sqrt(len(commit.paths) or 1), place, commit))
    best = sorted(scored, key=lambda item: item[:2])[:MAX_FIXES]
    return [PastFix(commit.sha, commit.subject, tuple(commit.paths[:5])) for _, _, commit in best]


def _parts(text: str) -> set[str]:
    """`CsvReader.read_row` as csv, reader, read, row."""
    return {part.lower() for part in _PART.findall(text) if len(part) > 2 and part.lower() not in _STOP_WORDS}
