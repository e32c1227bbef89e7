"""What a release holds: completions, man pages, the unit, the tarball; and the reference page."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest
from harness.clients import ROOT
from harness.instances import await_condition
from harness.process import clean_environment, program, rolecall

REFERENCE = ROOT / "docs/reference/flags.md"


def printed(home: Path, *arguments: str) -> str:
    done = rolecall(*arguments, env=clean_environment(home))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_bash_completes_subcommands_and_flags(tmp_path: Path) -> None:
    (tmp_path / "completions").write_text(printed(tmp_path, "completions", "bash"))
    script = """
source "$1"
COMP_WORDS=(rolecall "${@:2}"); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_rolecall rolecall "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""

    def completed(*words: str) -> list[str]:
        done = subprocess.run(["bash", "-c", script, "bash", str(tmp_path / "completions"), *words], text=True,
                              capture_output=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    assert completed("ser") == ["serve"]
    assert completed("assume", "--dur") == ["--duration"]
    assert "github" in completed("assume", "--format", "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_parse_theirs(shell: str, tmp_path: Path) -> None:
    script = printed(tmp_path, "completions", shell)
    assert "whoami" in script and "credential-process" in script
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not on this machine: the script was made, not parsed")
    (tmp_path / "script").write_text(script)
    subprocess.run([shell, "-n", str(tmp_path / "script")], check=True, timeout=30)


def test_man_pages(tmp_path: Path) -> None:
    page = printed(tmp_path, "man")
    assert page.splitlines()[2].startswith(".TH rolecall 1")
    printed(tmp_path, "man", "--directory", str(tmp_path / "man1"))
    assume = (tmp_path / "man1/rolecall-assume.1").read_text()
    assert "session\\-name" in assume and "DURATION_SECONDS" in assume


def test_the_reference_is_what_the_program_says(tmp_path: Path) -> None:
    assert REFERENCE.read_text() == printed(tmp_path, "reference"), \
        f"stale: rolecall reference > {REFERENCE.relative_to(ROOT)}"


def test_the_unit_is_sound(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not on this machine")
    unit = tmp_path / "rolecall.service"
    unit.write_text((ROOT / "packaging/rolecall.service").read_text().replace("/usr/bin/rolecall", program()))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], text=True, capture_output=True,
                          timeout=60)
    assert done.returncode == 0 and "rolecall.service" not in done.stderr, done.stderr
    # Of ten, as systemd counts what a unit leaves open: above two is what serves a network and is not shut in.
    closed = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)], text=True,
                            capture_output=True, timeout=60)
    assert closed.returncode == 0 and "Overall exposure" in closed.stdout, closed.stdout + closed.stderr


def test_the_tarball(tmp_path: Path) -> None:
    # As a release is: without symbols, which in the build for tests are most of it.
    binary = tmp_path / "rolecall"
    shutil.copy(program(), binary)
    if shutil.which("strip"):
        subprocess.run(["strip", str(binary)], check=True, timeout=60)

    def packed(output: Path) -> tuple[Path, str]:
        done = subprocess.run(["cargo", "xtask", "dist", "--binary", str(binary), str(output)], cwd=ROOT, text=True,
                              capture_output=True, timeout=600)
        assert done.returncode == 0, done.stderr
        tarball = next(output.glob("rolecall-*.tar.gz"))
        return tarball, (output / "SHA256SUMS").read_text()

    tarball, sums = packed(tmp_path / "one")
    assert sums == f"{hashlib.sha256(tarball.read_bytes()).hexdigest()}  {tarball.name}\n"
    assert packed(tmp_path / "two")[1] == sums, "the same inputs give the same bytes"
    name = tarball.name.removesuffix(".tar.gz")
    assert re.fullmatch(r"rolecall-\d+\.\d+\.\d+-\w+-linux", name)
    with tarfile.open(tarball) as opened:
        names = set(opened.getnames())
        opened.extractall(tmp_path / "installed", filter="data")
    for path in ["bin/rolecall", "LICENSE", "README.md", "share/man/man1/rolecall.1",
                 "share/man/man1/rolecall-assume.1", "share/bash-completion/completions/rolecall",
                 "share/zsh/site-functions/_rolecall", "share/fish/vendor_completions.d/rolecall.fish",
                 "lib/systemd/system/rolecall.service"]:
        assert f"{name}/{path}" in names, path
    installed = tmp_path / "installed" / name / "bin/rolecall"
    done = subprocess.run([installed, "--version"], text=True, capture_output=True, timeout=30)
    assert done.stdout.split()[0] == "rolecall"


