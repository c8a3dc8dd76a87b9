"""A spec from a stranger: names that are paths, bombs, secrets, marks that terminals obey, links."""

import copy
import json
import os
import time
import unicodedata
from pathlib import Path

import pytest
import yaml

from golgi import command
from golgi.study import StudyError, load_study
from golgi.study.estimate import estimate

SECRET = "sk-planted-2f9c"
NOT_NAMES = [
    "../x",
    "..",
    ".hidden",
    "/etc/cron.d/x",
    "a/b",
    "a\\b",
    "-rf",
    "--config",
    "a\nb",
    "a\r",
    "$(id)",
    "a;id",
    "{wildcards.study}",
    "c\u0430t",  # a Cyrillic letter that looks like `a`
    "\uff41",
    "a\u202eb",
    "a\x1b[31m",
    "x" * 10_000,
    "",
]
DEVICES = ["con", "nul", "aux", "com1", "lpt9"]


@pytest.fixture
def spec(root, monkeypatch, tmp_path):
    """The small study, in a folder where its lexicon is the only file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config" / "lexicons").mkdir(parents=True)
    lexicon = root / "config" / "lexicons" / "microworld.yaml"
    (tmp_path / "config" / "lexicons" / "microworld.yaml").write_bytes(lexicon.read_bytes())
    return yaml.safe_load((root / "tests" / "studies" / "small.yaml").read_text())


def write(spec) -> str:
    Path("small.yaml").write_text(
        spec if isinstance(spec, str) else yaml.safe_dump(copy.deepcopy(spec), sort_keys=False),
        encoding="utf-8",
    )
    return "small.yaml"


def refusal(spec, **environment) -> str:
    with pytest.raises(StudyError) as raised:
        load_study(write(spec), environment=environment, check_files=True)
    return str(raised.value)


def test_the_study_itself_is_in_order(spec):
    assert load_study(write(spec), environment={}, check_files=True).name == "small"


@pytest.mark.parametrize("name", [*NOT_NAMES, *DEVICES])
def test_what_becomes_a_file_name_is_a_name(spec, name):
    reference = {"lexicon": True}
    tiny = spec["models"].pop("tiny")
    for changed in (
        spec | {"models": {"tiny": tiny}, "study": name},
        spec | {"models": {name: tiny}},
        spec | {"models": {"tiny": tiny}, "analyses": {"alignment": {"references": {name: reference}}}},
    ):
        said = refusal(changed | {"claims": {}})
        assert len(said) < 8000
        assert not set(said) & set("\x1b\u202e")


@pytest.mark.parametrize("name", [name for name in NOT_NAMES if name])
def test_other_fields_that_reach_paths_are_names_too(spec, name):
    hub = {"hub": f"lab/{name}"}
    models = [
        {"hub": f"{name}/x"},
        hub,
        {"hub": "lab/x", "revision": name},
        {"directory": ".", "folder": name},
    ]
    for source in models:
        assert "models.tiny.source" in refusal(spec | {"models": {"tiny": {"source": source, "bos": True}}})


def test_a_secret_is_not_read_into_a_path(spec):
    for variable in ("GOLGI_API_KEY", "GOLGI_TOKEN", "GOLGI_DB_PASSWORD", "GOLGI_SECRET_DIR"):
        spec["concepts"]["lexicon"] = f"${{{variable}}}"
        said = refusal(spec, **{variable: SECRET})
        assert "called like a secret" in said
        assert SECRET not in said
    spec["concepts"]["lexicon"] = "${GOLGI_TOKENIZERS}/words.yaml"
    assert "there is no file /data/words.yaml" in refusal(spec, GOLGI_TOKENIZERS="/data")


@pytest.mark.parametrize(
    "path", ["${HOME}/x", "$HOME/x", "~/x", "x/${GOLGI_X}", "${GOLGI_X}/$HOME", "${AWS_SECRET_ACCESS_KEY}"]
)
def test_nothing_but_golgis_own_variables_is_expanded(spec, path):
    spec["concepts"]["sentences"]["source"] = {"corpus": [path]}
    said = refusal(spec, HOME=SECRET, GOLGI_X="y", AWS_SECRET_ACCESS_KEY=SECRET)
    assert "only ${GOLGI_...} at the beginning" in said
    assert SECRET not in said


def test_a_path_has_no_wildcards_of_the_workflow(spec):
    Path("{study}.txt").write_text("The dog runs.")
    for path in ("{study}.txt", "${GOLGI_X}/a.txt"):
        spec["concepts"]["sentences"]["source"] = {"corpus": [path]}
        assert "takes for a wildcard" in refusal(spec, GOLGI_X="{input}")


def test_an_address_has_no_password(spec, capsys):
    reference = {"url": f"https://me:{SECRET}@example.org/men.txt", "sha256": "0" * 64}
    spec["analyses"]["alignment"]["references"] = {"men": reference}
    said = refusal(spec | {"claims": {}})
    assert "analyses.alignment.references.men.url" in said
    assert SECRET not in said
    assert command.main(["check", write(spec | {"claims": {}})]) == 1
    assert SECRET not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", SECRET),
        ("key", "AKIA0123456789ABCDEF0123"),
        ("key", "${GOLGI_KEY}"),
        ("server", f"https://me:{SECRET}@example.org/v1"),
        ("server", f"https://example.org/v1?api_key={SECRET}"),
        ("server", "file:///etc/passwd"),
        ("model", "$(id)"),
    ],
)
def test_a_writer_has_the_name_of_a_key_and_a_plain_address(spec, field, value):
    writer = {"server": "http://localhost:8000/v1", "model": "small", "key": None}
    spec["concepts"]["sentences"]["source"] = {"llm": {"writer": writer | {field: value}}}
    said = refusal(spec, GOLGI_KEY=SECRET)
    assert f"concepts.sentences.source.llm.writer.{field}" in said
    assert SECRET not in said
    assert field != "key" or value not in said


def test_a_terminal_is_sent_nothing_that_it_obeys(spec, capsys):
    keys = r'"\e[31mred\x9b": &x 1' + "\n" + r'"\e]0;title\a": !!python/name:os.system 2' + "\n"
    assert command.main(["check", write(keys)]) == 1
    said = capsys.readouterr().err
    assert "<U+001B>[31mred" in said
    assert not any(character != "\n" and unicodedata.category(character) == "Cc" for character in said)


@pytest.mark.parametrize("mark", ["\u202e", "\u202a", "\u2066", "\u2069"])
def test_text_is_shown_in_the_order_that_it_has(spec, mark):
    assert f"U+{ord(mark):04X}" in refusal(spec | {"title": f"a{mark}b"})
    assert f"U+{ord(mark):04X}" in refusal(spec | {f"ti{mark}tle": "a"})
    lexicon = Path("config/lexicons/microworld.yaml")
    lexicon.write_text(lexicon.read_text().replace("gloss: ", f'gloss: "a{mark}" #', 1))
    assert "another order" in refusal(spec)


def test_markup_in_a_title_is_shown_as_it_stands(spec, capsys):
    assert command.main(["plan", write(spec | {"title": "[red]a[/red] [link=https://x]b[/link]"})]) == 0
    assert "[red]a[/red] [link=https://x]b[/link]" in capsys.readouterr().out


BOMBS = {
    "aliases": "a: &a [x]\n" + "".join(f"b{n}: &b{n} [{'*a, ' * 9}]\n" for n in range(9)),
    "merge keys": "a: &a {x: 1}\nb: {<<: *a}\n",
    "depth": "x: " + "[" * 400_000,
    "depth in blocks": "".join(" " * n + "a:\n" for n in range(1200)),
    "one huge text": "title: " + "x" * 990_000 + "\n",
    "one huge name": '? "' + "x" * 990_000 + '"\n: 1\n',
    "one huge tag": "a: !" + "x" * 990_000 + " 1\n",
    "many values": "a: [" + "1, " * 300_000 + "]\n",
    "a huge number": "seed: " + "9" * 900_000 + "\n",
    "a huge file": "#" * 40_000_000,
    "tags": "study: !!python/object/apply:os.system [id]\n",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_at_once_and_in_a_few_lines(spec, bomb):
    start = time.process_time()
    said = refusal(BOMBS[bomb])
    assert time.process_time() - start < 5
    assert len(said) < 10_000


def test_thousands_of_unknown_names_are_refused_in_seconds(spec):
    names = [f"conception-number-{number:05d}" for number in range(1500)]
    concepts = "".join(
        f"  {name}x: {{category: c, part_of_speech: noun, gloss: g}}\n" for name in names[:1000]
    )
    Path("names.yaml").write_text(f"categories: {{c: {{}}}}\nconcepts:\n{concepts}")
    spec["concepts"] |= {"lexicon": "names.yaml", "only": names, "categories": None}
    start = time.process_time()
    assert "is not a concept of names.yaml" in refusal(spec)
    assert time.process_time() - start < 15


def test_a_tower_of_categories_is_refused_in_seconds(spec):
    tower = "".join(f"  c{n}: {{parent: c{n - 1}}}\n" for n in range(1, 3000))
    dog = "{category: c0, part_of_speech: noun, gloss: g}"
    Path("tower.yaml").write_text(f"categories:\n  c0: {{}}\n{tower}concepts:\n  dog: {dog}\n")
    spec["concepts"]["lexicon"] = "tower.yaml"
    start = time.process_time()
    assert "more than 100 categories" in refusal(spec)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("path", ["/dev/zero", "fifo", "/proc/self", "x" * 300, "x/" * 2000, "loop"])
def test_a_file_is_a_file(spec, path):
    os.mkfifo("fifo")
    os.symlink("loop", "loop")
    sources = [{"corpus": [path]}, {"files": [path]}]
    for source in sources:
        spec["concepts"]["sentences"]["source"] = source
        assert "concepts.sentences.source" in refusal(spec)
    assert "concepts.lexicon" in refusal(spec | {"concepts": spec["concepts"] | {"lexicon": path}})
    references = {"alignment": {"references": {"a": {"file": path}}}}
    assert "references.a.file" in refusal(spec | {"analyses": references, "claims": {}})


FACTS = {"num_hidden_layers": 2, "hidden_size": 8, "vocab_size": 10}


@pytest.mark.parametrize(
    "config",
    [
        "[" * 100_000,
        '{"num_hidden_layers": 1e999, "hidden_size": 8, "vocab_size": 10}',
        *(json.dumps(FACTS | {name: 10**12}) for name in FACTS),
        json.dumps(FACTS | {"num_hidden_layers": 10**9}),
        json.dumps(FACTS | {"hidden_size": 10**4000}),
        json.dumps(FACTS | {"num_hidden_layers": -1}),
        " " * 11 * 2**20 + json.dumps(FACTS),
    ],
)
def test_the_shape_of_a_strangers_model_is_no_bomb(spec, config):
    Path("model").mkdir()
    Path("model/config.json").write_text(config)
    spec["models"] = {"theirs": {"source": {"directory": "model"}, "bos": True}}
    start = time.process_time()
    study = load_study(write(spec | {"claims": {}}), environment={}, check_files=True)
    work = estimate(study)
    assert work.jobs
    assert [one.shape for one in work.models] == [None]
    assert time.process_time() - start < 5


def test_results_that_are_links_are_not_written_through(spec):
    Path("elsewhere/deep").mkdir(parents=True)
    Path("results/small/graphs").mkdir(parents=True)
    os.symlink("../../elsewhere", "results/small/tables")
    os.symlink("../../../elsewhere/deep", "results/small/graphs/tiny")
    os.symlink("graphs", "results/small/inside")
    said = refusal(spec)
    assert "results/small/tables is a link out" in said
    assert "results/small/graphs/tiny is a link out" in said
    assert "inside" not in said


def test_results_may_be_a_link_as_a_whole_and_no_study_of_them(spec):
    Path("disk/small/tables").mkdir(parents=True)
    os.symlink("disk", "results")
    load_study(write(spec), environment={}, check_files=True)
    Path("disk/small").rename("other")
    os.symlink("../other", "disk/small")
    assert "results/small is a link out" in refusal(spec)
