"""Who wrote the sentences of a study, as its report tells it: the model, what it was asked, what was kept."""

from typing import Any

from golgi.captions.writing import TAKEN
from golgi.figures.rows import listed
from golgi.study.writing import KINDS

MOST_NAMES = 3


def writer_told(facts: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what a page tells of `facts` (sentences/writer.json); None where no language model wrote.

    The model's name is the one that it was asked by. That, and what it calls itself, are a stranger's words:
    all of it is plain text.
    """
    if facts is None:
        return None
    sentences = facts["sentences"]
    found, verdicts = sentences["found"], sentences["verdicts"]
    taken = sorted((gate for gate in TAKEN if verdicts[gate]), key=lambda gate: -verdicts[gate])
    return {
        "model": facts["model"],
        "names": called(facts),
        "rounds": facts["rounds"],
        "requests": facts["requests"],
        "per_request": facts["per_request"],
        "language": facts["language"],
        "sampling": facts["sampling"],
        "prompts": [
            {"kind": KINDS[kind], "file": prompt["file"], "sha256": prompt["sha256"]}
            for kind, prompt in sorted(facts["prompts"].items())
        ],
        "found": found,
        "kept": verdicts["kept"],
        "share": verdicts["kept"] / found if found else None,
        "taken": listed([f"{verdicts[gate]:,} {TAKEN[gate]}" for gate in taken]),
        "missing": sentences["missing"],
    }


def called(facts: dict[str, Any]) -> str:
    """What the writer called itself, most often first, where that is not the name it was asked by."""
    counts: dict[str, int] = {}
    for name in facts["names"]:
        counts[name["model"]] = counts.get(name["model"], 0) + name["replies"]
    others = sorted(
        (name for name in counts if name not in ("", facts["model"])), key=lambda one: -counts[one]
    )
    told = [f"{name} ({counts[name]:,} replies)" for name in others[:MOST_NAMES]]
    more = len(others) - len(told)
    return listed(told + ([f"{more:,} more names"] if more else []))
