# Needs: a lexicon, and a source of sentences (the built-in templates, a corpus, or the user's files).
# Gives: the pool of sentences, the concepts, and which sentences are positives and negatives of each.
#        For a model that the study trains: the text it learns from.


rule write_sentences:
    input:
        lexicon=lambda w: study_of(w).spec["concepts"]["lexicon"],
        files=lambda w: study_of(w).sentence_files,
        code=code("concepts/sentences"),
    output:
        pool="results/{study}/sentences/pool.parquet",
        sets="results/{study}/sentences/sets.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        csv="results/{study}/tables/concepts.csv",
    log:
        "results/{study}/logs/write_sentences.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("write_sentences"),
        runtime=runtime("write_sentences"),
    params:
        concepts=lambda w: study_of(w).spec["concepts"],
        seed=lambda w: study_of(w).seed,
    message:
        "Writing the sentences of {wildcards.study}"
    script:
        "../scripts/write_sentences.py"


rule write_corpus:
    input:
        lexicon=lambda w: study_of(w).spec["concepts"]["lexicon"],
        files=lambda w: study_of(w).corpus_files(w.model),
        code=code("concepts/training_text"),
    output:
        training="results/{study}/corpora/{model}/training.jsonl",
        heldout="results/{study}/corpora/{model}/heldout.jsonl",
    log:
        "results/{study}/logs/write_corpus/{model}.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("write_corpus"),
        runtime=runtime("write_corpus"),
    params:
        source=lambda w: study_of(w).source(w.model)["train"],
        seed=lambda w: study_of(w).seed,
    message:
        "Writing the text that {wildcards.model} learns from"
    script:
        "../scripts/write_corpus.py"
