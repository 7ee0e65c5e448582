# SPDX-License-Identifier: Apache-2.0
"""Untrusted certificates, made with the openssl command."""
import os
import subprocess


def make_certificate(folder, name="localhost"):
    """A self-signed certificate for `name`; returns the paths of certificate and key."""
    certificate, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return certificate, key
