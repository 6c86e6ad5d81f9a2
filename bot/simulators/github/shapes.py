"""The JSON of GitHub's REST answers and webhook payloads: the same objects appear in both."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from bot.simulators.github.gitdata import Commit
from bot.simulators.github.issue_shapes import IssueShapes
from bot.simulators.github.state import (
    CheckRun,
    Issue,
    Json,
    Pull,
    Repository,
    Review,
    ReviewComment,
    Status,
    Thread,
    Verification,
    node_id,
    timestamp,
)

if TYPE_CHECKING:
    pass


class Shapes(IssueShapes):
    # ------------------------------------------------------------------------------------------------------ pulls

    def pull(self, repo: Repository, issue: Issue, pull: Pull) -> Json:
        url = f"{self.repository_url(repo)}/pulls/{issue.number}"
        html = f"{self._state.url}/{repo.full_name}/pull/{issue.number}"
        return {
            "url": url,
            "id": issue.id,
            "node_id": node_id("PR", issue.id),
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "issue_url": f"{self.repository_url(repo)}/issues/{issue.number}",
            "commits_url": f"{url}/commits",
            "review_comments_url": f"{url}/comments",
            "comments_url": f"{self.repository_url(repo)}/issues/{issue.number}/comments",
            "statuses_url": f"{self.repository_url(repo)}/statuses/{pull.head_sha}",
            "number": issue.number,
            "state": issue.state,
            "locked": issue.locked,
            "title": issue.title,
            "user": self.account(issue.user),
            "body": issue.body,
            "labels": [self.label(repo, label) for label in issue.labels],
            "milestone": None,
            "draft": pull.draft,
            "head": self._pull_side(repo, pull.head, pull.head_sha),
            "base": self._pull_side(repo, pull.base, pull.base_sha),
            "requested_reviewers": [self.account(account) for account in pull.requested_reviewers],
            "requested_teams": [],
            "assignees": [],
            "auto_merge": None,
            "author_association": self._association(repo, issue.user),
            "created_at": timestamp(issue.created_at),
            "updated_at": timestamp(issue.updated_at),
            "closed_at": timestamp(issue.closed_at) if issue.closed_at else None,
            "merged_at": timestamp(pull.merged_at) if pull.merged_at else None,
            "merge_commit_sha": pull.merge_sha,
            "merged": pull.merged_at is not None,
            "merged_by": self.account(pull.merged_by) if pull.merged_by else None,
            "mergeable": None,  # computed later on GitHub as well
            "mergeable_state": "unknown",
            "maintainer_can_modify": pull.maintainer_can_modify,
            "comments": len(issue.comments),
            "review_comments": 0,
        }

    def _pull_side(self, repo: Repository, branch: str, sha: str) -> Json:
        return {
            "label": f"{repo.owner.login}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self.account(repo.owner),
            "repo": self.repository(repo),
        }

    def review(self, repo: Repository, issue: Issue, review: Review) -> Json:
        html = f"{self._state.url}/{repo.full_name}/pull/{issue.number}"
        return {
            "id": review.id,
            "node_id": node_id("PRR", review.id),
            "user": self.account(review.user),
            "body": review.body,
            "state": review.state,
            "html_url": f"{html}#pullrequestreview-{review.id}",
            "pull_request_url": f"{self.repository_url(repo)}/pulls/{issue.number}",
            "author_association": self._association(repo, review.user),
            "submitted_at": timestamp(review.submitted_at),
            "commit_id": review.commit_sha,
        }

    def review_comment(self, repo: Repository, issue: Issue, thread: Thread, comment: ReviewComment) -> Json:
        url = f"{self.repository_url(repo)}/pulls/comments/{comment.id}"
        html = f"{self._state.url}/{repo.full_name}/pull/{issue.number}"
        shape = {
            "url": url,
            "pull_request_review_id": comment.review_id,
            "id": comment.id,
            "node_id": node_id("PRRC", comment.id),
            "diff_hunk": thread.hunk,
            "path": thread.path,
            "position": thread.line,
            "line": thread.line,
            "original_line": thread.original_line,
            "start_line": thread.start_line,
            "side": thread.side,
            "subject_type": "line",
            "commit_id": issue.pull.head_sha if issue.pull else comment.commit_sha,
            "original_commit_id": comment.commit_sha,
            "user": self.account(comment.user),
            "body": comment.body,
            "created_at": timestamp(comment.created_at),
            "updated_at": timestamp(comment.updated_at),
            "html_url": f"{html}#discussion_r{comment.id}",
            "pull_request_url": f"{self.repository_url(repo)}/pulls/{issue.number}",
            "author_association": self._association(repo, comment.user),
            "reactions": self._reaction_counts(url, comment.reactions),
        }
        first = thread.comments[0].id
        return shape if first == comment.id else shape | {"in_reply_to_id": first}

    def check_run(self, repo: Repository, run: CheckRun) -> Json:
        return {
            "id": run.id,
            "name": run.name,
            "node_id": node_id("CR", run.id),
            "head_sha": run.head_sha,
            "external_id": run.external_id,
            "url": f"{self.repository_url(repo)}/check-runs/{run.id}",
            "html_url": f"{self._state.url}/{repo.full_name}/runs/{run.id}",
            "details_url": run.details_url,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": timestamp(run.started_at),
            "completed_at": timestamp(run.completed_at) if run.completed_at else None,
            "output": {"title": None, "summary": None, "text": None, **run.output}
            | {"annotations_count": len(run.annotations)},
            "check_suite": {"id": run.suite or run.id + 1},
            "app": self.app() if not run.app else self.other_app(run.app),
            "pull_requests": [],
        }

    def other_app(self, slug: str) -> Json:
        """Whose checks are not ours: GitHub's own, or anybody's."""
        return {"id": 15_368 + len(slug), "slug": slug, "name": slug.replace("-", " ").title(), "owner": None}

    def check_suite(
        self, repo: Repository, id: int, sha: str, app: str, status: str, conclusion: str | None, runs: int
    ) -> Json:
        now = timestamp(self._state.time())
        return {
            "id": id,
            "node_id": node_id("CS", id),
            "head_branch": None,
            "head_sha": sha,
            "status": status,
            "conclusion": conclusion,
            "url": f"{self.repository_url(repo)}/check-suites/{id}",
            "latest_check_runs_count": runs,
            "app": self.other_app(app) if app else self.app(),
            "created_at": now,
            "updated_at": now,
            "pull_requests": [],
        }

    def status(self, repo: Repository, status: Status) -> Json:
        return {
            "id": status.id,
            "node_id": node_id("SC", status.id),
            "url": f"{self.repository_url(repo)}/statuses/{status.sha}",
            "state": status.state,
            "context": status.context,
            "description": status.description,
            "target_url": status.target_url,
            "created_at": timestamp(status.created_at),
            "updated_at": timestamp(status.created_at),
        }

    # -------------------------------------------------------------------------------------------------------- git

    def git_commit(self, repo: Repository, commit: Commit, verification: Verification) -> Json:
        """The commit as the Git Data API tells it."""
        url = f"{self.repository_url(repo)}/git/commits/{commit.sha}"
        return {
            "sha": commit.sha,
            "node_id": f"C_kwDO{commit.sha[:20]}",
            "url": url,
            "html_url": f"{self._state.url}/{repo.full_name}/commit/{commit.sha}",
            **self._commit_text(repo, commit, verification),
            "parents": [
                {
                    "sha": parent,
                    "url": f"{self.repository_url(repo)}/git/commits/{parent}",
                    "html_url": f"{self._state.url}/{repo.full_name}/commit/{parent}",
                }
                for parent in commit.parents
            ],
        }

    def commit(self, repo: Repository, commit: Commit, verification: Verification) -> Json:
        """The commit as the commits, branches and compare routes tell it."""
        git = self.git_commit(repo, commit, verification)
        inner = {**self._commit_text(repo, commit, verification), "url": git["url"], "comment_count": 0}
        return {
            "sha": commit.sha,
            "node_id": git["node_id"],
            "commit": inner,
            "url": f"{self.repository_url(repo)}/commits/{commit.sha}",
            "html_url": git["html_url"],
            "author": None,
            "committer": None,
            "parents": git["parents"],
        }

    def _commit_text(self, repo: Repository, commit: Commit, verification: Verification) -> Json:
        def person(name: str, email: str, at: str) -> Json:
            return {"name": name, "email": email, "date": at}

        signed = verification.verified
        return {
            "author": person(commit.author.name, commit.author.email, timestamp(commit.author.at)),
            "committer": person(commit.committer.name, commit.committer.email, timestamp(commit.committer.at)),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{self.repository_url(repo)}/git/trees/{commit.tree}"},
            "verification": {
                "verified": signed,
                "reason": verification.reason,
                "signature": "-----BEGIN PGP SIGNATURE-----\n\nsimulated\n-----END PGP SIGNATURE-----"
                if signed
                else None,
                "payload": f"tree {commit.tree}\n" if signed else None,
                "verified_at": timestamp(commit.committer.at) if signed else None,
            },
        }


def encode_lines(content: bytes) -> str:
    """Base64 broken into lines, as GitHub sends file contents."""
    return base64.encodebytes(content).decode()
