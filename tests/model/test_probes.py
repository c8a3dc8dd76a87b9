"""Linear probes: the same as scikit-learn's, on sentences whose origins were never learnt from."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch
from scipy.stats import ortho_group
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from golgi.errors import GolgiError
from golgi.experts.chance import chance_precision
from golgi.models import probes as module
from golgi.models.probes import PENALTY, best_units, fit_probes, probe
from golgi.models.splits import read_labels, split
from golgi.tables import open_arrays, read_table, table_schema, write_arrays, write_table

CONCEPTS, EACH, UNITS, LAYERS = 4, 48, 32, 2
SENTENCES = CONCEPTS * EACH
OWNER = np.repeat(np.arange(CONCEPTS), EACH)
NAMES = [f"concept{number}" for number in range(CONCEPTS)]
FILES = [f"doc{number // 3}" for number in range(SENTENCES)]  # three sentences of each document


def blank(schema: str, **known) -> pl.DataFrame:
    """A frame of a schema; columns that are not known are 0 or empty."""
    blanks = {"str": "", "int": 0, "float": 0.0, "bool": False}
    rows = len(next(iter(known.values())))
    columns = {column["name"]: [blanks[column["type"]]] * rows for column in table_schema(schema)["columns"]}
    return pl.DataFrame(columns | known)


def one_unit(random) -> np.ndarray:
    """Concept c is unit c alone, [sentence, unit]."""
    responses = random.standard_normal((SENTENCES, UNITS * LAYERS))
    responses[np.arange(SENTENCES), OWNER] += 6
    return responses


def many_units(random) -> np.ndarray:
    """Every unit is a little of every concept: none knows it, their sum does."""
    directions = random.choice([-0.6, 0.6], (CONCEPTS, UNITS * LAYERS))
    return random.standard_normal((SENTENCES, UNITS * LAYERS)) + directions[OWNER]


@pytest.fixture
def study(tmp_path):
    """Write a study's files around responses [sentence, unit]; return their paths."""

    def write(responses, *, origins=FILES, positives=None, masked=False) -> SimpleNamespace:
        layers = {f"mlp_post/{layer}": part for layer, part in enumerate(np.split(responses, LAYERS, axis=1))}
        turned = responses @ ortho_group.rvs(responses.shape[1], random_state=0)
        rotated = {f"mlp_post/{layer}": part for layer, part in enumerate(np.split(turned, LAYERS, axis=1))}
        facts = {"sentences": str(SENTENCES), "masked": str(masked).lower()}
        noise = np.random.default_rng(9).standard_normal((SENTENCES, UNITS))
        files = SimpleNamespace(
            **{name: tmp_path / f"{name}.parquet" for name in ("pool", "sets", "concepts", "probes")},
            responses=tmp_path / "neuron.safetensors",
            rotated=tmp_path / "rotated.safetensors",
        )
        for path, arrays in ((files.responses, layers), (files.rotated, rotated)):
            rows = {name: np.concatenate([part, noise]) if masked else part for name, part in arrays.items()}
            stored = {name: part.astype(np.float32) for name, part in rows.items()}
            write_arrays(stored, path, metadata=facts)
        pool = blank("pool", sentence=range(SENTENCES), origin=list(origins))
        write_table(pool, files.pool, schema="pool")
        parts = [
            blank("sets", concept=[name] * SENTENCES, sentence=range(SENTENCES), positive=number == OWNER)
            for number, name in enumerate(NAMES)
        ]
        sets = pl.concat(parts)
        if positives is not None:
            sets = sets.filter(~pl.col("positive") | (pl.col("sentence") % EACH < positives))
        write_table(sets, files.sets, schema="sets")
        concepts = blank("concepts", index=range(CONCEPTS), concept=NAMES, category=["a", "a", "b", "b"])
        write_table(concepts, files.concepts, schema="concepts")
        return files

    return write


def fit(files, **changes) -> pl.DataFrame:
    options = {
        "model": "tiny",
        "checkpoint": "7",
        "step": 7,
        "controls": ["untrained", "rotated", "shuffled"],
        "sizes": [1, 8, 64, 65],
        "heldout": 0.3,
        "seed": 3,
    }
    fit_probes(**vars(files), **(options | changes))
    return read_table(files.probes, schema="probes")


def splits_of(files, **changes):
    labels = read_labels(files.pool, files.sets, files.concepts, sentences=SENTENCES)
    return [split(one, **({"heldout": 0.3, "seed": 3} | changes)) for one in labels]


def mean_ap(frame, control, kind, size) -> float:
    chosen = frame.filter(pl.col("control") == control, pl.col("kind") == kind, pl.col("size") == size)
    assert chosen.height == CONCEPTS
    return chosen["ap"].mean()


def test_no_origin_is_both_learnt_from_and_held_out(study):
    files = study(one_unit(np.random.default_rng(0)))
    for number, one in enumerate(splits_of(files)):
        assert sorted([*one.train, *one.test]) == list(range(SENTENCES))
        origins = np.array(FILES)[one.labels.rows]
        assert not set(origins[one.train]) & set(origins[one.test])
        for side in (number == OWNER, number != OWNER):
            assert side[one.test].mean() == pytest.approx(side.mean(), abs=0.03)
            assert side[one.test].sum() / side.sum() == pytest.approx(0.3, abs=0.05)


