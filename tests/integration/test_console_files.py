# SPDX-License-Identifier: Apache-2.0
"""The files of the console as the program serves them: their header fields, their gzip form, and how browsers keep them."""
import gzip
import http.client
import json
import os
import re

import pytest

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'")


LICENCE = re.compile(rb".*SPDX-License-Identifier: Apache-2\.0.*")
TYPES = [(re.compile(rb"(?m)^[ \t]*(/\*\* @[^*]*\*/|\* @.*)$"), b""), (re.compile(rb"(?m)^([ \t]*/\*\* [^@\n]*) @[^*\n]* \*/$"), rb"\1 */"),
         (re.compile(rb"/\*\* @type \{[^*\n]*\} \*/ ?"), b"")]
MOST_BYTES = 120 * 1024


def rows_of_assets():
    with open(f"{ROOT}/console/assets.txt") as lines:
        rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    assert rows
    return rows


def served_of(source):
    """All except the line of the licence and the types in comments."""
    content = LICENCE.sub(b"", open(f"{ROOT}/console/{source}", "rb").read(), count=1)
    for pattern, rest in TYPES if source.endswith(".js") else []:
        content = pattern.sub(rest, content)
    return content


def listed():
    """path below /console/ -> what is served of its source; npm's files are changed otherwise"""
    return {path: served_of(source) for path, source in rows_of_assets() if not source.startswith("node_modules/")}


