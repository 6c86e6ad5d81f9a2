"""GitHub, as far as an App that solves issues can see it: a server with state, and people who act in it.

    simulator.py    GitHubSimulator: build a world, serve it, wait for what happens
    people.py       what people do: label, comment, push, merge, rename, suspend ...; each sends its webhook
    server.py       bytes -> endpoint -> bytes: faults, authentication, limits, permissions, ETags, the log
    pages.py        what a person clicks through: an App from a manifest, its installation
    calls.py        what an endpoint is given and how it names the permission it needs
    endpoints/      REST by subject      graphql/  the few operations of GraphQL      smart_http.py  git fetch
    actions/        all that can happen, by whomever      *shapes.py  GitHub's JSON      webhooks.py  deliveries
    auth.py         the App, its tokens      faults.py  failures on purpose, rate limits      refusals.py  saying no
    state.py        what is known      gitdata.py  real bare repositories      stage.py  all of these together

Strictness is the point: an unknown route or GraphQL field lands in `GitHubSimulator.errors`, and a test that uses the
simulator asserts that the list is empty.
"""

from bot.simulators.github.actions.reviews import Note
from bot.simulators.github.auth import generate_key
from bot.simulators.github.faults import Fault
from bot.simulators.github.people import SimIssue, SimRepository
from bot.simulators.github.refusals import Refusal
from bot.simulators.github.simulator import GitHubSimulator

__all__ = ["Fault", "GitHubSimulator", "Note", "Refusal", "SimIssue", "SimRepository", "generate_key"]
