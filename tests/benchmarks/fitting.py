"""Logistic regression, for a handful of weights and some thousand rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

Row = tuple[Sequence[float], bool]  # what the weights are multiplied with, and whether it came true


def fit(table: Sequence[Row], rounds: int = 12) -> list[float]:
    """Logistic regression by Newton's method, hardly held back."""
    size = len(table[0][0])
    weights = [0.0] * size
    for _ in range(rounds):
        slope = [-1e-3 * weight for weight in weights]
        curve = [[1e-3 * (i == j) for j in range(size)] for i in range(size)]
        for row, right in table:
            chance = 1 / (1 + exp(-max(-30.0, min(30.0, sum(w * x for w, x in zip(weights, row, strict=True))))))
            for i in range(size):
                slope[i] += row[i] * (right - chance)
                for j in range(size):
                    curve[i][j] += row[i] * row[j] * chance * (1 - chance)
        weights = [weight + step for weight, step in zip(weights, _solved(curve, slope), strict=True)]
    return weights


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss with pivots."""
    size = len(right)
    system = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(system[row][column]))
        system[column], system[pivot] = system[pivot], system[column]
        for row in range(size):
            if row != column:
                factor = system[row][column] / system[column][column]
                system[row] = [a - factor * b for a, b in zip(system[row], system[column], strict=True)]
    return [system[row][size] / system[row][row] for row in range(size)]
