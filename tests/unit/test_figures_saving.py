"""Files of a figure: the same bytes each time, with the provenance inside."""

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from synthetic_results import case

from golgi.errors import GolgiError
from golgi.figures import FIGURES, draw_figure
from golgi.figures.saving import save_figure

FACTS = {"study": "demo (one)", "spec_sha256": "ab" * 32, "note": "Grüße <&> \\ ρ"}
KINDS = ("pdf", "svg", "png")
OPTIONS = {"threshold": 0.5, "thresholds": [0.5, 0.9]}


def save(name: str, folder: Path) -> dict[str, bytes]:
    paths = [folder / f"{name}.{kind}" for kind in KINDS]
    save_figure(draw_figure(name, case("small"), OPTIONS), paths, FACTS, dpi=100)
    return {path.suffix: path.read_bytes() for path in paths}


@pytest.mark.parametrize("name", FIGURES)
def test_same_table_same_bytes(name, tmp_path):
    assert save(name, tmp_path / "one") == save(name, tmp_path / "two")


def test_saving_one_figure_twice_gives_the_same_bytes(tmp_path):
    figure = draw_figure("overlap", case("small"), OPTIONS)
    names = [f"overlap.{kind}" for kind in KINDS]
    for folder in (tmp_path / "one", tmp_path / "two"):
        save_figure(figure, [folder / name for name in names], FACTS, dpi=100)
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_another_process_and_hash_seed_give_the_same_bytes(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from test_figures_saving import save; save('within_between', Path(sys.argv[2]))"
    )
    for seed in ("1", "2"):
        command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / seed)]
        path = [str(Path(__file__).parents[2] / "workflow")]
        subprocess.run(
            command, check=True, env={"PYTHONHASHSEED": seed, "PYTHONPATH": path[0], "HOME": str(tmp_path)}
        )
    for kind in KINDS:
        name = f"within_between.{kind}"
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_no_file_holds_a_date(tmp_path):
    files = save("training_loss", tmp_path)
    assert b"Date" not in files[".pdf"]
    assert b"dc:date" not in files[".svg"]
    assert set(Image.open(tmp_path / "training_loss.png").text) == {"Software", "Provenance"}


def test_provenance_is_read_back_from_every_format(tmp_path):
    files = save("training_loss", tmp_path)
    keywords = re.search(rb"/Keywords \((.*?[^\\])\)", files[".pdf"], re.S).group(1)
    assert json.loads(re.sub(rb"\\(.)", rb"\1", keywords)) == FACTS
    description = ElementTree.fromstring(files[".svg"]).find(
        ".//{http://purl.org/dc/elements/1.1/}description"
    )
    assert json.loads(description.text) == FACTS
    assert json.loads(Image.open(tmp_path / "training_loss.png").text["Provenance"]) == FACTS


def test_text_in_pdf_is_truetype(tmp_path):
    assert b"/Type3" not in save("training_loss", tmp_path)[".pdf"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GolgiError, match="cannot be written"):
        save_figure(
            draw_figure("training_loss", case("small"), OPTIONS), [tmp_path / "file" / "a.png"], FACTS
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("room", [0, 4096])
def test_a_full_disk_is_told_and_no_half_of_a_figure_is_left(small_disk, kind, room):
    (small_disk / "full").write_bytes(bytes(65_536 - room))
    with pytest.raises(GolgiError, match=rf"a\.{kind} cannot be written: No space left on device"):
        save_figure(
            draw_figure("training_loss", case("small"), OPTIONS), [small_disk / f"a.{kind}"], FACTS, dpi=100
        )
    assert [path.name for path in small_disk.iterdir()] == ["full"]
