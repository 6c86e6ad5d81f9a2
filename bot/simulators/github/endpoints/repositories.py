"""The repository, its files and history, who may do what in it, and its rules."""

from __future__ import annotations

import posixpath

from bot.simulators.github.actions import rules
from bot.simulators.github.calls import IN_REPOSITORY, Answer, Call, Endpoint
from bot.simulators.github.endpoints.git import verification_of
from bot.simulators.github.gitdata import SUBMODULE_MODE, TREE_MODE, BadRef, Entry, FileDiff
from bot.simulators.github.refusals import Refusal, not_found, unprocessable
from bot.simulators.github.shapes import encode_lines
from bot.simulators.github.state import Json, Rule

METADATA, CONTENTS = "metadata: read", "contents: read"
SYMLINK_MODE = "120000"
INLINE_LIMIT, RAW_LIMIT = 1024 * 1024, 100 * 1024 * 1024  # bytes: above, no content in JSON; above, none at all


async def get_repository(call: Call) -> Answer:
    return Answer(call.stage.shapes.repository(call.repo))


async def get_permission(call: Call) -> Answer:
    account = call.stage.state.accounts.get(call.parameters["login"].lower())
    if account is None:
        raise not_found()
    return Answer(call.stage.shapes.permission(call.repo, account))


async def get_branch(call: Call) -> Answer:
    repo, name = call.repo, call.parameters["branch"]
    try:
        sha = repo.git.ref(f"refs/heads/{name}")
    except BadRef as error:
        raise Refusal(404, "Branch not found") from error
    if sha is None:
        raise Refusal(404, "Branch not found")
    commit = call.stage.shapes.commit(repo, repo.git.commit(sha), verification_of(repo, sha))
    protected = bool(rules.that_apply(repo, name))
    return Answer({"name": name, "commit": commit, "protected": protected})


async def get_rules(call: Call) -> Answer:
    """Also for branches that do not exist yet."""
    name = call.parameters["branch"]

    def shape(rule: Rule) -> Json:
        return {
            "type": rule.type,
            "ruleset_source_type": "Repository",
            "ruleset_source": call.repo.full_name,
            "ruleset_id": rule.ruleset,
            **({"parameters": rule.parameters} if rule.parameters else {}),
        }

    return call.listing(rules.that_apply(call.repo, name), shape)


async def get_ruleset(call: Call) -> Answer:
    """`bypass_actors` are for those who may write it; what the caller itself may do is told everybody."""
    number = call.parameters["ruleset"]
    found = [rule for rule in call.repo.rules if rule.ruleset == number]
    if not found:
        raise not_found()
    return Answer(
        {
            "id": number,
            "name": f"ruleset {number}",
            "target": "branch",
            "source_type": "Repository",
            "source": call.repo.full_name,
            "enforcement": "active",
            "current_user_can_bypass": found[0].bypass,
            "conditions": {"ref_name": {"include": [f"refs/heads/{rule.pattern}" for rule in found], "exclude": []}},
            "rules": [
                {"type": rule.type, **({"parameters": rule.parameters} if rule.parameters else {})} for rule in found
            ],
        }
    )


# --------------------------------------------------------------------------------------------------------- contents


async def get_contents(call: Call) -> Answer:
    git, path, ref = call.repo.git, call.parameters.get("path", "").strip("/"), call.query("ref")
    if git.is_empty:
        raise Refusal(404, "This repository is empty.")
    sha = git.resolve(ref or call.repo.default_branch)
    if sha is None:
        raise Refusal(404, f"No commit found for the ref {ref}")
    entry = git.at(git.commit(sha).tree, path)
    if entry is None:
        raise not_found()
    if entry.mode == TREE_MODE:
        prefix = f"{path}/" if path else ""
        return Answer([_item(call, prefix + name, ref, inner) for name, inner in git.tree(entry.sha).items()])
    if entry.mode == SYMLINK_MODE:
        target = git.read(entry.sha, "blob").decode()
        pointed = git.at(git.commit(sha).tree, posixpath.normpath(posixpath.join(posixpath.dirname(path), target)))
        if pointed is None or pointed.mode in (TREE_MODE, SYMLINK_MODE, SUBMODULE_MODE):
            return Answer(_item(call, path, ref, entry) | {"target": target})
        entry = pointed
    if entry.mode == SUBMODULE_MODE:
        return Answer(_item(call, path, ref, entry) | {"submodule_git_url": None})
    return _file(call, path, ref, entry)


def _file(call: Call, path: str, ref: str, entry: Entry) -> Answer:
    content = call.repo.git.read(entry.sha, "blob")
    if len(content) > RAW_LIMIT:
        raise Refusal(403, "This API returns blobs up to 100 MB in size.", errors=[{"code": "too_large"}])
    accept = call.request.headers.get("accept", "")
    if "application/vnd.github.raw" in accept or "application/vnd.github.v3.raw" in accept:
        return Answer(content, media_type="application/vnd.github.raw; charset=utf-8")
    fits = len(content) <= INLINE_LIMIT
    inline = {"content": encode_lines(content) if fits else "", "encoding": "base64" if fits else "none"}
    return Answer(_item(call, path, ref, entry) | inline)


