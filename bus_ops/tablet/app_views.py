"""The offline tablet app: its shell, and the interface by which tablets prepare and send.

Every call but the shell carries the tablet's own credential and reads no cookie. Times are ISO 8601
in UTC. What a tablet sends is stored at most once and answered for only after the commit.

=========================  ===================================================================
POST api/enrol             ``{"code"}`` → ``{"tablet", "secret", "name", "library", "now"}``
GET api/ping               ``{"now"}``, for the tablet to measure how far its clock is off
GET api/day-plan           the days ahead (``?language=vi|en``); see ``preparing.day_plan``
GET api/catalogue          copies, cards, names, loans; with an ETag; see ``preparing.catalogue``
POST api/events            ``{"events": [...]}`` → ``{"held": [ids], "set_aside": [...], "now"}``
GET api/facts              what other devices recorded on the days' runs, after a cursor
PUT api/photos/<event>     the picture of a fact of kind photo; 201 new, 200 held, 422 damaged
=========================  ===================================================================

A revoked tablet gets 401 ``{"error": "revoked"}`` for all it reads; what it sends is still taken.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from sqlalchemy import select

from ..accounts.access import open_to_all
from ..accounts.limits import limiter, sign_in_limit
from ..accounts.models import Organisation
from ..accounts.sessions import csrf
from ..config import LANGUAGES
from ..database import db, now
from ..headers import content_security_policy
from ..i18n import today
from .enrolment import (
    ExpiredCodeError,
    UnknownCodeError,
    calling_tablet,
    enrol,
    identify_tablet,
    tablets_only,
)
from .log import set_aside, store_events
from .models import Event, Photo, Tablet
from .preparing import catalogue, day_plan, runs_to_take

blueprint = Blueprint("tablet_app", __name__, url_prefix="/tablet/app")
interface = Blueprint("tablet_interface", __name__, url_prefix="/tablet/api")
csrf.exempt(interface)
interface.before_request(identify_tablet)

MOST_EVENTS = 2_000
LARGEST_PHOTO = 2 * 1024 * 1024
PHOTO_TYPES = frozenset({"image/jpeg", "image/webp"})
# Two writers' clocks may overlap: what came shortly before a cursor is told again.
CURSOR_OVERLAP = timedelta(minutes=2)


@blueprint.get("/")
@open_to_all
def shell() -> ResponseReturnValue:
    """The app's page: holds no data, so that it may be kept on the tablet."""
    answer = current_app.make_response(
        render_template("tablet/app.html", built_version=app_version())
    )
    answer.headers["Cache-Control"] = "no-cache"
    # Reading bar codes with the camera runs as WebAssembly, on this page only.
    policy = content_security_policy("").replace(
        "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"
    )
    answer.headers["Content-Security-Policy"] = policy
    return answer


