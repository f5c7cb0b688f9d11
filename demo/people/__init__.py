"""Invented people: who they are, where they live, what happened to them, and the truth about it.

In: a seed and a number of people. Out: Person, each with an ordered story; the truth as plain data.
Invariant: the same seed, people and anchor date give the same people; nothing here knows HL7 or the record.
"""

from demo.people.cast import ANCHOR
from demo.people.generator import generate
from demo.people.nouns import Person
from demo.people.truth import region_truth, truth

__all__ = ["ANCHOR", "Person", "generate", "region_truth", "truth"]
