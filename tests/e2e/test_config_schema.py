# SPDX-License-Identifier: MIT
"""server.schema.json and the checker say the same, for every file of tests/config, every
key, and the bounds and defaults of each. The checker alone sees what is no JSON
(syntax_*) and what no schema can say (meaning_*).
"""

import json
import re
import subprocess

import jsonschema
import pytest

import harness

SCHEMA = json.loads((harness.TOP / "server.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
GOOD = sorted((harness.TOP / "tests/config/good").glob("*.json"))
BAD = sorted((harness.TOP / "tests/config/bad").glob("*.json"))


def stem(path):
    return path.stem


def check(folder, text):
    """What tincan check says about text as server.json."""
    (folder / "server.json").write_bytes(text)
    return subprocess.run([harness.TINCAN, "check", "--config", "server.json"],
                          cwd=folder, capture_output=True, text=True,
                          timeout=harness.DEADLINE, check=False)


def objects():
    """Every object of the schema with keys of its own."""
    def walk(node):
        if isinstance(node, dict):
            if "properties" in node:
                yield node
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from walk(child)
    return list(walk(SCHEMA))


def plain_keys():
    """(path, schema) of every plain key: of the top, its objects, a handler."""
    for room, group in SCHEMA["properties"].items():
        group = {**resolve(group), **group}
        for key, value in group.get("properties", {}).items():
            yield (room, key), {**resolve(value), **value}
        if group["type"] in ("integer", "string") and room != "$schema":
            yield (room,), group
    handler = SCHEMA["properties"]["handlers"]["additionalProperties"]
    for key, value in handler["properties"].items():
        yield ("handlers", "h", key), {**resolve(value), **value}


def resolve(value):
    name = value.get("$ref", "").rpartition("/")[2]
    return SCHEMA["$defs"][name] if name else {}


def with_value(document, path, value):
    for key in path[:-1]:
        document = document.setdefault(key, {})
    document[path[-1]] = value


def checker_keys():
    """The tables of src/config: name -> the rest of its row."""
    rows = {}
    for source in sorted((harness.TOP / "src/config").glob("*.c")):
        for name, rest in re.findall(r'{ KEY\("([^"]+)", \w+\)(.*?) },',
                                           source.read_text(), re.S):
            rows[name] = rest
    return rows


def number(text):
    """A number as C writes it."""
    text = re.sub(r"UINT64_C\((\d+)\)", r"\1", text).replace("DAY_MS", "86400000")
    text = text.replace("CONFIG_HANDLER_TIMEOUT_MS", "30000")
    text = text.replace("CONFIG_MESSAGE_MAX_BYTES", "1048576")
    text = text.replace("CONFIG_HANDLER_PROCESSES", "4")
    text = text.replace("CONFIG_HANDLER_QUEUE", "256")
    text = text.replace("CONFIG_HANDLER_THREADS", "8")
    assert re.fullmatch(r"[\d <]+", text), text
    base, _, shift = text.partition("<<")
    return int(base) << int(shift or 0)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", GOOD, ids=stem)
def test_a_good_file_is_valid(path):
    VALIDATOR.validate(json.loads(path.read_text()))


@pytest.mark.parametrize("path", BAD, ids=stem)
def test_a_bad_file_is_refused_by_both(path, tmp_path):
    run = check(tmp_path, path.read_bytes())
    assert run.returncode == 2
    assert run.stderr.startswith(path.with_suffix(".expected").read_text())
    if not path.name.startswith("syntax_"):
        document = json.loads(path.read_text())
        assert VALIDATOR.is_valid(document) == path.name.startswith("meaning_")


def test_the_example_of_the_project_is_valid():
    VALIDATOR.validate(json.loads((harness.TOP / "server.json").read_text()))


def test_both_know_the_same_keys():
    named = {key for node in objects() for key in node["properties"]}
    assert set(checker_keys()) == named


def test_every_object_is_closed():
    assert all(node["additionalProperties"] is False for node in objects())


def test_both_have_the_same_ranges_and_defaults():
    rows = checker_keys()
    for path, value in plain_keys():
        rest = rows[path[-1]]
        if value.get("type") == "integer":
            low, high, default = map(number, re.search(
                r"RANGE\(((?:[^()]|\([^()]*\))*)\)", rest).group(1).split(","))
            assert (low, high) == (value["minimum"], value["maximum"]), path
            # One of a handler may be that of all.
            assert default == value.get("default", default), path
        elif value.get("type") == "string":
            text = re.search(r'\.text = "(.*?)"', rest)
            assert (text and text.group(1)) == value.get("default"), path


def tries(value):
    """Values of all kinds, and those at the bounds that the schema names."""
    low, high = value.get("minimum", 0), value.get("maximum", 0)
    choices = value.get("enum", [])
    return [5, "a word", None, True, [], {}, -1, 1.5, "", low, low - 1, high, high + 1,
            *choices, *[None] * (4 - len(choices))]


def test_both_take_the_same_values(tmp_path):
    keys = list(plain_keys())
    assert len(keys) > 15
    for turn in range(len(tries({}))):
        document = {}
        for path, value in keys:
            with_value(document, path, tries(value)[turn])
        said = check(tmp_path, json.dumps(document).encode()).stderr
        for path, value in keys:
            alone = {}
            with_value(alone, path, tries(value)[turn])
            refused = f"server.json:1: {'.'.join(path)}: expected" in said
            assert refused != VALIDATOR.is_valid(alone), (alone, said)
