"""What the App can ask for over REST, by subject. Each module is functions and the table that names their routes."""

from bot.simulators.github.calls import Endpoint
from bot.simulators.github.endpoints import apps, checks, git, issues, merges, pulls, repositories, reviews
from bot.simulators.github.graphql import operations

ENDPOINTS: tuple[Endpoint, ...] = (
    *apps.ENDPOINTS,
    *issues.ENDPOINTS,
    *pulls.ENDPOINTS,
    *reviews.ENDPOINTS,
    *checks.ENDPOINTS,
    *merges.ENDPOINTS,
    *git.ENDPOINTS,
    *operations.ENDPOINTS,
    *repositories.ENDPOINTS,
)
