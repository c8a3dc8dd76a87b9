# Needs: a lexicon, and a source of sentences (the built-in templates, a corpus, the user's files, or a language model
#        that writes them: a folder, or a server and a connection to it).
# Gives: the pool of sentences, the concepts, and which sentences are positives and negatives of each.
#        For a model that the study trains: the text it learns from.


# What is asked and answered is kept in resources/transcripts/, which is no output: a job that is run again asks
# nothing twice.
rule ask_writer:
    input:
        lexicon=lambda w: study_of(w).spec["concepts"]["lexicon"],
        prompts=lambda w: study_of(w).prompt_files,
        transcripts=lambda w: study_of(w).transcripts,
        weights=writer_weights,
        code=code("writing/rounds", "writing/transcript", "writing/server", "models/writer"),
    output:
        written="results/{study}/sentences/written.parquet",
        replies="results/{study}/sentences/replies.parquet",
        facts="results/{study}/sentences/writer.json",
        table="results/{study}/tables/writing.parquet",
        csv="results/{study}/tables/writing.csv",
    log:
        "results/{study}/logs/ask_writer.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        server=lambda w: int(writer(w).writer_kind == "server"),
        gpu=gpu("ask_writer"),
        mem_mb=memory("ask_writer"),
        runtime=runtime("ask_writer"),
    params:
        llm=lambda w: writer(w).asked,
        spec=lambda w: study_of(w).file,
        folder=lambda w: writer(w).writer_folder,
        transcript=lambda w: writer(w).transcript,
        categories=lambda w: study_of(w).spec["concepts"]["categories"],
        only=lambda w: study_of(w).spec["concepts"]["only"],
        positives=lambda w: study_of(w).spec["concepts"]["sentences"]["positives"],
        seed=lambda w: study_of(w).seed,
        device=lambda w: study_of(w).spec["compute"]["device"],
    message:
        "Asking a language model for the sentences of {wildcards.study}"
    script:
        "../scripts/ask_writer.py"


rule write_sentences:
    input:
        lexicon=lambda w: study_of(w).spec["concepts"]["lexicon"],
        files=lambda w: study_of(w).sentence_files,
        written=written,
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
        concepts=lambda w: study_of(w).sentence_choice,
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
