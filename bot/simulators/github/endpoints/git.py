"""The Git Data API: refs, blobs, trees, commits."""

from __future__ import annotations

import asyncio
import base64
import binascii
from datetime import datetime

from bot.simulators.github.actions import repositories
from bot.simulators.github.calls import CREATED, IN_REPOSITORY, NO_CONTENT, Answer, Call, Endpoint
from bot.simulators.github.gitdata import (
    BLOB_MODES,
    EMPTY_TREE,
    SUBMODULE_MODE,
    TREE_MODE,
    BadRef,
    Entry,
    GitStore,
    NoSuchObject,
    NoSuchPath,
    Signature,
)
from bot.simulators.github.refusals import Refusal, not_found, unprocessable
from bot.simulators.github.state import Json, Repository, Verification

READ, WRITE = "contents: read", "contents: write"
LARGEST_TREE = 100_000  # entries of a recursive listing
UNSIGNED = Verification(False, "unsigned")


def _git(call: Call) -> GitStore:
    """409 while there is no commit: the Git Data API needs one to be there."""
    if call.repo.git.is_empty:
        raise Refusal(409, "Git Repository is empty.")
    return call.repo.git


# ------------------------------------------------------------------------------------------------------------- refs


def _ref_shape(call: Call, ref: str, sha: str) -> Json:
    url = call.stage.shapes.repository_url(call.repo)
    return {
        "ref": ref,
        "node_id": f"REF_kwDO{sha[:16]}",
        "url": f"{url}/git/{ref}",
        "object": {"sha": sha, "type": "commit", "url": f"{url}/git/commits/{sha}"},
    }


async def get_ref(call: Call) -> Answer:
    ref = f"refs/{call.parameters['ref']}"
    try:
        sha = _git(call).ref(ref)
    except BadRef as error:
        raise not_found() from error
    if sha is None:
        raise not_found()
    return Answer(_ref_shape(call, ref, sha))


async def matching_refs(call: Call) -> Answer:
    found = _git(call).refs(f"refs/{call.parameters['ref']}")
    return Answer([_ref_shape(call, ref, sha) for ref, sha in found.items()])


async def create_ref(call: Call) -> Answer:
    _git(call)
    ref, sha = call.text("ref"), call.text("sha")
    if not ref.startswith("refs/") or ref.count("/") < 2:
        raise unprocessable("Reference name must start with 'refs/' and contain at least one more slash.")
    repositories.create_ref(call.stage, call.repo, ref, sha, call.token)
    return Answer(_ref_shape(call, ref, sha), CREATED)


async def update_ref(call: Call) -> Answer:
    _git(call)
    ref, sha = f"refs/{call.parameters['ref']}", call.text("sha")
    repositories.update_ref(call.stage, call.repo, ref, sha, call.bot, force=call.flag("force"), token=call.token)
    return Answer(_ref_shape(call, ref, sha))


async def delete_ref(call: Call) -> Answer:
    _git(call)
    repositories.delete_ref(call.stage, call.repo, f"refs/{call.parameters['ref']}", call.bot)
    return NO_CONTENT


# ------------------------------------------------------------------------------------------------------------ blobs


async def create_blob(call: Call) -> Answer:
    git, content = _git(call), call.text("content")
    match call.optional_text("encoding") or "utf-8":
        case "utf-8":
            data = content.encode()
        case "base64":
            try:
                data = base64.b64decode("".join(content.split()), validate=True)
            except binascii.Error as error:
                raise unprocessable("content is not valid Base64") from error
        case other:
            raise unprocessable(f"{other} is not a valid encoding.")
    sha = await asyncio.to_thread(git.blob, data)
    return Answer({"sha": sha, "url": f"{call.stage.shapes.repository_url(call.repo)}/git/blobs/{sha}"}, CREATED)


async def get_blob(call: Call) -> Answer:
    git, sha = _git(call), call.parameters["sha"]
    try:
        content = await asyncio.to_thread(git.read, sha, "blob")
    except NoSuchObject as error:
        raise not_found() from error
    url = f"{call.stage.shapes.repository_url(call.repo)}/git/blobs/{sha}"
    encoded = base64.encodebytes(content).decode()
    return Answer({"sha": sha, "url": url, "size": len(content), "content": encoded, "encoding": "base64"})


# ------------------------------------------------------------------------------------------------------------ trees

_TYPES = {TREE_MODE: "tree", SUBMODULE_MODE: "commit"}


def _tree_shape(call: Call, sha: str, *, recursive: bool) -> Json:
    git, url = call.repo.git, call.stage.shapes.repository_url(call.repo)
    entries = list(git.walk(sha)) if recursive else list(git.tree(sha).items())
    shown: list[Json] = []
    for path, entry in entries[:LARGEST_TREE]:
        kind = _TYPES.get(entry.mode, "blob")
        item: Json = {"path": path, "mode": entry.mode, "type": kind, "sha": entry.sha}
        if kind != "commit":
            item["url"] = f"{url}/git/{kind}s/{entry.sha}"
        if kind == "blob":
            item["size"] = len(git.read(entry.sha, "blob"))
        shown.append(item)
    return {"sha": sha, "url": f"{url}/git/trees/{sha}", "tree": shown, "truncated": len(entries) > LARGEST_TREE}


async def get_tree(call: Call) -> Answer:
    sha = _peel(_git(call), call.parameters["sha"])
    if sha is None:
        raise not_found()
    recursive = bool(call.query("recursive"))
    return Answer(await asyncio.to_thread(_tree_shape, call, sha, recursive=recursive))


