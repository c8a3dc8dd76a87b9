"""Do the results hang on a choice of the study? Experts and alignment with one choice made otherwise."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.experts.expertise import Rows
from golgi.experts.scoring import read_sets
from golgi.statistics.overlap import jaccard, shared_experts
from golgi.statistics.precision import check_concepts, layer_blocks, read_point, scored_layers, unit_blocks
from golgi.statistics.references import Reference, load_reference
from golgi.statistics.resampling import bootstrap_means, multiplicities, percentile_interval
from golgi.statistics.rescoring import scored_blocks
from golgi.statistics.spearman import spearman, weighted_spearman
from golgi.tables import Arrays, open_arrays, read_table, write_table

logger = logging.getLogger(__name__)

KINDS = ("positives", "negatives")


@dataclass(frozen=True)
class Setting:
    """The experts that one set of choices finds; `base` marks the study's own."""

    factor: str  # pooling, site, bos, threshold, positives or negatives
    value: str
    base: bool
    shared: np.ndarray  # [concept, concept] |E_a & E_b|; the diagonal is the sizes of the sets
    units: int
    chance: float


@dataclass(frozen=True)
class _Base:
    """Average precision as the study has it."""

    taus: list[float]
    shared: np.ndarray  # [tau, concept, concept]
    units: int
    labels: list[Rows]


def measure_sensitivity(
    *,
    ap: Path,
    variants: Path,
    responses: Path,
    sets: Path,
    concepts: Path,
    lexicon: Path,
    references: dict[str, dict[str, Any]],
    reference_files: dict[str, Path],
    own: dict[str, str],
    sizes: dict[str, Sequence[int]],
    thresholds: Sequence[float],
    threshold: float,
    bootstraps: int,
    seed: int,
    threads: int,
    sensitivity: Path,
) -> None:
    """Write table `sensitivity` of one model and checkpoint: one choice changed at a time.

    `ap` is what `score_experts` wrote for the study's own choices, `variants` the average precision of
    other ways to read, "{factor}/{value}/{site}/{layer}" [concept, unit]; `own` names the study's choices of
    pooling, site and BOS. The other `thresholds` are taken from `ap`; the other `sizes` (positives,
    negatives) are seeded, nested subsets of each concept's sentences, scored on `responses`. Expertise as in
    Suau et al. 2020, alignment as in Fedzechkina et al. 2025. Intervals resample concepts for experts and
    words for alignment, the same ones with every choice, so that changes are paired. Raises GolgiError where
    files and concepts do not fit, naming the concept that has too few sentences, and where there is nothing
    to compare.
    """
    described = read_table(concepts, schema="concepts")
    names = described["concept"].to_list()
    rated = [
        load_reference(name, entry, described, lexicon=lexicon, file=reference_files.get(name))
        for name, entry in references.items()
    ]
    with open_arrays(ap) as arrays:
        check_concepts(arrays, names)
        point, layers = read_point(arrays), scored_layers(arrays)
        base = _read_base(arrays, sorted({*thresholds, threshold}), read_sets(sets, names))
    place = base.taus.index(threshold)
    settings = [*_read_otherwise(variants, base, place, own, len(names))]
    settings += _other_thresholds(base, place)
    settings += _other_sizes(responses, base, place, sizes, names, seed=seed, threads=threads)
    if not settings:
        raise GolgiError("analyses.sensitivity names no other choice, and experts.thresholds has only one.")
    logger.info("%s@%s: %d settings.", point.model, point.checkpoint, len(settings))
    frames = [_count(settings, bootstraps, seed), *(_align(settings, one, bootstraps, seed) for one in rated)]
    control = "untrained" if layers and layers[0].control == "untrained" else "measured"
    frame = pl.concat(frames).with_columns(*point.columns(), pl.lit(control).alias("control"))
    write_table(frame, sensitivity, schema="sensitivity")


def draw_subset(rows: Rows, concept: str, *, kind: str, size: int, seed: int) -> Rows:
    """Return a concept's rows with only `size` of one `kind` (positives or negatives), in ascending order.

    Drawn from the seed and the concept's name; a smaller subset lies in every larger one. Raises GolgiError
    where there are fewer.
    """
    parts = dict(zip(KINDS, rows, strict=True))
    if size > len(parts[kind]):
        raise GolgiError(
            f"analyses.sensitivity.{kind}: {size} are more than the {len(parts[kind])} of {concept}."
        )
    random = np.random.default_rng([seed, 6, KINDS.index(kind), *concept.encode()])
    parts[kind] = np.sort(random.permutation(parts[kind])[:size])
    return parts["positives"], parts["negatives"]


