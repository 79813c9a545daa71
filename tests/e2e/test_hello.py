# SPDX-License-Identifier: MIT
"""The hello handler."""

import pytest


def test_greets_by_name(server):
    assert server.curl("/hello/Ada") == b"Hello, Ada!\n"


def test_says_that_it_is_text(client):
    assert client.get("/hello/Ada").header("content-type") == "text/plain; charset=utf-8"


def test_greeting_comes_from_the_settings(client):
    assert client.get("/greet").text == "Ahoy, world!\n"


@pytest.mark.parametrize("length", [246, 247, 248, 5000])
def test_long_texts_are_whole(client, length):
    """tc_printf formats up to 255 bytes at once, and longer ones twice."""
    assert client.get("/hello/" + "x" * length).text == "Hello, " + "x" * length + "!\n"


def test_name_is_percent_decoded(client):
    assert client.get("/hello/Zo%C3%AB%20X").text == "Hello, Zoë X!\n"


@pytest.mark.parametrize("accept", [
    "application/json", "application/*", "application/json, */*",
    "APPLICATION/JSON;q=0.2",
    "text/plain;q=0.5, application/json;q=0.6", "text/*;q=0.1, application/json;q=0.2",
    "application/json;charset=\"a,b\", text/plain;q=0.9", "text/plain;q=0, */*;q=0.1",
])
def test_json_for_who_prefers_it(client, accept):
    reply = client.get("/hello/Ada", f"Accept: {accept}")
    assert reply.header("content-type") == "application/json"
    assert reply.json == {"greeting": "Hello", "name": "Ada"}


@pytest.mark.parametrize("accept", [
    "*/*", "text/plain", "text/html, */*;q=0.8", "image/png", "",
    "application/json;q=0.5, text/plain;q=0.501", "application/json;q=0, */*",
    "text/plain, application/json",
])
def test_text_for_everybody_else(client, accept):
    reply = client.get("/hello/Ada", f"Accept: {accept}")
    assert reply.header("content-type") == "text/plain; charset=utf-8"


def test_accept_may_come_in_several_fields(client):
    reply = client.get("/hello/Ada", "Accept: text/plain;q=0.1",
                       "Accept: application/json")
    assert reply.header("content-type") == "application/json"


def test_json_escapes_the_name(client):
    reply = client.get("/hello/%22%5C%01%3C", "Accept: application/json")
    assert reply.json["name"] == '"\\\x01<'


def test_json_of_a_name_that_is_not_utf8_is_utf8(client):
    reply = client.get("/hello/a%FFb", "Accept: application/json")
    assert reply.json["name"] == "a\ufffdb"


def test_caches_are_told_that_accept_matters(client):
    assert client.get("/hello/Ada").header("vary") == "Accept"


def test_head_has_the_length_and_no_body(client):
    reply = client.request("HEAD", "/hello/Ada")
    assert (reply.status, reply.header("content-length")) == (200, "12")
    assert client.get("/hello/Bob").text == "Hello, Bob!\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(client, method):
    reply = client.request(method, "/hello/Ada", body=b"x")
    assert (reply.status, reply.header("allow")) == (405, "GET, HEAD")
