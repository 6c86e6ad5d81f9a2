"""Another `.github/solvebot.yml`, as a pull request: the bot never writes to the default branch, and people merge."""

from __future__ import annotations

from bot.actions import REFUSED, Action, Refusal
from bot.configuration import read_config_file
from bot.core.model import IssueRef, PullRequest
from bot.core.render import proposals as say
from bot.core.text.outgoing import Redactor
from bot.core.trigger.events import CommentPosted, Requested
from bot.core.trigger.proposals import Proposal, mistakes_in, tidied, unfit
from bot.engine import step
from bot.finish import PATIENCE
from bot.ports import Clock, Denied, GitHub, Rejected, Store, TreeEntry


class Proposals:
    def __init__(self, github: GitHub, store: Store, clock: Clock, redact: Redactor) -> None:
        self._github = github
        self._store = store
        self._clock = clock
        self._redact = redact

    async def weigh(self, event: CommentPosted | Requested, said: str) -> Proposal:
        """Against the file as it is now. Raises `Refusal`."""
        repo, text = event.issue.repo, tidied(said)
        state = await self._github.repository(repo)
        if state.empty:
            raise Refusal(say.nothing_to_build_on())
        file = await read_config_file(self._github, repo, state.default_branch)
        if why := unfit(text, file.text, self._redact(text)):
            raise Refusal(f"{say.WHY_NOT[why]} {say.listed(mistakes_in(text))}".rstrip())
        return Proposal(repo, file.path, text, file.text is None, event.by, event.key)

    @step("propose configuration", patience=PATIENCE)
    async def open(self, proposal: Proposal) -> Action:
        body = say.body(proposal, self._redact(proposal.by.login))
        try:
            pull = await pull_request(self._github, proposal, body)
        except (Rejected, Denied) as error:
            return Action(reaction=REFUSED, reply=say.not_opened(error.remedy))
        detail = {"pull": pull.number, "path": proposal.path}
        now, by = self._clock.now(), proposal.by.login
        await self._store.audit(now, by, "configuration.proposed", proposal.repo.name, detail)
        return Action(propose=proposal, reply=say.opened(pull.number, pull.url))


async def pull_request(github: GitHub, proposal: Proposal, body: str) -> PullRequest:
    """Done twice, it finds the branch and the pull request of the first time. Raises `Rejected` or `Denied`."""
    repo, title = proposal.repo, say.title(proposal)
    base = (await github.repository(repo)).default_branch
    head = await github.branch_head(repo, base)
    if head is None:
        raise Rejected(f"{repo.name} has no branch {base}", remedy=say.nothing_to_build_on())
    if await github.branch_head(repo, proposal.branch) is None:
        entry = TreeEntry(proposal.path, "100644", proposal.text.encode())
        commit = await github.commit(repo, parent=head, entries=[entry], message=title)
        await github.point_branch(repo, proposal.branch, commit.sha)
    return await github.open_pull(
        IssueRef(repo, 0), branch=proposal.branch, base=base, title=title, body=body, draft=False
    )
