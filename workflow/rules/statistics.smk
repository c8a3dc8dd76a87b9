# Needs: the average precision of every unit, at every checkpoint.
# Gives: the tables of the study, as Parquet and as CSV beside it.

TABLES = "results/{study}/tables"
EXPERTISE = "results/{study}/expertise/{model}/{checkpoint}"


rule gather_models:
    input:
        parts=facts,
    output:
        table=f"{TABLES}/models.parquet",
        csv=f"{TABLES}/models.csv",
    log:
        "results/{study}/logs/gather_models.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("gather_models"),
        runtime=runtime("gather_models"),
    params:
        schema="models",
    message:
        "Gathering the facts of the models of {wildcards.study}"
    script:
        "../scripts/gather_tables.py"


use rule gather_models as gather_experts with:
    input:
        parts=per_checkpoint(f"{EXPERTISE}/experts.parquet"),
    output:
        table=f"{TABLES}/experts.parquet",
        csv=f"{TABLES}/experts.csv",
    log:
        "results/{study}/logs/gather_experts.log",
    resources:
        mem_mb=memory("gather_experts"),
        runtime=runtime("gather_experts"),
    params:
        schema="experts",
    message:
        "Gathering the experts of {wildcards.study}"


use rule gather_models as gather_training with:
    input:
        parts=lambda w: [f"results/{w.study}/training/{model}.parquet" for model in study_of(w).trained()],
    output:
        table=f"{TABLES}/training.parquet",
        csv=f"{TABLES}/training.csv",
    log:
        "results/{study}/logs/gather_training.log",
    resources:
        mem_mb=memory("gather_training"),
        runtime=runtime("gather_training"),
    params:
        schema="training",
    message:
        "Gathering the training losses of {wildcards.study}"


rule measure_overlap:
    input:
        ap=f"{EXPERTISE}/ap.safetensors",
        concepts=f"{TABLES}/concepts.parquet",
        code=code("statistics/overlap"),
    output:
        overlap="results/{study}/overlap/{model}/{checkpoint}.parquet",
    log:
        "results/{study}/logs/measure_overlap/{model}/{checkpoint}.log",
    group:
        shard("score_experts")
    conda:
        "../../envs/golgi.yaml"
    resources:
        turn=1,
        mem_mb=memory("measure_overlap"),
        runtime=runtime("measure_overlap"),
    params:
        thresholds=lambda w: study_of(w).spec["experts"]["thresholds"],
    message:
        "Measuring the overlap of experts of {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/measure_overlap.py"


use rule gather_models as gather_overlap with:
    input:
        parts=per_last_row("results/{study}/overlap/{model}/{checkpoint}.parquet"),
    output:
        table=f"{TABLES}/overlap.parquet",
        csv=f"{TABLES}/overlap.csv",
    log:
        "results/{study}/logs/gather_overlap.log",
    resources:
        mem_mb=memory("gather_overlap"),
        runtime=runtime("gather_overlap"),
    params:
        schema="overlap",
        threshold=lambda w: analysis(w, "overlap")["threshold"],
    message:
        "Gathering the overlaps of {wildcards.study} at the last checkpoints"


# A shard at a time, and last in it: this is what makes one job of it on a cluster.
rule measure_counts:
    input:
        aps=per_shard("score_experts", f"{EXPERTISE}/ap.safetensors"),
        concepts=f"{TABLES}/concepts.parquet",
        code=code("statistics/counts"),
    output:
        counts="results/{study}/counts/{model}/{shard}.parquet",
        distribution="results/{study}/distribution/{model}/{shard}.parquet",
    log:
        "results/{study}/logs/measure_counts/{model}/{shard}.log",
    group:
        shard("score_experts")
    conda:
        "../../envs/golgi.yaml"
    resources:
        turn=1,
        mem_mb=memory("measure_counts"),
        runtime=runtime("measure_counts"),
    params:
        thresholds=lambda w: study_of(w).spec["experts"]["thresholds"],
    message:
        "Counting the experts of {wildcards.model}, shard {wildcards.shard}"
    script:
        "../scripts/measure_counts.py"


use rule gather_models as gather_counts with:
    input:
        parts=every_shard("score_experts", "results/{study}/counts/{model}/{shard}.parquet"),
    output:
        table=f"{TABLES}/counts.parquet",
        csv=f"{TABLES}/counts.csv",
    log:
        "results/{study}/logs/gather_counts.log",
    resources:
        mem_mb=memory("gather_counts"),
        runtime=runtime("gather_counts"),
    params:
        schema="counts",
    message:
        "Gathering the counts of experts of {wildcards.study}"


use rule gather_models as gather_distribution with:
    input:
        parts=every_shard("score_experts", "results/{study}/distribution/{model}/{shard}.parquet"),
    output:
        table=f"{TABLES}/distribution.parquet",
        csv=f"{TABLES}/distribution.csv",
    log:
        "results/{study}/logs/gather_distribution.log",
    resources:
        mem_mb=memory("gather_distribution"),
        runtime=runtime("gather_distribution"),
    params:
        schema="distribution",
    message:
        "Gathering the distribution of average precision of {wildcards.study}"


rule measure_categories:
    input:
        overlaps=per_checkpoint("results/{study}/overlap/{model}/{checkpoint}.parquet"),
        concepts=f"{TABLES}/concepts.parquet",
        code=code("statistics/categories"),
    output:
        categories=f"{TABLES}/categories.parquet",
        csv=f"{TABLES}/categories.csv",
    log:
        "results/{study}/logs/measure_categories.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("measure_categories"),
        runtime=runtime("measure_categories"),
    params:
        categories=lambda w: analysis(w, "categories"),
        planned_threshold=lambda w: analysis(w, "overlap")["threshold"],
        last_checkpoints=lambda w: study_of(w).last_checkpoints,
        seed=lambda w: study_of(w).seed,
    message:
        "Comparing overlap within and between categories of {wildcards.study}"
    script:
        "../scripts/measure_categories.py"


rule measure_alignment:
    input:
        overlaps=per_checkpoint("results/{study}/overlap/{model}/{checkpoint}.parquet"),
        concepts=f"{TABLES}/concepts.parquet",
        lexicon=lambda w: study_of(w).spec["concepts"]["lexicon"],
        embeddings=per_checkpoint("results/{study}/responses/{model}/{checkpoint}/embeddings.safetensors"),
        references=lambda w: list(study_of(w).reference_files.values()),
        code=code("statistics/alignment"),
    output:
        alignment=f"{TABLES}/alignment.parquet",
        csv=f"{TABLES}/alignment.csv",
        pairs=f"{TABLES}/alignment_pairs.parquet",
        pairs_csv=f"{TABLES}/alignment_pairs.csv",
    log:
        "results/{study}/logs/measure_alignment.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("measure_alignment"),
        runtime=runtime("measure_alignment"),
    params:
        alignment=lambda w: analysis(w, "alignment"),
        reference_files=lambda w: study_of(w).reference_files,
        planned_threshold=lambda w: analysis(w, "overlap")["threshold"],
        last_checkpoints=lambda w: study_of(w).last_checkpoints,
        seed=lambda w: study_of(w).seed,
    message:
        "Measuring the alignment of {wildcards.study} with its references"
    script:
        "../scripts/measure_alignment.py"
