"""The commands as people run them: what is wrong is one line and an exit code, no traceback."""

import base64
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.environment import MASTER_KEY
from tests.support.migrated import migrated_database
from tests.support.processes import Processes, free_port

OTHER_KEY = base64.b64encode(b"o" * 32).decode()
PASSWORD = "Correct horse 9 battery"
UP_WITHIN = 120
# Each command is a process that imports the whole server.
pytestmark = pytest.mark.timeout(400)


class Cli:
    """Runs commands with settings of their own in one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self, **settings: str) -> dict[str, str]:
        """Return the environment of a server in the folder; a setting may be emptied."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OCTOPUS_", "ADMIN_", "DJANGO_"))
        }
        own = {"OCTOPUS_DATA_DIR": str(self.folder), "OCTOPUS_MASTER_KEY": MASTER_KEY, **settings}
        return {**kept, **{name: value for name, value in own.items() if value}}

    def run(self, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run one command to its end."""
        return subprocess.run(
            command(*words),
            env=self.environment(**settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=UP_WITHIN,
            check=False,
        )

    def refused(self, *words: str, **settings: str) -> str:
        """Run a command that must fail; returns its one line."""
        result = self.run(*words, **settings)
        assert result.returncode == 1, result.stdout + result.stderr
        lines = result.stderr.strip().splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("octopus-server: ")
        return lines[0]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "octopus_site.cli", *words]


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A migrated data folder with its first administrator."""
    made = Cli(tmp_path_factory.mktemp("server") / "data")
    made.folder.mkdir(mode=0o700)
    shutil.copyfile(migrated_database(), made.folder / "octopus.sqlite3")
    result = made.run("migrate", ADMIN_PASSWORD=PASSWORD)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "The first administrator is admin.\n"
    return made


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        holder.listen()
        yield int(holder.getsockname()[1])


def test_the_data_folder_is_for_its_owner_alone(cli: Cli) -> None:
    assert cli.folder.stat().st_mode & 0o777 == 0o700


def test_a_crash_would_leave_no_memory_on_the_disk(cli: Cli) -> None:
    code = "import resource, octopus_site.cli as cli\ntry: cli.main()\nfinally:\n  "
    code += "print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    shell = 'ulimit -Sc "$(ulimit -Hc)"; exec "$@"'
    result = subprocess.run(
        ["bash", "-c", shell, "bash", sys.executable, "-c", code, "--help"],
        env=cli.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines()[-1] == "0"


def test_migrating_again_is_silent(cli: Cli) -> None:
    result = cli.run("migrate", ADMIN_PASSWORD=PASSWORD)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_server_without_users_prints_a_link_for_the_first_one(tmp_path: Path) -> None:
    new = Cli(tmp_path)
    shutil.copyfile(migrated_database(), new.folder / "octopus.sqlite3")
    printed = new.run("migrate", OCTOPUS_SERVER_URL="https://deploy.example").stdout
    link = r"https://deploy\.example/app/first-administrator/[\w-]{43}\n"
    assert re.fullmatch(rf"There is no user yet\. .*\n{link}", printed)


def test_check_names_what_is_right_and_what_is_not(cli: Cli) -> None:
    result = cli.run("check")  # no Redis runs here
    marks = dict(line.split(maxsplit=1)[::-1] for line in result.stdout.splitlines())
    failed = [rest for rest, mark in marks.items() if mark == "FAILED"]
    assert result.returncode == 1
    assert result.stderr == ""
    assert len(failed) == 1
    assert failed[0].startswith("redis")


def test_check_succeeds_when_all_is_right(cli: Cli, redis_url: str) -> None:
    result = cli.run("check", OCTOPUS_REDIS_URL=redis_url)
    assert result.returncode == 0, result.stdout
    assert all(line.startswith("ok") for line in result.stdout.splitlines())


def test_check_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    result = Cli(tmp_path / "new").run("check")
    assert result.returncode == 1
    assert result.stderr == ""
    assert "run `octopus-server migrate`" in result.stdout


def test_stored_files_are_verified(cli: Cli) -> None:
    result = cli.run("packages", "verify")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "0 files were read, 0.00 GiB.\n"
    stray = cli.folder / "storage" / "packages" / "00" / "00" / ("0" * 64)
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"stray")
    os.utime(stray, (0, 0))
    assert cli.run("packages", "verify").returncode == 1
    assert ": removed" in cli.run("packages", "verify", "--remove-orphans").stdout
    assert cli.run("packages", "verify").returncode == 0


def test_a_wrong_address_of_a_storage_is_one_line(cli: Cli) -> None:
    assert "must be file:///folder" in cli.refused("packages", "move", "--to", "/srv/packages")
    assert "no space Spaces-999999999" in cli.refused(
        "packages", "reindex", "--adopt", "Spaces-999999999"
    )


def test_an_administrator_is_made_once(cli: Cli) -> None:
    made = cli.run("create-admin", "--username", "second", ADMIN_PASSWORD=PASSWORD)
    assert (made.returncode, made.stdout) == (0, "second is an administrator.\n")
    line = cli.refused("create-admin", "--username", "SECOND", ADMIN_PASSWORD=PASSWORD)
    assert "already exists" in line


def test_an_administrators_password_may_be_in_a_file(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    made = cli.run("create-admin", "--username", "third", ADMIN_PASSWORD_FILE=str(file))
    assert made.returncode == 0, made.stderr
    line = cli.refused("create-admin", "--username", "x", ADMIN_PASSWORD_FILE=str(file / "no"))
    assert "ADMIN_PASSWORD_FILE cannot be read" in line


def test_an_administrator_needs_a_password(cli: Cli) -> None:
    assert "ADMIN_PASSWORD" in cli.refused("create-admin", "--username", "fourth")
    line = cli.refused("create-admin", "--username", "fourth", ADMIN_PASSWORD="easy")
    assert "too easy to guess" in line


@pytest.mark.parametrize("name", ["check", "migrate", "web", "gateway", "worker", "beat"])
def test_no_master_key(tmp_path: Path, name: str) -> None:
    assert "no master key" in Cli(tmp_path).refused(name, OCTOPUS_MASTER_KEY="")


@pytest.mark.parametrize(
    ("key", "words"), [("nonsense!", "not valid base64"), ("c2hvcnQ=", "must be 32 bytes")]
)
def test_a_master_key_of_the_wrong_form(tmp_path: Path, key: str, words: str) -> None:
    assert words in Cli(tmp_path).refused("migrate", OCTOPUS_MASTER_KEY=key)


def test_another_master_key_than_the_stored_secrets_have(cli: Cli) -> None:
    line = cli.refused("migrate", OCTOPUS_MASTER_KEY=OTHER_KEY)
    assert "cannot be read with this master key" in line
    result = cli.run("check", OCTOPUS_MASTER_KEY=OTHER_KEY)
    assert result.returncode == 1
    assert "FAILED  master key" in result.stdout


def test_the_master_key_of_a_data_folder_is_changed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    shutil.copyfile(migrated_database(), folder / "octopus.sqlite3")
    key, old = folder / "master.key", folder / "master.key.old"
    key.write_text(MASTER_KEY)
    cli = Cli(folder)
    # As after a command that was ended between the two files.
    old.write_text(MASTER_KEY)
    result = cli.run("rotate-master-key", OCTOPUS_MASTER_KEY="")
    assert result.returncode == 0, result.stderr + result.stdout
    assert "base.serversetting.value" in result.stdout
    assert "old key was removed" in result.stdout
    assert not old.exists()
    assert key.read_text().strip() != MASTER_KEY
    assert key.stat().st_mode & 0o777 == 0o600
    counted = cli.run("rotate-master-key", "--check", OCTOPUS_MASTER_KEY="")
    assert counted.returncode == 0, counted.stderr
    assert "cannot be read with this master key" in cli.refused("migrate")


def test_a_key_from_the_environment_is_changed_by_whoever_sets_it(cli: Cli) -> None:
    assert "OCTOPUS_OTHER_MASTER_KEYS" in cli.refused("rotate-master-key")
    line = cli.refused("rotate-master-key", OCTOPUS_OTHER_MASTER_KEYS="c2hvcnQ=")
    assert "OCTOPUS_OTHER_MASTER_KEYS must be 32 bytes" in line


@pytest.mark.parametrize("name", ["migrate", "up", "check"])
def test_a_data_folder_that_cannot_be_written(name: str) -> None:
    line = Cli(Path("/proc/octopus")).refused(name)  # read-only for every user
    assert "the data folder /proc/octopus cannot be written" in line


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    url = f"postgresql://someone:hidden@127.0.0.1:{free_port()}/octopus"
    line = Cli(tmp_path).refused("migrate", OCTOPUS_DATABASE_URL=url)
    assert "the database cannot be used" in line
    assert "hidden" not in line


@pytest.mark.parametrize("url", ["mysql://host/name", "postgresql://host:port/name"])
def test_an_address_of_no_database(tmp_path: Path, url: str) -> None:
    assert "OCTOPUS_DATABASE_URL" in Cli(tmp_path).refused("migrate", OCTOPUS_DATABASE_URL=url)


@pytest.mark.parametrize("setting", ["OCTOPUS_WEB_PORT", "OCTOPUS_GATEWAY_PORT"])
def test_a_port_in_use(tmp_path: Path, taken_port: int, setting: str) -> None:
    ports = {"OCTOPUS_WEB_PORT": str(free_port()), "OCTOPUS_GATEWAY_PORT": str(free_port())}
    line = Cli(tmp_path).refused("up", **{**ports, setting: str(taken_port)})
    assert line == (
        f"octopus-server: port {taken_port} is in use. Stop what uses it, or set {setting}."
    )


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("OCTOPUS_WEB_PORT", "x", "must be a port number"),
        ("OCTOPUS_WEB_PROCESSES", "0", "must be from 1 to 64"),
    ],
)
def test_a_number_that_is_none(tmp_path: Path, setting: str, value: str, expected: str) -> None:
    line = Cli(tmp_path).refused("check", **{setting: value})
    assert line.startswith(f"octopus-server: {setting} {expected}")


def test_a_second_server_on_the_same_folder(tmp_path: Path, processes: Processes) -> None:
    first = Cli(tmp_path / "data")
    first.folder.mkdir(mode=0o700)
    shutil.copyfile(migrated_database(), first.folder / "octopus.sqlite3")
    ports = {"OCTOPUS_WEB_PORT": str(free_port()), "OCTOPUS_GATEWAY_PORT": str(free_port())}
    environment = first.environment(**ports, OCTOPUS_WEB_PROCESSES="1")
    settings = {"DJANGO_SETTINGS_MODULE": "octopus_site.settings", **environment}
    server = processes.start("up", command("up"), environment=settings)
    server.wait_for_log("Octopus is ready", seconds=UP_WITHIN)
    server.wait_for_log(f":{ports['OCTOPUS_WEB_PORT']}/app/first-administrator/")
    line = first.refused(
        "up", OCTOPUS_WEB_PORT=str(free_port()), OCTOPUS_GATEWAY_PORT=str(free_port())
    )
    assert "another server runs on the data folder" in line
    assert server.is_running
    server.interrupt()
    assert server.wait_for_exit(seconds=60) in {0, 130}
    assert "Traceback" not in server.log()


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    result = Cli(tmp_path).run("nonsense")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
