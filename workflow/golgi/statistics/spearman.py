"""Rank correlation of a similarity of words with ratings of pairs of words, when pairs share words.

A test is one similarity, a matrix [word, word]; ratings belong to the rated pairs (first, second) of words.
Pairs that share a word are not independent, so both the permutation test and the bootstrap draw words.
"""

import logging

import numpy as np
from scipy.stats import rankdata

from golgi.compiling import compiled
from golgi.statistics.resampling import (
    multiplicities,
    percentile_interval,
    permutation_p,
    permutations,
    permuted_products,
)

logger = logging.getLogger(__name__)


def spearman(values: np.ndarray, ratings: np.ndarray) -> np.ndarray:
    """Return Spearman's rho [test] of values [test, pair] and ratings [pair], ties at average ranks.

    NaN where the values of a test, or the ratings, do not vary.
    """
    return unit_ranks(values) @ unit_ranks(ratings[None])[0]


def unit_ranks(values: np.ndarray) -> np.ndarray:
    """Return average ranks [test, pair], centred and of length 1; NaN where values do not vary."""
    ranks = rankdata(values, axis=1) - (values.shape[1] + 1) / 2
    lengths = np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    return np.divide(ranks, lengths, out=np.full(ranks.shape, np.nan), where=lengths > 0)


def mantel_test(
    similarity: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    ratings: np.ndarray,
    *,
    draws: int,
    seed: int,
) -> np.ndarray:
    """Return one-sided p-values [test] of rho, words permuted (Mantel 1967); NaN where rho is undefined.

    similarity [test, word, word] is symmetric; every word has a rated pair. A draw in which the similarity of
    the rated pairs does not vary counts as rho = 0.
    """
    words = similarity.shape[1]
    orders = permutations(words, draws, np.random.default_rng([seed, 2]))
    observed = spearman(similarity[:, first, second], ratings)
    if np.isnan(unit_ranks(ratings[None])).any():
        return np.full(len(similarity), np.nan)
    if len(ratings) == words * (words - 1) // 2:
        permuted = _permute_all_pairs(similarity, first, second, ratings, orders)
    else:
        permuted = permute_rated_pairs(
            _dense_ranks(similarity), first, second, unit_ranks(ratings[None])[0], orders
        )
    return np.where(np.isnan(observed), np.nan, permutation_p(observed, permuted))


def _permute_all_pairs(
    similarity: np.ndarray, first: np.ndarray, second: np.ndarray, ratings: np.ndarray, orders: np.ndarray
) -> np.ndarray:
    # Where every pair is rated, permuting words permutes the ranks: ranking once is enough.
    ranks = np.zeros(similarity.shape)
    ranks[:, first, second] = ranks[:, second, first] = unit_ranks(similarity[:, first, second])
    partner = np.zeros(similarity.shape[1:])
    partner[first, second] = partner[second, first] = unit_ranks(ratings[None])[0]
    return permuted_products(ranks, partner, np.argsort(orders, axis=1))


def _dense_ranks(similarity: np.ndarray) -> np.ndarray:
    return np.stack(
        [np.unique(matrix, return_inverse=True)[1].reshape(matrix.shape) for matrix in similarity]
    )


@compiled
def permute_rated_pairs(
    dense: np.ndarray, first: np.ndarray, second: np.ndarray, unit_ratings: np.ndarray, orders: np.ndarray
) -> np.ndarray:
    """Return rho [draw, test] of the permuted similarities, ranked anew among the rated pairs in each draw.

    dense [test, word, word] are whole numbers in the order of the similarities; unit_ratings [pair] are
    `unit_ranks` of the ratings.
    """
    pairs = first.size
    result = np.zeros((orders.shape[0], dense.shape[0]))
    keys = np.empty(pairs, np.int64)
    for test in range(dense.shape[0]):
        for draw in range(orders.shape[0]):
            order = orders[draw]
            for pair in range(pairs):
                keys[pair] = dense[test, order[first[pair]], order[second[pair]]] << 32 | pair
            keys.sort()
            product, square, start = 0.0, 0.0, 0
            while start < pairs:
                stop = start + 1
                while stop < pairs and keys[stop] >> 32 == keys[start] >> 32:
                    stop += 1
                rank = (start + stop - pairs) / 2  # centred: the mean rank of all pairs is 0
                for place in range(start, stop):
                    product += rank * unit_ratings[keys[place] & 0xFFFFFFFF]
                square += rank * rank * (stop - start)
                start = stop
            if square > 0:
                result[draw, test] = product / np.sqrt(square)
    return result


def bootstrap_spearman(
    values: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    ratings: np.ndarray,
    *,
    draws: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of rho, each end [test], words resampled with replacement.

    values [test, pair]. A pair counts as often as the product of its words' multiplicities; no word is paired
    with itself. Draws where rho is undefined are left out, and counted in the log; ends are NaN where it is
    undefined in every draw.
    """
    counts = multiplicities(int(max(first.max(), second.max())) + 1, draws, np.random.default_rng([seed, 3]))
    order = np.argsort(values, axis=1, kind="stable")
    rating_order = np.argsort(ratings, kind="stable")
    samples = weighted_spearman(
        order,
        _continues(np.take_along_axis(values, order, axis=1)),
        rating_order,
        _continues(ratings[rating_order][None])[0],
        (counts[:, first] * counts[:, second]).astype(np.float64),
    )
    varied = np.ptp(values, axis=1) > 0
    undefined = int(np.isnan(samples[:, varied]).sum())
    if undefined:
        logger.info(
            "%d of %d bootstrap correlations were undefined and left out.", undefined, samples[:, varied].size
        )
    return percentile_interval(samples)


def _continues(ordered: np.ndarray) -> np.ndarray:
    ties = np.zeros(ordered.shape, bool)
    ties[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    return ties


@compiled
def _weighted_ranks(order, ties, weights, ranks):
    before, start = 0.0, 0
    while start < order.size:
        group, stop = weights[order[start]], start + 1
        while stop < order.size and ties[stop]:
            group += weights[order[stop]]
            stop += 1
        for place in range(start, stop):
            ranks[order[place]] = before + group / 2
        before += group
        start = stop
    for pair in range(order.size):
        ranks[pair] -= before / 2  # the weighted mean rank


@compiled
def weighted_spearman(
    order: np.ndarray,
    ties: np.ndarray,
    rating_order: np.ndarray,
    rating_ties: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """Return rho [draw, test] where each pair counts weights [draw, pair] times; NaN where it is undefined.

    order [test, pair] sorts the pairs by value, ties [test, pair] says where a sorted value equals the one
    before; likewise for the ratings [pair]. Equal to repeating every pair as often as its weight says.
    """
    draws, tests, pairs = weights.shape[0], order.shape[0], order.shape[1]
    result = np.full((draws, tests), np.nan)
    ratings, ranks = np.empty(pairs), np.empty(pairs)
    for draw in range(draws):
        weight = weights[draw]
        _weighted_ranks(rating_order, rating_ties, weight, ratings)
        rating_square = (weight * ratings * ratings).sum()
        for test in range(tests):
            _weighted_ranks(order[test], ties[test], weight, ranks)
            product, square = 0.0, 0.0
            for pair in range(pairs):
                product += weight[pair] * ranks[pair] * ratings[pair]
                square += weight[pair] * ranks[pair] * ranks[pair]
            if square > 0 and rating_square > 0:
                result[draw, test] = product / np.sqrt(square * rating_square)
    return result
