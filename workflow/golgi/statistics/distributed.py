"""How much does a view of single units miss? Probes against the best unit, and bases at equal sizes."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.statistics.equal_units import compare_equal_units
from golgi.statistics.resampling import bootstrap_means, holm, sign_flip_test
from golgi.tables import read_table, write_table

logger = logging.getLogger(__name__)

POINT = ("model", "checkpoint", "step", "control")


@dataclass(frozen=True)
class Fits:
    """Held-out average precision [concept] of one kind and size under one control; NaN where a fit failed."""

    point: tuple[str, str, int | None, str]
    kind: str
    size: int
    precision: np.ndarray
    chance: float


def measure_distributed(
    *,
    probes: Path,
    aps: Sequence[Path],
    concepts: Path,
    sizes: Sequence[int],
    last_checkpoints: dict[str, str],
    permutations: int,
    bootstraps: int,
    seed: int,
    distributed: Path,
    equal_units: Path,
) -> None:
    """Write tables `distributed` (probes against the best unit) and `equal_units` (bases at equal sizes).

    `probes` is what `fit_probes` wrote, of all models, and `aps` what `score_experts` wrote. Concepts are
    resampled, and the gain of a probe is paired by concept. The planned family is the gain of the largest
    measured probe at each model's last checkpoint (model -> checkpoint). Raises GolgiError if the probes
    are not those of the study's concepts.
    """
    described = read_table(concepts, schema="concepts")
    fits = _read_fits(probes, described["concept"].to_list())
    frame = summarise(
        fits, last_checkpoints=last_checkpoints, permutations=permutations, bootstraps=bootstraps, seed=seed
    )
    logger.info("Summarised %d groups of probes, %d fits failed.", len(frame), frame["failed"].sum())
    write_table(frame, distributed, schema="distributed", csv=True)
    frame = compare_equal_units(
        aps=aps,
        described=described,
        sizes=sizes,
        last_checkpoints=last_checkpoints,
        bootstraps=bootstraps,
        seed=seed,
    )
    write_table(frame, equal_units, schema="equal_units", csv=True)


def _read_fits(probes: Path, names: list[str]) -> list[Fits]:
    order = pl.DataFrame({"concept": names})
    fits = []
    groups = read_table(probes, schema="probes").group_by([*POINT, "kind", "size"], maintain_order=True)
    for (*point, kind, size), part in groups:
        if part["concept"].n_unique() != part.height or set(part["concept"]) != set(names):
            raise GolgiError(
                f"{probes}: {kind} of {size}, {point[3]} of {point[0]} at {point[1]}: the concepts are not "
                "those of the study."
            )
        part = order.join(part, on="concept", how="left", maintain_order="left")
        precision = part["ap"].fill_null(float("nan")).to_numpy()
        fits.append(Fits(tuple(point), kind, size, precision, part["chance"].mean()))
    return fits


def summarise(
    fits: Sequence[Fits],
    *,
    last_checkpoints: dict[str, str],
    permutations: int,
    bootstraps: int,
    seed: int,
) -> pl.DataFrame:
    """Return table `distributed`: means over concepts, and gains over the single unit of the same point."""
    units = {one.point: one.precision for one in fits if one.kind == "unit"}
    precision = np.stack([one.precision for one in fits], axis=1)  # [concept, test]
    gains = np.stack([_gain(one, units) for one in fits], axis=1)
    low, high = bootstrap_means(precision, draws=bootstraps, seed=seed)
    gain_low, gain_high = bootstrap_means(gains, draws=bootstraps, seed=seed)
    p = sign_flip_test(gains, draws=permutations, seed=seed)
    planned = _planned(fits, last_checkpoints) & np.isfinite(p)
    p_holm = np.full(len(fits), np.nan)
    p_holm[planned] = holm(p[planned])
    failed = np.isnan(precision).sum(axis=0)
    numbers = {
        "ap": _means(precision),
        "low": low,
        "high": high,
        "gain": _means(gains),
        "gain_low": gain_low,
        "gain_high": gain_high,
        "p": p,
        "p_holm": p_holm,
    }
    return pl.DataFrame([_identity(one) for one in fits], infer_schema_length=None).with_columns(
        pl.Series("concepts", len(precision) - failed),
        pl.Series("failed", failed),
        pl.Series("family", np.where(planned, "planned", "exploratory")),
        *(pl.Series(name, values).fill_nan(None) for name, values in numbers.items()),
    )


def _identity(fits: Fits) -> dict:
    return dict(zip(POINT, fits.point, strict=True)) | {
        "kind": fits.kind,
        "size": fits.size,
        "chance": fits.chance,
    }


def _gain(fits: Fits, units: dict[tuple, np.ndarray]) -> np.ndarray:
    if fits.kind == "unit":
        return np.full(len(fits.precision), np.nan)
    return fits.precision - units[fits.point]


def _means(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def _planned(fits: Sequence[Fits], last_checkpoints: dict[str, str]) -> np.ndarray:
    largest = {one.point: max(other.size for other in fits if other.point == one.point) for one in fits}
    return np.array(
        [
            one.kind == "probe"
            and one.size == largest[one.point]
            and one.point[3] == "measured"
            and one.point[1] == last_checkpoints.get(one.point[0])
            for one in fits
        ]
    )
