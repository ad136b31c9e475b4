"""A new support request: what it is about decides what is asked; nothing typed is lost."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from flask import redirect, render_template, request, url_for

from app.core import clock, formats, forms, typed
from app.core.errors import RuleError
from app.core.language import current, told
from app.core.posting import refused, taken, unit_of_work
from app.core.words import say
from app.portal import billed, blueprint, client, logins
from app.portal.posting import carry_out
from app.portal.requests import LONGEST_ID, chosen_ids, uploads
from app.staff import queries as staff_queries
from app.tickets import client_queries, drafts, intake, request_queries, requesting, sla_queries
from app.tickets.client_rules import URGENCIES
from app.tickets.commands import Upload
from app.tickets.request_queries import Form
from app.tickets.requesting import Login, NewRequest
from app.vault.sealing import Secret

FIRST = 10  # events of a new request that are looked at: its message is among them
EMPTY: Mapping[str, str] = MappingProxyType({})
FILES = "files"  # the form's own choice of files; a field's has a dash and its key behind it


@dataclass
class Sent:
    """What a browser sent, read once: its texts, and the new files by key of their field."""

    form: Mapping[str, str]
    files: dict[str, list[Upload]]
    keep: set[int]

    @classmethod
    def of_request(cls) -> "Sent":
        files = {
            name.removeprefix(FILES).removeprefix("-"): uploads(request.files.getlist(name))
            for name in request.files
            if name == FILES or name.startswith(f"{FILES}-")
        }
        return cls(request.form.to_dict(), files, set(chosen_ids("keep")))

    @property
    def type_id(self) -> int | None:
        return typed.id_of(self.form.get("type", ""))

    def by_key(self, prefix: str) -> dict[str, str]:
        """The texts whose names begin so, by what follows."""
        return {
            name.removeprefix(prefix): text
            for name, text in self.form.items()
            if name.startswith(prefix)
        }

    @property
    def asked(self) -> dict[str, str]:
        """The questions that stood in the form, by key."""
        return intake.asked_in(self.form)

    def keep_answers(self) -> None:
        """Put answers to questions that are not asked any more at the end of the description."""
        moved = _with_answers(self.form, self.asked)
        if moved != self.form:
            self.form = moved
            self.forget_questions()

    def forget_questions(self) -> None:
        """Let the questions that stood in the form be of no kind: it shows others from now on."""
        self.form = {
            name: text for name, text in self.form.items() if not name.startswith(intake.ASKED)
        }

    def request(self, me: client.Client) -> NewRequest:
        """The request as it is to be sent, with the files that were in before."""
        draft = request_queries.draft_of(me.id)
        files = drafts.uploads_of(draft, self.keep)
        for key, new in self.files.items():
            files.setdefault(key, []).extend(new)
        urgency = self.form.get("urgency", "normal")
        return NewRequest(
            subject=self.form.get("subject", ""),
            text=self.form.get("text", ""),
            type_id=self.type_id,
            company_id=_company(me),
            priority=urgency if urgency in {key for key, _, _ in URGENCIES} else "normal",
            raw=self.by_key(intake.PREFIX),
            asked=self.asked,
            files=files,
            logins=_logins(self.form, me),
            notify=chosen_ids("notify"),
        )


def _logins(form: Any, me: client.Client) -> dict[str, Login]:
    found = {}
    for name in form:
        if name.startswith("login-") and name.endswith("-secret"):
            stem = name.removesuffix("secret")
            given = {part: form.get(stem + part, "").strip() for part in ("url", "user", "note")}
            secret = form[name] or logins.carried(form.get(f"{stem}carried", ""), me.id)
            key = stem.removeprefix("login-").removesuffix("-")
            found[key] = Login(Secret(given["user"], secret, given["note"]), given["url"])
    return found


def _has_login(form: Any) -> bool:
    """Whether a login was typed, which a draft does not keep."""
    return any(form[name] for name in form if name.startswith("login-"))


@blueprint.route("/requests/new", methods=["GET", "POST"])
def new_request() -> Any:
    """The form, and what it opens: a request of one's own, for a company of one's own."""
    me = client.current()
    if request.method == "GET":
        return _page(me)
    sent = Sent.of_request()
    if request.form.get("step") == "continue":
        sent.forget_questions()
        try:
            _keep(me, sent)
        except drafts.FormSentError as error:
            return refused(error, back=url_for("portal.new_request"))
        goes_on = None if _has_login(request.form) else 1
        return redirect(url_for("portal.new_request", goes_on=goes_on, _anchor="request-fields"))

    def open_it() -> tuple[str, str]:
        ticket = requesting.send(sent.request(me), actor=me.actor)
        return taken(url_for("portal.request_sent", number=ticket.number)), ""

    return carry_out(
        open_it,
        back=url_for("portal.new_request"),
        again=lambda error: (_again(me, sent, error), 422),
    )


def _keep(me: client.Client, sent: Sent) -> list[str]:
    """Keep what is typed and the new files; returns why a file was not taken."""
    problems: list[str] = []
    form = sent.form.get(forms.FIELD, "")
    with unit_of_work():
        drafts.save(me.id, sent.form, notify=chosen_ids("notify"), form=form)
        drafts.keep_only(me.id, sent.keep)
        for key, files in sent.files.items():
            if files:
                problems += drafts.add_files(me.id, files, key=key).problems
    return problems


def _again(me: client.Client, sent: Sent, error: RuleError) -> str:
    """The form with all that is wrong; good files stay, the others are told by name."""
    faults = list(getattr(error, "faults", [("", text) for text in error.problems]))
    known = {text for _, text in faults}
    sent.keep_answers()
    faults += [("", text) for text in _keep(me, sent) if text not in known]
    return _page(me, faults, sent.form)


@blueprint.get("/requests/new/fields")
def request_fields() -> str:
    """The questions of one kind, as a part of the form."""
    me = client.current()
    type_id = typed.id_of(request.args.get("type", ""))
    form = next((one for one in request_queries.offered() if one.type.id == type_id), None)
    if form is None:
        return ""
    draft = request_queries.draft_of(me.id)
    return render_template(
        "portal/request_kind.html",
        form=form,
        promises=_promises(me, form),
        billed=billed.told(form.type, _for_whom(me)),
        typed=draft.typed if draft else {},
        given={},
        carried={},
        kept=draft.files if draft else [],
        faults={},
    )


@blueprint.post("/requests/draft")
def save_draft() -> Any:
    """Keep what is typed; asked every few seconds by the page."""
    me = client.current()
    form = request.form.get(forms.FIELD, "")
    try:
        with unit_of_work():
            drafts.save(me.id, request.form, notify=chosen_ids("notify"), form=form)
    except drafts.FormSentError as error:
        return {"saved": False, "problems": [told(each) for each in error.problems]}, 409
    return {"saved": True, "at": formats.time_of_day(clock.now(), me.zone, current())}


@blueprint.post("/requests/draft/files")
def add_draft_file() -> Any:
    """Take one file in while the form is still being written."""
    me = client.current()
    files = uploads(request.files.getlist(FILES))
    key, form = request.form.get("key", ""), request.form.get(forms.FIELD, "")
    try:
        with unit_of_work():
            added = drafts.add_files(me.id, files, key=key, form=form)
            kept = [{"id": one.id, "name": one.name} for one in added.files]
    except drafts.FormSentError as error:
        return {"files": [], "problems": [told(problem) for problem in error.problems]}, 409
    return {
        "files": kept,
        "problems": [told(problem) for problem in added.problems],
    }, 200 if kept else 422


@blueprint.post("/requests/draft/discard")
def discard_draft() -> Any:
    """Begin anew."""
    me = client.current()
    here = url_for("portal.new_request")

    def discard() -> tuple[str, str]:
        drafts.clear(me.id)
        return here, ""

    return carry_out(discard, back=here)


@blueprint.get("/requests/<int:number>/sent")
def request_sent(number: int) -> str:
    """What a request that was sent is called, and what happens next."""
    me = client.current()
    ticket = client_queries.ticket(me.viewer, number)
    due = sla_queries.answer_due(ticket.id)
    said = billed.told(ticket.request_type, [ticket.company_id])
    first = client_queries.events(me.viewer, ticket.id, before=None, most=FIRST)
    return render_template(
        "portal/request_sent.html",
        me=me,
        ticket=ticket,
        due=due,
        billed=said,
        exposed=[each for each in first if each.contact_id and each.holds_password],
        nonce=forms.new_nonce,
    )


def _company(me: client.Client) -> int | None:
    """The company chosen, which is one of the client's own; None where there is no choice."""
    text = request.form.get("company", "")
    if not text:
        return None
    chosen = int(text) if text.isdecimal() and len(text) <= LONGEST_ID else 0
    if chosen not in me.viewer.company_ids:
        raise RuleError(say("This company is none of yours: choose one of the list."))
    return chosen


