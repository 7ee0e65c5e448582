# SPDX-License-Identifier: Apache-2.0
"""No secret, token or full URL leaves the service: the end of a run reads all that it said (conftest.py)."""
import os

import pytest
from leaks import Collector
from support import KEY, make_event, until


@pytest.mark.parametrize("said", [
    'level=error msg="POST https://hooks.example/services/T0/B0/0123456789abcdef0123 failed"',
    '{"error":{"message":"cannot reach /services/T0/B0/0123456789abcdef0123"}}',
    '{"url":"https:\\/\\/hooks.example\\/services\\/T0\\/B0\\/0123456789abcdef0123"}',
    "url=https%3A%2F%2Fhooks.example%2Fservices%2FT0%2FB0%2F0123456789abcdef0123",
])
def test_a_planted_url_is_found_however_it_is_spelled(said):
    planted = Collector()
    planted.learn_config({"webhook_url": "https://hooks.example/services/T0/B0/0123456789abcdef0123"})
    planted.hear("innocent log", "level=info msg=started")
    assert planted.leaks() == []
    planted.hear("log", said)
    assert {where for _, where in planted.leaks()} == {"000002-log"}


def test_a_planted_secret_is_found_in_its_own_spelling_and_in_base64():
    planted = Collector()
    planted.learn_config({"secret": "a secret of nobody", "chat_id": "-1001234567890"})
    planted.hear("store", b"\x00\x01YSBzZWNyZXQgb2Ygbm9ib2R5\x02")
    planted.hear("metrics", 'chat{id="-1001234567890"} 1')
    assert planted.leaks() == [("secret", "000001-store")]


@pytest.mark.parametrize("setting, dumps", [("", False), ("on", True)])
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_no_core_dump_holds_keys_unless_asked_for(make_service, folder, setting, dumps):
    """The kernel gives the files of a process that leaves no core dump to root."""
    user = os.getuid()
    service = make_service(WRENN_EVENTS_CORE_DUMPS=setting)
    if user == 0:
        user = 65534
        for path in (folder, f"{folder}/redis.sock"):
            os.chmod(path, 0o777)
        service.prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    service.start()
    assert os.stat(f"/proc/{service.process.pid}/environ").st_uid == (user if dumps else 0)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_keys_of_tls_connections_are_written_nowhere(make_service, folder, redis, badly_certified):
    path = f"{folder}/tls-keys"
    service = make_service(SSLKEYLOGFILE=path, WRENN_EVENTS_ORIGIN_SLACK=badly_certified.origin).start()
    team, key = service.new_team()
    channel = service.add_channel(key, "slack", {"webhook_url": "https://hooks.slack.com/services/T0001/B0001/aSecretOfSlack"})
    redis.publish(make_event(team))
    path_of_list = f"/v1/channels/{channel['id']}/deliveries"
    until(lambda: [item for item in service.get(path_of_list, key=key).json()["items"] if item.get("attempts")], "a handshake")
    service.run("tail", "--count", "1", "--since", "earliest", environment={"WRENN_API_KEY": key})
    assert not os.path.exists(path)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_key_file_that_others_may_use_is_told(make_service, folder):
    with open(f"{folder}/key", "w") as file:
        file.write(KEY + "\n")
    os.chmod(file.name, 0o644)
    service = make_service(WRENN_ENCRYPTION_KEY="", WRENN_ENCRYPTION_KEY_FILE=file.name).start()
    assert "other users can access the encryption key's file" in service.log_text() and KEY not in service.log_text()
