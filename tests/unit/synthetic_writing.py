"""A synthetic table of what a language model wrote, for tests of figures, captions and reports."""

import numpy as np
import polars as pl
from synthetic_tables import table

from golgi.writing.counting import totals

GATES = ("short", "long", "unnamed", "subtype", "other_concept", "language", "repeated", "similar", "swapped")
TAKEN = (0.02, 0.004, 0.09, 0.03, 0.02, 0.006, 0.05, 0.11, 0.03)


def writing_tables(
    names: list[tuple[str, str]], *, wanted: int = 200, short: int = 5, silent: bool = False, seed: int = 0
) -> dict[str, pl.DataFrame]:
    """Every `short`-th concept lacks some of its facts (none where 0); `silent`: the model wrote nothing."""
    rng = np.random.default_rng(seed)
    rows = [
        {"index": index, "concept": concept, "category": category, "kind": kind, "wanted": wanted}
        | counts(rng, wanted, lacks=bool(short) and kind == "fact" and index % short == 0, silent=silent)
        for index, (concept, category) in enumerate(names)
        for kind in ("fact", "story")
    ]
    return {"writing": table("writing", rows)}


def counts(rng: np.random.Generator, wanted: int, *, lacks: bool, silent: bool) -> dict:
    """Counts of one concept and kind, which has what is wanted and some more unless it `lacks` sentences."""
    kept = 0 if silent else int(wanted * (rng.uniform(0.4, 0.95) if lacks else rng.uniform(1.0, 1.05)))
    written = 0 if silent else int(kept / rng.uniform(0.5, 0.75))
    lost = rng.multinomial(written - kept, np.array(TAKEN) / sum(TAKEN))
    requests = wanted // 10 + (40 if lacks else 8)
    return {
        "requests": requests,
        "most_requests": wanted // 10 * 4,
        "refusals": requests if silent else 1,
        "cuts": 2,
        "prompt_tokens": 150 * requests,
        "completion_tokens": 240 * requests,
        "cost": 0.0002 * requests,
        "sentences": written,
        **dict(zip(GATES, lost.tolist(), strict=True)),
        "kept": kept,
        "missing": max(wanted - kept, 0),
    }


def writer_facts(writing: pl.DataFrame, **changes: object) -> dict:
    """What is told of the writer of a table `writing` (sentences/writer.json)."""
    prompt = {"fact": "facts.v1.jinja", "story": "stories.v1.jinja"}
    told = {
        "model": "small-writer",
        "names": [{"model": "small-writer-v2", "fingerprint": "fp_1", "replies": 7}],
        "orientation": 0.975,
        "prompts": {kind: {"file": file, "sha256": "ab" * 32} for kind, file in prompt.items()},
        "sampling": {"temperature": 1.0, "top_p": 0.95, "max_tokens": 1000, "seed": 1},
        "language": "en",
        "per_request": 10,
        "attempts": 4,
        "gates": {"shortest": 4, "longest": 60},
        **totals(writing, rounds=3, price=None),
    }
    return told | changes
