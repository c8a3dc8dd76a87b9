"""Sentences of a concept to learn from, and sentences that are held out."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from transformer_lens.tools.analysis.sparse_probing import fit_sparse_probe

from golgi.concepts.origins import number_origins
from golgi.errors import GolgiError
from golgi.tables import read_table

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Labels:
    """The sentences of a concept, [sentence]: their rows in the pool, classes and origins.

    Sentences of one of `groups` are of one origin; None where all sentences of a class are.
    """

    concept: str
    category: str
    rows: np.ndarray
    positive: np.ndarray
    groups: np.ndarray | None


@dataclass(frozen=True)
class Split:
    """Labels, and the places on their axis to learn from and to test on."""

    labels: Labels
    heldout: float
    seed: int
    train: np.ndarray
    test: np.ndarray

    def options(self) -> dict:
        """Return the arguments with which TransformerLens splits the same sentences in the same way."""
        return split_options(self.labels, self.heldout, self.seed)


def read_labels(pool: Path, sets: Path, concepts: Path, *, sentences: int) -> list[Labels]:
    """Return the labelled sentences of every concept, in the order of the table of concepts.

    `sentences` is the number of those that have responses. Raises GolgiError if that is not the pool's, if a
    set names another sentence, or if a concept has fewer than two positives or negatives.
    """
    origins = read_table(pool, schema="pool")["origin"].to_list()
    if len(origins) != sentences:
        raise GolgiError(f"{pool}: {len(origins)} sentences, but there are responses to {sentences}.")
    frame = read_table(sets, schema="sets").sort("concept", "sentence")
    parts = {concept: part for (concept,), part in frame.group_by(["concept"], maintain_order=True)}
    described = read_table(concepts, schema="concepts").select("concept", "category").rows()
    labels = [
        _labels(sets, concept, category, parts.get(concept, frame.clear()), origins)
        for concept, category in described
    ]
    single = [one.concept for one in labels if one.groups is None]
    if single:
        logger.warning(
            "%d concepts have all sentences of a class from one origin, %s among them: there, one origin is "
            "both learnt from and held out.",
            len(single),
            single[0],
        )
    return labels


def _labels(sets: Path, concept: str, category: str, part: pl.DataFrame, origins: Sequence[str]) -> Labels:
    rows, positive = part["sentence"].to_numpy(), part["positive"].to_numpy().copy()
    counts = int(positive.sum()), int((~positive).sum())
    if min(counts) < 2:
        raise GolgiError(
            f"{sets}: concept {concept} has {counts[0]} positives and {counts[1]} negatives; a probe needs "
            "two of each, one to learn from and one to be tested on."
        )
    if rows[-1] >= len(origins):
        raise GolgiError(
            f"{sets}: concept {concept} names sentence {rows[-1]}; the last is {len(origins) - 1}."
        )
    return Labels(concept, category, rows, positive, _groups([origins[row] for row in rows], positive))


def _groups(origins: Sequence[str], positive: np.ndarray) -> np.ndarray | None:
    groups = number_origins(origins)
    enough = all(len(np.unique(groups[side])) > 1 for side in (positive, ~positive))
    return groups if enough else None


def split(labels: Labels, *, heldout: float, seed: int) -> Split:
    """Hold out about a share of `heldout` of either class, whole origins at a time.

    The draw depends on the seed and on the concept's name and sentences, not on the model or the control.
    """
    seed = int(np.random.default_rng([seed, *labels.concept.encode()]).integers(2**63))
    # TransformerLens splits by labels, groups and seed alone: a probe of a constant shows how.
    constant = torch.zeros(len(labels.rows), 1)
    positive = torch.from_numpy(labels.positive)
    shown = fit_sparse_probe(constant, positive, k=1, **split_options(labels, heldout, seed))
    return Split(labels, heldout, seed, shown.train_indices.numpy(), shown.test_indices.numpy())


def split_options(labels: Labels, heldout: float, seed: int) -> dict:
    """Return the arguments that decide a split in TransformerLens."""
    groups = None if labels.groups is None else torch.from_numpy(labels.groups)
    return {"test_fraction": heldout, "groups": groups, "seed": seed}
