"""Issues, comments and reactions, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.simulators.github.state import (
    Account,
    Comment,
    Issue,
    Json,
    Reaction,
    Repository,
    node_id,
    timestamp,
)

if TYPE_CHECKING:
    pass

from bot.simulators.github.account_shapes import AccountShapes

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


class IssueShapes(AccountShapes):
    def reaction(self, reaction: Reaction) -> Json:
        return {
            "id": reaction.id,
            "node_id": node_id("REA", reaction.id),
            "user": self.account(reaction.user),
            "content": reaction.content,
            "created_at": timestamp(reaction.created_at),
        }

    def _reaction_counts(self, url: str, reactions: list[Reaction]) -> Json:
        counts = {content: sum(r.content == content for r in reactions) for content in REACTIONS}
        return {"url": f"{url}/reactions", "total_count": len(reactions), **counts}

    def _via_app(self, by_app: bool) -> Json | None:
        return self.app() if by_app else None

    def issue(self, repo: Repository, issue: Issue) -> Json:
        url = f"{self.repository_url(repo)}/issues/{issue.number}"
        kind = "pull" if issue.pull else "issues"
        html = f"{self._state.url}/{repo.full_name}/{kind}/{issue.number}"
        shape = {
            "url": url,
            "repository_url": self.repository_url(repo),
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": html,
            "id": issue.id,
            "node_id": node_id("PR" if issue.pull else "I", issue.id),
            "number": issue.number,
            "title": issue.title,
            "user": self.account(issue.user),
            "labels": [self.label(repo, label) for label in issue.labels],
            "state": issue.state,
            "locked": issue.locked,
            "assignees": [],
            "milestone": self._milestone(repo, issue.milestone),
            "comments": len(issue.comments),
            "created_at": timestamp(issue.created_at),
            "updated_at": timestamp(issue.updated_at),
            "closed_at": timestamp(issue.closed_at) if issue.closed_at else None,
            "closed_by": self.account(issue.closed_by) if issue.closed_by else None,
            "author_association": self._association(repo, issue.user),
            "active_lock_reason": issue.lock_reason,
            "body": issue.body,
            "reactions": self._reaction_counts(url, issue.reactions),
            "timeline_url": f"{url}/timeline",
            "performed_via_github_app": self._via_app(issue.by_app),
            "state_reason": issue.state_reason,
        }
        if issue.pull:
            pull_url = f"{self.repository_url(repo)}/pulls/{issue.number}"
            shape["draft"] = issue.pull.draft
            shape["pull_request"] = {
                "url": pull_url,
                "html_url": html,
                "diff_url": f"{html}.diff",
                "patch_url": f"{html}.patch",
                "merged_at": timestamp(issue.pull.merged_at) if issue.pull.merged_at else None,
            }
        return shape

    def _milestone(self, repo: Repository, number: int | None) -> Json | None:
        """Of its fields those that tell which one it is."""
        if number is None:
            return None
        url = f"{self.repository_url(repo)}/milestones/{number}"
        return {"url": url, "number": number, "title": f"v{number}", "state": "open"}

    def _association(self, repo: Repository, account: Account) -> str:
        if account.id == repo.owner.id:
            return "OWNER"
        return "COLLABORATOR" if account.id in repo.collaborators else "NONE"

    def comment(self, repo: Repository, issue: Issue, comment: Comment) -> Json:
        url = f"{self.repository_url(repo)}/issues/comments/{comment.id}"
        kind = "pull" if issue.pull else "issues"
        return {
            "url": url,
            "html_url": f"{self._state.url}/{repo.full_name}/{kind}/{issue.number}#issuecomment-{comment.id}",
            "issue_url": f"{self.repository_url(repo)}/issues/{issue.number}",
            "id": comment.id,
            "node_id": node_id("IC", comment.id),
            "user": self.account(comment.user),
            "created_at": timestamp(comment.created_at),
            "updated_at": timestamp(comment.updated_at),
            "author_association": self._association(repo, comment.user),
            "body": comment.body,
            "reactions": self._reaction_counts(url, comment.reactions),
            "performed_via_github_app": self._via_app(comment.by_app),
        }
