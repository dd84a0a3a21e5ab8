"""Whose hands a picture shows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A made-up person: shape, skin and sleeves are drawn from streams of these two numbers.

    Attributes:
        seed: of the people, which several captures and splits may share.
        number: which of them.
        side: of the hand that a single-handed scene shows; ``None`` draws it.
    """

    seed: int
    number: int
    side: str | None = None
