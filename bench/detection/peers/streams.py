"""The file of features, token by token."""

from itertools import groupby
from typing import Iterator, NamedTuple

LEADING = 3


class Event(NamedTuple):
    at: int
    asked: bool
    features: list[float]


def tokens(path: str) -> Iterator[Iterator[Event]]:
    """Each token's events, in order. One token is read at a time."""
    with open(path, encoding="utf-8") as file:
        next(file)
        lines = (line.split("\t") for line in file)
        for _, words in groupby(lines, key=lambda words: words[0]):
            yield (Event(int(w[1]), w[2] == "1", [float(x) for x in w[LEADING:]]) for w in words)
