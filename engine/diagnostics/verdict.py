"""One paragraph on what the evidence says of a model: a pure function that is never more certain than the evidence."""

from engine.diagnostics.facts import Facts
from engine.diagnostics.verdict_faults import FAULTS, recovered
from engine.diagnostics.verdict_parts import Match, Rule
from engine.diagnostics.verdict_rest import by_heart_words, early, far_from_real, worse_than_pca
from engine.report import Level, Verdict

MAIN: tuple[tuple[str, str], ...] = (
    ("spread", "variety"),
    ("memorisation", "memorisation"),
    ("birthday", "support size"),
    ("fidelity", "fidelity"),
    ("coverage", "coverage"),
    ("likelihood", "likelihood"),
)
"""What a verdict rests on, and the words for what was not measured."""


def judge(facts: Facts) -> Verdict:
    """The verdict of these facts.

    The rules of `FAULTS` are asked in order: the first that finds its evidence gives the kind, later ones are named as
    further findings. Where none does, the model is learning, underfitting, healthy or unclear.
    """
    found = [(rule, match) for rule in FAULTS if (match := _asked(rule, facts)) is not None]
    if found:
        rule, match = found[0]
        further = [(other, m) for other, m in found[1:] if other.kind != rule.kind]
        return _verdict(facts, rule.kind, match, [f"Also {m.short}." for _, m in further if m.short])
    if facts.finding("spread") is None and not any(facts.finding(name) for name, _ in MAIN):
        why = "Nothing was measured that a verdict could rest on"
        return Verdict("unclear", "unknown", "No verdict", f"{why}{_lack(facts)}.")
    return _without_fault(facts)


def _asked(rule: Rule, facts: Facts) -> Match | None:
    """The rule's match; none where it speaks of the model's own images and these are others."""
    if rule.own_data and facts.origin.trained_on == "no":
        return None
    return rule.test(facts)


def _without_fault(facts: Facts) -> Verdict:
    """Learning, underfitting, healthy, or unclear."""
    origin = facts.origin
    if origin.trained_on == "no":
        text = "The images are not those that it learned from, so differences may come from either"
        return _verdict(facts, "unclear", Match("unknown", "Nothing wrong, on other images", (text + ".",)), [])
    young = early(facts)
    poor = worse_than_pca(facts)
    back = recovered(facts)
    if poor is not None:
        kind = "underfitting" if young is None else "learning"
        if back is None or back.level != "bad":
            return _verdict(facts, kind, _of_both(poor, young), [] if back is None else list(back.sentences))
        late = Match(
            poor.level,
            "Diverged, and its samples are poor",
            (*back.sentences, *poor.sentences),
            (*back.evidence, *poor.evidence),
        )
        return _verdict(facts, "diverged", late, [])
    if facts.finding("spread") is None and facts.finding("fidelity") is None:
        return _verdict(
            facts, "unclear", Match("unknown", "Too little was measured", ("No fault was found in what was.",)), []
        )
    sentences, names = ["No fault was found."], []
    spread = facts.finding("spread")
    if spread is not None:
        sentences.append(spread.sentence)
        names.append("spread")
    level: Level = "good"
    title = "Healthy" if young is None else "Healthy so far"
    far = far_from_real(facts)
    if far is not None:
        sentences += far.sentences
        names += far.evidence
        level = "watch" if far.level == "watch" else level
        title = title if far.level == "good" else f"{title}, not yet close to real pictures"
    for sentence, name in by_heart_words(facts):
        sentences.append(sentence)
        names.append(name)
    kind = "healthy"
    if back is not None:
        sentences[0] = f"{back.sentences[0]} No fault was found in what it is now."
        names += back.evidence
        if back.level == "bad":
            kind, level, title = "diverged", "watch", "Diverged, and recovered at a lower rate"
    if young is not None:
        sentences += young.sentences
    if not by_heart_words(facts):
        return _verdict(
            facts,
            "unclear",
            Match("unknown", "No fault found, but memorisation was not looked at", tuple(sentences[1:]), tuple(names)),
            [],
        )
    return _verdict(facts, kind, Match(level, title, tuple(sentences), tuple(names)), [])


def _of_both(poor: Match, young: Match | None) -> Match:
    if young is None:
        return poor
    title = "Learning: too early to judge"
    return Match(
        "unknown", title, tuple(dict.fromkeys((*young.sentences, *poor.sentences))), (*poor.evidence, *young.evidence)
    )


def _verdict(facts: Facts, kind: str, match: Match, further: list[str]) -> Verdict:
    """The paragraph: the conclusion, its evidence, what else was seen, and what was not measured."""
    parts = [f"{match.title}.", *match.sentences, *further]
    if match.level != "unknown" and facts.origin.trained_on == "unknown" and kind in ("memorising", "underfitting"):
        parts.append("Whether the images are those that it learned from is not known.")
    if facts.quick:
        parts.append("This was a quick look: the intervals are wide.")
    lack = _lack(facts)
    if lack:
        parts.append(f"Not measured{lack}.")
    evidence = tuple(dict.fromkeys(match.evidence))
    return Verdict(kind, match.level, match.title, " ".join(parts), evidence)


def _lack(facts: Facts) -> str:
    """ ": memorisation, coverage" for what a verdict would use and was not measured; empty where all of it was."""
    names = [
        words
        for name, words in MAIN
        if facts.finding(name) is None and not (name == "likelihood" and facts.density == "none")
    ]
    return f": {', '.join(names)}" if names else ""