@pytest.mark.slow
def test_cargo_installs_one_program_that_is_all_of_it(tmp_path: Path) -> None:
    # Alone, the program takes fewer features of what it stands on than the workspace does: most is compiled once more.
    if not os.environ.get("ROLECALL_TEST_INSTALL"):
        pytest.skip("SKIPPED LOUDLY: it compiles most of the program anew; ROLECALL_TEST_INSTALL=1 runs it")
    done = subprocess.run(["cargo", "install", "--debug", "--locked", "--offline", "--path", "crates/rolecall",
                           "--root", str(tmp_path)], cwd=ROOT, text=True, capture_output=True, timeout=1_200)
    assert done.returncode == 0, done.stderr
    [installed] = (tmp_path / "bin").iterdir()
    told = subprocess.run([installed, "--version"], text=True, capture_output=True, timeout=30)
    assert told.stdout.split()[0] == installed.name == "rolecall"
    # What an instance starts with is a part of it, and no file beside it: it knows its stages, and refuses others.
    stage = subprocess.run([installed, "instance-init", "none", "x"], text=True, capture_output=True, timeout=30)
    assert stage.returncode == 126 and "no such stage" in stage.stderr


def instructions() -> dict[str, list[str]]:
    """The Dockerfile's instructions of one kind, in their order, without the lines' ends."""
    text = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M))
    found: dict[str, list[str]] = {}
    for line in filter(None, text.splitlines()):
        name, _, rest = line.partition(" ")
        found.setdefault(name, []).append(rest.strip())
    return found


def is_left_out(path: str) -> bool:
    """As Docker reads `.dockerignore`: the last pattern that fits a path, or a folder that it is in, decides."""
    parts, left_out = path.split("/"), False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if not pattern or pattern.startswith("#"):
            continue
        assert not re.search(r"[?\[]|\*(?!\*/)(?<!\*\*)", pattern), f"a pattern that this test does not read: {pattern}"
        if pattern.startswith("**/"):
            fits = pattern.removeprefix("**/") in parts
        else:
            fits = f"{path}/".startswith(f"{pattern}/")
        left_out = not line.startswith("!") if fits else left_out
    return left_out


def test_the_images_build_finds_what_it_asks_for(tmp_path: Path) -> None:
    """No engine builds it here; what its build reads is looked at as the engine would send it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, text=True, capture_output=True, check=True, timeout=60)
    sent = [name for name in listed.stdout.split("\0") if name and not is_left_out(name)]
    assert "tests/e2e/test_release.py" not in sent and len(sent) > 500
    for name in sent:
        if (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    # Every member of the workspace must be there, and the lock file be the one that belongs to them.
    done = subprocess.run(["cargo", "metadata", "--locked", "--offline", "--format-version", "1"], cwd=tmp_path,
                          text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    packages = {package["name"]: package for package in json.loads(done.stdout)["packages"]}
    docker = instructions()
    [build] = [run for run in docker["RUN"] if "cargo build" in run]
    assert "cargo build --locked --release --package rolecall --bin rolecall " in build
    assert "rolecall" in [target["name"] for target in packages["rolecall"]["targets"] if "bin" in target["kind"]]
    [version] = re.findall(r"rust:([\d.]+)-alpine", docker["FROM"][0])
    assert version == packages["rolecall"]["rust_version"] and docker["FROM"][-1] == "scratch"
    copied = [line.split()[0] for line in docker["COPY"] if not line.startswith("--from=")]
    assert {name for name in copied if not (tmp_path / name).exists()} == set()


def test_the_images_program_starts_as_the_image_says(tmp_path: Path) -> None:
    docker = instructions()
    given = dict(pair.split("=", 1) for line in docker["ENV"] for pair in line.split())
    user, group = map(int, docker["USER"][0].split(":"))
    assert user > 0 and group > 0
    assert docker["EXPOSE"] == [given["ROLECALL_LISTEN"].rpartition(":")[2]] and docker["VOLUME"] == [given["ROLECALL_DATA"]]
    # The volume's folder is made, closed, and owned by the user that writes to it.
    assert f"install -d -m 0700 -o {user} -g {group} /image{given['ROLECALL_DATA']}" in docker["RUN"][-1]
    [entry], [command] = (json.loads(docker[name][0]) for name in ("ENTRYPOINT", "CMD"))
    assert f"/image{entry}" in docker["RUN"][-1]
    # Every variable is a setting that takes effect.
    env = clean_environment(tmp_path) | given
    told = rolecall("config", "--json", env=env)
    assert told.returncode == 0, told.stderr
    for name in given:
        assert name in told.stdout, f"{name} sets nothing"
    own = {"ROLECALL_LISTEN": "127.0.0.1:0", "ROLECALL_DATA": str(tmp_path / "data")}
    process = subprocess.Popen([program(), command], env=env | own, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        await_condition("the server is there", lambda: (tmp_path / "data/endpoint").exists() or process.poll() is not None)
        assert process.poll() is None, process.stderr.read()
    finally:
        process.send_signal(signal.Signals[docker["STOPSIGNAL"][0]])
        assert process.wait(60) == 0
