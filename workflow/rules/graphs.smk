# Needs: a model's weights, its experts, and texts to grow graphs from and to test them on.
# Gives: for every chosen unit the tokens and contexts on which it fires, as a graph, with its scores, tables to
#        search, and drawings. A model reads each text once per checkpoint; graphs grow layer by layer.

from golgi.study.graphs import VARIANTS

GRAPHS = "results/{study}/graphs/{model}/{checkpoint}"


rule write_graph_text:
    input:
        lexicon=lambda w: study_of(w).spec["concepts"]["lexicon"],
        pool="results/{study}/sentences/pool.parquet",
        files=lambda w: study_of(w).graph_files.get(w.part, []),
        build=lambda w: [] if w.part == "build" else f"results/{w.study}/graphs/texts/build.jsonl",
        code=code("concepts/graph_text"),
    output:
        text="results/{study}/graphs/texts/{part}.jsonl",
    log:
        "results/{study}/logs/write_graph_text/{part}.log",
    wildcard_constraints:
        part="build|test|shifted",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("write_graph_text"),
        runtime=runtime("write_graph_text"),
    params:
        source=lambda w: study_of(w).graph_corpora[w.part],
        split=lambda w: study_of(w).graphs_split,
        tokens=lambda w: study_of(w).spec["graphs"]["tokens"][w.part],
        seed=lambda w: study_of(w).seed,
    message:
        "Writing the text of {wildcards.study} for neuron graphs: {wildcards.part}"
    script:
        "../scripts/write_graph_text.py"


rule choose_units:
    input:
        expertise="results/{study}/expertise/{model}/{checkpoint}/ap.safetensors",
        experts="results/{study}/expertise/{model}/{checkpoint}/experts.parquet",
        code=code("graphs/units"),
    output:
        chosen=f"{GRAPHS}/units.parquet",
    log:
        "results/{study}/logs/choose_units/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("choose_units"),
        runtime=runtime("choose_units"),
    params:
        choice=lambda w: study_of(w).graph_units(w.model),
        step=lambda w: study_of(w).step(w.checkpoint),
        seed=lambda w: study_of(w).seed,
    message:
        "Choosing the units of {wildcards.model} at {wildcards.checkpoint} that get a graph"
    script:
        "../scripts/choose_units.py"


rule find_exemplars:
    input:
        text="results/{study}/graphs/texts/build.jsonl",
        chosen=rules.choose_units.output.chosen,
        weights=weights,
        code=code("graphs/reading"),
    output:
        exemplars=f"{GRAPHS}/exemplars.safetensors",
        sample=f"{GRAPHS}/sample.safetensors",
        vocabulary=f"{GRAPHS}/tokens.json",
        facts=f"{GRAPHS}/facts.parquet",
    log:
        "results/{study}/logs/find_exemplars/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        gpu=gpu("find_exemplars"),
        mem_mb=memory("find_exemplars"),
        runtime=runtime("find_exemplars"),
    params:
        opening=opening,
        settings=lambda w: study_of(w).graph_settings("find"),
        seed=lambda w: study_of(w).seed,
    message:
        "Reading for exemplars with {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/find_exemplars.py"


rule trace_texts:
    input:
        texts=lambda w: [f"results/{w.study}/graphs/texts/{part}.jsonl" for part in test_texts(w)],
        chosen=rules.choose_units.output.chosen,
        weights=weights,
        code=code("graphs/reading"),
    output:
        activations=f"{GRAPHS}/texts.safetensors",
    log:
        "results/{study}/logs/trace_texts/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        gpu=gpu("trace_texts"),
        mem_mb=memory("trace_texts"),
        runtime=runtime("trace_texts"),
    params:
        opening=opening,
        settings=lambda w: study_of(w).graph_settings("trace"),
        names=test_texts,
    message:
        "Reading the test texts with {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/trace_texts.py"