@blueprint.get("/sw.js")
@open_to_all
def service_worker() -> ResponseReturnValue:
    """The service worker with the list of files it keeps; a new list makes a new version."""
    folder = _built_folder()
    files = json.loads((folder / "precache.json").read_text("utf-8"))
    kept = {
        "version": app_version(),
        "addresses": [url_for("static", filename=file) for file in files],
    }
    source = (folder / "sw.js").read_text("utf-8")
    answer = Response(f"self.__KEPT__={json.dumps(kept)};\n{source}", mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Service-Worker-Allowed"] = "/tablet/app/"
    return answer


@blueprint.get("/messages/<any(vi, en):language>.json")
@open_to_all
def messages(language: str) -> ResponseReturnValue:
    """The app's sentences in a language, from the catalogues; English is what they are keyed by."""
    answer = send_from_directory(_built_folder() / "messages", f"{language}.json")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@blueprint.get("/manifest.webmanifest")
@open_to_all
def manifest() -> ResponseReturnValue:
    """What makes the page installable."""
    answer = current_app.make_response(render_template("tablet/manifest.webmanifest"))
    answer.mimetype = "application/manifest+json"
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@interface.post("/enrol")
@open_to_all
@limiter.limit(sign_in_limit)
def enrol_tablet() -> ResponseReturnValue:
    """Exchange the code of a QR picture for the tablet's own secret, once."""
    body = request.get_json(silent=True)
    code = body.get("code") if isinstance(body, dict) else None
    if not isinstance(code, str) or not code:
        return {"error": "unknown_code"}, 404
    try:
        tablet, secret = enrol(code)
    except UnknownCodeError:
        return {"error": "unknown_code"}, 404
    except ExpiredCodeError:
        return {"error": "expired_code"}, 410
    organisation = db.session.get_one(Organisation, tablet.organisation_id)
    answer = {
        "tablet": str(tablet.id),
        "secret": secret,
        "name": tablet.name,
        "library": organisation.name,
        "now": _now(),
    }
    db.session.commit()
    return answer


@interface.get("/ping")
@tablets_only
def ping() -> ResponseReturnValue:
    """This moment, by the server's clock."""
    db.session.commit()
    return {"now": _now()}


@interface.get("/day-plan")
@tablets_only
def day_plan_page() -> ResponseReturnValue:
    """The days ahead, with labels in the tablet's language."""
    language = request.args.get("language", "")
    with force_locale(language if language in LANGUAGES else LANGUAGES[0]):
        plan = day_plan(calling_tablet(), today())
    calling_tablet().last_seen_at = now()
    db.session.commit()
    return _compressed(json.dumps(plan, ensure_ascii=False).encode())


@interface.get("/catalogue")
@tablets_only
def catalogue_page() -> ResponseReturnValue:
    """Copies, cards, names and loans; 304 where the tablet has them already."""
    body = json.dumps(catalogue(calling_tablet(), today()), ensure_ascii=False).encode()
    db.session.commit()
    tag = hashlib.sha256(body).hexdigest()[:32]
    if request.if_none_match.contains(tag):
        return Response(status=304)
    answer = _compressed(body)
    answer.set_etag(tag)
    return answer


@interface.post("/events")
@tablets_only
def receive_events() -> ResponseReturnValue:
    """Take facts: each once, durably. A body that is none is kept whole, and refused with 400."""
    tablet = calling_tablet()
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        body = None
    events = body.get("events") if isinstance(body, dict) else None
    if not isinstance(events, list):
        set_aside(tablet.organisation_id, tablet.id, request.get_data(), "body: no batch")
        db.session.commit()
        return {"error": "no_batch"}, 400
    if len(events) > MOST_EVENTS:
        return {"error": "too_many", "most": MOST_EVENTS}, 413
    answer = store_events(tablet.organisation_id, tablet, None, events)
    return {
        "held": list(answer.held),
        "set_aside": [
            {"index": one.index, "id": one.id, "problem": one.problem} for one in answer.set_aside
        ],
        "now": _now(),
    }


@interface.get("/facts")
@tablets_only
def facts_of_others() -> ResponseReturnValue:
    """What other devices recorded on the runs this tablet takes along, newest part first asked."""
    tablet = calling_tablet()
    after = _cursor(request.args.get("after", ""))
    run_ids = [run.id for run in runs_to_take(tablet, today())]
    query = (
        select(Event, Tablet.name)
        .join(Tablet, Event.tablet_id == Tablet.id)
        .where(
            Event.organisation_id == tablet.organisation_id,
            Event.run_id.in_(run_ids),
            Event.tablet_id != tablet.id,
        )
        .order_by(Event.received_at, Event.id)
    )
    if after is not None:
        query = query.where(Event.received_at > after - CURSOR_OVERLAP)
    rows = db.session.execute(query).all()
    newest = max((event.received_at for event, _ in rows), default=after)
    facts = [_fact(event, name) for event, name in rows]
    db.session.commit()
    return {"facts": facts, "cursor": newest.isoformat() if newest else ""}


@interface.put("/photos/<uuid:event_id>")
@tablets_only
def receive_photo(event_id: uuid.UUID) -> ResponseReturnValue:
    """Keep the picture of a fact, once; the fact itself may still be on its way."""
    data = request.get_data()
    digest = hashlib.sha256(data).hexdigest()
    if not data or digest != request.headers.get("X-Content-SHA256", "").lower():
        return {"error": "damaged"}, 422
    if len(data) > LARGEST_PHOTO or request.mimetype not in PHOTO_TYPES:
        return {"error": "not_a_photo"}, 415
    tablet = calling_tablet()
    held = db.session.get(Photo, event_id)
    if held is not None:
        same = held.organisation_id == tablet.organisation_id and held.sha256 == digest
        return ({"held": str(event_id)}, 200) if same else ({"error": "id_in_use"}, 409)
    db.session.add(
        Photo(
            event_id=event_id,
            organisation_id=tablet.organisation_id,
            tablet_id=tablet.id,
            content_type=request.mimetype,
            sha256=digest,
            data=data,
        )
    )
    db.session.commit()
    return {"held": str(event_id)}, 201


def _now() -> str:
    return now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cursor(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        abort(400)
    if moment.tzinfo is None:
        abort(400)
    return moment


def _fact(event: Event, tablet_name: str) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "tablet": str(event.tablet_id),
        "tablet_name": tablet_name,
        "sequence": event.sequence,
        "version": event.version,
        "kind": event.kind.value,
        "run": event.run_id,
        "visit": event.visit_id,
        "user": event.user_id,
        "recorded_at": event.recorded_at.isoformat(),
        "clock_offset": event.clock_offset_ms,
        "payload": event.payload,
    }


def _compressed(body: bytes) -> Response:
    """JSON, compressed for a tablet on a slow connection."""
    answer = Response(body, mimetype="application/json")
    if "gzip" in request.accept_encodings:
        answer.set_data(gzip.compress(body, 5))
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    return answer


def app_version() -> str:
    """Names what the worker keeps: another file or word makes another version."""
    folder = _built_folder()
    stamps = sorted(
        f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}"
        for file in folder.rglob("*")
        if file.is_file()
    )
    return hashlib.sha256("|".join(stamps).encode()).hexdigest()[:12]


def _built_folder() -> Path:
    return Path(current_app.static_folder or "") / "tablet"
