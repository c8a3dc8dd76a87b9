import functools
import hashlib
import http.server
import threading
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from golgi.errors import GolgiError
from golgi.statistics.references import Rating, fetch_reference, load_reference, read_ratings

CONCEPTS = pl.DataFrame(
    {
        "index": [0, 1, 2, 3],
        "concept": ["cat_animal", "mouse", "bus", "wolf"],
        "word": ["Cat", "mouse", "bus", "wolf"],
        "plural": ["cats", "mice", "buses", "wolves"],
    }
)
LEXICON = Path("lexicon.yaml")


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def load(file, concepts=CONCEPTS, **description):
    return load_reference("people", {"file": str(file), **description}, concepts, lexicon=LEXICON, file=file)


@pytest.mark.parametrize(
    "text",
    [
        "cat mouse 3.5\nbus WOLF 1\n",
        "cat\tmouse\t3.5\nbus\tWOLF\t1\n",
        "cat,mouse,3.5\r\nbus,WOLF,1\r\n",
        "\ufeffword1,word2,score\ncat,mouse,3.5\nbus,WOLF,1",
        'Word 1,Word 2,Human (mean)\n"cat","mouse", 3.5\n\nbus , WOLF , 1\n',
        '"cat","mouse","3.5"\n"bus","WOLF","1"\n',
        "cat-n mouse-n 3.5\nbus-n  WOLF-n\t1\n",
        "word1\tword2\tPOS\tSimLex999\tconc(w1)\ncat\tmouse\tN\t3.5\t4\nbus\tWOLF\tN\t1\t2\n",
        "Word 1,Word 2,Human (mean),1,2\ncat,mouse,3.5,3,4\nbus,WOLF,1,1,1\n",
        "a,b,judged,by\ncat,mouse,3.5,Ann\nbus,WOLF,1,Bob\n",
        "# a comment\nword1\tword2\tscore\n\ncat\tmouse\t3.5\nbus\tWOLF\t1e0\n",
    ],
)
def test_separators_headers_and_case(tmp_path, text):
    assert read_ratings(write(tmp_path / "r.txt", text)) == [
        Rating("cat", "mouse", 3.5),
        Rating("bus", "wolf", 1.0),
    ]


def test_faulty_lines_are_listed_with_their_numbers(tmp_path):
    lines = ["cat mouse 1", "cat bus", "cat wolf high", "", "mouse bus nan", "a b c d"]
    with pytest.raises(GolgiError) as caught:
        read_ratings(write(tmp_path / "r.txt", "\n".join(lines)))
    message = str(caught.value)
    for fault in (
        "r.txt:2:1: has 2 fields",
        "r.txt:3:1: has a score that is not a number, 'high'",
        "r.txt:5:1",
        "r.txt:6:1: has 4 fields",
    ):
        assert fault in message
    with pytest.raises(GolgiError, match=r"r\.txt:12:1: and 15 more faulty lines") as caught:
        read_ratings(write(tmp_path / "r.txt", "cat mouse 1\n" + "x\n" * 25))
    assert len(str(caught.value).splitlines()) == 11


@pytest.mark.parametrize(
    "text",
    [
        "a\tb\tease\tspeed\ncat\tmouse\t1\t2\n",
        "a\tb\tsimilarity\trelatedness\ncat\tmouse\t1\t2\n",
        "a\tb\tPOS\tjudged\ncat\tmouse\tN\t2\n",
    ],
)
def test_columns_that_could_be_the_scores_are_listed(tmp_path, text):
    with pytest.raises(GolgiError, match=r"r\.txt:1:1: which column has the scores\? There are `a`, `b`, `"):
        read_ratings(write(tmp_path / "r.txt", text))


def test_words_of_several_parts_match(tmp_path):
    concepts = CONCEPTS.with_columns(pl.Series("word", ["fire engine", "ice-cream", "bus", "wolf"]))
    text = '"fire engine",ice cream,1\nfire_engine,BUS,2\nFire-Engine,wolves,3\n'
    reference = load(write(tmp_path / "r.txt", text), concepts)
    assert list(zip(reference.first, reference.second)) == [(0, 1), (0, 2), (0, 3)]


