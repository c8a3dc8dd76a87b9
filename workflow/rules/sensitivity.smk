# Needs: a model's weights, the pool and the sets; its responses and average precision as the study chose to read it.
# Gives: experts and alignment with one choice made otherwise, at every model's last checkpoint and for its twin.

from golgi.study.estimate import response_memory_mb, response_minutes, scoring_memory_mb, scoring_minutes

SENSITIVITY = "results/{study}/sensitivity/{model}/{checkpoint}"


def reading(wildcards):
    """How the study reads a model, and how else it is to be read."""
    study, other = study_of(wildcards), analysis(wildcards, "sensitivity")
    return {
        "sites": study.spec["experts"]["sites"],
        "pooling": study.spec["experts"]["pooling"],
        "bos": study.spec["models"][wildcards.model]["bos"],
        "alternatives": {name: other[name] for name in ("poolings", "sites", "bos")},
    }


def own_choices(wildcards):
    """What the study chose, in the words of its tables."""
    own = reading(wildcards)
    return {"pooling": own["pooling"], "site": " + ".join(own["sites"]), "bos": str(own["bos"]).lower()}


def variants_memory_mb(study, model):
    """Reading, then scoring: never both at once."""
    return max(response_memory_mb(study, model), scoring_memory_mb(study, model))


def variants_minutes(study, model):
    """At most two passes over the sentences, and a scoring for each way to read."""
    other = study.spec["analyses"]["sensitivity"]
    ways = len(other["poolings"]) + len(other["sites"]) + other["bos"]
    return 2 * response_minutes(study, model) + ways * scoring_minutes(study, model)


rule read_variants:
    input:
        pool="results/{study}/sentences/pool.parquet",
        sets="results/{study}/sentences/sets.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        weights=weights,
        code=code("models/variants", "experts/variants"),
    output:
        ap=f"{SENSITIVITY}/ap.safetensors",
        # As large as the study's own responses, once for every other way to read: gone once they are scored.
        responses=temp(f"{SENSITIVITY}/responses.safetensors"),
    log:
        "results/{study}/logs/read_variants/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        gpu=gpu,
        mem_mb=planned(variants_memory_mb),
        runtime=planned(variants_minutes),
    params:
        opening=opening,
        reading=reading,
    message:
        "Reading the sentences in other ways with {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/read_variants.py"


rule measure_sensitivity:
    input:
        ap="results/{study}/expertise/{model}/{checkpoint}/ap.safetensors",
        variants=f"{SENSITIVITY}/ap.safetensors",
        responses="results/{study}/responses/{model}/{checkpoint}/neuron.safetensors",
        sets="results/{study}/sentences/sets.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        lexicon=lambda w: study_of(w).spec["concepts"]["lexicon"],
        references=lambda w: list(study_of(w).reference_files.values()),
        code=code("statistics/sensitivity"),
    output:
        sensitivity=f"{SENSITIVITY}.parquet",
    log:
        "results/{study}/logs/measure_sensitivity/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        mem_mb=planned(scoring_memory_mb),
        runtime=planned(scoring_minutes),
    params:
        references=lambda w: study_of(w).references,
        reference_files=lambda w: study_of(w).reference_files,
        own=own_choices,
        sizes=lambda w: {kind: analysis(w, "sensitivity")[kind] for kind in ("positives", "negatives")},
        thresholds=lambda w: study_of(w).spec["experts"]["thresholds"],
        threshold=lambda w: study_of(w).threshold,
        bootstraps=lambda w: analysis(w, "sensitivity")["bootstraps"],
        seed=lambda w: study_of(w).seed,
    message:
        "Measuring how the choices of {wildcards.study} bear on {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/measure_sensitivity.py"


use rule gather_models as gather_sensitivity with:
    input:
        parts=per_last_row("results/{study}/sensitivity/{model}/{checkpoint}.parquet"),
    output:
        table="results/{study}/tables/sensitivity.parquet",
        csv="results/{study}/tables/sensitivity.csv",
    log:
        "results/{study}/logs/gather_sensitivity.log",
    params:
        schema="sensitivity",
    message:
        "Gathering the sensitivity of {wildcards.study}"
