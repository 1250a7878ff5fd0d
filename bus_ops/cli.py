"""The command line: ``bus-ops demo`` to look around, ``bus-ops serve`` for the real thing."""

from __future__ import annotations

import errno
import gc
import getpass
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click
import platformdirs
from flask import Flask
from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from flask_migrate import upgrade
from sqlalchemy import func, inspect, make_url, select
from sqlalchemy.exc import OperationalError

from schedules.exchange.json_shape import JsonFaultsError
from schedules.roads.source import RoadFileError, Stage
from schedules.roads.vehicle import Vehicle

from . import VERSION, create_app
from .accounts.models import Organisation, Role, User
from .accounts.passwords import SHORTEST_PASSWORD, hash_password
from .accounts.queries import as_username, sole_organisation, user_named
from .backups import BackupError, backups, make_backup, restore_backup
from .command_language import ProgramGroup
from .config import LANGUAGES, NotAWholeNumberError
from .counting.upkeep import keep_figures_in_step, recount_everything
from .database import db, now
from .demo import PASSWORD as DEMO_PASSWORD
from .demo import SIGN_INS, build_demo
from .demo.generated import Size
from .demo.generated import generate as generate_history
from .i18n import format_moment, format_number, speaking, today
from .jobs import JOBS, job_named, last_turns, run_job
from .places.regions import REGIONS, add_region
from .places.units import has_units
from .planning.plan_documents import line_of_fault, planned
from .planning.starting import compile_ahead
from .road_building import (
    box_of_places,
    build_network_file,
    extract_folder,
    newest_extract,
    places_without_road,
    road_file_in_words,
    stage_in_words,
)
from .scheduler import run_scheduler
from .tablet.log import replay as replay_log
from .timetable.import_plan import ImportChoices, ImportPlan, RowState
from .timetable.import_wording import (
    line_of_change,
    line_of_row,
    name_of_row,
    name_of_stop,
    promise_of_row,
    sentence_of_file,
)
from .timetable.importing import apply_import, new_run_count, plan_import
from .travel_sources import chosen_source, travel_in_words

# A document with more faults than this is told by its first ones.
MOST_FAULTS_TOLD = 20

Command = TypeVar("Command", bound=Callable[..., Any])


class CommandError(click.ClickException):
    """Shown as one line that says what to do."""


@click.group(cls=ProgramGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="bus-ops")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    envvar="BUS_OPS_LANGUAGE",
    default=LANGUAGES[0],
    help="Language of what is printed.",
)
@click.pass_context
def main(context: click.Context, language: str) -> None:
    """Runs a mobile library: timetable, daily route, event log and figures."""
    context.obj = language


def in_app(command: Command) -> Command:
    """Give a command the real installation's app, its context and the chosen language."""

    @wraps(command)
    @click.pass_context
    def wrapped(context: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        with opened_app(context.obj) as app:
            return command(app, *args, **kwargs)

    return wrapped  # type: ignore[return-value]


@contextmanager
def opened_app(language: str, settings: dict[str, Any] | None = None) -> Iterator[Flask]:
    """The app, its context and the language; what keeps it from opening is told in a sentence."""
    with speaking(language):
        app = _made_app(settings)
    with app.app_context(), force_locale(language):
        try:
            yield app
        except OperationalError as error:
            raise CommandError(_database_sentence(app, error)) from error


def _made_app(settings: dict[str, Any] | None) -> Flask:
    try:
        return create_app(settings)
    except NotAWholeNumberError as error:
        raise CommandError(
            _(
                "%(variable)s must be a whole number, not “%(value)s”.",
                variable=error.variable,
                value=error.text,
            )
        ) from error
    except ValueError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            _(
                "The data folder cannot be used: %(reason)s. Make it writable, or name another"
                " one in BUS_OPS_DATA_FOLDER (for the demonstration: --folder).",
                reason=_reason(error),
            )
        ) from error


def _reason(error: OSError) -> str:
    return f"{error.filename} ({error.strerror})" if error.filename else str(error)


