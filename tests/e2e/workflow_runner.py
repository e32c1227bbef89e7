"""Runs the steps of a workflow file as GitHub's runner does, as far as our workflows use it.

What it does not know it refuses: a workflow must not pass here because half of it was skipped.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

STEP_KEYS = {"id", "name", "if", "run", "uses", "with", "env", "shell", "working-directory", "continue-on-error"}
JOB_KEYS = {"runs-on", "env", "steps", "permissions", "timeout-minutes"}
SHELLS = {"": ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"], "sh": ["sh", "-e"]}
TOKEN = re.compile(r"\s*(\|\||&&|==|!=|!|\(|\)|'(?:[^']|'')*'|[A-Za-z_][\w.-]*)")
STEP_SECONDS = 180


class Unsupported(Exception):
    """The workflow uses something of GitHub's that this runner does not imitate."""


@dataclass
class Step:
    """What one step left behind."""

    name: str
    outcome: str
    log: str
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Result:
    """A job's outcome; its log is what a reader of the run would see."""

    steps: list[Step]
    environment: dict[str, str]

    @property
    def log(self) -> str:
        return "".join(f"##[group]{step.name}\n{step.log}" for step in self.steps)

    @property
    def succeeded(self) -> bool:
        return all(step.outcome != "failure" for step in self.steps)

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