def _page(
    me: client.Client, faults: Collection[tuple[str, str]] = (), given: Mapping[str, str] = EMPTY
) -> str:
    draft = request_queries.draft_of(me.id)
    sent = {name: text for name, text in given.items() if name != "notify"}
    kept = draft.typed if draft else {}
    # what came last is shown whole
    written = {**kept, **sent} if sent else _with_answers(kept, kept.get("asked", {}))
    recent = request_queries.recent_types(me.viewer.company_ids)
    offered = _recent_first(request_queries.offered(), recent)
    type_id = typed.id_of(str(written.get("type", request.args.get("type", ""))))
    form = next((one for one in offered if one.type.id == type_id), None)
    by_field: dict[str, list[str]] = {}
    for name, text in faults:
        by_field.setdefault(name, []).append(text)
    return render_template(
        "portal/request_new.html",
        me=me,
        offered=offered,
        recent=recent,
        form=form,
        promises=_promises(me, form),
        billed=billed.told(form.type if form else None, _for_whom(me)),
        companies=client_queries.companies(me.viewer),
        colleagues=client_queries.colleagues(me.viewer),
        urgencies=[(key, told(title), told(help_)) for key, title, help_ in URGENCIES],
        draft=draft,
        typed=written,
        given=given,
        carried={
            key: logins.carry(login.secret.secret, me.id)
            for key, login in _logins(given, me).items()
            if login.secret.secret
        },
        kept=draft.files if draft else [],
        faults=by_field,
        problems=list(faults),
        nonce=forms.new_nonce(),
    )