def _read_base(arrays: Arrays, taus: list[float], labels: list[Rows]) -> _Base:
    layers = [layer for layer in scored_layers(arrays) if layer.control in ("measured", "untrained")]
    blocks = layer_blocks(arrays, layers)
    units = sum(arrays.shape(layer.key)[1] for layer in layers)
    return _Base(taus, shared_experts(blocks, taus, len(labels))[0], units, labels)


def _read_otherwise(
    variants: Path, base: _Base, place: int, own: dict[str, str], concepts: int
) -> Iterator[Setting]:
    """The settings that change how the model is read, each factor's base among them."""
    chance = _chance(base.labels)
    with open_arrays(variants) as arrays:
        found: dict[tuple[str, str], list[str]] = {}
        for key in arrays.names:
            factor, value, _, _ = key.split("/")
            found.setdefault((factor, value), []).append(key)
            if arrays.shape(key)[0] != concepts:
                raise GolgiError(
                    f"{variants}, {key}: {arrays.shape(key)[0]} concepts, but the study has {concepts}."
                )
        for factor in dict.fromkeys(factor for factor, _ in found):
            yield Setting(factor, own[factor], True, base.shared[place], base.units, chance)
        for (factor, value), keys in found.items():
            blocks = (block for key in keys for block in unit_blocks(arrays, key))
            shared = shared_experts(blocks, [base.taus[place]], concepts)[0][0]
            units = sum(arrays.shape(key)[1] for key in keys)
            yield Setting(factor, value, False, shared, units, chance)


def _other_thresholds(base: _Base, place: int) -> list[Setting]:
    if len(base.taus) == 1:
        return []
    chance = _chance(base.labels)
    return [
        Setting("threshold", f"{tau:g}", index == place, base.shared[index], base.units, chance)
        for index, tau in enumerate(base.taus)
    ]


def _other_sizes(
    responses: Path,
    base: _Base,
    place: int,
    sizes: dict[str, Sequence[int]],
    names: list[str],
    *,
    seed: int,
    threads: int,
) -> list[Setting]:
    """The settings with fewer sentences, each kind's base among them: one sort of the responses for all."""
    wanted = [(kind, size) for kind in KINDS for size in sizes[kind]]
    labels = {
        (kind, size): [
            draw_subset(rows, name, kind=kind, size=size, seed=seed)
            for rows, name in zip(base.labels, names, strict=True)
        ]
        for kind, size in wanted
    }
    shared = _rescore(responses, list(labels.values()), base.taus[place], len(names), threads)
    settings = [
        Setting(kind, _size(base.labels, kind), True, base.shared[place], base.units, _chance(base.labels))
        for kind in KINDS
        if sizes[kind]
    ]
    return settings + [
        Setting(kind, str(size), False, part, base.units, _chance(drawn))
        for ((kind, size), drawn), part in zip(labels.items(), shared, strict=True)
    ]


def _rescore(
    responses: Path, groups: list[list[Rows]], tau: float, concepts: int, threads: int
) -> np.ndarray:
    """|E_a & E_b| [group, concept, concept] of label sets in groups of one set per concept."""
    shared = np.zeros((len(groups), concepts, concepts), np.int64)
    if not groups:
        return shared
    with open_arrays(responses) as arrays:
        sets = [rows for group in groups for rows in group]
        for _, _, scores in scored_blocks(arrays, sets, threads=threads):
            for total, block in zip(shared, np.split(scores, len(groups)), strict=True):
                total += shared_experts([block], [tau], concepts)[0][0]
    return shared


def _size(labels: list[Rows], kind: str) -> str:
    sizes = {len(rows[KINDS.index(kind)]) for rows in labels}
    return f"{min(sizes)}" if len(sizes) == 1 else f"{min(sizes)}–{max(sizes)}"


def _chance(labels: list[Rows]) -> float:
    """The mean over concepts of the AP of chance, which is the share of positives."""
    return float(
        np.mean([len(positives) / (len(positives) + len(negatives)) for positives, negatives in labels])
    )


