"""What the states and priorities of other help desks mean here. Pure."""

from app.imports.values import key

# Our category -> words that foreign desks use, by their bare letters; digits are ServiceNow's.
_STATES = {
    "new": "new neu nouveau nuevo nieuw 1 unassigned registered submitted",
    "open": "open active inprogress assigned workinprogress started offen inbearbeitung ouvert "
    "encours abierto enproceso openstaand inbehandeling 2 reopened",
    "waiting": "waiting pending onhold hold waitingonclient waitingforclient waitingoncustomer "
    "waitingforcustomer wartend wartet enattente enespera wachtend inwacht 3 4 5",
    "resolved": "resolved solved fixed done geloest gelost resolu resuelto opgelost erledigt 6",
    "completed": "closed complete completed canceled cancelled rejected geschlossen "
    "abgeschlossen ferme clos cerrado gesloten afgesloten 7 8",
}
_PRIORITIES = {
    "urgent": "urgent critical critique critico kritisch kritiek highest blocker dringend "
    "sofort 1 1critical p1",
    "high": "high hoch haute elevee alta hoog major 2 2high p2",
    "normal": "normal medium moderate mittel moyenne media gemiddeld normaal standard 3 "
    "3moderate 3medium p3",
    "low": "low niedrig basse faible baja laag minor planning lowest 4 5 4low 5planning 5verylow "
    "p4 p5 trivial",
}
_CATEGORY = {word: ours for ours, words in _STATES.items() for word in words.split()}
_PRIORITY = {word: ours for ours, words in _PRIORITIES.items() for word in words.split()}


def category(state: str) -> str:
    """Our category of a foreign state. Raises ValueError for an unknown one."""
    word = key(state)
    if word.startswith("awaiting"):
        return "waiting"
    try:
        return _CATEGORY[word]
    except KeyError:
        raise ValueError("unknown state: use New, Open, Waiting, Resolved or Closed") from None


def priority(written: str) -> str:
    """Our priority for a foreign one. Raises ValueError for an unknown one."""
    try:
        return _PRIORITY[key(written)]
    except KeyError:
        raise ValueError("unknown priority: use Low, Normal, High or Urgent") from None