rule grow_graphs:
    input:
        exemplars=rules.find_exemplars.output.exemplars,
        sample=rules.find_exemplars.output.sample,
        chosen=rules.choose_units.output.chosen,
        weights=weights,
        masked_lm=masked_lm,
        code=code("graphs/growth"),
    output:
        graphs=f"{GRAPHS}/full/layer{{layer}}.jsonl",
        growth=f"{GRAPHS}/growth/layer{{layer}}.parquet",
    log:
        "results/{study}/logs/grow_graphs/{model}/{checkpoint}/layer{layer}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        gpu=gpu("grow_graphs"),
        mem_mb=memory("grow_graphs"),
        runtime=runtime("grow_graphs"),
    params:
        opening=opening,
        method=lambda w: study_of(w).graph_settings("grow"),
        masked_lm=lambda w: study_of(w).masked_lm,
        seed=lambda w: study_of(w).seed,
    message:
        "Growing the graphs of {wildcards.model} at {wildcards.checkpoint}, layer {wildcards.layer}"
    script:
        "../scripts/grow_graphs.py"


rule ablate_graphs:
    input:
        **rules.grow_graphs.input,
    output:
        **{variant: f"{GRAPHS}/{variant}/layer{{layer}}.jsonl" for variant in VARIANTS},
    log:
        "results/{study}/logs/ablate_graphs/{model}/{checkpoint}/layer{layer}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        gpu=gpu("ablate_graphs"),
        mem_mb=memory("ablate_graphs"),
        runtime=runtime("ablate_graphs"),
    params:
        opening=opening,
        method=lambda w: study_of(w).graph_settings("grow"),
        masked_lm=lambda w: study_of(w).masked_lm,
        units=lambda w: study_of(w).spec["graphs"]["ablation"],
        seed=lambda w: study_of(w).seed,
    message:
        "Growing graphs without each stage, {wildcards.model} at {wildcards.checkpoint}, layer {wildcards.layer}"
    script:
        "../scripts/ablate_graphs.py"


rule score_graphs:
    input:
        exemplars=rules.find_exemplars.output.exemplars,
        sample=rules.find_exemplars.output.sample,
        texts=rules.trace_texts.output.activations,
        chosen=rules.choose_units.output.chosen,
        graphs=lambda w: [
            f"{GRAPHS}/{variant}/layer{{layer}}.jsonl".format(**w) for variant in grown_variants(w)
        ],
        code=code("graphs/scoring"),
    output:
        scores=f"{GRAPHS}/scores/layer{{layer}}.parquet",
    log:
        "results/{study}/logs/score_graphs/{model}/{checkpoint}/layer{layer}.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("score_graphs"),
        runtime=runtime("score_graphs"),
    params:
        variants=grown_variants,
        settings=lambda w: study_of(w).graph_settings("score"),
    message:
        "Scoring the graphs of {wildcards.model} at {wildcards.checkpoint}, layer {wildcards.layer}"
    script:
        "../scripts/score_graphs.py"


rule measure_graphs:
    input:
        scores=per_layer("scores/layer{layer}.parquet"),
        growth=per_layer("growth/layer{layer}.parquet"),
        graphs=per_layer("full/layer{layer}.jsonl"),
        chosen=per_graph_row("units.parquet"),
        facts=per_graph_row("facts.parquet"),
        code=code("graphs/measures"),
    output:
        graph_scores="results/{study}/tables/graph_scores.parquet",
        graph_layers="results/{study}/tables/graph_layers.parquet",
        layers_csv="results/{study}/tables/graph_layers.csv",
        graph_units="results/{study}/tables/graph_units.parquet",
        units_csv="results/{study}/tables/graph_units.csv",
        graph_ablation="results/{study}/tables/graph_ablation.parquet",
        ablation_csv="results/{study}/tables/graph_ablation.csv",
    log:
        "results/{study}/logs/measure_graphs.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("measure_graphs"),
        runtime=runtime("measure_graphs"),
    params:
        settings=lambda w: study_of(w).graph_settings("measure"),
        seed=lambda w: study_of(w).seed,
    message:
        "Measuring the graphs of {wildcards.study}"
    script:
        "../scripts/measure_graphs.py"