def _item(call: Call, path: str, ref: str, entry: Entry) -> Json:
    repo_url, ref = call.stage.shapes.repository_url(call.repo), ref or call.repo.default_branch
    kind = {TREE_MODE: "dir", SUBMODULE_MODE: "submodule", SYMLINK_MODE: "symlink"}.get(entry.mode, "file")
    url = f"{repo_url}/contents/{path}?ref={ref}"
    is_file = kind in ("file", "symlink")
    html = f"{call.stage.state.url}/{call.repo.full_name}/{'tree' if kind == 'dir' else 'blob'}/{ref}/{path}"
    git_url = f"{repo_url}/git/{'trees' if kind == 'dir' else 'blobs'}/{entry.sha}"
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": entry.sha,
        "size": len(call.repo.git.read(entry.sha, "blob")) if is_file else 0,
        "url": url,
        "html_url": html,
        "git_url": git_url,
        "download_url": f"{call.stage.state.url}/raw/{call.repo.full_name}/{ref}/{path}" if is_file else None,
        "type": kind,
        "_links": {"self": url, "git": git_url, "html": html},
    }


# ---------------------------------------------------------------------------------------------------------- history


async def get_commit(call: Call) -> Answer:
    git, ref = call.repo.git, call.parameters["ref"]
    if git.is_empty:
        raise Refusal(409, "Git Repository is empty.")
    sha = git.resolve(ref)
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {ref}")
    if call.request.headers.get("accept", "").endswith("sha"):
        return Answer(sha.encode(), media_type="application/vnd.github.sha; charset=utf-8")
    commit = git.commit(sha)
    shape = call.stage.shapes.commit(call.repo, commit, verification_of(call.repo, sha))
    files = await git.diff(commit.parents[0], sha) if commit.parents else ()
    return Answer(shape | {"stats": _stats(files), "files": [file_shape(file) for file in files]})


async def list_commits(call: Call) -> Answer:
    git, ref = call.repo.git, call.query("sha", call.repo.default_branch)
    if git.is_empty:
        raise Refusal(409, "Git Repository is empty.")
    sha = git.resolve(ref)
    if sha is None:
        raise not_found()
    return call.listing(
        list(git.history(sha)),
        lambda commit: call.stage.shapes.commit(call.repo, commit, verification_of(call.repo, commit.sha)),
    )


async def compare(call: Call) -> Answer:
    git, repo, shapes = call.repo.git, call.repo, call.stage.shapes
    base_name, dots, head_name = call.parameters["basehead"].partition("...")
    base, head = git.resolve(base_name), git.resolve(head_name.rpartition(":")[2])
    if not dots or base is None or head is None:
        raise not_found()
    merge_base = await git.merge_base(base, head)
    if merge_base is None:
        raise Refusal(404, "No common ancestor between the two.")
    behind = {commit.sha for commit in git.history(base)}
    ahead = [commit for commit in git.history(head) if commit.sha not in behind][::-1]
    missing = len(behind - {commit.sha for commit in git.history(head)})
    status = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
    files = await git.diff(merge_base, head)
    return Answer(
        {
            "url": f"{shapes.repository_url(repo)}/compare/{base_name}...{head_name}",
            "html_url": f"{call.stage.state.url}/{repo.full_name}/compare/{base_name}...{head_name}",
            "base_commit": shapes.commit(repo, git.commit(base), verification_of(repo, base)),
            "merge_base_commit": shapes.commit(repo, git.commit(merge_base), verification_of(repo, merge_base)),
            "status": status.get((bool(ahead), bool(missing)), "diverged"),
            "ahead_by": len(ahead),
            "behind_by": missing,
            "total_commits": len(ahead),
            "commits": [shapes.commit(repo, commit, verification_of(repo, commit.sha)) for commit in ahead],
            "files": [file_shape(file) for file in files],
        }
    )


def file_shape(file: FileDiff) -> Json:
    shape: Json = {
        "sha": file.sha,
        "filename": file.path,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
    }
    if file.old_path is not None:
        shape["previous_filename"] = file.old_path
    if file.patch is not None:
        shape["patch"] = file.patch
    return shape


def _stats(files: tuple[FileDiff, ...]) -> Json:
    added, removed = sum(f.additions for f in files), sum(f.deletions for f in files)
    return {"total": added + removed, "additions": added, "deletions": removed}


ENDPOINTS = (
    Endpoint("GET", IN_REPOSITORY, get_repository, METADATA),
    Endpoint("GET", f"{IN_REPOSITORY}/collaborators/{{login}}/permission", get_permission, METADATA),
    Endpoint("GET", f"{IN_REPOSITORY}/rules/branches/{{branch:path}}", get_rules, METADATA),
    Endpoint("GET", f"{IN_REPOSITORY}/rulesets/{{ruleset:int}}", get_ruleset, METADATA),
    Endpoint("GET", f"{IN_REPOSITORY}/branches/{{branch:path}}", get_branch, CONTENTS),
    Endpoint("GET", f"{IN_REPOSITORY}/contents", get_contents, CONTENTS),
    Endpoint("GET", f"{IN_REPOSITORY}/contents/{{path:path}}", get_contents, CONTENTS),
    Endpoint("GET", f"{IN_REPOSITORY}/commits", list_commits, CONTENTS),
    Endpoint("GET", f"{IN_REPOSITORY}/commits/{{ref:path}}", get_commit, CONTENTS),
    Endpoint("GET", f"{IN_REPOSITORY}/compare/{{basehead:path}}", compare, CONTENTS),
)
