"""What a language model wrote, taken into a study: kept sentences alone, and refusals in words."""

from pathlib import Path

import polars as pl
import pytest
from written_replies import written_concepts

from golgi.concepts.written import read_written
from golgi.errors import GolgiError
from golgi.files import write_json
from golgi.tables import write_table

CONCEPTS = [concept for concept in written_concepts() if concept.name in ("dog", "cat")]


def written(folder: Path, *, stories: int = 2, orientation: float | None = 0.8) -> tuple[Path, Path]:
    """Two kept facts and one that is not, and so many kept stories, of two concepts."""
    rows = [
        {"kind": kind, "item": item, "verdict": verdict, "concept": concept.name}
        for concept in CONCEPTS
        for kind, verdicts in (("fact", ["kept", "short", "kept"]), ("story", ["kept"] * stories))
        for item, verdict in enumerate(verdicts)
    ]
    frame = pl.DataFrame(rows).with_columns(
        round=pl.lit(0, pl.Int64),
        draw=pl.lit(0, pl.Int64),
        detail=pl.lit(""),
        text=pl.concat_str("concept", "kind", "item", separator=" "),
        reply=pl.lit("ab" * 32),
    )
    paths = folder / "written.parquet", folder / "writer.json"
    write_table(frame, paths[0], schema="written")
    write_json({"orientation": orientation}, paths[1])
    return paths


def test_kept_sentences_are_candidates_each_of_an_origin_of_its_own(tmp_path: Path):
    found = read_written(*written(tmp_path), CONCEPTS, positives=4)
    assert [one.text for one in found[:4]] == ["cat fact 0", "cat fact 2", "cat story 0", "cat story 1"]
    assert [one.origin for one in found[:2]] == ["abababababababab#0", "abababababababab#2"]
    assert {one.kind for one in found} == {"fact", "story"}


def test_what_is_short_is_named_by_concept_and_kind(tmp_path: Path):
    with pytest.raises(GolgiError, match="2 of 2 concepts are short of sentences") as told:
        read_written(*written(tmp_path, stories=1), CONCEPTS, positives=7)
    assert "  dog: 1 of 3 facts and 3 of 4 stories\n" in str(told.value)


@pytest.mark.parametrize(("orientation", "refused"), [(0.36, True), (0.5, False), (None, False)])
def test_kinds_that_are_swapped_as_a_whole_are_refused(
    tmp_path: Path, orientation: float | None, refused: bool
):
    paths = written(tmp_path, orientation=orientation)
    if not refused:
        assert read_written(*paths, CONCEPTS, positives=4)
        return
    with pytest.raises(GolgiError, match=r"prompts: facts read like stories, .*only 36% of plain ones"):
        read_written(*paths, CONCEPTS, positives=4)