def _peel(git: GitStore, name: str) -> str | None:
    """A tree by its sha, or by anything that names a commit."""
    if name == EMPTY_TREE or git.has(name, "tree"):
        return name
    commit = git.resolve(name)
    return git.commit(commit).tree if commit else None


async def create_tree(call: Call) -> Answer:
    git = _git(call)
    base_name = call.optional_text("base_tree")
    base = EMPTY_TREE if base_name is None else _peel(git, base_name)
    if base is None:
        raise unprocessable("base_tree is not a valid tree oid")
    items = call.objects("tree")
    if not items:
        raise unprocessable("Invalid tree info")
    changes = {_tree_path(item): _tree_entry(git, item) for item in items}
    try:
        sha = await asyncio.to_thread(git.edit_tree, base, changes)
    except NoSuchPath as error:
        raise unprocessable("GitRPC::BadObjectState") from error
    return Answer(await asyncio.to_thread(_tree_shape, call, sha, recursive=False), CREATED)


def _tree_path(item: Json) -> str:
    path = item.get("path")
    if not isinstance(path, str) or not path:
        raise unprocessable("Must supply a valid tree.path")
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts) or "\0" in path:
        raise unprocessable("tree.path contains a malformed path component")
    return path


def _tree_entry(git: GitStore, item: Json) -> Entry | None:
    """None deletes. Either `sha` or `content` must be there; both are refused."""
    mode = item.get("mode")
    if mode not in (*BLOB_MODES, TREE_MODE, SUBMODULE_MODE):
        raise unprocessable("Must supply a valid tree.mode")
    if item.get("type", _TYPES.get(mode, "blob")) != _TYPES.get(mode, "blob"):
        raise unprocessable("tree.type does not go with tree.mode")
    if ("sha" in item) == ("content" in item):
        raise unprocessable(
            "Must supply either tree.sha or tree.content. Request will be rejected if both are present."
        )
    if "content" in item:
        return Entry(mode, git.blob(str(item["content"]).encode()))
    sha = item["sha"]
    if sha is None:
        return None
    kind = {TREE_MODE: "tree", SUBMODULE_MODE: "commit"}.get(mode, "blob")
    if mode != SUBMODULE_MODE and not git.has(str(sha), kind):
        raise unprocessable(f"tree.sha {sha} is not a valid {kind}")
    return Entry(mode, str(sha))


# ---------------------------------------------------------------------------------------------------------- commits


async def create_commit(call: Call) -> Answer:
    """Signed by GitHub exactly when nobody is named: no author, no committer, no signature."""
    git = _git(call)
    message, tree, parents = call.text("message"), call.text("tree"), call.texts("parents")
    if not git.has(tree, "tree") and tree != EMPTY_TREE:
        raise unprocessable("Tree SHA does not exist")
    for parent in parents:
        if not git.has(parent, "commit"):
            raise unprocessable("Parent SHA does not exist or is not a commit object")
    author = _person(call, "author")
    committer = _person(call, "committer") or author
    nobody_named = author is None and committer is None and call.optional_text("signature") is None
    bot = call.stage.signature(call.bot)
    sha = await asyncio.to_thread(git.write_commit, tree, parents, message, author or bot, committer or bot)
    signed = nobody_named and call.stage.verify_commits
    verification = Verification(True, "valid") if signed else UNSIGNED
    call.repo.verifications[sha] = verification
    return Answer(call.stage.shapes.git_commit(call.repo, git.commit(sha), verification), CREATED)


def _person(call: Call, field: str) -> Signature | None:
    given = call.body.get(field)
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("name"), str) or not isinstance(given.get("email"), str):
        raise unprocessable(f"Invalid request.\n\nFor 'properties/{field}', name and email are needed.")
    try:
        at = datetime.fromisoformat(given["date"]) if "date" in given else call.stage.state.time()
    except ValueError as error:
        raise unprocessable(f"{field}.date is not a valid timestamp") from error
    return Signature(given["name"], given["email"], at)


def verification_of(repo: Repository, sha: str) -> Verification:
    return repo.verifications.get(sha, UNSIGNED)


async def get_commit(call: Call) -> Answer:
    git, sha = _git(call), call.parameters["sha"]
    try:
        commit = git.commit(sha)
    except NoSuchObject as error:
        raise not_found() from error
    return Answer(call.stage.shapes.git_commit(call.repo, commit, verification_of(call.repo, sha)))


_GIT = f"{IN_REPOSITORY}/git"
ENDPOINTS = (
    Endpoint("GET", f"{_GIT}/ref/{{ref:path}}", get_ref, READ),
    Endpoint("GET", f"{_GIT}/matching-refs/{{ref:path}}", matching_refs, READ),
    Endpoint("POST", f"{_GIT}/refs", create_ref, WRITE),
    Endpoint("PATCH", f"{_GIT}/refs/{{ref:path}}", update_ref, WRITE),
    Endpoint("DELETE", f"{_GIT}/refs/{{ref:path}}", delete_ref, WRITE),
    Endpoint("POST", f"{_GIT}/blobs", create_blob, WRITE),
    Endpoint("GET", f"{_GIT}/blobs/{{sha}}", get_blob, READ),
    Endpoint("POST", f"{_GIT}/trees", create_tree, WRITE),
    Endpoint("GET", f"{_GIT}/trees/{{sha:path}}", get_tree, READ),
    Endpoint("POST", f"{_GIT}/commits", create_commit, WRITE),
    Endpoint("GET", f"{_GIT}/commits/{{sha}}", get_commit, READ),
)