def _database_sentence(app: Flask, error: OperationalError) -> str:
    url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    return _(
        "The database %(url)s cannot be used (%(reason)s). Check BUS_OPS_DATABASE_URL, and that"
        " its server runs or its folder is writable.",
        url=url.render_as_string(hide_password=True),
        reason=str(error.orig).strip().splitlines()[0],
    )


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--library", envvar="BUS_OPS_LIBRARY", help="Name of the library (first start).")
@click.option("--admin", envvar="BUS_OPS_ADMIN", help="First administrator's user name.")
@in_app
def serve(app: Flask, host: str, port: int, library: str | None, admin: str | None) -> None:
    """Serve the library: makes and migrates its database, asks for the first administrator."""
    _check_port(host, port)
    _migrate(app)
    _ask_for_first_administrator(library, admin)
    _tell_of_units()
    db.session.remove()
    click.echo(_("Serving at %(url)s (Ctrl+C ends it)", url=f"http://{host}:{port}"))
    _serve(app, host, port)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="A free one from 8000 on, unless given.",
)
@click.option("--folder", type=click.Path(path_type=Path), help="Where its own data lives.")
@click.option("--fresh", is_flag=True, help="Build the demonstration again.")
@click.option("--no-serve", is_flag=True, help="Build it only.")
@click.pass_context
def demo(
    context: click.Context, host: str, port: int, folder: Path | None, fresh: bool, no_serve: bool
) -> None:
    """Show a living service of Cần Thơ as of today; never touches real data."""
    folder = folder or platformdirs.user_data_path("bus-ops") / "demo"
    with opened_app(context.obj, _demo_settings(folder)) as app:
        if port:
            _check_port(host, port)
        _build_if_stale(app, folder, fresh)
        click.echo()
        for role, username, _name in SIGN_INS:
            click.echo(f"  {role.label!s:<18} {username}")
        click.echo("  " + _("Password of all") + f": {DEMO_PASSWORD}")
        click.echo()
        if no_serve:
            return
        port = port or _free_port(host)
        click.echo(_("Open %(url)s (Ctrl+C ends it)", url=f"http://{host}:{port}"))
        db.session.remove()
    _serve(app, host, port)


@main.command()
@click.option("--vans", type=click.IntRange(1, 99), default=50, show_default=True)
@click.option("--years", type=click.IntRange(1, 30), default=10, show_default=True)
@click.option("--loans", type=click.IntRange(0, 300), default=33, show_default=True)
@click.option("--seed", type=int, default=2104, show_default=True)
@in_app
def generate(_app: Flask, vans: int, years: int, loans: int, seed: int) -> None:
    """Fill an empty database with a long history of many vans, invented from a seed.

    LOANS is how many a served visit has on average.
    """
    _migrate(_app)
    if db.session.scalar(select(func.count()).select_from(Organisation)):
        raise click.ClickException(
            _("This database holds a library already: name an empty one (BUS_OPS_DATA_FOLDER).")
        )
    labels = {"history": _("History"), "counting": _("Counting")}
    generate_history(Size(vans, years, loans), today(), seed, _tell_of_generating(labels))
    click.echo()
    click.echo(_("Done. Sign in as %(user)s.", user=f"baocao / {DEMO_PASSWORD}"))


