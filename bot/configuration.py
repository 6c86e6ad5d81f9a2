"""The repository's configuration, as it is on GitHub."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.core.model import Repo, RepoConfig
from bot.core.render import failure_reasons
from bot.core.trigger.config import CONFIG_PATHS, ConfigProblem, parse_config
from bot.core.trigger.config_values import Mistake
from bot.ports import GitHub, Rejected, Unsolvable


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """`text`: None where there is none, and `path` is where one would be."""

    path: str
    text: str | None
    config: RepoConfig | ConfigProblem


async def read_config(github: GitHub, repo: Repo, default_branch: str) -> RepoConfig | ConfigProblem:
    """The repository's word, from its default branch."""
    return (await read_config_file(github, repo, default_branch)).config


async def read_config_file(github: GitHub, repo: Repo, default_branch: str) -> ConfigFile:
    """A file that cannot be read is a mistake like any other."""
    for path in CONFIG_PATHS:
        try:
            text = await github.file(repo, path, f"refs/heads/{default_branch}")  # a tag may have the same name
        except Rejected as error:
            return ConfigFile(path, "", ConfigProblem((Mistake(1, 1, error.remedy),), path))
        if text is not None:
            config = parse_config(text)
            config = replace(config, path=path) if isinstance(config, ConfigProblem) else config
            return ConfigFile(path, text, config)
    return ConfigFile(CONFIG_PATHS[0], None, RepoConfig())


async def readable_config(github: GitHub, repo: Repo, default_branch: str) -> RepoConfig:
    """Raises `Unsolvable`, with every mistake."""
    config = await read_config(github, repo, default_branch)
    if isinstance(config, ConfigProblem):
        raise Unsolvable(failure_reasons.config_mistakes(config.path, [(m.line, m.reason) for m in config.mistakes]))
    return config
