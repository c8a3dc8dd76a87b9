"""Sentences nearly the same as one before: MinHash finds the likely ones, the Jaccard index decides."""

from datasketch import MinHash, MinHashLSH

from golgi.concepts.corpus import TOKEN

SHINGLE = 3  # words
PERMUTATIONS = 64  # with twice as many, memory and time double, and hardly a pair more is found
MISSED = 1e-3  # chance that a sentence just similar enough is not looked at


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Runs of three words of a sentence, in small letters; of a shorter sentence all its words as one.

    >>> sorted(shingles("A dog barks at cats."))
    [('a', 'dog', 'barks'), ('barks', 'at', 'cats'), ('dog', 'barks', 'at')]
    """
    words = TOKEN.findall(text.casefold())
    runs = zip(*(words[start:] for start in range(SHINGLE)), strict=False)
    return frozenset(runs) if len(words) >= SHINGLE else frozenset([tuple(words)])


def jaccard(one: frozenset, other: frozenset) -> float:
    """Share of what two sets have together of what they have at all."""
    return len(one & other) / len(one | other)


class Similar:
    """Sentences that were added, and whether another one is nearly the same as one of them.

    Two are if the Jaccard index of their shingles (Broder 1997) reaches `threshold`. Same seed, same answers.
    """

    def __init__(self, threshold: float, seed: int):
        self.threshold = threshold
        self._texts: list[str] = []
        self._empty = MinHash(PERMUTATIONS, seed=seed % 2**32)
        self._recent: tuple[str | None, MinHash] = (None, self._empty)
        self._index = MinHashLSH(num_perm=PERMUTATIONS, params=bands(threshold))

    def nearest(self, text: str) -> tuple[str, float] | None:
        """Return the sentence most like this one with the Jaccard index; None where none is nearly the same.

        Of several that are equally like it, the first that was added.
        """
        own = shingles(text)
        likely = sorted(self._index.query(self._sketch(text)))
        found = [(jaccard(own, shingles(self._texts[row])), -row) for row in likely]
        share, row = max(found, default=(0.0, 0))
        return (self._texts[-row], share) if likely and share >= self.threshold else None

    def add(self, text: str) -> None:
        """Add a sentence that later ones are compared with."""
        self._index.insert(len(self._texts), self._sketch(text))
        self._texts.append(text)

    def _sketch(self, text: str) -> MinHash:
        # What is added has just been compared.
        if self._recent[0] != text:
            sketch = self._empty.copy()
            sketch.update_batch(["\t".join(run).encode() for run in sorted(shingles(text))])
            self._recent = (text, sketch)
        return self._recent[1]


def bands(threshold: float) -> tuple[int, int]:
    """Bands and rows of the index: the most rows with which hardly any pair as similar as this is missed.

    Two sentences of Jaccard index s meet in one of b bands of r rows with probability 1 - (1 - s^r)^b.

    >>> bands(0.7)
    (21, 3)
    """
    for rows in range(PERMUTATIONS // 2, 1, -1):
        count = PERMUTATIONS // rows
        if (1 - threshold**rows) ** count <= MISSED:
            return count, rows
    return PERMUTATIONS, 1
