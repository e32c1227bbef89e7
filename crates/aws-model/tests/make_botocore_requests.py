"""Prints botocore-requests.tsv: what botocore sends for every typed operation with every member filled.

usage: python make_botocore_requests.py > botocore-requests.tsv   (with the botocore that the models are pinned to)

Each value is unique as far as its constraints let it be, so that the test can tell where it went.
"""

import datetime
import json
import pathlib
import re
import sys
from itertools import count
from urllib.parse import urlencode

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer

MODELS = pathlib.Path(__file__).parent.parent / "models"

# What patterns ask for, tried one after another until one fits; {} is a number.
CANDIDATES = [
    "v{}", "V{}", "{}", "/p{}/", "/p{}", "arn:aws:iam::123456789012:role/x{}", "a:b:c:d:e:analyzer/z{}",
    "arn:aws:s3:r:a:accesspoint/{}", "arn:aws:s3express:r:a:accesspoint/{}", "arn:aws:cloudtrail:r:a:trail/{}",
    "o-{:0>10}", "p-{:0>10}", "r-{:0>8}", "ou-abcd-{:0>8}", "h-{:0>8}", "rt-{:0>8}", "rp-{:0>8}", "car-{:0>8}",
    "a{}@example.com", "vpc-{:0>8}", "{:0>8}-4321-4321-4321-123412341234", "http://x/{}",
    "o-abcdefghij/r-abcd/ou-abcd-{:0>8}/", "{:1>6}", "{:1>12}",
    "arn:aws:organizations::123456789012:transfer/o-abcdefghij/billing/inbound/rt-{:0>8}",
    "arn:aws:organizations::123456789012:policy/o-abcdefghij/x/p-{:0>10}",
]


class Filler:
    """Fills shapes with values."""

    def __init__(self) -> None:
        self.numbers = count(1)

    def value(self, shape):
        filler = getattr(self, shape.type_name, None)
        return filler(shape) if filler else self.string(shape)

    def structure(self, shape):
        return {name: self.value(member) for name, member in shape.members.items()}

    def list(self, shape):
        length = max(shape.metadata.get("min", 1), min(2, shape.metadata.get("max", 2)))
        return [self.value(shape.member) for _ in range(length)]

    def map(self, shape):
        return {self.string(shape.key): self.value(shape.value)}

    def boolean(self, _):
        return True

    def integer(self, shape):
        number = 1000 + next(self.numbers)
        return max(shape.metadata.get("min", number), min(number, shape.metadata.get("max", number)))

    long = integer

    def float(self, _):
        return next(self.numbers) + 0.5

    double = float

    def timestamp(self, _):
        return datetime.datetime.fromtimestamp(1_700_000_000 + next(self.numbers), datetime.timezone.utc)

    def blob(self, _):
        return b"blob%d" % next(self.numbers)

    def string(self, shape):
        number = next(self.numbers)
        if getattr(shape, "enum", None):
            return shape.enum[number % len(shape.enum)]
        low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 10**9)
        pattern = shape.metadata.get("pattern", r"[\s\S]*").replace(r"\p{L}\p{Z}\p{N}", "a-zA-Z0-9 ")
        for candidate in CANDIDATES:
            text = candidate.format(number)
            text += ("A" if text[0] == "V" else "1" if text.isdigit() else "a") * (low - len(text))
            if low <= len(text) <= high and re.fullmatch(pattern, text):
                return text
        sys.exit(f"no value fits {shape.name}: {pattern}, {low} to {high}")


def line(model, name):
    operation, protocol = model.operation_model(name), model.metadata["protocol"]
    given = Filler().value(operation.input_shape) if operation.input_shape else {}
    request = create_serializer(protocol, False).serialize_to_request(given, operation)
    if protocol in ("query", "ec2"):
        return name, urlencode(request["body"])
    body = request["body"] or b""
    body = body if isinstance(body, str) else body.decode()
    if protocol == "json":
        return name, body
    query = urlencode(request["query_string"], doseq=True)
    return f"{request['method']} {request['url_path']}{'?' if query else ''}{query}", body


def main():
    for path in sorted(MODELS.glob("*.json")):
        slim = json.loads(path.read_text())
        model = ServiceModel(Loader().load_service_model(path.stem, "service-2"), path.stem)
        for name, operation in slim["operations"].items():
            if operation.get("typed"):
                print(path.stem, name, *line(model, name), sep="\t")


main()
