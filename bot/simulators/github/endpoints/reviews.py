"""Reviews, and comments on lines of a diff."""

from __future__ import annotations

from bot.simulators.github.actions import reviews
from bot.simulators.github.calls import CREATED, IN_REPOSITORY, Answer, Call, Endpoint
from bot.simulators.github.refusals import not_found, unprocessable
from bot.simulators.github.state import Issue, Pull

READ, WRITE = "pull_requests: read", "pull_requests: write"


def _pull(call: Call) -> tuple[Issue, Pull]:
    issue = call.issue()
    if issue.pull is None:
        raise not_found()
    return issue, issue.pull


async def list_reviews(call: Call) -> Answer:
    issue, pull = _pull(call)
    return call.listing(pull.reviews, lambda review: call.stage.shapes.review(call.repo, issue, review))


async def get_review(call: Call) -> Answer:
    issue, pull = _pull(call)
    found = next((review for review in pull.reviews if review.id == call.parameters["review"]), None)
    if found is None:
        raise not_found()
    return Answer(call.stage.shapes.review(call.repo, issue, found))


async def create_review(call: Call) -> Answer:
    issue, _ = _pull(call)
    verdict = call.optional_text("event")
    if verdict not in reviews.REVIEW_STATES:
        raise unprocessable("Invalid request.\n\n'event' must be one of APPROVE, REQUEST_CHANGES, COMMENT.")
    body = call.optional_text("body") or ""
    review = await reviews.review(call.stage, call.repo, issue, verdict, body, call.bot)
    return Answer(call.stage.shapes.review(call.repo, issue, review))


async def list_comments(call: Call) -> Answer:
    """Of all threads, oldest first."""
    issue, pull = _pull(call)
    found = [(thread, comment) for thread in pull.threads for comment in thread.comments]
    found.sort(key=lambda each: each[1].id)
    return call.listing(found, lambda each: call.stage.shapes.review_comment(call.repo, issue, *each))


async def reply(call: Call) -> Answer:
    issue, _ = _pull(call)
    comment = call.parameters["comment"]
    said = reviews.reply(call.stage, call.repo, issue, comment, call.text("body"), call.bot)
    thread = reviews.thread_of(issue, comment)
    return Answer(call.stage.shapes.review_comment(call.repo, issue, thread, said), CREATED)


_PULL = f"{IN_REPOSITORY}/pulls/{{number:int}}"
ENDPOINTS = (
    Endpoint("GET", f"{_PULL}/reviews", list_reviews, READ),
    Endpoint("POST", f"{_PULL}/reviews", create_review, WRITE),
    Endpoint("GET", f"{_PULL}/reviews/{{review:int}}", get_review, READ),
    Endpoint("GET", f"{_PULL}/comments", list_comments, READ),
    Endpoint("POST", f"{_PULL}/comments/{{comment:int}}/replies", reply, WRITE),
)