def test_a_sentence_of_unknown_origin_stands_alone_and_one_origin_is_no_group(study, caplog):
    files = study(one_unit(np.random.default_rng(0)), origins=[""] * SENTENCES)
    assert all(len(set(one.labels.groups)) == SENTENCES for one in splits_of(files))
    whole = [f"frame{owner}" if owner == 0 else str(row) for row, owner in enumerate(OWNER)]
    files = study(one_unit(np.random.default_rng(0)), origins=whole)
    first, *others = splits_of(files)
    assert first.labels.groups is None
    assert all(one.labels.groups is not None for one in others)
    assert "1 concepts have all sentences of a class from one origin, concept0 among them" in caplog.text
    assert fit(files).group_by("concept").agg(pl.col("grouped").all()).sort("concept")[
        "grouped"
    ].to_list() == [
        False,
        True,
        True,
        True,
    ]


def test_the_sweep_splits_as_the_split_says(study):
    features = many_units(np.random.default_rng(0)).astype(np.float32)
    for one in splits_of(study(features)):
        sweep = module._sweep(torch.from_numpy(features), one, [1, 8], shuffled=True)
        for result in sweep.results:
            assert result.train_indices.tolist() == one.train.tolist()
            assert result.test_indices.tolist() == one.test.tolist()


def test_the_split_does_not_depend_on_other_concepts_but_on_the_seed(study):
    files = study(one_unit(np.random.default_rng(0)))
    before = splits_of(files)
    read = read_table(files.concepts, schema="concepts").filter(pl.col("concept") != NAMES[0])
    write_table(read, files.concepts, schema="concepts")
    for one, other in zip(before[1:], splits_of(files), strict=True):
        assert one.test.tolist() == other.test.tolist()
    assert before[1].test.tolist() != splits_of(files, seed=4)[0].test.tolist()


@pytest.mark.parametrize("size", [4, 64])
def test_a_probe_is_scikit_learns_logistic_regression(study, size):
    features = many_units(np.random.default_rng(1)).astype(np.float32)
    features *= np.random.default_rng(2).uniform(0.5, 20, features.shape[1]).astype(np.float32)
    for one in splits_of(study(features)):
        train, test = features[one.train].astype(np.float64), features[one.test].astype(np.float64)
        labels, tested = one.labels.positive[one.train], one.labels.positive[one.test]
        apart = np.abs(features[one.train][labels].mean(axis=0) - features[one.train][~labels].mean(axis=0))
        chosen = np.argsort(-apart, kind="stable")[:size]
        scaled = [
            (part[:, chosen] - train[:, chosen].mean(axis=0)) / train[:, chosen].std(axis=0)
            for part in (train, test)
        ]
        oracle = LogisticRegression(
            C=1 / (len(train) * PENALTY), class_weight="balanced", tol=1e-10, max_iter=5000
        ).fit(scaled[0], labels)
        expected = average_precision_score(tested, oracle.decision_function(scaled[1]))
        (found,) = probe(features, one, [size], shuffled=False)[size]
        assert found == pytest.approx(expected, abs=1e-6)


def test_the_best_unit_is_found_by_average_precision_on_the_training_sentences(study):
    features = many_units(np.random.default_rng(2)).astype(np.float32)
    features[:, 40] = features[:, 3]  # equals: the first is taken
    files = study(features)
    fitted = fit(files).filter(pl.col("kind") == "unit", pl.col("control") == "measured")
    for one in splits_of(files):
        labels, tested = one.labels.positive[one.train], one.labels.positive[one.test]
        precision = [average_precision_score(labels, unit) for unit in features[one.train].T]
        with open_arrays(files.responses) as arrays:
            rows = one.labels.rows[one.train]
            (found,) = best_units(arrays, [(rows[labels], rows[~labels])])
        assert found.place == int(np.argmax(np.round(precision, 6)))
        assert (found.layer, found.index) == divmod(found.place, UNITS)
        row = fitted.filter(pl.col("concept") == one.labels.concept)
        assert row.select("site", "layer", "unit").row(0) == ("mlp_post", found.layer, found.index)
        expected = average_precision_score(tested, features[one.test][:, found.place])
        assert row["ap"][0] == pytest.approx(expected, abs=1e-6)


def test_a_concept_of_one_unit_gains_nothing(study):
    frame = fit(study(one_unit(np.random.default_rng(3))))
    assert mean_ap(frame, "measured", "unit", 1) == pytest.approx(1, abs=0.01)
    assert mean_ap(frame, "measured", "probe", 64) == pytest.approx(1, abs=0.01)
    assert mean_ap(frame, "rotated", "unit", 1) < 0.9
    chosen = frame.filter(pl.col("kind") == "unit", pl.col("control") == "measured").sort("concept")
    assert chosen["unit"].to_list() == list(range(CONCEPTS))