def ask(service, path, method="GET", **headers):
    """Without the fields that http.client adds by itself."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.content = answer.read()
    connection.close()
    return answer


def test_every_file_is_served_plain_and_packed(service):
    for path, content in listed().items():
        plain = ask(service, f"/console/{path}")
        assert (plain.status, plain.content) == (200, content), path
        assert plain.headers["Content-Security-Policy"] == POLICY
        assert plain.headers["X-Content-Type-Options"] == "nosniff"
        assert plain.headers["Referrer-Policy"] == "no-referrer"
        assert plain.headers["Vary"] == "Accept-Encoding" and plain.headers["Cache-Control"] == "no-cache"
        packed = ask(service, f"/console/{path}", Accept_Encoding="gzip, br")
        assert packed.headers["Content-Type"] == plain.headers["Content-Type"]
        if packed.headers["Content-Encoding"] == "gzip":
            assert gzip.decompress(packed.content) == content and packed.headers["ETag"] != plain.headers["ETag"]
            assert len(packed.content) < len(content)
        else:
            assert packed.content == content
    assert ask(service, "/console/index.html", Accept_Encoding="gzip").headers["Content-Encoding"] == "gzip"


def test_all_files_together_are_small(service):
    sizes = {path: len(ask(service, f"/console/{path}", Accept_Encoding="gzip").content) for path, _ in rows_of_assets()}
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_the_packages_of_npm_import_each_other_by_file(service):
    vendors = [path for path, source in rows_of_assets() if source.startswith("node_modules/")]
    for path in vendors:
        text = ask(service, f"/console/{path}").content.decode()
        imported = set(re.findall(r'(?:from|import) ?"([^"]*)"', text))
        assert imported <= {"./" + name.rpartition("/")[2] for name in vendors}, (path, imported)
        assert len(text) > 500 and "sourceMappingURL" not in text


def test_the_page_names_in_advance_what_its_modules_import(service):
    """Otherwise a browser finds a module only after it has read the one that imports it."""
    needed, left = {"main.js"}, ["main.js", "shell.js"]
    while left:
        path = left.pop()
        needed.add(path)
        folder = os.path.dirname(path)
        imported = re.findall(r'(?m)(?:^import\b[^"(]*|\bfrom) ?"(\.[^"]*)"', ask(service, f"/console/{path}").content.decode())
        left += {os.path.normpath(os.path.join(folder, name)) for name in imported} - needed
    named = re.findall(r'rel="modulepreload" href="([^"]*)"', ask(service, "/console/").content.decode())
    assert sorted(named) == sorted(needed - {"main.js"})


def test_the_folder_is_its_index_and_nothing_else_is_found(service):
    index = ask(service, "/console/")
    assert index.content == listed()["index.html"] and index.headers["Content-Type"] == "text/html; charset=utf-8"
    moved = ask(service, "/console")
    assert (moved.status, moved.headers["Location"]) == (308, "console/")
    for path in ("/console/no.js", "/console//index.html", "/console/index.html/", "/console/../index.html", "/console/%2e%2e/index.html",
                 "/console/x%2F..%2Findex.html", "/console/assets.txt"):
        assert ask(service, path).status == 404, path
    assert ask(service, "/console/index.html", "POST").status == 405


CODINGS = [("gzip", True), ("GZIP", True), ("br, gzip;q=0.5", True), ("*", True), ("*;q=0.1", True), ("gzip ;q=1", True), ("", False),
           ("identity", False), ("br", False), ("gzip;q=0", False), ("gzip;q=0.000, *", False), ("*;q=0", False), ("x-gzip", False), ("gzipped", False)]


def test_gzip_is_sent_to_those_who_take_it(service):
    for codings, packed in CODINGS:
        answer = ask(service, "/console/index.html", Accept_Encoding=codings)
        assert (answer.headers["Content-Encoding"] == "gzip") == packed, codings


def test_what_the_browser_has_is_not_sent_again(service):
    first = ask(service, "/console/", Accept_Encoding="gzip")
    etag = first.headers["ETag"]
    for value in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = ask(service, "/console/", Accept_Encoding="gzip", If_None_Match=value)
        assert (again.status, again.content, again.headers["ETag"]) == (304, b"", etag), value
        assert again.headers["Content-Security-Policy"] == POLICY and again.headers["Content-Encoding"] is None
    for value in ('"other"', etag.strip('"'), ""):
        assert ask(service, "/console/", Accept_Encoding="gzip", If_None_Match=value).status == 200, value
    assert ask(service, "/console/", If_None_Match=etag).status == 200, "the plain form is another one"
    head = ask(service, "/console/", "HEAD", Accept_Encoding="gzip")
    assert (head.status, head.content, head.headers["Content-Length"]) == (200, b"", first.headers["Content-Length"])
    assert ask(service, "/console/", "HEAD", Accept_Encoding="gzip", If_None_Match=etag).status == 304


def test_the_root_and_unknown_paths_say_what_this_is(service):
    about = ask(service, "/", Accept="*/*")
    links = json.loads(about.content)
    assert (about.status, links["name"]) == (200, "wrenn-events")
    assert {ask(service, "/" + links[name]).status for name in ("console", "openapi", "ready", "metrics")} == {200}
    browser = ask(service, "/", Accept="application/xhtml+xml, Text/HTML;q=0.9")
    assert (browser.status, browser.headers["Location"]) == (302, "console/")
    for path in ("/v2/events", "/v1", "/consoles/"):
        unknown = ask(service, path)
        message = json.loads(unknown.content)["error"]["message"]
        assert unknown.status == 404 and "/openapi.yaml" in message and "/console/" in message, path


def test_the_console_command_prints_a_link_with_the_key(service, folder):
    _, key = service.new_team()
    given = service.run("console", environment={"WRENN_API_KEY": key})
    assert (given.returncode, given.stdout, given.stderr) == (0, f"{service.url}/console/#key={key}\n", "")
    with open(f"{folder}/key", "w") as file:
        file.write(key + "\n")
    as_json = service.run("console", "--json", environment={"WRENN_API_KEY": key})
    assert (as_json.returncode, json.loads(as_json.stdout)) == (0, {"url": f"{service.url}/console/#key={key}"})
    read = service.run("console", "--api-key-file", f"{folder}/key", "--url", "https://me:secret@wrenn.example/api/")
    assert read.stdout == f"https://wrenn.example/api/console/#key={key}\n"
    none = service.run("console", environment={"WRENN_API_KEY": ""})
    assert none.returncode == 2 and "WRENN_API_KEY" in none.stderr and not none.stdout


def test_a_service_without_the_console_says_so(make_service):
    service = make_service(WRENN_EVENTS_CONSOLE="off").start()
    for path in ("/console/", "/console/index.html", "/console/no.js"):
        answer = service.get(path)
        assert answer.status == 404 and "WRENN_EVENTS_CONSOLE=off" in answer.json()["error"]["message"]
    assert service.get("/openapi.yaml").status == 200