def _tell_of_generating(labels: dict[str, str]) -> Callable[[str, int, int], None]:
    """A bar that grows, where somebody looks on."""
    width = 40

    def tell(what: str, done: int, of: int) -> None:
        bar = "█" * (width * done // max(1, of))
        end = "\n" if done == of else ""
        click.echo(
            f"\r{labels[what]:<12}{bar:░<{width}} {100 * done // max(1, of):>3} %{end}", nl=False
        )

    return tell


@main.command()
@in_app
def recount(_app: Flask) -> None:
    """Count every visit's figures anew from what was logged."""
    runs = recount_everything()
    click.echo(_("Figures of %(num)s runs counted anew.", num=format_number(runs)))


@main.command()
@in_app
def migrate(app: Flask) -> None:
    """Bring the database to this version's tables."""
    _migrate(app)
    click.echo(_("The database is up to date."))


@main.command()
@in_app
def scheduler(app: Flask) -> None:
    """Run the nightly jobs only (where gunicorn or several hosts serve)."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    compile_ahead()
    run_scheduler(app, stop)


@main.group("import")
def import_() -> None:
    """Take in files."""


@import_.command("timetable")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Show what would change; change nothing.")
@click.option("--overwrite", is_flag=True, help="Let the files win over corrections by hand.")
@click.option(
    "--take-out", is_flag=True, help="Take stops that left the files out of service from today on."
)
@in_app
def import_timetable(
    app: Flask, files: Sequence[Path], dry_run: bool, overwrite: bool, take_out: bool
) -> None:
    """Import mobile library timetables (CSV)."""
    organisation = _organisation()
    plan = plan_import([(path.name, path.read_bytes()) for path in files], organisation)
    _print_problems(plan)
    if not plan.rows:
        raise CommandError(_("Nothing could be read. Mend the files as said above."))
    horizon_days = app.config["HORIZON_DAYS"]
    if dry_run:
        _print_changes(plan)
        runs = new_run_count(plan, today(), horizon_days)
        click.echo(
            ngettext("%(num)s dated run would be new.", "%(num)s dated runs would be new.", runs)
        )
        click.echo(_("Dry run: nothing was changed."))
        return
    if take_out and not plan.is_whole:
        raise CommandError(_("Rows that could not be read may be among them: mend those first."))
    choices = ImportChoices(
        frozenset(row.key for row in plan.rows) if overwrite else frozenset(),
        frozenset(stop.id for stop in plan.absent) if take_out else frozenset(),
    )
    report = apply_import(plan, organisation, today(), horizon_days, choices)
    db.session.commit()
    click.echo(
        _(
            "Imported: %(added)s stops added, %(changed)s changed, %(runs)s dated runs.",
            added=report.stops_added,
            changed=report.stops_changed,
            runs=sum(fill.runs for fill in report.fills),
        )
    )


@main.group()
def units() -> None:
    """Administrative units: communes of today and those before."""


@units.command("add")
@click.argument("region", type=click.Choice(list(REGIONS)))
@in_app
def add_units_of(_app: Flask, region: str) -> None:
    """Add a region's units that come with the app; those already there stay as they are."""
    added = add_region(_organisation().id, REGIONS[region])
    db.session.commit()
    click.echo(ngettext("%(num)s unit added.", "%(num)s units added.", added.count))


@main.group()
def user() -> None:
    """Accounts."""


@user.command("add")
@click.argument("username")
@click.option("--name", required=True, help="Full name.")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@in_app
def add_user(_app: Flask, username: str, name: str, role: str) -> None:
    """Make an account; asks for its password."""
    _add_user(_organisation(), username, name, Role(role))
    click.echo(_("%(name)s can sign in now.", name=name))


@user.command("password")
@click.argument("username")
@in_app
def set_password(_app: Flask, username: str) -> None:
    """Give an account a new password."""
    account = user_named(username)
    if account is None:
        raise CommandError(_("There is no account %(name)s.", name=username))
    account.set_password(_asked_password())
    db.session.commit()
    click.echo(_("Saved."))


@main.group()
def jobs() -> None:
    """Nightly jobs."""


@jobs.command("list")
@in_app
def list_jobs(_app: Flask) -> None:
    """Show each job's last turn."""
    for job in JOBS:
        turns = last_turns(job, 1)
        last = f"{format_moment(turns[0].due_at)} {turns[0].state.label}" if turns else "–"
        click.echo(f"{job.name:<16} {job.hour:02d}:{job.minute:02d}  {last}")


@jobs.command("run")
@click.argument("name")
@in_app
def run_named_job(_app: Flask, name: str) -> None:
    """Do a job now."""
    job = job_named(name)
    if job is None:
        raise CommandError(
            _("There is no job %(name)s.", name=name) + " " + ", ".join(j.name for j in JOBS)
        )
    turn = run_job(job, now(), by_hand=True)
    if turn is None:
        raise CommandError(_("The job is running already."))
    for text in [turn.message, *(note.text for note in turn.notes)]:
        if text:
            click.echo(f"{turn.state.label}: {text}")
    if turn.state.value == "failed":
        sys.exit(1)


@main.command("plan")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--seconds",
    type=click.FloatRange(0, 24 * 3600),
    default=60.0,
    show_default=True,
    help="Time for the search.",
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Another seed, another search.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the plan to this file."
)
@click.pass_context
def plan_file(
    context: click.Context, file: BinaryIO, seconds: float, seed: int, out: Path | None
) -> None:
    """Plan a period from a JSON document, without any installation (see PLAN_JSON.md).

    Ctrl+C ends the search with the best plan so far.
    """
    with speaking(context.obj):
        try:
            document = planned(
                file.read().decode("utf-8-sig"),
                seconds,
                seed,
                lambda text: click.echo(text, err=True),
            )
        except UnicodeDecodeError as error:
            raise CommandError(_("The file is not written in UTF-8.")) from error
        except JsonFaultsError as error:
            for fault in error.faults[:MOST_FAULTS_TOLD]:
                click.echo(line_of_fault(fault), err=True)
            raise CommandError(
                ngettext(
                    "%(num)s fault in the document. Mend it as said above.",
                    "%(num)s faults in the document. Mend them as said above.",
                    len(error.faults),
                )
            ) from error
        if out is None:
            click.echo(document, nl=False)
            return
        try:
            out.write_text(document, "utf-8")
        except OSError as error:
            raise CommandError(
                _("The plan cannot be written: %(reason)s.", reason=_reason(error))
            ) from error


