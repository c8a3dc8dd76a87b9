# Needs: the responses of the last checkpoints and of the twins, the average precision of their units, and the sets.
# Gives: the average precision of every unit for the concepts' parents, and the tables of the hierarchy.


rule score_parents:
    input:
        responses="results/{study}/responses/{model}/{checkpoint}/neuron.safetensors",
        rotated="results/{study}/responses/{model}/{checkpoint}/rotated.safetensors",
        pool="results/{study}/sentences/pool.parquet",
        sets="results/{study}/sentences/sets.parquet",
        concepts=f"{TABLES}/concepts.parquet",
        code=code("experts/parents"),
    output:
        parents=f"{EXPERTISE}/parents.safetensors",
    log:
        "results/{study}/logs/score_parents/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        mem_mb=memory("score_parents"),
        runtime=runtime("score_parents"),
    params:
        step=lambda w: study_of(w).step(w.checkpoint),
        controls=lambda w: study_of(w).controls,
        seed=lambda w: study_of(w).seed,
    message:
        "Scoring the parents of concepts for {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/score_parents.py"


rule measure_hierarchy:
    input:
        aps=per_last_row(f"{EXPERTISE}/ap.safetensors"),
        parents=per_last_row(f"{EXPERTISE}/parents.safetensors"),
        concepts=f"{TABLES}/concepts.parquet",
        lexicon=lambda w: study_of(w).spec["concepts"]["lexicon"],
        code=code("statistics/hierarchy"),
    output:
        hierarchy=f"{TABLES}/hierarchy.parquet",
        csv=f"{TABLES}/hierarchy.csv",
        children=f"{TABLES}/hierarchy_concepts.parquet",
        children_csv=f"{TABLES}/hierarchy_concepts.csv",
        tree=f"{TABLES}/hierarchy_tree.parquet",
        tree_csv=f"{TABLES}/hierarchy_tree.csv",
        merges=f"{TABLES}/hierarchy_merges.parquet",
        merges_csv=f"{TABLES}/hierarchy_merges.csv",
    log:
        "results/{study}/logs/measure_hierarchy.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("measure_hierarchy"),
        runtime=runtime("measure_hierarchy"),
    params:
        hierarchy=lambda w: analysis(w, "hierarchy"),
        thresholds=lambda w: study_of(w).spec["experts"]["thresholds"],
        planned_threshold=lambda w: study_of(w).threshold,
        last_checkpoints=lambda w: study_of(w).last_checkpoints,
        seed=lambda w: study_of(w).seed,
    message:
        "Looking for a hierarchy among the concepts of {wildcards.study}"
    script:
        "../scripts/measure_hierarchy.py"
