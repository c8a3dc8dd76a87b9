"""A synthetic table of sensitivity that follows schemas/tables, for tests of figures and captions."""

import polars as pl
from synthetic_tables import table

OTHERS = {
    "pooling": ("max", {"mean": 0.7, "last": 0.1}),
    "site": ("mlp_post", {"mlp_out": 0.4, "resid_post": 0.3}),
    "bos": ("true", {"false": 0.95}),
    "threshold": ("0.5", {"0.6": 0.6, "0.75": 0.2}),
    "positives": ("400", {"100": 0.5, "200": 0.8}),
    "negatives": ("1000", {"250": 9.0, "500": 2.5}),
}
CHANCE = {"100": 0.09, "200": 0.17, "250": 0.62, "500": 0.44}


def sensitivity_tables(
    *,
    models: tuple[str, ...] = ("mini-s",),
    checkpoint: str = "400",
    concepts: int = 12,
    references: tuple[str, ...] = ("men",),
    controls: bool = True,
    no_experts: bool = False,
    null_rho: bool = False,
) -> dict[str, pl.DataFrame]:
    """Fewer negatives raise experts and alignment, of the twin too; the last token finds next to nothing."""
    step = int(checkpoint) if checkpoint.isdigit() else None
    places = [(model, checkpoint, step, "measured", 1.0) for model in models]
    places += [(model, "untrained", None, "untrained", 0.6) for model in models if controls]
    rows = []
    for model, name, at, control, force in places:
        where = {"model": model, "checkpoint": name, "step": at, "control": control}
        for factor, (own, others) in OTHERS.items():
            for value, scale in {own: 1.0, **others}.items():
                shared = {**where, "factor": factor, "value": value, "base": value == own}
                shared |= {"units": 2048, "chance": CHANCE.get(value, 400 / 1400)}
                experts = 0.0 if no_experts else 40 * force * scale
                rows.append(shared | count(experts, 40 * force * (not no_experts), concepts, value == own))
                for reference in references:
                    unknown = null_rho or no_experts or (value == "last" and control == "untrained")
                    rho = None if unknown else 0.3 * force * min(scale, 2.0)
                    rows.append(shared | alignment(rho, 0.3 * force, reference, value == own))
    return {"sensitivity": table("sensitivity", rows)}


def count(experts: float, base: float, concepts: int, own: bool) -> dict:
    return {
        "quantity": "experts",
        "reference": None,
        **around(experts, base, 0.1 * experts, own),
        "n": concepts,
        "empty": concepts if experts == 0 else 0,
    }


def alignment(rho: float | None, base: float, reference: str, own: bool) -> dict:
    return {
        "quantity": "alignment",
        "reference": reference,
        **around(rho, base, 0.12, own),
        "n": 120,
        "empty": 120 if rho is None else 1,
    }


def around(value: float | None, base: float, half: float, own: bool) -> dict:
    names = ("estimate", "low", "high", "change", "change_low", "change_high")
    if value is None:
        return dict.fromkeys(names)
    change = value - base
    changes = (None, None, None) if own else (change, change - half, change + half)
    return dict(zip(names, (value, value - half, value + half, *changes), strict=True))
