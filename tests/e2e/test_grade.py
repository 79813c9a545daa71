# SPDX-License-Identifier: MIT
"""testssl.sh against a server of the defaults, with certificates of both kinds that a CA
has signed: it finds no weakness. Takes minutes: TINCAN_LONG=1 runs it.
"""

import json
import os
import shutil
import subprocess

import pytest

import harness

TESTSSL = shutil.which("testssl") or shutil.which("testssl.sh")
KINDS = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "rsa": ["-newkey", "rsa:2048"]}
# What is not about TLS, or is for who runs the server to decide:
OTHERS = {
    "HSTS", "HPKP",                    # a header of handlers
    "banner_server", "security_headers",
    "DNS_CAArecord", "cert_revocation", "cert_crlDistributionPoints", "cert_ocspURL",
    "cert_mustStapleExtension", "OCSP_stapling", "certificate_transparency",
    "cert_expirationStatus", "cert_validityPeriod", "cert_notAfter", "cert_extlifeSpan",
    "engine_problem", "scanProblem",
}

pytestmark = [
    pytest.mark.skipif(os.environ.get("TINCAN_LONG") != "1", reason="takes minutes"),
    pytest.mark.skipif(TESTSSL is None, reason="testssl.sh is not there"),
]


def make_chain(folder, kind):
    """A certificate of that kind for localhost, signed by folder's CA."""
    subprocess.run(
        ["openssl", "req", "-x509", *KINDS[kind], "-noenc", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-addext",
         "extendedKeyUsage=serverAuth", "-addext", "basicConstraints=critical,CA:FALSE",
         "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-days", "80",
         "-keyout", folder / f"{kind}.key", "-out", folder / f"{kind}.crt"],
        check=True, stderr=subprocess.DEVNULL)
    return {"chain": str(folder / f"{kind}.crt"), "key": str(folder / f"{kind}.key")}


def test_testssl_finds_no_weakness(start_server, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", *KINDS["ec"], "-noenc", "-subj", "/CN=tests",
         "-keyout", tmp_path / "ca.key", "-out", tmp_path / "ca.crt"],
        check=True, stderr=subprocess.DEVNULL)
    server = start_server(certificates=[make_chain(tmp_path, kind) for kind in KINDS])
    report = tmp_path / "report.json"
    done = subprocess.run(
        [TESTSSL, "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1",
         "--jsonfile", report, f"localhost:{server.port}"],
        env={**os.environ, "ADDITIONAL_CA_FILES": str(tmp_path / "ca.crt")},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", timeout=1500, check=False)
    findings = json.loads(report.read_text())
    assert len(findings) > 100, done.stdout
    bad = [x for x in findings if x["severity"] in
           ("LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL")
           and x["id"].split(" ")[0] not in OTHERS]
    assert not bad, json.dumps(bad, indent=1)
    grades = [x["finding"] for x in findings if x["id"] == "overall_grade"]
    assert not grades or grades[0] in ("A+", "A"), grades  # since 3.2
