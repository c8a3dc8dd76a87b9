"""How much of what a study will ask is answered already, before anything is asked."""

from golgi.study import Study
from golgi.study.prompts import load_prompt
from golgi.study.writing import KINDS
from golgi.writing.demand import demands, drafting
from golgi.writing.requests import local_identity
from golgi.writing.transcript import Transcript


def answered(study: Study) -> tuple[int, int] | None:
    """Return how many requests of a study's first round its transcripts answer, and how many there are.

    None where that is not known: for a writer in a folder of one's own, whose weights would have to be read.
    """
    model = identity_of(study.llm["writer"])
    if model is None:
        return None
    concepts = [study.lexicon.by_name[name] for name in study.concepts]
    positives = study.spec["concepts"]["sentences"]["positives"]
    wants = demands(
        concepts,
        positives=positives,
        per_request=study.llm["per_request"],
        attempts=study.llm["attempts"],
    )
    prompts = {kind: load_prompt(study.llm["prompts"][kind]) for kind in KINDS}
    draft = drafting(prompts, study.llm, study.seed, model)
    requests = [draft(want.concept, want.kind, draw) for want in wants for draw in range(want.first)]
    replies = Transcript(study.transcript, [one for one in study.transcripts if "$" not in one])
    return sum(request.key in replies for request in requests), len(requests)


def identity_of(writer: dict) -> str | None:
    """Return what a writer is called in requests; None where its folder would have to be read for that."""
    if "server" in writer:
        return writer["model"]
    if "hub" in writer:
        return local_identity(f"{writer['hub']}@{writer['revision']}", writer["dtype"])
    return None