@main.group()
def roads() -> None:
    """The road network that driving times come from."""


@roads.command("build")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--height", type=click.FloatRange(0, 10), help="Height of the largest van (m).")
@click.option("--weight", type=click.FloatRange(0, 60), help="Weight of the heaviest van (t).")
@click.option("--width", type=click.FloatRange(0, 5), help="Width of the widest van (m).")
@click.option(
    "--margin",
    type=click.FloatRange(0, 1000),
    default=30,
    show_default=True,
    help="Roads within so many kilometres of the known places are kept.",
)
@click.option("--whole", is_flag=True, help="Keep all roads of the file.")
@in_app
def build_roads_of(
    app: Flask,
    file: Path | None,
    height: float | None,
    weight: float | None,
    width: float | None,
    margin: float,
    whole: bool,
) -> None:
    """Build the network from an OpenStreetMap extract (.osm.pbf).

    Without a file takes the newest extract in the folder "roads" of the data folder.
    """
    file = file or newest_extract(app.config)
    if file is None:
        folder = extract_folder(app.config)
        raise CommandError(_("There is no extract. Put a .osm.pbf file in %(path)s.", path=folder))
    vehicle = Vehicle(height or 0.0, weight or 0.0, width or 0.0)
    box = None if whole or not _has_tables() else box_of_places(margin)
    try:
        built = build_network_file(app.config, file, box, vehicle, _tell_of_roads)
    except RoadFileError as error:
        click.echo()
        raise CommandError(road_file_in_words(error)) from error
    click.echo()
    for line in built:
        click.echo(line)


@roads.command("check")
@in_app
def check_roads(app: Flask) -> None:
    """Tell where driving times come from, and the places that no road leads to."""
    library = _organisation()
    chosen = chosen_source(library.detour_factor, library.drive_speed_kmh)
    click.echo(_("Kilometres and minutes:") + " " + travel_in_words(chosen.travel.name))
    if chosen.problem:
        click.echo(chosen.problem, err=True)
    for line in places_without_road(library.id, chosen.travel):
        click.echo(line)


@main.command()
@in_app
def backup(_app: Flask) -> None:
    """Make a backup now."""
    try:
        made = make_backup()
    except BackupError as error:
        raise CommandError(str(error)) from error
    click.echo(str(made.path))


@main.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@in_app
def restore(_app: Flask, file: Path | None) -> None:
    """Put a backup in the database's place (stop the server first); without a file lists them."""
    if file is None:
        for made in backups():
            click.echo(f"{format_moment(made.made_at)}  {made.path}")
        return
    try:
        kept = restore_backup(file)
    except BackupError as error:
        raise CommandError(str(error)) from error
    click.echo(_("Restored from %(path)s.", path=file))
    if kept is not None:
        click.echo(_("The database before it is kept as %(path)s.", path=kept))


@main.command()
@in_app
def replay(_app: Flask) -> None:
    """Drop what follows from the event log and fold the whole log again."""
    for organisation_id in list(db.session.scalars(select(Organisation.id))):
        count = replay_log(organisation_id)
        click.echo(_("%(num)s facts replayed.", num=count))


def _migrate(app: Flask) -> None:
    upgrade(directory=app.extensions["migrate"].directory)
    # What a migration left to be counted, before anybody waits for a page.
    keep_figures_in_step()
    db.session.commit()


