"""Every analysis of the planted model, run in the order of the workflow."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import polars as pl
import yaml
from planted import Planted
from planted_spec import DRAWS, MODEL, spec

from golgi.concepts.intervention_text import write_intervention_text
from golgi.concepts.sentences import write_sentences
from golgi.experts.parents import score_parents
from golgi.experts.scoring import score_experts
from golgi.experts.variants import score_variants
from golgi.models.interventions import intervene
from golgi.models.probes import fit_probes
from golgi.models.responses import collect_responses
from golgi.models.variants import plan_variants, read_variants
from golgi.statistics.alignment import measure_alignment
from golgi.statistics.categories import measure_categories
from golgi.statistics.claims import test_claims as measure_claims
from golgi.statistics.counts import measure_counts
from golgi.statistics.discoveries import measure_discoveries
from golgi.statistics.distributed import measure_distributed
from golgi.statistics.dynamics import measure_dynamics
from golgi.statistics.folds import Grid
from golgi.statistics.hierarchy import measure_hierarchy
from golgi.statistics.interventions import measure_interventions
from golgi.statistics.overlap import measure_overlap
from golgi.statistics.polysemy import measure_polysemy
from golgi.statistics.precision import Point
from golgi.statistics.sensitivity import measure_sensitivity
from golgi.statistics.stability import measure_stability, summarise_stability
from golgi.study.claim_rows import settled_claims
from golgi.study.claims import claimed_tables
from golgi.study.load import load_study
from golgi.study.plan import UNTRAINED, Study
from golgi.tables import gather_tables, read_table


@dataclass(frozen=True)
class Results:
    """The folder of a study's results, and its tables by name."""

    study: Study
    folder: Path
    tables: dict[str, Path] = field(default_factory=dict)

    def table(self, name: str) -> pl.DataFrame:
        """Return a table of the study."""
        return read_table(self.tables[name], schema=name)

    def at(self, checkpoint: str, name: str) -> Path:
        """Return a file that belongs to one checkpoint."""
        return self.folder / checkpoint / name

    def all(self, name: str, *, last: bool = False) -> list[Path]:
        """Return the files of all checkpoints; the twin and the last one alone with `last`."""
        rows = self.study.last_rows() if last else self.study.rows()
        return [self.at(checkpoint, name) for _, checkpoint in rows]

    def new(self, name: str) -> Path:
        """Return where a table is written."""
        return self.tables.setdefault(name, self.folder / f"{name}.parquet")


def run_study(world: Planted, folder: Path) -> Results:
    """Run every analysis of the planted model, its earlier checkpoint and its untrained twin."""
    (folder / "study.yaml").write_text(yaml.safe_dump(spec(world)), encoding="utf-8")
    results = Results(load_study(folder / "study.yaml", environment={}, check_files=True), folder)
    write_sentences(
        **_sentences(results.study),
        **{name: results.new(name) for name in ("pool", "sets", "concepts")},
    )
    for _, checkpoint in results.study.rows():
        _score(results, checkpoint)
    for _, checkpoint in results.study.last_rows():
        _analyse(results, checkpoint)
    _gather(results)
    _compare(results)
    _intervene(results)
    _claim(results)
    return results


def _sentences(study: Study) -> dict:
    concepts = study.spec["concepts"]
    chosen = {name: concepts[name] for name in ("categories", "only")}
    return {"lexicon": Path(concepts["lexicon"]), "seed": study.seed, **chosen, **concepts["sentences"]}


def _point(results: Results, checkpoint: str) -> dict:
    return {"model": MODEL, "checkpoint": checkpoint, "step": results.study.step(checkpoint)}


def _opening(results: Results, checkpoint: str) -> dict:
    study = results.study
    options = {"folder": Path(study.folder(MODEL, checkpoint)), "dtype": "float32", "device": "cpu"}
    return options | {
        "untrained_seed": study.twin_seed(checkpoint),
        "batch_tokens": 2048,
        "threads": 1,
    }