def _with_answers(form: Mapping[str, Any], asked: Mapping[str, str]) -> Mapping[str, Any]:
    """The form with answers to questions not asked any more at the end of its description."""
    answers = {
        name.removeprefix(intake.PREFIX): text
        for name, text in form.items()
        if name.startswith(intake.PREFIX)
    }
    left = requesting.without_place(typed.id_of(form.get("type", "")), answers, asked)
    if not left:
        return form
    text = form.get("text", "").rstrip()
    return {**form, "text": f"{text}\n\n{left}" if text else left}


def _promises(me: client.Client, form: Form | None) -> list[tuple[str, int]]:
    """Each urgency in words with the seconds of working time until its first answer."""
    department_id = staff_queries.in_use(form.type.department_id) if form else None
    promised = sla_queries.first_answers(me.company_id, department_id)
    return [(told(words), promised[key]) for key, words, _ in URGENCIES if key in promised]


def _for_whom(me: client.Client) -> Collection[int]:
    """The companies that the request may be for: those of the list, or one's only one."""
    return me.viewer.company_ids or ([me.company_id] if me.company_id else [])


def _recent_first(offered: list[Form], recent: list[int]) -> list[Form]:
    """The kinds that this client's companies asked with last stand first."""
    places = {type_id: place for place, type_id in enumerate(recent)}
    return sorted(offered, key=lambda one: places.get(one.type.id, len(places)))
