"""Rules without code: their list in order, the editor, what each would do, and what it did."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for

from app.automation import checks, commands, queries, trial, words
from app.automation.catalogue import ACTIONS, EVENTS, FIELDS, OPERATORS
from app.automation.definition import Definition
from app.automation.queries import LogFilters
from app.core import clock, forms, typed
from app.core.errors import RuleError
from app.core.security import requires
from app.desk import rule_forms
from app.desk.at_desk import desk_actor, own_zone
from app.desk.posting import carry_out

blueprint = Blueprint("rules", __name__, url_prefix="/rules")
USUAL_DAYS = 30
MOST_DAYS = 366
RECENT = 10


@blueprint.get("/")
@requires("see", "Rules")
def index() -> str:
    """Every rule in the order in which they run, with what is broken."""
    rules = queries.every()
    names = queries.names([each.definition for each in rules])
    return render_template(
        "desk/rules/index.html",
        rules=rules,
        counts=queries.counts([each.rule.id for each in rules]),
        said={each.rule.id: words.sentence(each.definition, names) for each in rules},
        broken={each.rule.id: checks.broken(each.definition, names) for each in rules},
        zone=own_zone(),
        nonce=forms.new_nonce,
    )


@blueprint.get("/<int:rule_id>")
@requires("see", "Rules")
def show(rule_id: int) -> str:
    """One rule in words, its log and versions; `?from=…&to=…` tries it on past tickets."""
    current = queries.current(rule_id)
    versions = queries.versions(rule_id)
    definitions = [Definition.of_json(each.definition) for each in versions]
    names = queries.names(definitions)
    problems = checks.problems(current.definition, names)
    tried: trial.Trial | None = None
    told: list[str] = []
    if "from" in request.args and not problems:
        tried, told = _tried(current.definition, request.args, rule_id)
    return render_template(
        "desk/rules/show.html",
        rule=current.rule,
        said=words.sentence(current.definition, names),
        problems=problems,
        versions=[
            (each, words.sentence(definition, names))
            for each, definition in zip(versions, definitions, strict=True)
        ],
        counts=queries.counts([rule_id]).get(rule_id),
        runs=queries.log(LogFilters(rule=rule_id), most=RECENT),
        tried=tried,
        told=told,
        zone=own_zone(),
        nonce=forms.new_nonce,
        **_period(request.args),
    )


@blueprint.get("/new")
@requires("create", "Rules")
def new() -> str:
    """An empty rule."""
    return _editor(Definition(""), "")


@blueprint.get("/<int:rule_id>/edit")
@requires("edit", "Rules")
def edit(rule_id: int) -> str:
    """A rule as it is, to be changed."""
    current = queries.current(rule_id)
    number = current.rule.number
    return _editor(current.definition, current.rule.name, rule_id=rule_id, number=number)


@blueprint.post("/draft", defaults={"rule_id": None})
@blueprint.post("/<int:rule_id>/draft")
@requires("edit", "Rules")
def draft(rule_id: int | None) -> Any:
    """The form again with a row more or less, in words, or tried; nothing is kept."""
    definition = rule_forms.of_form(request.form)
    problems: list[str] = []
    try:
        definition = rule_forms.changed(definition, request.form)
    except RuleError as error:
        problems = list(error.problems)
    tried = None
    if request.form.get("do") == "try":
        problems = checks.problems(definition, queries.names([definition]))
        if not problems:
            tried, problems = _tried(definition, request.form, rule_id)
    return _sent_editor(definition, rule_id, problems, tried=tried), 422 if problems else 200


@blueprint.post("/save", defaults={"rule_id": None})
@blueprint.post("/<int:rule_id>/save")
@requires("edit", "Rules")
def save(rule_id: int | None) -> Any:
    """Keep it: a new rule, or the next version of one."""
    definition = rule_forms.of_form(request.form)

    def act() -> tuple[str, str]:
        kept = commands.save(
            actor=desk_actor(),
            name=request.form.get("name", ""),
            definition=definition,
            rule_id=rule_id,
            number=request.form.get("number", type=int),
        )
        said = "is saved" if kept.is_on else "is saved and switched off: try it, then switch it on"
        return url_for("rules.show", rule_id=kept.id), f"“{kept.name}” {said}."

    return carry_out(
        act,
        back=url_for("rules.index"),
        again=lambda error: (_sent_editor(definition, rule_id, error.problems), 422),
    )


@blueprint.post("/<int:rule_id>/change")
@requires("edit", "Rules")
def change(rule_id: int) -> Any:
    """Switch it on or off, let it run earlier or later, or take it away."""
    do = request.form.get("do", "")
    listed = "back" in request.form
    here = url_for("rules.index") if listed else url_for("rules.show", rule_id=rule_id)

    def act() -> tuple[str, str]:
        actor = desk_actor()
        if do in {"on", "off"}:
            rule = commands.switch(rule_id, actor=actor, on=do == "on")
            return here, f"“{rule.name}” is switched {do}."
        if do in {"up", "down"}:
            rule = commands.move(rule_id, actor=actor, step=-1 if do == "up" else 1)
            return f"{here}#rule-{rule.id}", f"“{rule.name}” runs {_moved(do)}."
        if do == "remove":
            rule = commands.archive(rule_id, actor=actor)
            return url_for("rules.index"), f"“{rule.name}” is removed; its log stays."
        raise RuleError("It is not said what to do with the rule: use one of the buttons.")

    return carry_out(act, back=here)


@blueprint.get("/log")
@requires("see", "Rules")
def log() -> str:
    """What rules did, the newest first; filters live in the address."""
    given = request.args
    filters = LogFilters(
        rule=given.get("rule", type=int),
        state=given.get("state", "") if given.get("state") in {"done", "failed"} else "",
        ticket=typed.id_of(given.get("ticket", "").strip().removeprefix("#")),
        before=given.get("before", type=int),
    )
    runs = queries.log(filters, most=queries.RUNS + 1)
    return render_template(
        "desk/rules/log.html",
        runs=runs[: queries.RUNS],
        older=runs[queries.RUNS - 1].id if len(runs) > queries.RUNS else None,
        rules=[(each.rule.id, each.rule.name) for each in queries.every()],
        kept={key: value for key, value in given.items() if value and key != "before"},
        zone=own_zone(),
    )


@blueprint.get("/runs/<int:rule_run_id>")
@requires("see", "Rules")
def run(rule_run_id: int) -> str:
    """One entry of the log: why the rule acted, and what became of each action."""
    found = queries.run(rule_run_id)
    definition = Definition.of_json(found.rule_version.definition)
    began = found.happening.detail.get("began")
    return render_template(
        "desk/rules/run.html",
        run=found,
        event=words.event(definition),
        began=datetime.fromisoformat(began) if began else None,
        zone=own_zone(),
    )


def _moved(do: str) -> str:
    return "one place earlier" if do == "up" else "one place later"


def _sent_editor(
    definition: Definition,
    rule_id: int | None,
    problems: Any,
    *,
    tried: trial.Trial | None = None,
) -> str:
    number = request.form.get("number", type=int)
    name = request.form.get("name", "")
    return _editor(definition, name, rule_id=rule_id, number=number, problems=problems, tried=tried)


def _editor(
    definition: Definition,
    name: str,
    *,
    rule_id: int | None = None,
    number: int | None = None,
    problems: Any = (),
    tried: trial.Trial | None = None,
) -> str:
    names = queries.names([definition])
    return render_template(
        "desk/rules/edit.html",
        rule=definition,
        name=name,
        rule_id=rule_id,
        number=number,
        problems=problems,
        said=words.sentence(definition, names),
        names=names,
        words=words,
        events=[(key, kind.words[:1].upper() + kind.words[1:]) for key, kind in EVENTS.items()],
        fields=FIELDS,
        to_choose=rule_forms.fields_to_choose(names),
        choices=rule_forms.choices_of,
        operators=OPERATORS,
        actions=ACTIONS,
        waits=EVENTS["waited"].settings,
        since=rule_forms.choices_of("since", names, ()),
        counted=rule_forms.choices_of("counted", names, ()),
        tried=tried,
        zone=own_zone(),
        nonce=forms.new_nonce(),
        **_period(request.form),
    )


def _period(given: Any) -> dict[str, str]:
    """The days over which a rule is tried, as typed; at first the last ones."""
    today = clock.today(own_zone())
    first = (today - timedelta(days=USUAL_DAYS)).isoformat()
    return {"first": given.get("from") or first, "last": given.get("to") or today.isoformat()}


def _tried(
    definition: Definition, given: Any, rule_id: int | None
) -> tuple[trial.Trial | None, list[str]]:
    """What a rule would have done in the days asked for, or what is wrong with them.

    A new rule is tried as the last in order.
    """
    period = _period(given)
    try:
        first, last = typed.day(period["first"]), typed.day(period["last"])
    except ValueError:
        days = f"“{period['first'][:40]}” to “{period['last'][:40]}”"
        return None, [f"{days} cannot be read as days: write them like 2026-03-31."]
    if not timedelta(0) <= last - first <= timedelta(days=MOST_DAYS):
        return None, ["The last day comes before the first, or more than a year after: change one."]
    before = queries.running_before(definition.event, rule_id)
    names = queries.names([definition, *(each.definition for each in before)])
    end = _begin(last + timedelta(days=1))
    return trial.run(definition, names, _begin(first), end, before=before), []


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=ZoneInfo(own_zone()))
