"""All that finds something out about candidates by running them, in one place for those who tell the story."""

from __future__ import annotations

from dataclasses import dataclass

from bot.judging.judge import Judge
from bot.judging.pool import CrossExamination
from bot.judging.probe import Prober
from bot.judging.trimmer import Trimmer


@dataclass(frozen=True, slots=True)
class Court:
    judge: Judge
    cross_examination: CrossExamination
    prober: Prober
    trimmer: Trimmer
