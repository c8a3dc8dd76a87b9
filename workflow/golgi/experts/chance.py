"""The average precision that an order without any knowledge is expected to have."""

import numpy as np


def chance_precision(positives: int, negatives: int) -> float:
    """Return the mean average precision over all orders of so many positives and negatives.

    At rank i, a positive has (i - 1) (P - 1) / (N - 1) others before it: the mean over ranks of
    (1 + that) / i (Bestgen 2015). In large sets this is the prevalence P / N; in small ones it lies above it.

    >>> round(chance_precision(400, 1000), 3), round(chance_precision(15, 75), 3)
    (0.289, 0.205)
    """
    total = positives + negatives
    if total == 1:
        return float(positives)
    ranks = np.arange(1, total + 1)
    expected = (1 + (ranks - 1) * (positives - 1) / (total - 1)) / ranks
    return float(expected.mean()) if positives else 0.0
