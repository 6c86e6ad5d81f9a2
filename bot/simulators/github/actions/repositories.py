"""Refs and what follows from moving them; a repository's own lifetime; installations."""

from __future__ import annotations

from collections.abc import Sequence

from bot.simulators.github.actions import issues, pulls, rules
from bot.simulators.github.auth import Token
from bot.simulators.github.gitdata import TREE_MODE, BadRef, Commit, GitStore
from bot.simulators.github.refusals import Refusal, unprocessable
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import Account, Installation, Permissions, Repository

WORKFLOWS = ".github/workflows"


def create_ref(stage: Stage, repo: Repository, ref: str, sha: str, token: Token | None = None) -> None:
    if _target(repo, ref) is not None:
        raise unprocessable("Reference already exists")
    rules.check(repo, ref, "creation", sha, is_app=token is not None)
    _check_new_commits(repo, sha, token)
    _point(repo, ref, sha)
    stage.state.changes.notify()


def update_ref(
    stage: Stage, repo: Repository, ref: str, sha: str, by: Account, *, force: bool, token: Token | None = None
) -> None:
    old = _target(repo, ref)
    if old is None:
        raise unprocessable("Reference does not exist")
    rules.check(repo, ref, "update", sha, is_app=token is not None)
    _check_new_commits(repo, sha, token)
    if not force and not repo.git.is_ancestor(old, sha):
        raise unprocessable("Update is not a fast forward")
    _point(repo, ref, sha)
    pulls.follow_head(stage, repo, ref.removeprefix("refs/heads/"), old, sha, by)
    stage.state.changes.notify()


def delete_ref(stage: Stage, repo: Repository, ref: str, by: Account) -> None:
    """Pull requests from the branch, and those into it, are closed."""
    if _target(repo, ref) is None:
        raise unprocessable("Reference does not exist")
    rules.check(repo, ref, "deletion")
    repo.git.delete_ref(ref)
    branch = ref.removeprefix("refs/heads/")
    for issue in list(repo.issues.values()):
        if issue.is_open and issue.pull is not None and branch in (issue.pull.head, issue.pull.base):
            issues.close(stage, repo, issue, by)
    stage.state.changes.notify()


def _target(repo: Repository, ref: str) -> str | None:
    try:
        return repo.git.ref(ref)
    except BadRef as error:
        raise unprocessable(f"{ref} is not a valid ref name.") from error


def _point(repo: Repository, ref: str, sha: str) -> None:
    try:
        repo.git.set_ref(ref, sha)
    except BadRef as error:
        raise unprocessable("Reference update failed") from error  # as it says about much else, too
    repo.published.update(commit.sha for commit in repo.git.history(sha, known=repo.published))


def _check_new_commits(repo: Repository, sha: str, token: Token | None) -> None:
    """The object must be there, and an App without the `workflows` permission must not bring other workflow files.

    That GitHub answers 422 here is not known for certain; the words are its own.
    """
    if not repo.git.has(sha, "commit"):
        raise unprocessable("Object does not exist")
    if token is None or token.allows("workflows", "write"):
        return
    for commit in repo.git.history(sha, known=repo.published):
        changed = changed_workflow(repo.git, commit)
        if changed is not None:
            raise unprocessable(
                f"refusing to allow a GitHub App to create or update workflow `{changed}` "
                "without `workflows` permission"
            )


def changed_workflow(git: GitStore, commit: Commit) -> str | None:
    """A workflow file that differs from what every parent has."""
    new = git.at(commit.tree, WORKFLOWS)
    known = [git.at(git.commit(parent).tree, WORKFLOWS) for parent in commit.parents]
    if new is None or new.mode != TREE_MODE or new in known:
        return None
    before = dict(git.walk(known[0].sha)) if known and known[0] is not None else {}
    changed = (name for name, entry in git.walk(new.sha) if before.get(name) != entry and entry.mode != TREE_MODE)
    return next((f"{WORKFLOWS}/{name}" for name in changed), None)


# --------------------------------------------------------------------------------------------- the repository itself


def rename(stage: Stage, repo: Repository, name: str, by: Account) -> None:
    before = repo.name
    stage.state.old_names[repo.full_name.lower()] = repo.id
    repo.name = name
    stage.emit(repo, "repository", "renamed", by, changes={"repository": {"name": {"from": before}}})


def archive(stage: Stage, repo: Repository, by: Account) -> None:
    repo.archived = True
    stage.emit(repo, "repository", "archived", by)


def unarchive(stage: Stage, repo: Repository, by: Account) -> None:
    repo.archived = False
    stage.emit(repo, "repository", "unarchived", by)


def delete(stage: Stage, repo: Repository, by: Account) -> None:
    stage.emit(repo, "repository", "deleted", by)
    del stage.state.repositories[repo.id]


# ----------------------------------------------------------------------------------------------------- installations


def install(stage: Stage, account: Account, by: Account, repositories: Sequence[Repository] | None) -> Installation:
    """On all of the account's repositories, or on the given ones."""
    installation = Installation(
        id=stage.state.id(),
        account=account,
        permissions=dict(stage.app.permissions),
        created_at=stage.state.time(),
        repositories=None if repositories is None else {repo.id for repo in repositories},
    )
    stage.state.installations[installation.id] = installation
    covered = [repo for repo in stage.state.repositories.values() if installation.covers(repo)]
    stage.emit_installation(installation, "installation", "created", by, repositories=_brief(covered))
    return installation


def uninstall(stage: Stage, installation: Installation, by: Account) -> None:
    del stage.state.installations[installation.id]
    covered = [repo for repo in stage.state.repositories.values() if installation.covers(repo)]
    stage.emit_installation(installation, "installation", "deleted", by, repositories=_brief(covered))


def suspend(stage: Stage, installation: Installation, by: Account) -> None:
    installation.suspended_at = stage.state.time()
    stage.emit_installation(installation, "installation", "suspend", by)


def unsuspend(stage: Stage, installation: Installation, by: Account) -> None:
    installation.suspended_at = None
    stage.emit_installation(installation, "installation", "unsuspend", by)


def accept_permissions(stage: Stage, installation: Installation, permissions: Permissions, by: Account) -> None:
    installation.permissions = dict(permissions)
    stage.emit_installation(installation, "installation", "new_permissions_accepted", by)


def add_repositories(stage: Stage, installation: Installation, added: Sequence[Repository], by: Account) -> None:
    _selected(installation).update(repo.id for repo in added)
    _emit_selection(stage, installation, "added", by, added=added, removed=())


def remove_repositories(stage: Stage, installation: Installation, removed: Sequence[Repository], by: Account) -> None:
    _selected(installation).difference_update(repo.id for repo in removed)
    _emit_selection(stage, installation, "removed", by, added=(), removed=removed)


def _selected(installation: Installation) -> set[int]:
    if installation.repositories is None:
        raise Refusal(422, "the installation covers all repositories")
    return installation.repositories


def _emit_selection(
    stage: Stage,
    installation: Installation,
    action: str,
    by: Account,
    *,
    added: Sequence[Repository],
    removed: Sequence[Repository],
) -> None:
    stage.emit_installation(
        installation,
        "installation_repositories",
        action,
        by,
        repository_selection="selected",
        repositories_added=_brief(added),
        repositories_removed=_brief(removed),
        requester=None,
    )


def _brief(repositories: Sequence[Repository]) -> list[dict[str, object]]:
    return [
        {"id": repo.id, "name": repo.name, "full_name": repo.full_name, "private": repo.private}
        for repo in repositories
    ]