def test_a_concept_of_many_units_gains_much_in_both_bases(study):
    frame = fit(study(many_units(np.random.default_rng(4))))
    for control in ("measured", "rotated"):
        assert mean_ap(frame, control, "probe", 64) - mean_ap(frame, control, "unit", 1) > 0.3
    assert mean_ap(frame, "measured", "probe", 64) == pytest.approx(
        mean_ap(frame, "rotated", "probe", 64), abs=0.05
    )


def test_shuffled_labels_are_at_chance(study):
    found = []
    for seed in range(4):
        frame = fit(study(many_units(np.random.default_rng(seed))), seed=seed)
        found += frame.filter(pl.col("control") == "shuffled", pl.col("size") < 64)["ap"].to_list()
        chance = frame["chance"].mean()
    assert np.mean(found) == pytest.approx(chance, abs=4 * np.std(found) / np.sqrt(len(found)))


def test_chance_is_that_of_the_sentences_held_out(study):
    files = study(one_unit(np.random.default_rng(0)))
    frame = fit(files)
    for one in splits_of(files):
        rows = frame.filter(pl.col("concept") == one.labels.concept)
        positives = int(one.labels.positive[one.test].sum())
        assert rows["heldout"].unique().to_list() == [len(one.test)]
        assert rows["chance"].unique().to_list() == [chance_precision(positives, len(one.test) - positives)]


def test_masked_responses_are_the_word_control(study):
    frame = fit(study(one_unit(np.random.default_rng(5)), masked=True), controls=["word"])
    assert set(frame["control"]) == {"measured", "word"}
    assert mean_ap(frame, "measured", "unit", 1) > 0.99
    assert mean_ap(frame, "word", "probe", 8) < 0.5


def test_the_twin_has_its_own_responses_alone(study):
    frame = fit(study(one_unit(np.random.default_rng(0))), checkpoint="untrained", step=None, untrained=True)
    assert set(frame["control"]) == {"untrained"}
    assert frame["step"].null_count() == frame.height


def test_sizes_beyond_the_model_are_left_out_and_said(study, caplog):
    frame = fit(study(one_unit(np.random.default_rng(0))))
    assert sorted(set(frame["size"])) == [1, 8, 64]
    assert "64 units; larger probes of [1, 8, 64, 65] are left out" in caplog.text


def test_a_fit_that_fails_is_an_empty_cell_and_spares_the_others(study, monkeypatch, caplog):
    sweep = module.sweep_sparse_probe

    def failing(features, labels, *, ks, **options):
        if 8 in ks:
            raise module.SparseProbeConvergenceError("no luck")
        return sweep(features, labels, ks=ks, **options)

    files = study(one_unit(np.random.default_rng(0)))
    expected = fit(files)
    monkeypatch.setattr(module, "sweep_sparse_probe", failing)
    frame = fit(files)
    empty = frame.filter(pl.col("ap").is_null())
    assert empty.select("kind", "size").unique().rows() == [("probe", 8)]
    assert set(empty["control"]) == {"measured", "shuffled", "rotated"}
    known = pl.col("size") != 8
    assert frame.filter(known).equals(expected.filter(known))
    assert "concept0: the probe of 8 units failed: no luck." in caplog.text


def test_half_precision_responses_are_read_as_they_are(study):
    files = study(many_units(np.random.default_rng(6)))
    with open_arrays(files.responses) as arrays:
        halved = {name: arrays.read(name).astype(np.float16) for name in arrays.names}
        facts = arrays.metadata
    whole = fit(files)
    write_arrays(halved, files.responses, metadata=facts)
    assert mean_ap(fit(files), "measured", "probe", 64) == pytest.approx(
        mean_ap(whole, "measured", "probe", 64), abs=0.02
    )


def test_threads_do_not_change_the_bytes(study):
    files = study(many_units(np.random.default_rng(7)))
    contents = []
    for threads in (1, 2):
        fit(files, threads=threads)
        contents.append(files.probes.read_bytes())
    assert contents[0] == contents[1]


def test_a_concept_with_one_positive_is_an_error(study):
    files = study(one_unit(np.random.default_rng(0)), positives=1)
    with pytest.raises(GolgiError, match="concept0 has 1 positives and 144 negatives; a probe needs two of"):
        fit(files)


def test_files_that_do_not_fit_are_errors(study):
    files = study(one_unit(np.random.default_rng(0)))
    with pytest.raises(GolgiError, match="`word` is on, but there are no responses to masked sentences"):
        fit(files, controls=["word"])
    files.rotated = None
    with pytest.raises(GolgiError, match="`rotated` is on, but there are no responses in a rotated basis"):
        fit(files)
    sets = read_table(files.sets, schema="sets").with_columns(pl.col("sentence") + 1)
    write_table(sets, files.sets, schema="sets")
    with pytest.raises(GolgiError, match="concept0 names sentence 192; the last is 191"):
        fit(files)
    write_table(read_table(files.pool, schema="pool").head(9), files.pool, schema="pool")
    with pytest.raises(GolgiError, match="9 sentences, but there are responses to 192"):
        fit(files)