def _score(results: Results, checkpoint: str) -> None:
    study, at = results.study, partial(results.at, checkpoint)
    rotation = study.rotation_seed(checkpoint)
    rotated = None if rotation is None else at("rotated.safetensors")
    collect_responses(
        **_opening(results, checkpoint),
        **_point(results, checkpoint),
        **{name: results.tables[name] for name in ("pool", "concepts")},
        **{name: study.spec["experts"][name] for name in ("sites", "pooling")},
        source="directory",
        bos=True,
        rotation_seed=rotation,
        masked=study.masks_words(checkpoint),
        responses=at("neuron.safetensors"),
        rotated=rotated,
        embeddings=at("embeddings.safetensors"),
        facts=at("model.parquet"),
    )
    score_experts(
        **_scoring(results, checkpoint),
        thresholds=study.spec["experts"]["thresholds"],
        ap=at("ap.safetensors"),
        experts=at("experts.parquet"),
    )


def _scoring(results: Results, checkpoint: str) -> dict:
    twin, at = checkpoint == UNTRAINED, partial(results.at, checkpoint)
    return {
        **_point(results, checkpoint),
        **{name: results.tables[name] for name in ("sets", "concepts")},
        "responses": at("neuron.safetensors"),
        "rotated": None if twin else at("rotated.safetensors"),
        "controls": results.study.controls,
        "untrained": twin,
        "seed": results.study.seed,
    }


def _analyse(results: Results, checkpoint: str) -> None:
    """What is measured of one checkpoint: parents, probes, folds, chance, and other ways to read."""
    study, at = results.study, partial(results.at, checkpoint)
    scoring, pool = _scoring(results, checkpoint), results.tables["pool"]
    score_parents(**scoring, pool=pool, parents=at("parents.safetensors"))
    settings = {name: _analysis(results, "distributed")[name] for name in ("sizes", "heldout")}
    fit_probes(**scoring, **settings, pool=pool, probes=at("probes.parquet"), threads=1)
    given = {name: scoring[name] for name in ("responses", "sets", "concepts", "seed")}
    given |= {"point": Point(MODEL, checkpoint, study.step(checkpoint))}
    given |= {"thresholds": study.spec["experts"]["thresholds"]}
    grid = Grid(*(_analysis(results, "stability")[name] for name in ("folds", "positives", "negatives")))
    measure_stability(**given, pool=pool, controls=["shuffled"], grid=grid, stability=at("stability.parquet"))
    settings = {name: _analysis(results, "discoveries")[name] for name in ("level", "shuffles")}
    measure_discoveries(**given, **settings, ap=at("ap.safetensors"), discoveries=at("discoveries.parquet"))
    _vary(results, checkpoint)


def _vary(results: Results, checkpoint: str) -> None:
    settings, at = _analysis(results, "sensitivity"), partial(results.at, checkpoint)
    own = {name: results.study.spec["experts"][name] for name in ("sites", "pooling")}
    tables = {name: results.tables[name] for name in ("sets", "concepts")}
    alternatives = {name: settings[name] for name in ("poolings", "sites", "bos")}
    read_variants(
        **_opening(results, checkpoint),
        who=f"{MODEL}@{checkpoint}",
        pool=results.tables["pool"],
        concepts=results.tables["concepts"],
        variants=plan_variants(**own, bos=True, alternatives=alternatives),
        responses=at("variants.safetensors"),
    )
    score_variants(**tables, responses=at("variants.safetensors"), ap=at("otherwise.safetensors"))
    measure_sensitivity(
        **tables,
        **_rated(results),
        ap=at("ap.safetensors"),
        variants=at("otherwise.safetensors"),
        responses=at("neuron.safetensors"),
        own={"pooling": own["pooling"], "site": own["sites"][0], "bos": "true"},
        sizes={name: settings[name] for name in ("positives", "negatives")},
        thresholds=results.study.spec["experts"]["thresholds"],
        threshold=results.study.threshold,
        bootstraps=settings["bootstraps"],
        seed=results.study.seed,
        threads=1,
        sensitivity=at("sensitivity.parquet"),
    )


def _gather(results: Results) -> None:
    gather_tables(results.all("experts.parquet"), results.new("experts"), schema="experts")
    for name in ("probes", "discoveries", "sensitivity"):
        gather_tables(results.all(f"{name}.parquet", last=True), results.new(name), schema=name)
    settings = _analysis(results, "stability")
    summarise_stability(
        parts=results.all("stability.parquet", last=True),
        **{name: settings[name] for name in ("folds", "bootstraps")},
        seed=results.study.seed,
        stability=results.new("stability"),
        concepts=results.new("stability_concepts"),
    )
    taus = {"thresholds": results.study.spec["experts"]["thresholds"], "concepts": results.tables["concepts"]}
    for ap, overlap in zip(results.all("ap.safetensors"), results.all("overlap.parquet"), strict=True):
        measure_overlap(ap=ap, overlap=overlap, **taus)
    gather_tables(
        results.all("overlap.parquet", last=True),
        results.new("overlap"),
        schema="overlap",
        threshold=results.study.threshold,
    )
    counted = {name: results.new(name) for name in ("counts", "distribution")}
    measure_counts(aps=results.all("ap.safetensors"), **taus, **counted)


