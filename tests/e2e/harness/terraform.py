"""Terraform with its state in a bucket: a folder of files, run by the program that is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .process import Credentials, Server

BUCKET = "terraform-states"
KEY = "lab/terraform.tfstate"
Run = Callable[..., subprocess.CompletedProcess[str]]

BACKEND = """
terraform {
  backend "s3" {
    bucket         = "terraform-states"
    key            = "lab/terraform.tfstate"
    region         = "us-east-1"
    use_path_style = true
    use_lockfile   = true
    encrypt        = true
%s
  }
}

variable "value" {
  default = "first"
}

resource "terraform_data" "one" {
  input = var.value
}

output "value" {
  value = terraform_data.one.output
}
"""


def program() -> str:
    found = next(filter(None, map(shutil.which, ["terraform", "tofu"])), None)
    return found or pytest.skip("SKIPPED LOUDLY: neither terraform nor tofu is installed")


def folder(program: str, at: Path, server: Server, credentials: Credentials | None, more: str = "",
           variables: dict[str, str] | None = None) -> Run:
    """Terraform in a folder of its own, with its backend in the bucket."""
    at.mkdir()
    (at / "main.tf").write_text(BACKEND % more)
    env = server.client_environment(credentials) | {
        "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "TF_INPUT": "0"} | (variables or {})

    def run(*arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *arguments, "-no-color"], cwd=at, env=env, text=True, capture_output=True,
                              timeout=timeout)

    return run


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
