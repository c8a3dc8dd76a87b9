"""What a reply says, without what surrounds and decorates it: thoughts, tags, unseen signs, markdown."""

import html
import re
import unicodedata

# Letters of some scripts are joined or parted by these, so they stay between letters.
JOINERS = "\u200c\u200d"
NEW_LINES = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
BULLET_GLYPHS = "\uf0a7\uf0b7\uf0d8"  # what office programs write for a bullet
VARIANTS = "\ufe0e\ufe0f"
CLOSERS = "\"'”’»«›)]}」』）】*_`~ "
FULL_STOPS = frozenset(".!?…。！？｡．।॥؟۔։‽")
STACKED = 8  # marks on one letter; putting more of them in order takes time without end

FINAL_CHANNEL = "<|channel|>final<|message|>"
THOUGHT = re.compile(
    r"<(/?)(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad)>", re.IGNORECASE
)
TOKEN = re.compile(
    r"<\|[\w .-]{1,40}\|>|</?s>|</?(?:bos|eos|pad)>|\[/?INST\]|<(?:start|end)_of_turn>", re.IGNORECASE
)
ITEM_TAG = re.compile(r"<li(?:\s[^<>\n]{0,200})?>", re.IGNORECASE)
BLOCK_TAG = re.compile(
    r"</?(?:li|ol|ul|p|br|div|tr|table|thead|tbody|h[1-6])(?:\s[^<>\n]{0,200})?/?>", re.IGNORECASE
)
INLINE_TAG = re.compile(
    r"</?(?:b|i|u|em|strong|span|a|sub|sup|td|th|mark|small|font)(?:\s[^<>\n]{0,200})?>", re.IGNORECASE
)
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31}\d{0,2});")
JOINER_ASIDE = re.compile(rf"[{JOINERS}](?![^\W\d_])")

ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
LINK = re.compile(r"!?\[([^\[\]\n]{1,200})\]\([^()\s]{0,500}\)")
FOOTNOTE = re.compile(r"\s?\[\^?\d{1,3}\]")
EMPHASIS = re.compile(r"\*+|`+|~~+|__+|(?<![^\W_])_|_(?![^\W_])")
# A title in bold before the sentence: "**Loyal friends:** Dogs ..."; small letters after it go on with it.
LABEL = re.compile(
    r"(?P<bold>\*\*|__)[^*_\n]{1,80}(?:[:：](?P=bold)|(?P=bold)\s?[:：]|(?P=bold)\s[–—-])\s+(?=\W*[^\Wa-z])"
)
LENGTH_NOTE = re.compile(r"\s?\(\d{1,4} (?:words?|characters?)\)$")
QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "‘": "’", "'": "'", "「": "」", "『": "』", "”": "”"}
PICTURES = "".join(
    chr(code)
    for first, last in ((0x2190, 0x2BFF), (0x1F000, 0x1FAFF), (0x20E3, 0x20E3), (0xE0020, 0xE007F))
    for code in range(first, last + 1)
)


def spoken(text: str) -> tuple[str, bool]:
    """Return a reply as plain lines without thoughts, tags and unseen characters, and whether it broke off
    while the model was thinking.

    >>> spoken("<think>Dogs?</think>A dog\\u200b barks.\\r\\n")
    ('A dog barks.\\n', False)
    """
    text, unfinished = _without_thoughts(text.rpartition(FINAL_CHANNEL)[2])
    text = BLOCK_TAG.sub("\n", ITEM_TAG.sub("\n- ", TOKEN.sub("\n", text)))
    text = ENTITY.sub(lambda entity: html.unescape(entity[0]), INLINE_TAG.sub("", text))
    return _seen(text), unfinished


def tidy(text: str) -> str:
    """Return an item on one line, without markdown, label, footnotes, quotes around it and pictures.

    >>> tidy('**Loyalty:** "A *dog* is [loyal](http://dogs.org)." [1]')
    'A dog is loyal.'
    """
    text = " ".join(text.split())
    text = LABEL.sub("", text, count=1) if LABEL.match(text) else text
    text = FOOTNOTE.sub("", LINK.sub(r"\1", ESCAPE.sub(r"\1", text)))
    text = LENGTH_NOTE.sub("", _stripped(EMPHASIS.sub("", text)))
    return _without_quotes(_stripped(text))


def is_ended(text: str) -> bool:
    """Whether a text ends as sentences do, quotes and brackets after its full stop aside."""
    return _stripped(text.rstrip(CLOSERS), CLOSERS)[-1:] in FULL_STOPS


def _stripped(text: str, others: str = " ") -> str:
    # Thousands of pictures are looked through for every text, so those that cannot have one are left alone.
    text = text.strip(" ")
    return text if (text[:1] + text[-1:]).isascii() else text.strip(PICTURES + others)


def _without_thoughts(text: str) -> tuple[str, bool]:
    kept, start, depth = [], 0, 0
    for tag in THOUGHT.finditer(text):
        if not depth:
            kept.append(text[start : tag.start()])
        if tag[1] and not depth:
            kept = []  # the template of the prompt had begun the thought
        depth = max(0, depth - 1) if tag[1] else depth + 1
        start = tag.end()
    return "".join(kept) + (text[start:] if not depth else ""), depth > 0


def _seen(text: str) -> str:
    text = text.replace("\r\n", "\n")
    present = sorted(set(text))
    text = text.translate({ord(character): _as_seen(character) for character in present})
    marks = "".join(character for character in present if unicodedata.combining(character))
    if marks:
        text = re.sub(rf"([{re.escape(marks)}]{{{STACKED}}})[{re.escape(marks)}]+", r"\1", text)
    return unicodedata.normalize("NFC", JOINER_ASIDE.sub("", text))


def _as_seen(character: str) -> str:
    if character in NEW_LINES:
        return "\n"
    if character in BULLET_GLYPHS:
        return "•"
    if character in VARIANTS:
        return ""
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    kept = character in "\n\t" or character in JOINERS or category not in {"Cc", "Cf", "Cs", "Co"}
    return character if kept else ""


def _without_quotes(text: str) -> str:
    text = text.removesuffix(",") if text[-2:-1] in QUOTES.values() else text
    closing = QUOTES.get(text[:1])
    if closing is None or len(text) < 3 or not text.endswith(closing):
        return text
    inside = text[1:-1]
    if closing in "'’":
        # An apostrophe looks the same, so the sentence has to end before the quote does.
        return inside if inside[-1] in FULL_STOPS else text
    return inside if text[0] not in inside and closing not in inside else text