def _compare(results: Results) -> None:
    study, new = results.study, results.new
    concepts, overlaps = {"concepts": results.tables["concepts"]}, results.all("overlap.parquet")
    aps, last = results.all("ap.safetensors"), results.all("ap.safetensors", last=True)

    def of(name: str) -> dict:
        return concepts | _analysis(results, name) | {"seed": study.seed}

    ends = {"last_checkpoints": study.last_checkpoints}
    planned = ends | {"planned_threshold": study.threshold}
    measure_categories(**of("categories"), **planned, overlaps=overlaps, categories=new("categories"))
    measure_alignment(
        **of("alignment") | _rated(results) | planned,
        overlaps=overlaps,
        embeddings=results.all("embeddings.safetensors"),
        alignment=new("alignment"),
        pairs=new("alignment_pairs"),
    )
    measure_hierarchy(
        **of("hierarchy") | planned,
        aps=last,
        parents=results.all("parents.safetensors", last=True),
        lexicon=_rated(results)["lexicon"],
        thresholds=study.spec["experts"]["thresholds"],
        hierarchy=new("hierarchy"),
        children=new("hierarchy_concepts"),
        tree=new("hierarchy_tree"),
        merges=new("hierarchy_merges"),
    )
    tau = {"threshold": study.threshold}
    spectrum = {"polysemy": new("polysemy"), "sharing": new("polysemy_sharing")}
    measure_polysemy(**of("polysemy") | tau, aps=last, **spectrum)
    followed = {"dynamics": new("dynamics"), "alignment": new("dynamics_alignment")}
    measure_dynamics(**of("dynamics") | _rated(results) | tau, aps=aps, **followed)
    settings = {name: value for name, value in of("distributed").items() if name != "heldout"}
    compared = {"distributed": new("distributed"), "equal_units": new("equal_units")}
    measure_distributed(**settings | ends, probes=results.tables["probes"], aps=last, **compared)


def _intervene(results: Results) -> None:
    study, settings = results.study, _analysis(results, "interventions")
    texts, (checkpoint,) = results.folder / "held_out.jsonl", study.last_checkpoints.values()
    given = {"concepts": results.tables["concepts"], "chosen": settings["concepts"], "seed": study.seed}
    write_intervention_text(
        **given,
        **{name: settings[name] for name in ("prompts", "continuations", "neutral")},
        source=settings["text"],
        lexicon=Path(study.spec["concepts"]["lexicon"]),
        pool=results.tables["pool"],
        texts=texts,
    )
    amounts = ("actions", "sizes", "draws", "prompts", "continuations", "length", "top", "neutral")
    intervene(
        **given,
        **_opening(results, checkpoint),
        **_point(results, checkpoint),
        who=f"{MODEL}@{checkpoint}",
        bos=True,
        ap=results.at(checkpoint, "ap.safetensors"),
        texts=texts,
        settings={name: settings[name] for name in amounts},
        prompts=results.new("intervention_prompts"),
    )
    measure_interventions(
        prompts=results.tables["intervention_prompts"],
        planned_size=settings["size"],
        **{name: settings[name] for name in ("permutations", "bootstraps")},
        seed=study.seed,
        interventions=results.new("interventions"),
        concepts=results.new("interventions_concepts"),
    )


def _claim(results: Results) -> None:
    resolved = results.study.spec
    tables = {name: results.tables[name] for name in claimed_tables(resolved)}
    rows = settled_claims(resolved)
    measure_claims(
        rows=rows, tables=tables, draws=DRAWS, seed=results.study.seed, claims=results.new("claims")
    )


def _analysis(results: Results, name: str) -> dict:
    return results.study.spec["analyses"][name]


def _rated(results: Results) -> dict:
    study = results.study
    files = {name: Path(path) for name, path in study.reference_files.items()}
    return {
        "lexicon": Path(study.spec["concepts"]["lexicon"]),
        "references": study.references,
        "reference_files": files,
    }