def _bases(settings: list[Setting]) -> np.ndarray:
    """For each setting the place of its factor's base, [setting]."""
    places = {setting.factor: place for place, setting in enumerate(settings) if setting.base}
    return np.array([places[setting.factor] for setting in settings], np.int64)


def _count(settings: list[Setting], draws: int, seed: int) -> pl.DataFrame:
    counts = np.array([np.diagonal(one.shared) for one in settings], np.float64).T  # [concept, setting]
    changes = counts - counts[:, _bases(settings)]
    return _rows(
        settings,
        estimate=counts.mean(axis=0),
        interval=bootstrap_means(counts, draws=draws, seed=seed),
        change=changes.mean(axis=0),
        change_interval=bootstrap_means(changes, draws=draws, seed=seed),
        n=len(counts),
        empty=(counts == 0).sum(axis=0),
    )


def _align(settings: list[Setting], reference: Reference, draws: int, seed: int) -> pl.DataFrame:
    first, second = reference.first, reference.second
    similarity = jaccard(np.stack([one.shared for one in settings]))[:, first, second]  # [setting, pair]
    sizes = np.stack([np.diagonal(one.shared) for one in settings])
    bases = _bases(settings)
    rho = spearman(similarity, reference.ratings)
    samples = rho_samples(similarity, reference, draws=draws, seed=seed)
    change = rho - rho[bases]
    defined = samples[:, np.isfinite(rho)]
    undefined = int(np.isnan(defined).sum())
    if undefined:
        logger.info(
            "%s: %d of %d bootstrap correlations were undefined and left out.",
            reference.name,
            undefined,
            defined.size,
        )
    return _rows(
        settings,
        estimate=rho,
        interval=_where_defined(rho, percentile_interval(samples)),
        change=change,
        change_interval=_where_defined(change, percentile_interval(samples - samples[:, bases])),
        n=len(reference.ratings),
        empty=((sizes[:, first] == 0) & (sizes[:, second] == 0)).sum(axis=1),
        reference=reference.name,
    )


def rho_samples(values: np.ndarray, reference: Reference, *, draws: int, seed: int) -> np.ndarray:
    """Return bootstrap samples [draw, setting] of Spearman's rho of values [setting, pair] with the ratings.

    Words are resampled, the same ones for every setting; NaN where a sample's rho is undefined. Their
    percentiles are those of `bootstrap_spearman`.
    """
    words, places = np.unique(np.stack([reference.first, reference.second]), return_inverse=True)
    first, second = places.reshape(2, -1)
    counts = multiplicities(len(words), draws, np.random.default_rng([seed, 3]))
    order, ties = _sorted(values)
    rating_order, rating_ties = _sorted(reference.ratings[None])
    weights = (counts[:, first] * counts[:, second]).astype(np.float64)
    return weighted_spearman(order, ties, rating_order[0], rating_ties[0], weights)


def _sorted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    ties = np.zeros(values.shape, bool)
    ties[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    return order, ties


def _where_defined(values: np.ndarray, ends: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    low, high = (np.where(np.isfinite(values), end, np.nan) for end in ends)
    return low, high


def _rows(
    settings: list[Setting],
    *,
    estimate: np.ndarray,
    interval: tuple[np.ndarray, np.ndarray],
    change: np.ndarray,
    change_interval: tuple[np.ndarray, np.ndarray],
    n: int,
    empty: np.ndarray,
    reference: str | None = None,
) -> pl.DataFrame:
    own = np.array([setting.base for setting in settings], bool)
    low, high = interval
    change, change_low, change_high = (np.where(own, np.nan, one) for one in (change, *change_interval))
    numbers = {"estimate": estimate, "low": low, "high": high, "change": change}
    numbers |= {"change_low": change_low, "change_high": change_high}
    columns = {
        name: [getattr(setting, name) for setting in settings]
        for name in ("factor", "value", "base", "units", "chance")
    }
    return pl.DataFrame(columns).with_columns(
        *(pl.Series(name, values, pl.Float64).fill_nan(None) for name, values in numbers.items()),
        pl.Series("empty", empty, pl.Int64),
        pl.lit(n, pl.Int64).alias("n"),
        pl.lit("experts" if reference is None else "alignment").alias("quantity"),
        pl.lit(reference, pl.String).alias("reference"),
    )
