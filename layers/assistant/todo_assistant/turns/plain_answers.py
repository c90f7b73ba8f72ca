"""Recognizes messages that only say yes or no, in the languages that the assistant knows."""

import re
from typing import Final

_MAX_CHARACTERS: Final = 60
_PUNCTUATION: Final = re.compile(r"[\s.,;!?\u2026\u00a1\u00bf\u0964\u06d4\u060c]+")
_COURTESY: Final = re.compile(r"^(?:please|ok|okay) | (?:please|thanks|thank you|bitte|danke|merci|gracias|grazie)$")

_YES: Final = frozenset(
    answer.strip()
    for answer in """
    y, yes, yep, yeah, yup, ok, okay, sure, of course, certainly, fine, do it, do that, do so, please do, go ahead,
    go for it, go on, proceed, continue, approve, approved, approve it, i approve, accept, confirm, confirmed,
    i confirm, agreed, yes do it, yes do that, yes go ahead, yes please do, sure please do, sure do it,
    sure go ahead, sounds good, that's right, that is right, correct, 👍, ✅, ja, jawohl, klar, ja klar, na klar,
    mach das, mach es, mach's, ja mach das, ja mach es, einverstanden, bestätigen, in ordnung, oui, d'accord, vas-y,
    allez-y, fais-le, faites-le, je confirme, bien sûr, oui vas-y, sí, si, vale, de acuerdo, hazlo, adelante,
    sí hazlo, claro, confirmo, sim, pode, pode fazer, faça, faz, confirmo, claro, está bem, tá bom, vai em frente,
    sì, va bene, fallo, procedi, d'accordo, confermo, certo, sì fallo, ہاں, جی, جی ہاں, ہاں جی, ٹھیک ہے, کر دو,
    haan, han, ji, ji haan, theek hai, kar do, हाँ, हां, जी, जी हाँ, जी हां, हाँ जी, हां जी, ठीक है, कर दो, करो,
    jep, gerne, genehmigt, natürlich, ouais, c'est bon, volontiers, claro que sí, dale, por supuesto, está bien,
    com certeza, confirmar, aceito, certamente, volentieri, come no, بالکل, ضرور, ہاں کرو, haan ji, thik hai, bilkul,
    zaroor, बिल्कुल, ज़रूर, जरूर, हाँ करो
    """.replace("\n", " ").split(",")
)
_NO: Final = frozenset(
    answer.strip()
    for answer in """
    n, no, nope, nah, cancel, cancel it, cancel that, never mind, nevermind, don't, dont, do not, don't do it,
    do not do it, don't do that, stop, stop it, no don't, no stop, no cancel, no no, no way, not now, no thank you,
    reject, rejected, refuse, deny, decline, abort, leave it, leave them, forget it, forget that, 👎, ❌, nein, ne,
    nee, abbrechen, brich ab, lass es, lass das, vergiss es, stopp, halt, nicht, nein danke, non, annule, annuler,
    annulez, laisse tomber, arrête, pas maintenant, cancela, cancelar, cancélalo, déjalo, olvídalo, para, ahora no,
    não, nao, cancele, deixa, deixa pra lá, esquece, pare, agora não, annulla, lascia stare, lascia perdere,
    fermati, ferma, non farlo, نہیں, نہ, مت کرو, رہنے دو, منسوخ, منسوخ کرو, nahi, nahin, rehne do, mat karo, नहीं,
    नही, मत करो, रहने दो, रद्द, रद्द करो, रद्द करें, nö,
    abbruch, doch nicht, surtout pas, nop, mejor no, não obrigado, annullare, niente affatto, نہیں شکریہ, چھوڑو,
    nahi shukriya, chhoro, chhodo, ना, नहीं धन्यवाद, छोड़ो
    """.replace("\n", " ").split(",")
)


def read_plain_answer(message: str) -> bool | None:
    """Returns True for a message that only says yes, False for a mere no, and None for any other."""
    if len(message) > _MAX_CHARACTERS:
        return None
    words = _PUNCTUATION.sub(" ", message.casefold().replace("\u2019", "'")).strip()
    for answer in (words, _COURTESY.sub("", words)):
        if answer in _YES:
            return True
        if answer in _NO:
            return False
    return None