class Expression:
    """`${{ … }}`: names, strings, `||`, `&&`, `==`, `!=`, `!`, and the status functions."""

    def __init__(self, text: str, contexts: dict, failed: bool) -> None:
        self.text, self.contexts, self.failed = text, contexts, failed
        self.tokens = self._tokens(text)

    def _tokens(self, text: str) -> list[str]:
        tokens, at = [], 0
        while at < len(text.rstrip()):
            found = TOKEN.match(text, at)
            if not found:
                raise Unsupported(f"expression {text!r}")
            tokens.append(found[1])
            at = found.end()
        return tokens

    def value(self):
        value = self._either()
        if self.tokens:
            raise Unsupported(f"expression {self.text!r}")
        return value

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            del self.tokens[0]
            return True
        return False

    def _either(self):
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self):
        value = self._compared()
        while self._take("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self):
        value = self._one()
        if self._take("=="):
            return value == self._one()
        if self._take("!="):
            return value != self._one()
        return value

    def _one(self):
        if self._take("!"):
            return not self._one()
        if self._take("("):
            value = self._either()
            self._expect(")")
            return value
        if not self.tokens:
            raise Unsupported(f"expression {self.text!r}")
        token = self.tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._take("("):
            self._expect(")")
            return self._status(token)
        return self._name(token)

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise Unsupported(f"expression {self.text!r}")

    def _status(self, function: str) -> bool:
        functions = {"always": True, "success": not self.failed, "failure": self.failed}
        if function not in functions:
            raise Unsupported(f"{function}()")
        return functions[function]

    def _name(self, name: str):
        if name in ("true", "false"):
            return name == "true"
        context, *path = name.split(".")
        if context not in self.contexts:
            raise Unsupported(f"context {context!r}")
        value = self.contexts[context]
        for part in path:
            # As at GitHub, what is not there is an empty string.
            value = value.get(part, "") if isinstance(value, dict) else ""
        return value


class Runner:
    """One job at a time, in a workspace that `uses: ./` finds the action in."""

    def __init__(self, workspace: Path, base: dict[str, str], temp: Path, secrets: dict[str, str] | None = None,
                 variables: dict[str, str] | None = None) -> None:
        self.workspace, self.temp = workspace, temp
        self.secrets = secrets or {}
        self.variables = variables or {}
        self.environment = dict(base)
        self.path: list[str] = []
        self.masks = {value for value in self.secrets.values() if value}
        self.failed = False
        temp.mkdir(parents=True, exist_ok=True)

    def run(self, workflow: Path | str) -> Result:
        text = workflow.read_text() if isinstance(workflow, Path) else workflow
        jobs = yaml.safe_load(text)["jobs"]
        if len(jobs) != 1:
            raise Unsupported("several jobs")
        job = next(iter(jobs.values()))
        self._known(job, JOB_KEYS)
        base = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "4711",
                "GITHUB_WORKSPACE": str(self.workspace), "RUNNER_TEMP": str(self.temp),
                "GITHUB_REPOSITORY": "example/lab"}
        self.environment = base | self.environment
        contexts = self._contexts({}, {}, self.environment)
        self.environment |= self._all(job.get("env", {}), contexts)
        return Result(self._steps(job["steps"], {}, {}), self.environment)

    def _steps(self, steps: list[dict], inputs: dict, more: dict[str, str]) -> list[Step]:
        done: list[Step] = []
        known: dict[str, dict] = {}
        for step in steps:
            self._known(step, STEP_KEYS)
            one = self._step(step, inputs, known, more)
            done.append(one)
            if "id" in step:
                known[step["id"]] = {"outputs": one.outputs, "outcome": one.outcome}
        return done

    def _step(self, step: dict, inputs: dict, known: dict, more: dict[str, str]) -> Step:
        contexts = self._contexts(inputs, known, self.environment | more)
        name = step.get("name") or step.get("uses") or step["run"].splitlines()[0]
        condition = str(step.get("if", "success()")).removeprefix("${{").removesuffix("}}")
        explicit = re.search(r"\b(always|success|failure)\(", condition)
        wanted = Expression(condition, contexts, self.failed).value()
        if not wanted or (self.failed and not explicit):
            return Step(name, "skipped", "")
        variables = more | self._all(step.get("env", {}), contexts)
        contexts["env"] = self.environment | variables
        if "uses" in step:
            given = self._all(step.get("with", {}), contexts)
            done = self._use(name, step["uses"], given, variables)
        else:
            where = self.workspace / self._text(step.get("working-directory", "."), contexts)
            done = self._script(name, self._text(step["run"], contexts), step.get("shell", ""), where, variables)
        if done.outcome == "failure" and not step.get("continue-on-error"):
            self.failed = True
        return done

    def _use(self, name: str, action: str, given: dict[str, str], variables: dict[str, str]) -> Step:
        if action.startswith("actions/checkout@"):
            return Step(name, "success", "")
        if not action.startswith("./"):
            raise Unsupported(f"uses: {action}")
        folder = (self.workspace / action).resolve()
        definition = yaml.safe_load((folder / "action.yml").read_text())
        if definition["runs"]["using"] != "composite":
            raise Unsupported(f"using: {definition['runs']['using']}")
        unknown = set(given) - set(definition["inputs"])
        assert not unknown, f"{action} has no inputs {sorted(unknown)}"
        inputs = {key: given.get(key, str(value.get("default", ""))) for key, value in definition["inputs"].items()}
        inner = definition["runs"]["steps"]
        assert all("shell" in step for step in inner if "run" in step), "a composite's steps must name their shell"
        steps = self._steps(inner, inputs, variables | {"GITHUB_ACTION_PATH": str(folder)})
        known = {spec["id"]: {"outputs": done.outputs} for spec, done in zip(inner, steps) if "id" in spec}
        contexts = self._contexts(inputs, known, self.environment)
        outputs = {key: self._text(one["value"], contexts) for key, one in definition.get("outputs", {}).items()}
        failed = any(step.outcome == "failure" for step in steps)
        return Step(name, "failure" if failed else "success", "".join(step.log for step in steps), outputs)

    def _script(self, name: str, text: str, shell: str, where: Path, variables: dict[str, str]) -> Step:
        folder = Path(tempfile.mkdtemp(dir=self.temp))
        script = folder / "step.sh"
        script.write_text(text)
        files = {one: folder / one.lower() for one in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH",
                                                       "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        environment = self.environment | variables | {key: str(file) for key, file in files.items()}
        environment["PATH"] = os.pathsep.join([*self.path, environment.get("PATH", os.defpath)])
        # A file, not a pipe: what a step leaves in the background may hold it open.
        with (folder / "log").open("w") as log:
            code = subprocess.run([*SHELLS[shell], str(script)], cwd=where, env=environment, stdout=log,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=STEP_SECONDS).returncode
        shown = self._shown((folder / "log").read_text(errors="replace"))
        for key, value in file_commands(files["GITHUB_ENV"].read_text()).items():
            assert not key.startswith(("GITHUB_", "RUNNER_")), f"{key} may not be set"
            self.environment[key] = value
        self.path[:0] = reversed(files["GITHUB_PATH"].read_text().splitlines())
        outputs = file_commands(files["GITHUB_OUTPUT"].read_text())
        return Step(name, "failure" if code else "success", shown, outputs)

    def _shown(self, text: str) -> str:
        """The log with masks applied: each from the line on that announces it."""
        lines = []
        for line in text.splitlines(keepends=True):
            if found := re.match(r"::add-mask::(.*)", line):
                value = found[1].replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
                self.masks |= {part for part in [value, *value.splitlines()] if part}
            lines.append(line)
            for mask in sorted(self.masks, key=len, reverse=True):
                lines[-1] = lines[-1].replace(mask, "***")
        return "".join(lines)

    def _contexts(self, inputs: dict, steps: dict, environment: dict[str, str]) -> dict:
        github = {"run_id": "4711", "workspace": str(self.workspace), "repository": "example/lab",
                  "action_repository": ""}
        return {"secrets": self.secrets, "vars": self.variables, "env": environment, "inputs": inputs,
                "steps": steps, "github": github, "runner": {"temp": str(self.temp)}}

    def _all(self, values: dict, contexts: dict) -> dict[str, str]:
        return {key: self._text(value, contexts) for key, value in values.items()}

    def _text(self, value, contexts: dict) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        put: Callable[[re.Match[str]], str] = lambda found: self._plain(
            Expression(found[1], contexts, self.failed).value())
        return re.sub(r"\$\{\{(.*?)\}\}", put, str(value))

    @staticmethod
    def _plain(value) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    @staticmethod
    def _known(found: dict, allowed: set[str]) -> None:
        if unknown := set(found) - allowed:
            raise Unsupported(f"keys {sorted(unknown)}")


def file_commands(text: str) -> dict[str, str]:
    """`NAME=VALUE` and `NAME<<END` blocks of an environment or output file; anything else is an error."""
    values: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if block := re.fullmatch(r"([^=<]+)<<(.+)", line):
            value: list[str] = []
            for inner in lines:
                if inner == block[2]:
                    break
                value.append(inner)
            else:
                raise ValueError(f"no end {block[2]!r} for {block[1]!r}")
            values[block[1]] = "\n".join(value)
        elif "=" in line:
            key, _, value_text = line.partition("=")
            values[key] = value_text
        elif line:
            raise ValueError(f"invalid line {line!r}")
    return values