rule index_graphs:
    input:
        graphs=per_layer("full/layer{layer}.jsonl"),
        tokens=per_graph_row("tokens.json"),
        code=code("graphs/index"),
    output:
        nodes="results/{study}/tables/graph_nodes.parquet",
        pairs="results/{study}/tables/graph_pairs.parquet",
    log:
        "results/{study}/logs/index_graphs.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("index_graphs"),
        runtime=runtime("index_graphs"),
    params:
        rows=lambda w: study_of(w).graph_rows(),
        settings=lambda w: study_of(w).graph_settings("index"),
    message:
        "Indexing the graphs of {wildcards.study}"
    script:
        "../scripts/index_graphs.py"


rule name_experts:
    input:
        experts="results/{study}/tables/experts.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        nodes="results/{study}/tables/graph_nodes.parquet",
        units="results/{study}/tables/graph_units.parquet",
        tokens=per_graph_row("tokens.json"),
        code=code("graphs/naming"),
    output:
        graph_experts="results/{study}/tables/graph_experts.parquet",
        experts_csv="results/{study}/tables/graph_experts.csv",
        graph_naming="results/{study}/tables/graph_naming.parquet",
        naming_csv="results/{study}/tables/graph_naming.csv",
    log:
        "results/{study}/logs/name_experts.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("name_experts"),
        runtime=runtime("name_experts"),
    params:
        rows=lambda w: study_of(w).graph_rows(),
        threshold=lambda w: study_of(w).threshold,
        per_concept=lambda w: study_of(w).spec["graphs"]["units"]["experts"]["per_concept"],
        last_checkpoints=lambda w: study_of(w).last_checkpoints,
        settings=lambda w: study_of(w).graph_settings("measure"),
        seed=lambda w: study_of(w).seed,
    message:
        "Asking whether the graphs of {wildcards.study} name the concepts of their experts"
    script:
        "../scripts/name_experts.py"


rule choose_gallery:
    input:
        chosen=rules.choose_units.output.chosen,
        scores=per_layer("scores/layer{layer}.parquet", everywhere=False),
        graphs=per_layer("full/layer{layer}.jsonl", everywhere=False),
        texts=rules.trace_texts.output.activations,
        tokens=rules.find_exemplars.output.vocabulary,
        code=code("graphs/gallery"),
    output:
        gallery=f"{GRAPHS}/gallery.parquet",
    log:
        "results/{study}/logs/choose_gallery/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("choose_gallery"),
        runtime=runtime("choose_gallery"),
    params:
        settings=lambda w: study_of(w).graph_settings("score"),
        seed=lambda w: study_of(w).seed,
    message:
        "Choosing the best, median and worst graphs of {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/choose_gallery.py"


rule gather_gallery:
    input:
        parts=per_graph_row("gallery.parquet"),
    output:
        table="results/{study}/tables/graph_gallery.parquet",
    log:
        "results/{study}/logs/gather_gallery.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("gather_gallery"),
        runtime=runtime("gather_gallery"),
    params:
        schema="graph_gallery",
        csv=False,
    message:
        "Gathering the gallery of {wildcards.study}"
    script:
        "../scripts/gather_tables.py"


rule draw_graphs:
    input:
        nodes="results/{study}/tables/graph_nodes.parquet",
        units="results/{study}/tables/graph_units.parquet",
        experts=graph_experts,
        models="results/{study}/tables/models.parquet",
        code=code("graphs/drawing"),
        page="workflow/golgi/graphs/page.html",
        style="workflow/golgi/figures/golgi.mplstyle",
    output:
        folder=directory(f"{GRAPHS}/drawings"),
    log:
        "results/{study}/logs/draw_graphs/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("draw_graphs"),
        runtime=runtime("draw_graphs"),
    params:
        drawings=lambda w: study_of(w).spec["graphs"]["drawings"],
        fingerprint=lambda w: study_of(w).drawings_fingerprint(),
        origin=lambda w: study_of(w).drawings_origin(),
    message:
        "Drawing graphs of {wildcards.model} at {wildcards.checkpoint}, a unit each"
    script:
        "../scripts/draw_graphs.py"
