"""Holds every answer to the service's model: nothing in it that the model has not, and nothing that it requires missing.

botocore's own parser passes over what it does not know, so the raw answers are walked beside the model.
"""

from __future__ import annotations

import json
from xml.etree import ElementTree

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

PROTOCOLS = {"query", "ec2", "json"}


def check(http_response, parsed: dict, model: OperationModel, **_) -> None:
    """For botocore's event `after-call`."""
    if http_response.status_code >= 300 or not parsed:
        return
    protocol = model.service_model.protocol
    where = f"{model.service_model.service_name}.{model.name}"
    if protocol == "json":
        walk_json(json.loads(http_response.content or b"{}"), model.output_shape, where)
    elif protocol == "query":
        walk_query(ElementTree.fromstring(http_response.content), model, where)
    elif protocol == "ec2" and model.output_shape is not None:
        answer = ElementTree.fromstring(http_response.content)
        answer[:] = [child for child in answer if tag(child) != "requestId"]
        walk(answer, model.output_shape, where)


def tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def walk_query(answer: ElementTree.Element, model: OperationModel, where: str) -> None:
    assert tag(answer) == f"{model.name}Response", f"{where}: the answer is a {tag(answer)}"
    names = [tag(child) for child in answer]
    if model.output_shape is None:
        assert names == ["ResponseMetadata"], f"{where}: {names}"
        return
    wrapper = model.output_shape.serialization["resultWrapper"]
    assert names == [wrapper, "ResponseMetadata"], f"{where}: {names}"
    walk(answer[0], model.output_shape, where)


def walk(element: ElementTree.Element, shape: Shape, where: str) -> None:
    """XML of the query and EC2 protocols."""
    match shape:
        case StructureShape():
            known = {sub.serialization.get("name", name): (name, sub) for name, sub in shape.members.items()}
            present = set()
            for child in element:
                assert tag(child) in known, f"{where}: {shape.name} has no {tag(child)}"
                name, sub = known[tag(child)]
                assert name not in present or sub.serialization.get("flattened"), f"{where}: two {name}"
                present.add(name)
                walk(child, sub, f"{where}.{name}")
            missing = set(shape.required_members) - present
            assert not missing, f"{where}: {shape.name} without {missing}"
        case ListShape():
            item = shape.member.serialization.get("name", "member")
            for child in element:
                assert tag(child) == item, f"{where}: a {tag(child)} in place of a {item}"
                walk(child, shape.member, f"{where}[]")
        case MapShape():
            for entry in element:
                assert [tag(entry), *map(tag, entry)] == ["entry", "key", "value"], f"{where}: {tag(entry)}"
        case _:
            assert len(element) == 0, f"{where}: {shape.name} holds elements"


def walk_json(value, shape: Shape | None, where: str) -> None:
    match shape:
        case None:
            assert value in ({}, None), f"{where}: {value}"
        case StructureShape():
            unknown, missing = set(value) - set(shape.members), set(shape.required_members) - set(value)
            assert not unknown and not missing, f"{where}: unknown {unknown}, missing {missing}"
            for name, sub in value.items():
                walk_json(sub, shape.members[name], f"{where}.{name}")
        case ListShape():
            for item in value:
                walk_json(item, shape.member, f"{where}[]")
        case MapShape():
            for item in value.values():
                walk_json(item, shape.value, f"{where}{{}}")
        case _:
            assert not isinstance(value, (dict, list)), f"{where}: {shape.name} holds {value}"
