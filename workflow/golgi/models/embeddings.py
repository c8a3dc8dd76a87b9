"""Embeddings of concepts: the baselines that expert sets are compared with."""

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from golgi.errors import GolgiError
from golgi.models.bridge import Model
from golgi.models.tokenizer import encode, overlapping


def input_embeddings(model: Model, tokenizer: PreTrainedTokenizerFast, words: list[str]) -> np.ndarray:
    """Return the mean input embedding over the tokens of " word", [concept, d_model] float32.

    A token that covers the space alone (as SentencePiece may make one) is not part of the word.
    """
    matrix = model.input_embeddings()
    rows = []
    for word, encoding in zip(words, encode(tokenizer, [f" {word}" for word in words]), strict=True):
        ids = encoding.ids[overlapping(encoding, [(1, 1 + len(word))])]
        if not len(ids) or ids.max() >= len(matrix):
            raise GolgiError(
                f"{model.who}: the word {word!r} has no tokens that the model has embeddings for."
            )
        rows.append(matrix[torch.from_numpy(ids).to(matrix.device)].float().mean(0).cpu().numpy())
    return np.stack(rows)


class SentenceMeans:
    """Running mean per concept of one vector per sentence."""

    def __init__(self, concepts: list[str], labels: list[str], *, who: str):
        """`concepts` gives the order of the result, `labels` the concept of every sentence of the pool."""
        position = {concept: index for index, concept in enumerate(concepts)}
        self._concept = np.array([position.get(label, -1) for label in labels])
        self._counts = np.bincount(self._concept[self._concept >= 0], minlength=len(concepts))
        without = [concept for concept, count in zip(concepts, self._counts, strict=True) if not count]
        if without:
            raise GolgiError(f"{who}: no sentence in the pool for {', '.join(without)}.")
        self._sums: np.ndarray | None = None

    def add(self, rows: np.ndarray, vectors: np.ndarray) -> None:
        """Add the vectors [sentence, d_model] of the pool's sentences `rows`."""
        if self._sums is None:
            self._sums = np.zeros((len(self._counts), vectors.shape[1]))
        studied = self._concept[rows] >= 0
        np.add.at(self._sums, self._concept[rows[studied]], vectors[studied].astype(np.float64))

    def result(self) -> np.ndarray:
        """Return the means, [concept, d_model] float32, once every sentence was added."""
        return (self._sums / self._counts[:, None]).astype(np.float32)
