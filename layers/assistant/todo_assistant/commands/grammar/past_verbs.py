"""Present forms of English verbs in the past, for sentences such as `i called mum`."""

from typing import Final

_VERBS: Final = """
ate:eat booked:book bought:buy broke:break brought:bring built:build called:call caught:catch chose:choose
cut:cut did:do drew:draw drove:drive fed:feed found:find fixed:fix gave:give got:get had:have held:hold
hung:hang kept:keep left:leave lent:lend lost:lose made:make mailed:mail met:meet mowed:mow ordered:order
paid:pay planned:plan printed:print put:put ran:run read:read saw:see sent:send set:set sewed:sew
shipped:ship shot:shoot signed:sign sold:sell spoke:speak swept:sweep took:take taught:teach threw:throw
told:tell walked:walk washed:wash watched:watch watered:water went:go wrote:write emailed:email
cleaned:clean cooked:cook visited:visit mopped:mop hoovered:hoover fetched:fetch submitted:submit
filed:file baked:bake changed:change arranged:arrange prepared:prepare renewed:renew returned:return
rang:ring wore:wear won:win woke:wake rode:ride sang:sing sank:sink stole:steal stuck:stick swam:swim tore:tear
lit:light laid:lay dealt:deal dug:dig began:begin became:become came:come fell:fall felt:feel flew:fly forgot:forget
forgave:forgive froze:freeze hid:hide knew:know lay:lie learnt:learn met:meet rose:rise shook:shake shut:shut
slept:sleep spent:spend split:split spread:spread stood:stand thought:think understood:understand wound:wind
scheduled:schedule texted:text phoned:phone picked:pick dropped:drop cancelled:cancel canceled:cancel
packed:pack painted:paint repaired:repair replaced:replace replied:reply reviewed:review updated:update
vacuumed:vacuum weeded:weed wrapped:wrap sorted:sort studied:study practiced:practice
"""
"""Pairs of a past form and its present form."""
_IRREGULAR: Final = dict(pair.split(":") for pair in _VERBS.split())
PAST_VERB: Final = rf"(?:{'|'.join(_IRREGULAR)})"
"""Matches the past form of a common verb: `bought`, `called`."""


_OTHER_MEANINGS: Final = frozenset(
    (
        *("cut", "let", "put", "read", "set", "found", "left", "saw", "lost", "shot", "grew", "stuck", "lit", "felt"),
        *("lay", "laid", "shut", "rose", "split", "spread", "wound", "stole", "thought", "spoke", "tore", "dealt"),
        *("came", "fell"),
    )
)
"""The past forms that are other forms or words, too."""
PARTICIPLE: Final = (
    r"(?:signed|painted|fixed|updated|printed|packed|cooked|baked|cleaned|washed|repaired|replaced|scheduled|planned"
    r"|cancell?ed|renewed|returned|built|sold|wrapped|sorted|booked|ordered|arranged|prepared|practiced|studied|filed"
    r")(?! (?:the|my|our|your|his|her|their|an?|all|both|this|that|it|them|up|off|out)\b)"
)
"""Matches a past form that may describe a noun: `signed` in `signed copy of the contract`."""
BARE_PAST_VERB: Final = rf"(?:{'|'.join(verb for verb in _IRREGULAR if verb not in _OTHER_MEANINGS)})"
"""Matches a past form that is no other form and no noun, so that it needs no `i` before it: `paid rent`."""


FINISHED: Final = (
    r"bought|paid|sent|fixed|called|booked|ordered|cleaned|washed|submitted|filed|handed in|taken care of|sorted"
    r"|written|mailed|posted|printed|returned|picked up|collected|delivered|repaired|replaced|signed|packed|watered"
    r"|mowed|renewed|emailed|baked|cooked|dealt with|settled|over|ticked off"
)
"""Matches participles that say that a todo is done: `bought` in `milk is bought`."""


def to_present(verb: str) -> str:
    """Returns the present form of a verb that PAST_VERB matches, and any other verb unchanged."""
    return _IRREGULAR.get(verb.lower(), verb)
