# Needs: the average precision of every unit at the last checkpoint of every model, its weights, and held-out text.
# Gives: what each model does when the best units of a concept, and others to compare with, are set to chosen values.
# A model that has only been read so far runs here again, once per sentence and intervention.

INTERVENTIONS = "results/{study}/interventions"


rule write_intervention_text:
    input:
        lexicon=lambda w: study_of(w).spec["concepts"]["lexicon"],
        pool="results/{study}/sentences/pool.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        files=lambda w: (
            []
            if analysis(w, "interventions")["text"] == "microworld"
            else analysis(w, "interventions")["text"]
        ),
        code=code("concepts/intervention_text"),
    output:
        texts=f"{INTERVENTIONS}/texts.jsonl",
    log:
        "results/{study}/logs/write_intervention_text.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("write_intervention_text"),
        runtime=runtime("write_intervention_text"),
    params:
        source=lambda w: analysis(w, "interventions")["text"],
        chosen=lambda w: analysis(w, "interventions")["concepts"],
        amounts=intervention_fields("prompts", "continuations", "neutral"),
        seed=lambda w: study_of(w).seed,
    message:
        "Writing held-out sentences for the interventions of {wildcards.study}"
    script:
        "../scripts/write_intervention_text.py"


rule intervene:
    input:
        ap="results/{study}/expertise/{model}/{checkpoint}/ap.safetensors",
        concepts="results/{study}/tables/concepts.parquet",
        texts=rules.write_intervention_text.output.texts,
        weights=weights,
        code=code("models/interventions"),
    output:
        prompts=f"{INTERVENTIONS}/{{model}}/{{checkpoint}}.parquet",
    log:
        "results/{study}/logs/intervene/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        gpu=gpu("intervene"),
        mem_mb=memory("intervene"),
        runtime=runtime("intervene"),
    params:
        opening=opening,
        step=lambda w: study_of(w).step(w.checkpoint),
        chosen=lambda w: analysis(w, "interventions")["concepts"],
        settings=intervention_fields(
            "actions", "sizes", "draws", "prompts", "continuations", "length", "top", "neutral"
        ),
        seed=lambda w: study_of(w).seed,
    message:
        "Setting expert units of {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/intervene.py"


# As Parquet alone: a row for each prompt under each intervention is more than a spreadsheet holds.
rule gather_interventions:
    input:
        parts=lambda w: [
            f"{INTERVENTIONS}/{model}/{checkpoint}.parquet".format(study=w.study)
            for model, checkpoint in study_of(w).last_checkpoints.items()
        ],
    output:
        table="results/{study}/tables/intervention_prompts.parquet",
    log:
        "results/{study}/logs/gather_interventions.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("gather_interventions"),
        runtime=runtime("gather_interventions"),
    params:
        schema="intervention_prompts",
        csv=False,
    message:
        "Gathering the interventions of {wildcards.study}"
    script:
        "../scripts/gather_tables.py"


rule measure_interventions:
    input:
        prompts=rules.gather_interventions.output.table,
        code=code("statistics/interventions"),
    output:
        interventions="results/{study}/tables/interventions.parquet",
        csv="results/{study}/tables/interventions.csv",
        concepts="results/{study}/tables/interventions_concepts.parquet",
        concepts_csv="results/{study}/tables/interventions_concepts.csv",
    log:
        "results/{study}/logs/measure_interventions.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("measure_interventions"),
        runtime=runtime("measure_interventions"),
    params:
        settings=intervention_fields("size", "permutations", "bootstraps"),
        seed=lambda w: study_of(w).seed,
    message:
        "Testing the interventions of {wildcards.study}"
    script:
        "../scripts/measure_interventions.py"