def _has_tables() -> bool:
    return inspect(db.engine).has_table("organisation")


def _tell_of_roads(stage: Stage, count: int) -> None:
    """One line a stage; where somebody looks on it grows, elsewhere each count has its own."""
    line = f"{stage_in_words(stage)}: {format_number(count)}"
    click.echo(f"\r{line:<60}" if sys.stdout.isatty() else line, nl=not sys.stdout.isatty())


def _organisation() -> Organisation:
    if not _has_tables():
        raise CommandError(_("There is no database yet. Start with: bus-ops serve"))
    organisation = sole_organisation()
    if organisation is None:
        raise CommandError(_("There is no library yet. Start with: bus-ops serve"))
    return organisation


def _ask_for_first_administrator(library: str | None, admin: str | None) -> None:
    """Ask on the command line once; options and variables answer where nobody sits there."""
    if db.session.scalar(select(User.id).where(User.role == Role.ADMINISTRATOR).limit(1)):
        return
    if not sys.stdin.isatty() and not (library and admin and os.environ.get("BUS_OPS_PASSWORD")):
        raise CommandError(
            _(
                "The first administrator is missing. Start in a terminal, or set"
                " BUS_OPS_LIBRARY, BUS_OPS_ADMIN and BUS_OPS_PASSWORD."
            )
        )
    organisation = sole_organisation()
    if organisation is None:
        organisation = Organisation(name=library or click.prompt(_("Name of the library")))
        db.session.add(organisation)
        db.session.flush()
    username = admin or click.prompt(_("User name of the first administrator"))
    name = username if admin else click.prompt(_("Full name"), default=username)
    _add_user(organisation, username, name, Role.ADMINISTRATOR)


def _tell_of_units() -> None:
    """Without units no place lies in a commune, and the maps show no outlines."""
    organisation = sole_organisation()
    if organisation is None or has_units(organisation.id):
        return
    click.echo(_("No communes are known yet. To add those that come with the app:"))
    for key in REGIONS:
        click.echo(f"  bus-ops units add {key}")


def _add_user(organisation: Organisation, username: str, name: str, role: Role) -> None:
    username = as_username(username)
    if user_named(username) is not None:
        raise CommandError(_("This user name is taken; choose another."))
    account = User(
        organisation_id=organisation.id,
        username=username,
        full_name=name,
        role=role,
        password_hash=hash_password(_asked_password()),
    )
    db.session.add(account)
    db.session.commit()


def _asked_password() -> str:
    """From BUS_OPS_PASSWORD, or typed twice without being shown."""
    given = os.environ.get("BUS_OPS_PASSWORD")
    while True:
        password = given or getpass.getpass(_("Password") + ": ")
        short = len(password) < SHORTEST_PASSWORD
        differs = not given and not short and getpass.getpass(_("Again") + ": ") != password
        if not short and not differs:
            return password
        problem = (
            _("Use at least %(min)d characters.", min=SHORTEST_PASSWORD)
            if short
            else _("The two differ; type them again.")
        )
        if given:
            raise CommandError(problem)
        click.echo(problem)


def _demo_settings(folder: Path) -> dict[str, Any]:
    return {
        "DATA_FOLDER": folder,
        "DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite3'}",
        "DEMO_MODE": True,
        "GEOCODING": False,
    }


def _build_if_stale(app: Flask, folder: Path, fresh: bool) -> None:
    """The demonstration shows today: yesterday's is built again."""
    mark = folder / "built-for"
    wanted = f"{VERSION} {today().isoformat()}"
    if not fresh and mark.exists() and mark.read_text("utf-8") == wanted:
        # An app of the same day may be newer all the same.
        _migrate(app)
        click.echo(_("The demonstration of today is ready."))
        return
    click.echo(_("Building the demonstration: places, timetable, months of history…"))
    mark.unlink(missing_ok=True)
    for path in folder.glob("demo.sqlite3*"):
        path.unlink()
    shutil.rmtree(folder / "backups", ignore_errors=True)
    _migrate(app)
    build_demo(now())
    mark.write_text(wanted, "utf-8")


def _free_port(host: str) -> int:
    for port in range(8000, 8100):
        if _why_not(host, port) is None:
            return port
    raise CommandError(_("No port from 8000 to 8099 is free; choose one with --port."))


