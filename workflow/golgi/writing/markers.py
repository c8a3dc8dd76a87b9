"""The marks that begin an item of a list: numbers in their many styles, letters, bullets."""

import re
from typing import NamedTuple

DIGITS = r"\d{1,3}"
STRONG = r"[*_`]{0,3}"
ROMAN = r"[ivxIVX]{1,5}"
NAMED = r"(?:fact|story|sentence|item|example|number|no|nr)"
PICTURE = "\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
CIRCLED = "①-⒛❶-➓㉑-㉟㊱-㊿"
NUMBERED = re.compile(
    rf"""
    [ \t>]*+ (?:\#{{1,6}}[ ]+)? (?:[-*+•][ \t]+)? {STRONG} \\?
    (?:
        [(\[（【][ ]? (?: (?P<bracketed>{DIGITS}) | [a-zA-Z] | {ROMAN} ) [ ]?[)\]）】] [.:]?
      | (?:{NAMED}[.]?[ ]?)? (?P<plain>{DIGITS}) {STRONG} [ ]? \\?[.．)）\]:：、。।॥]+ (?!\d)
      | (?:{NAMED}[.]?[ ]?)? (?P<dashed>{DIGITS}) {STRONG} [ ]? (?:[-–—][ \t]+|\t) (?!\d)
      | (?:{NAMED}[ ]?)? [\#＃№][ ]?(?P<hashed>{DIGITS}) {STRONG} (?!\w) [ ]? [.):：–—-]?
      | [^\W\d_]{{1,15}}[ ]\#?(?P<titled>{DIGITS}) {STRONG} [ ]? [:：] (?!\d)
      | {NAMED}[ ](?P<alone>{DIGITS}) {STRONG} [ \t]* $
      | (?P<key>\d{{1,2}})\u20e3
      | [{CIRCLED}🔟] [.)]?
      | [一二三四五六七八九十]{{1,3}} [、．.)）]
      | [a-zA-Z]\) | {ROMAN}[.)](?=[ \t])
    )
    {STRONG} [ \t]*
    """,
    re.VERBOSE | re.IGNORECASE,
)
BULLET = re.compile(rf"[ \t>]*+(?:(?:[-–—*+]|[{PICTURE}]{{1,4}})[ \t]+|[•‣⁃◦●○▪▫■□·∙➤➢►▶✓✔★☆♦❖※][ \t]*)")
# A number in the middle of a line; what stands before it decides whether it begins an item.
INLINE = re.compile(
    rf"(?:(?<=\s)|(?<=[。！？।؟])){STRONG}(?P<open>[(\[（#])?(?P<number>{DIGITS})"
    rf"(?P<close>[.．)）\]:：、।])?{STRONG}[ \t]*(?!\d)"
)
BEFORE = re.compile(r"[.!?…:;,。！？।؟۔][\"'”’»)\]」』*_`]{0,4}\s{0,9}$")
LOOK_BACK = 16  # characters


class Mark(NamedTuple):
    """The mark of an item: its number (None for a bullet or a letter) and where its text begins."""

    number: int | None
    end: int
    bullet: bool


def mark_of(line: str) -> Mark | None:
    """Return the mark that a line begins with, or None.

    >>> mark_of("**12)** A dog barks."), mark_of("3.5 litres")
    (Mark(number=12, end=8, bullet=False), None)
    """
    if found := NUMBERED.match(line):
        digits = next((text for text in found.groupdict().values() if text), None)
        # Emphasis that began before the number may end after the sentence.
        return Mark(int(digits) if digits else None, found.end(), False)
    found = BULLET.match(line)
    return Mark(None, found.end(), True) if found else None


def parted(text: str, number: int | None) -> list[str]:
    """Cut a line where the next numbers begin; `number` is its own, None where the line has none.

    The first part of a line without a number is what stands before its "1.".

    >>> parted("A dog barks. 2. A dog has 4 legs. 3. A dog runs.", 1)
    ['A dog barks.', 'A dog has 4 legs.', 'A dog runs.']
    """
    parts, start, expected = [], 0, (number or 0) + 1
    for found in INLINE.finditer(text):
        if int(found["number"]) == expected and _begins_item(text, found):
            parts.append(text[start : found.start()].strip())
            start, expected = found.end(), expected + 1
    if number is None and len(parts) < 2:
        return [text]  # a single "1." in the middle is no list
    return [*parts, text[start:].strip()]


def _begins_item(text: str, found: re.Match[str]) -> bool:
    if found["close"] is None:
        return found["open"] == "#"
    before = text[max(0, found.start() - LOOK_BACK) : found.start()]
    return found["close"] in ")）]" or BEFORE.search(before) is not None
