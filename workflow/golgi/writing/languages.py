"""Which language a sentence is in, where that can be told with confidence (py3langid)."""

from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from golgi.errors import GolgiError

NO_LANGUAGE = "zxx"  # how the library calls what is no language at all
# Languages that short sentences do not tell apart; their probabilities are added up.
KIN = (
    {"no", "nn", "da"},
    {"bs", "hr", "sr"},
    {"id", "ms"},
    {"zh", "wuu", "yue"},
    {"ar", "ary", "arz"},
    {"en", "pcm"},
)
SURE = 0.5  # share of all languages that another one has to have, or the library is only guessing
OFF = "Set concepts.sentences.source.llm.gates.language to null to let sentences of any language through."


class LanguageGate:
    """Tells sentences that are in another language than the wanted one.

    `confidence` is the probability from which they are told, of the other language against the wanted one.
    Raises GolgiError, naming the languages that are known, for one that the library does not know.
    """

    def __init__(self, language: str, confidence: float):
        known = sorted(set(_identifier().labels) - {NO_LANGUAGE})
        if language not in known:
            raise GolgiError(
                f"concepts.sentences.source.llm.language: sentences in `{language}` cannot be told from "
                f"others. Languages that can: {', '.join(known)}. {OFF}"
            )
        self.wanted = _kin(language)
        self.confidence = confidence

    def other(self, text: str) -> tuple[str, float] | None:
        """Return the other language that a sentence is in and its probability, or None where it is unsure.

        A few words are often not enough for the library to be more sure of one language than of all others
        together: such sentences pass.
        """
        shares = dict(_identifier().rank(text))
        likeliest = next(language for language in shares if language not in self.wanted)
        other, wanted = (sum(shares[one] for one in kin) for kin in (_kin(likeliest), self.wanted))
        told = likeliest != NO_LANGUAGE and other >= SURE and other / (other + wanted) >= self.confidence
        return (likeliest, other / (other + wanted)) if told else None


def _kin(language: str) -> set[str]:
    return next((kin for kin in KIN if language in kin), {language})


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
