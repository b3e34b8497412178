"""What Debian's testssl.sh finds at a real broker's endpoint with the defaults; prints JSON lines for tests/bench/run.

Usage: tls.py   (the programs come from TRADEWIND_BIN; takes some minutes; without testssl it says so and prints nothing)

The certificate is made here, by an authority made here that testssl.sh is told to trust.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from running import running

ABOVE_LOW = ("MEDIUM", "HIGH", "CRITICAL")


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_certificate(folder):
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256")
    openssl(folder, "req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "120", "-subj", "/CN=Test CA")
    openssl(folder, "req", *curve, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost")
    (folder / "extensions").write_text(
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n"
        "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
        "crlDistributionPoints=URI:http://127.0.0.1:9/ca.crl\n")
    openssl(folder, "x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "90",
            "-sha256", "-extfile", "extensions", "-out", "leaf.pem")
    (folder / "cert.pem").write_text((folder / "leaf.pem").read_text() + (folder / "ca.pem").read_text())


def main():
    testssl = shutil.which("testssl") or shutil.which("testssl.sh")
    if testssl is None:
        print("tls: skipped, testssl.sh is not installed (Debian's package testssl.sh)", file=sys.stderr)
        return
    programs = pathlib.Path(os.environ["TRADEWIND_BIN"])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_certificate(folder)
        subprocess.run([programs / "tradewind", "ca", "init", folder / "ca", "--federation", "tls"], check=True,
                       stdout=subprocess.DEVNULL)
        with running(programs / "tradewind-broker", "run", "--dir", folder / "broker", "--ca", folder / "ca",
                     "--listen", "127.0.0.1:0", "--tls-certificate", folder / "cert.pem", "--tls-key",
                     folder / "key.pem", "--ready-file", folder / "ready", "--log-file", folder / "log") as broker:
            while not (folder / "ready").exists():
                if broker.poll() is not None:
                    sys.exit("tls: the broker has ended: " + (folder / "log").read_text())
                time.sleep(0.05)
            port = (folder / "ready").read_text().strip().rsplit(":", 1)[1]
            subprocess.run([testssl, "--quiet", "--color", "0", "--ip", "127.0.0.1", "--add-ca", folder / "ca.pem",
                            "--jsonfile", folder / "found.json", f"https://localhost:{port}/v1/jobs"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=1800)
        found = json.loads((folder / "found.json").read_text())
    for each in found:
        if each["severity"] in ("LOW", *ABOVE_LOW, "WARN", "FATAL"):
            print(f"tls: {each['severity']} {each['id']}: {each['finding']}", file=sys.stderr)
    if len(found) < 50:
        sys.exit("tls: testssl.sh has not got through")
    above = [each for each in found if each["severity"] in (*ABOVE_LOW, "FATAL")]
    for metric, rows in (("checks of testssl.sh", found), ("findings above LOW", above)):
        goal = metric.startswith("findings")
        print(json.dumps({"metric": metric, "value": len(rows), "unit": "", "spread": None,
                          "goal": "<= 0" if goal else None, "holds": not rows if goal else None}))


if __name__ == "__main__":
    main()
