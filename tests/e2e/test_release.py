"""What a release holds: completions, man pages, the unit, the tarball; and the reference page."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from harness.clients import ROOT
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
