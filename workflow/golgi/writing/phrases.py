"""What models say around a list: greetings, offers of more, refusals, mostly in English."""

import re

TOPIC = r"(?:facts?|stor(?:y|ies)|sentences?|statements?|examples?|list|items?|requested?)"
POLITE = r"""(?:thing|question|request|idea|topic|reading|i|i['’](?:d|ll)|can|do|that|this|it|to|help|with
    |would|be|happy|glad|for|asking|the|you|your|so|very|much|have|fun)\b"""
COURTESY = re.compile(
    rf"""
    (?: (?:sure|certainly|of\ course|absolutely|okay|ok|alright|great|got\ it|no\ problem|understood|thanks
           |thank\ you|you're\ welcome|enjoy|happy\ to\ help)
        (?:[ ,]+{POLITE}){{0,8}} [ ]? [!.:,]* $
      | (?: (?:sure|certainly|of\ course|absolutely|okay|ok|alright|great) [\w ]{{0,20}} [,!.:–—-]* \s+ )?
        (?:here(?:['’]s|\ is|\ are|\ you\ go)|below\ (?:is|are)|these\ are|the\ following|as\ requested)\b
        .{{0,200}} \b{TOPIC}\b
      | i\ hope\ (?:this|that|these|those|you)\b
      | (?:please\ )? (?:let\ me\ know|feel\ free)\b
      | (?:would\ you\ like|do\ you\ want|if\ you(?:['’]d|\ would)?\ (?:like|need|want))
        \ (?:me|more|any|another|further|additional)\b
      | (?:please\ )?note\b .{{0,200}} \b{TOPIC}\b
      | (?:each|all|every)\ (?:of\ )?(?:the\ |these\ )?{TOPIC}
        \ (?:above|is|are|names|contains?|mentions?|has|have)\b
      | (?:end\ of|\#+\ ) .{{0,40}} \b{TOPIC}\b
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
UNABLE = r"""(?: not\ (?:\w+\ )?able | unable | can(?:no|['’])t | can\ not | won['’]t | will\ not
    | must\ decline | have\ to\ decline )"""
ASKED = r"""(?: help | assist | write | provide | generate | creat | produc | fulfil | compl[iy] | continu
    | do\ that | request | discuss | answer )"""
SORRY = r"""(?: i(?:['’]m|\ am)\ (?:\w+\ )?(?:sorry|afraid) | (?:my\ )?apologies | i\ apologi[sz]e | sorry
    | unfortunately )"""
REFUSAL = re.compile(
    rf"""
    (?: {SORRY} [,.:;]? .{{0,80}}? \b{UNABLE}\b .{{0,80}}? \b{ASKED}
      | i(?:['’]m|\ am)?\ {UNABLE}\b .{{0,80}}?
        \b(?:{ASKED}\w*\ (?:with|for|to|that|this|you)\b|request|sentences|stories|facts|content)
      | as\ an?\ (?:ai|artificial|language\ model|large\ language) .{{0,200}}
        \b(?:{UNABLE}|do(?:\ not|n['’]t))\b
      | (?:es\ tut\ mir\ leid|tut\ mir\ leid|je\ suis\ désolée?|désolée?|lo\ siento|mi\ dispiace|desculpe)\b
      | 抱歉 | 对不起 | 申し訳 | извините | к\ сожалению,?\ я
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)


def is_courtesy(sentence: str) -> bool:
    """Whether a sentence is said to whom asked, about the list, and is none of it.

    >>> is_courtesy("Sure! Here are ten facts about dogs"), is_courtesy("Of course, a dog barks.")
    (True, False)
    """
    return COURTESY.match(sentence) is not None


def declines(sentence: str) -> bool:
    """Whether a sentence says that the model will not write what it was asked for.

    >>> declines("I'm sorry, but I can't help with that."), declines("I can't believe that dog, said Tom.")
    (True, False)
    """
    return REFUSAL.match(sentence) is not None
