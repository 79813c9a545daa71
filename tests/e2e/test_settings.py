# SPDX-License-Identifier: MIT
"""A mistake in a handler's settings is told with its line, its path and the user's own
word, whoever has these settings; and with what was meant, if that can be guessed.

The handler is tests/plugins/options.c, which asks for a setting of each kind."""

import dataclasses

import pytest

import harness

OPTIONS = harness.BUILD / "tests/plugins/options.so"


@dataclasses.dataclass
class Mistake:
    settings: str  # JSON, of one line or many
    path: str      # below "settings"
    what: str
    hint: str = ""
    line: int = 0  # of the settings' text


MISTAKES = [
    # Types: what is there instead is shown.
    Mistake('{"text": 7}', "text", "expected a string, found '7'"),
    Mistake('{"text": ["a"]}', "text", """expected a string, found the list '["a"]'"""),
    Mistake('{"text": {}}', "text", "expected a string, found the object '{}'"),
    Mistake('{"file": false}', "file", "expected a string, found 'false'"),
    Mistake('{"flag": "yes"}', "flag", "expected true or false, found the string 'yes'"),
    Mistake('{"flag": 1}', "flag", "expected true or false, found '1'"),
    Mistake('{"limits": {"number": "7"}}', "limits.number",
            "expected a whole number, found the string '7'"),
    Mistake('{"limits": {"number": 7.5}}', "limits.number",
            "expected a whole number, found '7.5'"),
    Mistake('{"limits": {"number": true}}', "limits.number",
            "expected a whole number, found 'true'"),
    # Ranges, with both ends or one.
    Mistake('{"limits": {"number": 0}}', "limits.number", "expected 1..100, found '0'"),
    Mistake('{"limits": {"number": 101}}', "limits.number",
            "expected 1..100, found '101'"),
    Mistake('{"list": [{"rate": -1}]}', "list[0].rate",
            "expected at least 0, found '-1'"),
    # A plain value where the handler looks inside.
    Mistake('{"limits": 7}', "limits", "expected a list or an object, found '7'"),
    Mistake('{"list": "a"}', "list",
            "expected a list or an object, found the string 'a'"),
    # In lists, on the line where it is.
    Mistake('{"list": [\n{"rate": 1},\n{"rate": "fast"}\n]}', "list[1].rate",
            "expected a whole number, found the string 'fast'", line=2),
    Mistake('{"list": [{}, {},\n{"name": "!x"}]}', "list[2].name", "begins with '!'",
            line=1),
    # What nobody has asked for.
    Mistake('{"txt": "a"}', "txt", "unknown setting 'txt'", "did you mean 'text'?"),
    Mistake('{"limits":\n{"numbr": 1}}', "limits.numbr", "unknown setting 'limits.numbr'",
            "did you mean 'number'?", line=1),
    Mistake('{"list": [{"rat": 1}]}', "list[0].rat", "unknown setting 'list.0.rat'",
            "did you mean 'rate'?"),
    Mistake('{"colour": "red"}', "colour", "unknown setting 'colour'"),
    Mistake('{"limits": {"number": 1, "unit": "s"}}', "limits.unit",
            "unknown setting 'limits.unit'"),
    Mistake('{"colour": {"of": {"sky": "blue"}}}', "colour", "unknown setting 'colour'"),
]

# Who has settings: the text before and behind them, and their path.
HAS = {
    "route": ('"routes": [ { "path": "/x", "handler": "options", "settings":\n',
              " } ]", "routes[0].settings"),
    "filter": ('"filters": [ "options", { "handler": "options", "settings":\n', " } ]",
               "filters[1].settings"),
    "filter of a route": ('"routes": [ { "path": "/x", "handler": "options",\n'
                          '"filters": [ { "handler": "options", "settings":\n',
                          " } ] } ]", "routes[0].filters[0].settings"),
    "listener": ('"listeners": [ { "address": "127.0.0.1:0", "stream": "options",\n'
                 '"settings":\n', " } ]", "listeners[0].settings"),
    "alpn": ('"alpn": { "own": { "handler": "options", "settings":\n', " } }",
             "alpn.own.settings"),
}


@pytest.fixture
def told(tmp_path, certificates):
    """Puts settings where they are had: what 'tincan check' says of them."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/options.so").write_bytes(OPTIONS.read_bytes())

    chain = ('"certificates": [ { "chain": "%s/localhost.crt", '
             '"key": "%s/localhost.key" } ]' % (certificates, certificates))

    def check(who, settings):
        before, behind, _ = HAS[who]
        file = tmp_path / "server.json"
        file.write_text(f'{{ "plugins": {{ "serve_unrouted": false }}, {chain},\n'
                        f"{before}{settings}{behind} }}")
        done = harness.tincan("check", "--config", "server.json", folder=tmp_path)
        return done.returncode, done.stderr

    return check


def expected(who, mistake):
    before, _, path = HAS[who]
    line = 2 + before.count("\n") + mistake.line
    hint = f"  hint: {mistake.hint}\n" if mistake.hint else ""
    return (f"server.json:{line}: {path}.{mistake.path}: {mistake.what}\n{hint}"
            "server.json: 1 problem\n")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.settings)
def test_mistake_of_a_route_is_told_with_its_place(told, mistake):
    assert told("route", mistake.settings) == (2, expected("route", mistake))


@pytest.mark.parametrize("who", [who for who in HAS if who != "route"])
def test_mistakes_of_others_are_told_alike(told, who):
    for mistake in MISTAKES[0], MISTAKES[13], MISTAKES[-6]:
        assert told(who, mistake.settings) == (2, expected(who, mistake))


def test_all_mistakes_are_told_at_once(told):
    code, said = told("route", '{"text": 1,\n"flag": 2,\n"limits": {"number": 3000}}')
    assert code == 2
    assert sorted(line.partition(": ")[0] for line in said.splitlines()) == [
        "server.json", "server.json:3", "server.json:4", "server.json:5"]


@pytest.mark.parametrize("settings", [
    "{}", '{"text": null, "flag": null, "limits": null, "list": null}',
    '{"list": [], "limits": {}}', '{"limits": {"number": 100}}',
    '{"rules": {"anything": [{"goes": "here"}]}}'])
def test_settings_without_a_mistake_are_taken(told, settings):
    assert told("route", settings) == (0, "")