def _check_port(host: str, port: int) -> None:
    """Before anything is made or asked: nobody else listens there, and we may."""
    error = _why_not(host, port)
    if error is None:
        return
    if error.errno == errno.EADDRINUSE:
        raise CommandError(
            _(
                "Port %(port)s is taken, perhaps by bus-ops itself. End the program that has it,"
                " or choose another port with --port.",
                port=port,
            )
        )
    raise CommandError(
        _(
            "Port %(port)s of %(host)s cannot be opened (%(reason)s). Choose others with --host"
            " and --port.",
            port=port,
            host=host,
            reason=error.strerror or error,
        )
    )


def _why_not(host: str, port: int) -> OSError | None:
    """What keeps this machine from listening on the port; None where nothing does."""
    try:
        family, kind, _protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _serve(app: Flask, host: str, port: int) -> None:
    """Serve with threads of this process; the scheduler runs in a process of its own.

    SIGTERM ends the server as Ctrl+C does, and the scheduler with it.
    """
    import waitress

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    process = multiprocessing.get_context("spawn").Process(
        target=_scheduler_process, args=(_passed_on(app),), daemon=True, name="scheduler"
    )
    process.start()
    compile_ahead()
    # What was loaded so far stays: looking through it again and again would delay pages.
    gc.collect()
    gc.freeze()
    try:
        waitress.serve(
            app,
            host=host,
            port=port,
            threads=8,
            ident="bus-ops",
            # The app's own limit answers in the user's words; far beyond it nothing is taken in.
            max_request_body_size=4 * app.config["MAX_CONTENT_LENGTH"],
        )
    finally:
        process.terminate()
        process.join(5)


def _passed_on(app: Flask) -> dict[str, Any]:
    """Settings the scheduler's process needs to open the same installation."""
    if not app.config["DEMO_MODE"]:
        return {}
    return _demo_settings(Path(app.config["DATA_FOLDER"]))


def _scheduler_process(settings: dict[str, Any]) -> None:
    """The scheduler beside a server; ends when asked to, and when its server is gone."""
    stop = threading.Event()
    threading.Thread(target=_stop_with_server, args=(stop,), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run_scheduler(create_app(settings), stop)


def _stop_with_server(stop: threading.Event) -> None:
    """Wait for the server's end, even one that leaves it no time to say so (SIGKILL)."""
    server = multiprocessing.parent_process()
    if server is not None:
        # A pipe that only the server holds open: it closes with the process, however that ends.
        wait_for_any([server.sentinel])
    stop.set()


def _print_problems(plan: ImportPlan) -> None:
    for error in plan.unreadable:
        click.echo(f"{error.file}: {sentence_of_file(error)}", err=True)
    for problem in plan.problems:
        click.echo(line_of_row(problem), err=True)
    if plan.unknown_columns:
        columns = ", ".join(plan.unknown_columns)
        click.echo(_("Columns kept without a field of their own: %(list)s", list=columns))
    click.echo(
        _(
            "%(rows)s rows: %(added)s new, %(changed)s changed, %(same)s unchanged.",
            rows=len(plan.rows),
            added=len(plan.added),
            changed=len(plan.changed),
            same=plan.unchanged_count,
        )
    )
    if plan.absent:
        click.echo(
            ngettext(
                "%(num)s stop is not in the files any more (--take-out ends it today).",
                "%(num)s stops are not in the files any more (--take-out ends them today).",
                len(plan.absent),
            )
        )


def _print_changes(plan: ImportPlan) -> None:
    """Every row and stop that would change, as + new, ~ changed, - absent."""
    for row in plan.in_state(RowState.NEW):
        click.echo(f"+ {name_of_row(row)} · {promise_of_row(row)}")
    for row in plan.in_state(RowState.CHANGED, RowState.KEPT):
        for change in row.changes:
            click.echo(f"~ {name_of_row(row)} · {line_of_change(change, row)}")
    for stop in plan.absent:
        click.echo(f"- {name_of_stop(stop)}")
    for label, names in (
        (_("New vans"), plan.new_vans),
        (_("New routes"), plan.new_routes),
        (_("New places"), plan.new_places),
    ):
        if names:
            click.echo(f"{label} ({len(names)}): {', '.join(names)}")