def test_the_endings_of_lemmas_are_read_on_both_words_only(tmp_path):
    assert read_ratings(write(tmp_path / "r.txt", "cat-n run-v 1\nplan-j cat 2\n")) == [
        Rating("cat", "run", 1.0),
        Rating("plan j", "cat", 2.0),
    ]


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(GolgiError, match="has no ratings"):
        read_ratings(write(tmp_path / "empty.txt", "\n# nothing\n"))
    with pytest.raises(GolgiError, match="cannot be read"):
        read_ratings(tmp_path / "missing.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(GolgiError, match="cannot be read"):
        read_ratings(tmp_path / "binary")


def test_words_match_in_singular_and_plural_and_repeats_are_averaged(tmp_path, caplog):
    text = "cats mouse 1\nmouse cat 3\nmice bus 5\nbus cat 7\nwolf wolves 9\nmoon cat 2\n"
    reference = load(write(tmp_path / "r.txt", text), ceiling=0.84)
    assert list(zip(reference.first, reference.second)) == [(0, 1), (0, 2), (1, 2)]
    assert reference.ratings.tolist() == [2.0, 7.0, 5.0]
    assert reference.ceiling == 0.84
    assert "1 repeated ratings were averaged, 1 of a word with itself left out" in caplog.text


def test_a_word_of_two_concepts_is_left_out(tmp_path, caplog):
    concepts = CONCEPTS.with_columns(pl.Series("plural", ["mouse", "mice", "buses", "wolves"]))
    text = "cat bus 1\ncat wolf 2\nbus wolf 3\nmouse bus 4\n"
    assert len(load(write(tmp_path / "r.txt", text), concepts).ratings) == 3
    assert "words of several concepts are left out: mouse" in caplog.text


def test_too_few_shared_pairs(tmp_path):
    with pytest.raises(GolgiError, match=r"people: .*r\.txt rates 2 pairs of concepts; .* at least 3"):
        load(write(tmp_path / "r.txt", "cat mouse 1\nbus cat 2\nmoon sun 3\n"))


def test_the_lexicon_as_a_reference(root):
    from golgi.concepts.lexicon import attribute_similarity, load_lexicon

    path = root / "config" / "lexicons" / "microworld.yaml"
    lexicon = load_lexicon(path)
    names = [concept.name for concept in lexicon.concepts][:10]
    concepts = pl.DataFrame({"index": range(10), "concept": names, "word": names, "plural": names})
    reference = load_reference("taxonomy", {"lexicon": True}, concepts, lexicon=path, file=None)
    similarity = attribute_similarity(lexicon, names)
    np.testing.assert_array_equal(reference.ratings, similarity[np.triu_indices(10, k=1)])
    assert reference.ceiling is None
    with pytest.raises(GolgiError, match="neither"):
        load_reference("people", {"file": "x"}, concepts, lexicon=path, file=None)


@pytest.mark.parametrize(
    ("name", "pairs", "first", "top"),
    [
        ("MEN_dataset_natural_form_full.txt", 3000, Rating("sun", "sunlight", 50.0), 50.0),
        ("EN-SIMLEX-999.txt", 999, Rating("old", "new", 1.58), 10.0),
    ],
)
def test_real_ratings(data, name, pairs, first, top):
    file = data / "similarity" / name
    if not file.is_file():
        pytest.skip(f"no {file}")
    ratings = read_ratings(file)
    assert len(ratings) == pairs
    assert ratings[0] == first
    assert all(0 <= rating.score <= top for rating in ratings)


@pytest.fixture
def address(tmp_path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "r.txt").write_text("cat mouse 1\n")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_fetching_checks_the_sum(tmp_path, address):
    digest = hashlib.sha256(b"cat mouse 1\n").hexdigest()
    fetch_reference(url=f"{address}/r.txt", sha256=digest.upper(), file=tmp_path / "got.txt")
    assert (tmp_path / "got.txt").read_text() == "cat mouse 1\n"
    for url, sha256, message in (
        (f"{address}/r.txt", "0" * 64, f"its sha256 is {digest}"),
        (f"{address}/no.txt", digest, "cannot be fetched.*404"),
        (tmp_path.as_uri(), digest, "fetched by https"),
    ):
        with pytest.raises(GolgiError, match=message):
            fetch_reference(url=url, sha256=sha256, file=tmp_path / "other.txt")
    assert not (tmp_path / "other.txt").exists()
