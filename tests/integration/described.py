# SPDX-License-Identifier: Apache-2.0
"""Holds an answer against the description the service serves: its status, and every member of its JSON."""
import functools
import os
import re

import yaml

# Said once for every path, in the description's own words.
ANYWHERE = {405, 408, 413, 431}
CODES = {400: {"invalid_request"}, 401: {"unauthorized"}, 403: {"forbidden"}, 404: {"not_found"}, 405: {"invalid_request"}, 409: {"conflict", "invalid_state"},
         413: {"payload_too_large"}, 415: {"invalid_request"}, 429: {"rate_limited"}, 431: {"payload_too_large"}, 502: {"delivery_failed"},
         503: {"service_unavailable"}}
TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}


@functools.cache
def written():
    """The description as it is in the sources: pattern of a path -> method -> statuses."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(f"{root}/docs/openapi.yaml") as file:
        paths = yaml.safe_load(file)["paths"]
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), {method: set(item["responses"]) for method, item in items.items() if method != "parameters"})
            for path, items in paths.items()]


def check_status(method, path, status):
    """A path in the OpenAPI document answers only with the statuses listed there. Called for every response in every test."""
    path, method = path.partition("?")[0], method.lower()
    known = [methods[method] for pattern, methods in written() if method in methods and pattern.fullmatch(path)]
    assert not known or status in ANYWHERE or any(str(status) in statuses for statuses in known), \
        f"{method} {path} answered {status}, which docs/openapi.yaml does not know"


class Description:
    def __init__(self, service):
        self.document = yaml.safe_load(service.get("/openapi.yaml").body)

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for piece in node["$ref"].removeprefix("#/").split("/"):
                target = target[piece]
            node = target
        return node

    def check(self, method, template, answer):
        """`template` with {anything} where the description has {id}."""
        where = f"{method} {template} {answer.status}"
        operation = self.document["paths"][re.sub(r"\{\w+\}", "{id}", template)][method.lower()]
        response = operation["responses"].get(str(answer.status))
        if response is None:
            assert answer.status in ANYWHERE and str(answer.status) in self.document["info"]["description"], f"{where} is not described: {answer.body[:300]}"
        content = self.resolve(response).get("content", {}) if response else {}
        if answer.status >= 400:
            self.check_error(where, answer)
        elif content:
            assert answer.headers["Content-Type"] == next(iter(content)), where
            self.fits(content["application/json"]["schema"], answer.json(), where)
        else:
            assert answer.body == b"", where

    def check_error(self, where, answer):
        error = answer.json()["error"]
        self.fits({"$ref": "#/components/schemas/Error"}, answer.json(), where)
        assert error["code"] in CODES[answer.status], (where, error)
        assert error["message"] and isinstance(error["retryable"], bool), (where, error)
        assert error["request_id"] == answer.headers["X-Request-ID"], where

    def members(self, schema):
        """(all that are described, those that must be there)"""
        schema = self.resolve(schema)
        described, required = dict(schema.get("properties", {})), set(schema.get("required", []))
        for part in schema.get("allOf", []):
            more, needed = self.members(part)
            described.update(more)
            required |= needed
        return described, required

    def fits(self, schema, value, where):
        schema = self.resolve(schema)
        if "const" in schema:
            assert value == schema["const"], (where, value)
        if "enum" in schema:
            assert value in schema["enum"], (where, value)
        if "pattern" in schema:
            assert re.search(schema["pattern"], value), (where, value)
        if "type" in schema:
            names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            assert type(value) in [TYPES[name] for name in names], (where, value)
        if isinstance(value, list):
            for index, item in enumerate(value):
                self.fits(schema.get("items", {}), item, f"{where}[{index}]")
        described, required = self.members(schema)
        if described and isinstance(value, dict):
            assert required <= set(value), f"{where} lacks {required - set(value)}"
            assert set(value) <= set(described), f"{where} has {set(value) - set(described)}, which nobody described"
            for name, item in value.items():
                self.fits(described[name], item, f"{where}.{name}")
