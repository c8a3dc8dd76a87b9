"""Hundreds of spoilt specs: each is a study or a list of problems, within a second, never a traceback."""

import copy
import random
import time
from pathlib import Path

import pytest
import yaml

from golgi.study import StudyError, load_study
from golgi.study.estimate import estimate

SEEDS = (
    Path("config/studies/demo.yaml"),
    Path("config/studies/written.yaml"),
    Path("tests/data/specs/valid/everything.yaml"),
)
ROUNDS = 480
STRANGE = [
    None,
    True,
    -1,
    0,
    1.5,
    10**30,
    -(10**30),
    "",
    "no",
    "x" * 5000,
    "${GOLGI_NOT_SET}/x",
    "${HOME}",
    "../../etc",
    "a/b",
    "\u202e",
    [],
    [[]],
    [None, 1, "a"],
    {},
    {"a": {"b": []}},
    list(range(3000)),
    ["cat"] * 3000,
]
TEXT_TRICKS = [
    lambda text, _: text.replace("  ", "\t", 1),
    lambda text, _: text + "\nstudy: again\n",
    lambda text, _: text + "\nbomb: &a [1]\nmore: [*a, *a]\n",
    lambda text, _: "a: &a [x]\n" + "".join(f"b{n}: &b{n} [{'*a, ' * 9}]\n" for n in range(9)) + text,
    lambda text, _: text + "\n---\n" + text,
    lambda text, _: text + "\nx: " + "[" * 50_000,
    lambda text, _: text.replace(":", "", 1),
    lambda text, generator: text[: generator.randrange(len(text))],
    lambda text, generator: text[generator.randrange(len(text)) :],
    lambda text, _: text.replace("study:", "study: !!python/name:os.system", 1),
    lambda text, _: text.replace("\n", "\r\n"),
    lambda text, _: text + "\n" + "\n".join(f"k{n}: {n}" for n in range(5000)),
]


def places(node, path=()):
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def spoil(data, generator):
    data = copy.deepcopy(data)
    *parents, last = generator.choice(list(places(data)))
    target = data
    for step in parents:
        target = target[step]
    match generator.choice(["delete", "rename", "retype", "duplicate", "swap"]):
        case "delete":
            del target[last]
        case "rename" if isinstance(target, dict):
            target[str(last) + generator.choice("sx_ ")] = target.pop(last)
        case "duplicate" if isinstance(target, list):
            target.append(target[last])
        case "swap":
            section = copy.deepcopy(generator.choice(list(data.values())))
            target[last] = generator.choice([section, str(target[last])])
        case _:
            target[last] = generator.choice(STRANGE)
    return data


def spoilt_bytes(text, generator):
    kind = generator.random()
    if kind < 0.7:
        data = yaml.safe_load(text)
        for _ in range(generator.randint(1, 3)):
            data = spoil(data, generator) or {"study": "x"}
        return yaml.safe_dump(data, allow_unicode=True, sort_keys=False).encode()
    if kind < 0.9:
        return generator.choice(TEXT_TRICKS)(text, generator).encode()
    content = bytearray(text.encode())
    for _ in range(generator.randint(1, 4)):
        content[generator.randrange(len(content))] = generator.randrange(256)
    return bytes(content)


@pytest.mark.parametrize("number", range(6))
def test_a_spoilt_spec_is_a_study_or_a_list_of_problems(number, root, monkeypatch, tmp_path):
    monkeypatch.chdir(root)
    generator = random.Random(number)
    texts = [seed.read_text(encoding="utf-8") for seed in SEEDS]
    file = tmp_path / "spoilt.yaml"
    refused = []
    for _ in range(ROUNDS // 6):
        file.write_bytes(spoilt_bytes(generator.choice(texts), generator))
        start = time.process_time()
        try:
            study = load_study(
                file, environment={"GOLGI_MODELS": "/models"}, check_files=generator.random() < 0.5
            )
        except StudyError as error:
            refused.append(error)
        else:
            assert study.rows()
            assert estimate(study).jobs
            assert study.fingerprint()
        assert time.process_time() - start < 20  # no pattern that takes for ever
    assert len(refused) > ROUNDS // 12
    assert all(str(error) and error.problems for error in refused)
    marks = [(problem.line, problem.column) for error in refused for problem in error.problems]
    assert min(map(min, marks)) >= 1
