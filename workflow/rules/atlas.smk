# Needs: what was measured of every unit and concept, and the graphs of units where there are any.
# Gives: static pages to browse them in: a map of all units over training, search, a page for each unit and concept.


rule describe_units:
    input:
        responses="results/{study}/responses/{model}/{checkpoint}/neuron.safetensors",
        expertise="results/{study}/expertise/{model}/{checkpoint}/ap.safetensors",
        pool="results/{study}/sentences/pool.parquet",
        sets="results/{study}/sentences/sets.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        code=code("atlas/units", "atlas/sentences"),
    output:
        units="results/{study}/views/{model}/{checkpoint}/units.safetensors",
        sentences="results/{study}/views/{model}/{checkpoint}/sentences.parquet",
    log:
        "results/{study}/logs/describe_units/{model}/{checkpoint}.log",
    group:
        shard("score_experts")
    conda:
        "../../envs/golgi.yaml"
    resources:
        turn=1,
        mem_mb=memory("describe_units"),
        runtime=runtime("describe_units"),
    params:
        sites=lambda w: study_of(w).spec["experts"]["sites"],
        threshold=lambda w: study_of(w).threshold,
    message:
        "Describing the units of {wildcards.model} at {wildcards.checkpoint} for the atlas"
    script:
        "../scripts/describe_units.py"


rule read_windows:
    input:
        chosen=rules.choose_units.output.chosen,
        graphs=per_layer("full/layer{layer}.jsonl", everywhere=False),
        texts=rules.trace_texts.output.activations,
        code=code("atlas/windows"),
    output:
        windows=f"{GRAPHS}/windows.parquet",
    log:
        "results/{study}/logs/read_windows/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("read_windows"),
        runtime=runtime("read_windows"),
    params:
        settings=lambda w: study_of(w).graph_settings("score"),
        seed=lambda w: study_of(w).seed,
    message:
        "Choosing texts for the graphs of {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/read_windows.py"


rule write_atlas:
    input:
        expertise=per_checkpoint("results/{study}/expertise/{model}/{checkpoint}/ap.safetensors"),
        units=per_checkpoint("results/{study}/views/{model}/{checkpoint}/units.safetensors"),
        sentences=per_checkpoint("results/{study}/views/{model}/{checkpoint}/sentences.parquet"),
        overlap=overlapping("results/{study}/overlap/{model}/{checkpoint}.parquet"),
        tokens=per_graph_row("tokens.json"),
        windows=per_graph_row("windows.parquet"),
        tables=lambda w: [f"results/{w.study}/tables/{table}.parquet" for table in browsed_tables(w)],
        pages=pages_in("golgi/atlas/page"),
        code=code("atlas/writing", "atlas/contents"),
    output:
        folder=directory("results/{study}/atlas"),
    log:
        "results/{study}/logs/write_atlas.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("write_atlas"),
        runtime=runtime("write_atlas"),
    params:
        rows=lambda w: study_of(w).rows(),
        graph_rows=lambda w: study_of(w).graph_rows(),
        names=browsed_tables,
        title=lambda w: study_of(w).spec["title"],
        seed=lambda w: study_of(w).seed,
        sites=lambda w: study_of(w).spec["experts"]["sites"],
        threshold=lambda w: study_of(w).threshold,
        thresholds=lambda w: study_of(w).spec["experts"]["thresholds"],
        fires=lambda w: study_of(w).graph_settings("score")["fires"] if study_of(w).has_graphs else None,
        references=lambda w: study_of(w).references,
        single_file=lambda w: study_of(w).spec["atlas"]["single_file"],
    message:
        "Writing the atlas of {wildcards.study}"
    script:
        "../scripts/write_atlas.py"
