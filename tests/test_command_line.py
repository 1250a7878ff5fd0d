"""The commands of an installation, run as a person runs them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import made_once
from tests.forked_commands import ForkedCommands
from tests.schedules.roads.drawing import square

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAM = Path(sys.executable).with_name("bus-ops")
PASSWORD = "sông Hậu chảy hiền"

Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BUS_OPS")}
    return {
        **kept,
        "BUS_OPS_DATA_FOLDER": str(folder),
        "BUS_OPS_LANGUAGE": "en",
        "BUS_OPS_PASSWORD": PASSWORD,
        "BUS_OPS_GEOCODING": "no",
        **more,
    }


@pytest.fixture(scope="session")
def commands() -> Iterator[ForkedCommands]:
    """What runs the commands; ``serve`` and ``demo`` start as programs of their own."""
    forking = ForkedCommands()
    yield forking
    forking.close()


@pytest.fixture
def bus_ops(tmp_path: Path, commands: ForkedCommands) -> Run:
    """Run bus-ops on a data folder of its own."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return commands.run(arguments, environment(tmp_path / "data", **more), tmp_path)

    return run


def test_the_installed_program_runs() -> None:
    answer = subprocess.run([str(PROGRAM), "--help"], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0
    assert "serve" in answer.stdout


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an installation, as its first start makes it."""
    return made_once(tmp_path_factory, "installation", start_once)


def start_once(folder: Path) -> None:
    port = free_port()
    server = subprocess.Popen(
        [str(PROGRAM), "serve", "--port", str(port)],
        env=environment(folder, BUS_OPS_LIBRARY="Thư viện Cần Thơ", BUS_OPS_ADMIN="quan-tri"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        assert "Đăng nhập" in page(f"http://127.0.0.1:{port}/accounts/sign-in")
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def installed(bus_ops: Run, installation: Path, tmp_path: Path) -> Run:
    """A copy of an installation with its first administrator."""
    shutil.copytree(installation, tmp_path / "data")
    return bus_ops


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def page(address: str, seconds: float = 90) -> str:
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address) as answer:
                text: str = answer.read().decode()
                return text
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def test_the_first_start_makes_the_database_and_the_administrator(
    installed: Run, tmp_path: Path
) -> None:
    assert (tmp_path / "data" / "bus-ops.sqlite3").is_file()
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o077 == 0
    taken = installed("user", "add", "quan-tri", "--name", "X", "--role", "crew")
    assert taken.returncode != 0
    assert "This user name is taken" in taken.stderr


def test_the_communes_that_come_with_the_app_are_added_once(installed: Run) -> None:
    first = installed("units", "add", "cantho")
    assert first.returncode == 0
    assert int(first.stdout.split()[0]) > 366
    assert "0 units added." in installed("units", "add", "cantho").stdout
    unknown = installed("units", "add", "atlantis")
    assert unknown.returncode != 0
    assert "cantho" in unknown.stderr


def test_without_a_terminal_the_first_start_says_what_is_missing(bus_ops: Run) -> None:
    answer = bus_ops("serve", "--port", str(free_port()))
    assert answer.returncode != 0
    assert "BUS_OPS_LIBRARY" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_commands_before_the_first_start_say_how_to_begin(bus_ops: Run, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x")
    answer = bus_ops("import", "timetable", str(file))
    assert answer.returncode != 0
    assert "Start with: bus-ops serve" in answer.stderr


def test_a_timetable_is_shown_dry_then_taken_and_the_second_time_nothing_changes(
    installed: Run, shared_data: Path
) -> None:
    file = str(shared_data / "mobile-libraries" / "york.csv")
    dry = installed("import", "timetable", file, "--dry-run")
    assert "Dry run: nothing was changed." in dry.stdout
    assert "+ Mobile · D1 · Mount. Pleasant · every 2 weeks on Thursday, 10:00–10:45" in dry.stdout
    assert "New vans (1): Mobile" in dry.stdout
    assert "dated runs would be new." in dry.stdout
    first = installed("import", "timetable", file)
    assert first.returncode == 0
    assert "0 stops added" not in first.stdout
    second = installed("import", "timetable", file)
    assert "Imported: 0 stops added, 0 changed, 0 dated runs." in second.stdout


def test_bad_rows_are_named_by_file_line_column_value_and_remedy(
    installed: Run, tmp_path: Path
) -> None:
    file = tmp_path / "xe.csv"
    header = "mobile,route,stop,arrival,departure,frequency,start"
    rows = ["Xe 1,A,Chợ,09:00,10:00,FREQ=WEEKLY,2026-11-02", "Xe 1,A,Bến,9 giờ,10:00,x,2026-11-02"]
    file.write_text("\n".join([header, *rows]), "utf-8")
    answer = installed("import", "timetable", str(file))
    told = answer.stderr
    for part in ("xe.csv", "3", "arrival", "9 giờ", "frequency"):
        assert part in told
    assert "1 stops added" in answer.stdout


def test_a_file_that_cannot_be_read_ends_with_an_error(installed: Run, tmp_path: Path) -> None:
    file = tmp_path / "bad.bin"
    file.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    for options in ([], ["--dry-run"]):
        answer = installed("import", "timetable", str(file), *options)
        assert answer.returncode == 1
        assert "bad.bin: The file is no text." in answer.stderr
        assert "Nothing could be read." in answer.stderr
        assert "Imported" not in answer.stdout


def test_corrections_and_absent_stops_are_named_and_taken_when_asked(
    installed: Run, tmp_path: Path
) -> None:
    file = tmp_path / "xe.csv"
    header = "mobile,route,stop,arrival,departure,frequency,start"
    rows = ["Xe 1,A,Chợ,09:00,10:00,FREQ=WEEKLY,2019-11-04"]
    gone = "Xe 1,A,Bến,11:00,12:00,FREQ=WEEKLY,2019-11-04"
    file.write_text("\n".join([header, *rows, gone]), "utf-8")
    installed("import", "timetable", str(file))
    file.write_text("\n".join([header, rows[0].replace("09:00", "09:15")]), "utf-8")
    dry = installed("import", "timetable", str(file), "--dry-run").stdout
    assert "~ Xe 1 · A · Chợ · Published times: 09:00–10:00 → 09:15–10:00" in dry
    assert "· A · Bến" in dry
    assert "1 stop is not in the files any more (--take-out ends it today)." in dry
    bad = tmp_path / "bad.bin"
    bad.write_bytes(b"\x00")
    refused = installed("import", "timetable", str(file), str(bad), "--take-out")
    assert refused.returncode == 1
    assert "mend those first" in refused.stderr
    assert installed("import", "timetable", str(file), "--take-out", "--overwrite").returncode == 0
    again = installed("import", "timetable", str(file), "--dry-run").stdout
    assert "not in the files" not in again


def test_an_account_is_made_and_its_password_changed(installed: Run) -> None:
    made = installed("user", "add", "tai-xe", "--name", "Trần Văn Tài", "--role", "crew")
    assert "Trần Văn Tài can sign in now." in made.stdout
    short = installed("user", "password", "tai-xe", BUS_OPS_PASSWORD="short")
    assert "Use at least" in short.stderr
    assert installed("user", "password", "tai-xe").returncode == 0
    assert "There is no account ai." in installed("user", "password", "ai").stderr


def test_jobs_are_listed_and_done_now(installed: Run) -> None:
    names = [line.split()[0] for line in installed("jobs", "list").stdout.splitlines()]
    assert names == [
        "backup",
        "roll_statuses",
        "fill_horizon",
        "forget_readers",
        "deliver_reports",
        "remind",
        "check_tomorrow",
    ]
    for name in names:
        assert installed("jobs", "run", name).returncode == 0, name
    unknown = installed("jobs", "run", "dance")
    assert "There is no job dance." in unknown.stderr
    assert "backup" in unknown.stderr


def test_a_backup_is_restored_and_the_database_before_it_kept(
    installed: Run, tmp_path: Path
) -> None:
    made = installed("backup").stdout.strip()
    installed("user", "add", "nhat-thoi", "--name", "X", "--role", "crew")
    restored = installed("restore", made)
    assert "is kept as" in restored.stdout
    assert installed("user", "password", "nhat-thoi").returncode != 0
    assert made in installed("restore").stdout


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + b"\x00" * 100])
def test_what_is_no_backup_changes_nothing(installed: Run, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.sqlite3"
    file.write_bytes(content)
    answer = installed("restore", str(file))
    assert answer.returncode != 0
    assert "broken.sqlite3" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert installed("user", "password", "quan-tri").returncode == 0


def test_the_log_is_replayed(installed: Run) -> None:
    assert installed("replay").stdout.strip() == "0 facts replayed."


def one_sentence(answer: subprocess.CompletedProcess[str]) -> str:
    """What a failed command says: a single line without a trace of its inner workings."""
    assert answer.returncode != 0
    told = answer.stderr.strip()
    assert "Traceback" not in told
    assert told.count("\n") == 0, told
    return told


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "must be a whole number"), ("vi", "phải là số nguyên")],
)
def test_a_setting_that_cannot_be_is_named(bus_ops: Run, language: str, told: str) -> None:
    answer = bus_ops("jobs", "list", BUS_OPS_HORIZON_DAYS="soon", BUS_OPS_LANGUAGE=language)
    assert f"BUS_OPS_HORIZON_DAYS {told}" in one_sentence(answer)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "is taken, perhaps by bus-ops itself. End the program"),
        ("vi", "đã có chương trình khác dùng"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_taken_port_is_told_before_anything_is_made(
    bus_ops: Run, tmp_path: Path, command: str, language: str, told: str
) -> None:
    folder = ["--folder", str(tmp_path / "demo")] if command == "demo" else []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = bus_ops(command, "--port", port, *folder, BUS_OPS_LANGUAGE=language)
    said = one_sentence(answer)
    assert told in said
    assert port in said
    assert "--port" in said
    assert not list(tmp_path.rglob("*.sqlite3"))


def test_an_address_this_machine_does_not_have_is_told(bus_ops: Run) -> None:
    answer = bus_ops("serve", "--host", "192.0.2.1", "--port", str(free_port()))
    assert "of 192.0.2.1 cannot be opened" in one_sentence(answer)


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "Make it writable, or name another one"), ("vi", "Hãy cho phép ghi vào đó")],
)
@pytest.mark.parametrize("command", [["serve"], ["jobs", "list"], ["demo", "--no-serve"]])
def test_a_data_folder_that_cannot_be_is_told(
    bus_ops: Run, tmp_path: Path, command: list[str], language: str, told: str
) -> None:
    in_the_way = tmp_path / "a-file"
    in_the_way.write_text("x")
    folder = ["--folder", str(in_the_way / "demo")] if command[0] == "demo" else []
    answer = bus_ops(
        *command,
        *folder,
        BUS_OPS_DATA_FOLDER=str(in_the_way / "data"),
        BUS_OPS_LANGUAGE=language,
    )
    said = one_sentence(answer)
    assert told in said
    assert "a-file" in said
    assert "BUS_OPS_DATA_FOLDER" in said


def test_a_database_that_does_not_answer_is_told_without_its_password(bus_ops: Run) -> None:
    url = f"postgresql://reader:secret@127.0.0.1:{free_port()}/books"
    said = one_sentence(bus_ops("jobs", "list", BUS_OPS_DATABASE_URL=url))
    assert "Check BUS_OPS_DATABASE_URL" in said
    assert "reader:***@127.0.0.1" in said
    assert "secret" not in said


def test_help_is_in_the_chosen_language(bus_ops: Run) -> None:
    vietnamese = bus_ops("--help", BUS_OPS_LANGUAGE="vi").stdout
    assert "Cách dùng: bus-ops" in vietnamese
    for word in ("Usage", "Options", "Commands", "Show", "Accounts", "Make"):
        assert word not in vietnamese
    assert "Tùy chọn" in bus_ops("serve", "--help", BUS_OPS_LANGUAGE="vi").stdout
    assert "Usage: bus-ops" in bus_ops("--help").stdout
    assert "Usage: bus-ops" in bus_ops("--language", "en", "--help", BUS_OPS_LANGUAGE="vi").stdout
    assert "Tùy chọn" in bus_ops("--help", "--language=vi").stdout


def test_a_mistyped_command_is_told_in_the_chosen_language(bus_ops: Run) -> None:
    answer = bus_ops("srve", BUS_OPS_LANGUAGE="vi")
    assert "Không có lệnh 'srve'." in answer.stderr
    assert "để xem trợ giúp" in answer.stderr


def test_the_demonstration_never_touches_the_real_database(installed: Run, tmp_path: Path) -> None:
    real = tmp_path / "data" / "bus-ops.sqlite3"
    before = real.read_bytes()
    folder = tmp_path / "demo"
    shown = installed("demo", "--no-serve", "--folder", str(folder))
    for name in ("thuthu", "dieuphoi", "baocao", "quantri", "thu-vien-xe"):
        assert name in shown.stdout
    assert (folder / "demo.sqlite3").is_file()
    assert real.read_bytes() == before
    again = installed("demo", "--no-serve", "--folder", str(folder))
    assert "The demonstration of today is ready." in again.stdout


PLAN_PROBLEM = """{
 "format": "bus-ops-plan-problem", "version": 1, "first": "2026-09-07", "last": "2026-09-13",
 "vans": [{"id": "van", "depot": {"lat": 10.03, "lon": 105.78}}],
 "stops": [
  {"id": "near", "position": {"lat": 10.1, "lon": 105.7}, "service_minutes": 60,
   "frequency": {"every_weeks": 1}},
  {"id": "long", "position": {"lat": 10.1, "lon": 105.7}, "service_minutes": 1440,
   "frequency": {"every_weeks": 1}}
 ]}"""


def test_a_document_is_planned_without_an_installation(bus_ops: Run, tmp_path: Path) -> None:
    problem, out = tmp_path / "problem.json", tmp_path / "plan.json"
    problem.write_text(PLAN_PROBLEM, "utf-8")
    answer = bus_ops("plan", str(problem), "--seconds", "0.2", "--out", str(out))
    assert answer.returncode == 0, answer.stderr
    assert "Visits: 1, runs: 1, driving: 30.4 km." in answer.stderr
    assert "1 stop could not be placed: long." in answer.stderr
    planned = json.loads(out.read_text("utf-8"))
    assert [visit["stop"] for run in planned["runs"] for visit in run["visits"]] == ["near"]
    assert not (tmp_path / "data").exists()


def test_ctrl_c_keeps_the_best_plan_so_far(tmp_path: Path) -> None:
    problem = tmp_path / "problem.json"
    problem.write_text(PLAN_PROBLEM, "utf-8")
    with subprocess.Popen(
        [str(PROGRAM), "plan", str(problem), "--seconds", "3000"],
        env=environment(tmp_path / "data"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as search:
        assert search.stderr is not None
        assert "0 % of the time" in search.stderr.readline()
        search.send_signal(signal.SIGINT)
        plan, _told = search.communicate(timeout=60)
    assert search.returncode == 0
    assert json.loads(plan)["runs"][0]["visits"][0]["stop"] == "near"


def test_a_document_with_faults_is_refused_with_every_fault_in_words(
    bus_ops: Run, tmp_path: Path
) -> None:
    problem = tmp_path / "problem.json"
    broken = PLAN_PROBLEM.replace("10.03", '"x"').replace('"every_weeks": 1', '"every_weeks": 0', 1)
    problem.write_text(broken, "utf-8")
    answer = bus_ops("plan", str(problem), BUS_OPS_LANGUAGE="vi")
    assert answer.returncode == 1
    assert 'vans[0].depot.lat, giá trị "x": Hãy ghi giá trị kiểu: number.' in answer.stderr
    assert "stops[0].frequency.every_weeks, giá trị 0: Hãy ghi ít nhất 1." in answer.stderr
    assert "Tài liệu có 2 lỗi" in answer.stderr


def test_roads_are_built_from_the_extract_that_was_put_there(
    installed: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "roads"
    missing = installed("roads", "build", BUS_OPS_LANGUAGE="vi")
    assert missing.returncode == 1
    assert "Chưa có tệp trích nào" in missing.stderr
    folder.mkdir()
    square().way("ABCD").save(folder / "can-tho.osm")
    built = installed("roads", "build", "--height", "3.2", BUS_OPS_LANGUAGE="vi")
    assert "Đã dựng từ can-tho: 2 km đường" in built.stdout
    assert (folder / "roads.npz").is_file()
    checked = installed("roads", "check")
    assert "by road (can-tho) © OpenStreetMap contributors" in checked.stdout
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(b"no roads at all")
    refused = installed("roads", "build", str(broken))
    assert refused.returncode == 1
    assert "cannot be used" in refused.stderr
    assert "Traceback" not in refused.stderr
