"""The repository's configuration, as it is on GitHub."""

from __future__ import annotations

from dataclasses import replace

from bot.core.model import Repo, RepoConfig
from bot.core.render import failure_reasons
from bot.core.trigger.config import CONFIG_PATHS, ConfigProblem, parse_config
from bot.core.trigger.config_values import Mistake
from bot.ports import GitHub, Rejected, Unsolvable


async def read_config(github: GitHub, repo: Repo, default_branch: str) -> RepoConfig | ConfigProblem:
    """The repository's word, from its default branch; a file that cannot be read is a mistake like any other."""
    for path in CONFIG_PATHS:
        try:
            text = await github.file(repo, path, f"refs/heads/{default_branch}")  # a tag may have the same name
        except Rejected as error:
            return ConfigProblem((Mistake(1, 1, error.remedy),), path)
        if text is not None:
            config = parse_config(text)
            return replace(config, path=path) if isinstance(config, ConfigProblem) else config
    return RepoConfig()


async def readable_config(github: GitHub, repo: Repo, default_branch: str) -> RepoConfig:
    """Raises `Unsolvable`, with every mistake."""
    config = await read_config(github, repo, default_branch)
    if isinstance(config, ConfigProblem):
        raise Unsolvable(failure_reasons.config_mistakes(config.path, [(m.line, m.reason) for m in config.mistakes]))
    return config
