# SPDX-License-Identifier: Apache-2.0
"""The examples in config/ for nginx and Caddy, as they stand except for names, ports and certificates."""
import os
import socket
import subprocess

CONFIG = os.path.join(os.path.dirname(__file__), "../../config")


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/tls.key", "-out", f"{folder}/tls.pem",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)


def read_example(name, replacements):
    with open(f"{CONFIG}/{name}") as example:
        text = example.read()
    for old, new in replacements.items():
        assert old in text, (name, old)
        text = text.replace(old, new)
    return text


def start_nginx(folder, port, service):
    site = read_example("nginx.example.conf", {
        "listen 443 ssl http2": f"listen 127.0.0.1:{port} ssl http2", "wrenn.example.com;": "localhost;",
        "/etc/ssl/certs/wrenn.example.com.pem": f"{folder}/tls.pem", "/etc/ssl/private/wrenn.example.com.key": f"{folder}/tls.key",
        "127.0.0.1:9730": f"127.0.0.1:{service.port}", "127.0.0.1:9725": "127.0.0.1:9"})
    return run_nginx(folder, site)


def run_nginx(folder, site):
    temporary = "".join(f"{kind}_temp_path {folder}/nginx-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(f"{folder}/nginx.conf", "w") as main:
        main.write(f"daemon off; master_process off; pid {folder}/nginx.pid; events {{}} http {{ {temporary} gzip on; gzip_types *; access_log off;\n{site}\n}}\n")
    return subprocess.Popen(["/usr/sbin/nginx", "-c", f"{folder}/nginx.conf", "-p", folder, "-e", f"{folder}/nginx.log"])


def start_caddy(folder, port, service):
    site = read_example("Caddyfile.example", {
        "wrenn.example.com {": f"https://localhost:{port} {{\n\ttls {folder}/tls.pem {folder}/tls.key", "handle @ours {": "handle @ours {\n\t\tencode gzip",
        "127.0.0.1:9730": f"127.0.0.1:{service.port}", "127.0.0.1:9725": "127.0.0.1:9"})
    with open(f"{folder}/Caddyfile", "w") as main:
        main.write(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}")
    return subprocess.Popen(["caddy", "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"],
                            env={**os.environ, "HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder},
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False
