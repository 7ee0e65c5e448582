# SPDX-License-Identifier: Apache-2.0
"""The servers that `tools/bench live` compares, each started again for every run: the service, the barest
fan-out there is (bench_raw.c), and Nchan in nginx with one worker, where that is installed. With two cores
the server has one and Redis and the load client the other."""
import os
import pathlib
import subprocess

from support import Service, free_port, until

root = pathlib.Path(__file__).resolve().parent.parent
TOOLS = root / "build/release/tools"
NCHAN = "/usr/lib/nginx/modules/ngx_nchan_module.so"
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]
TEAMS = 1000


def pin(pid, core):
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), {core})


def thread_us(pid, task):
    """CPU time of a thread in microseconds, from the scheduler's nanosecond counter."""
    with open(f"/proc/{pid}/task/{task}/schedstat") as stat:
        return int(stat.read().split()[0]) / 1000


def cpu_us(pid):
    return sum(thread_us(pid, task) for task in os.listdir(f"/proc/{pid}/task"))


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Ours:
    name, stream = "ours", "wrenn:events"

    def __init__(self, folder, redis, store):
        self.redis, self.store = redis, store
        self.service = Service(folder, redis.url, store.url, WRENN_EVENTS_MAX_STREAMS_PER_TEAM="20000", WRENN_EVENTS_KEEPALIVE_S="300")

    def start(self):
        loaded = "recent events loaded"
        before = self.service.log_text().count(loaded) if os.path.exists(self.service.log_path) else 0
        self.service.start()
        self.pid, self.port = self.service.process.pid, self.service.port
        pin(self.pid, SERVER_CORE)
        until(lambda: self.service.log_text().count(loaded) > before, "the history")
        self.settle()

    def settle(self):
        """Waits until the ledger has written down what was published, so that its work is counted where it belongs."""
        def settled():
            group = self.redis.client.xinfo_groups(self.stream)[0]
            newest = self.redis.client.xinfo_stream(self.stream)["last-generated-id"]
            return group["last-delivered-id"] == newest and group["pending"] == 0
        until(settled, "the ledger", 120)

    def metric(self, name):
        for line in self.service.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise KeyError(name)

    def stop(self):
        self.service.end()


class Raw:
    name, stream = "raw", "bench:raw"

    def __init__(self, redis):
        self.redis = redis

    def start(self):
        self.port = free_port()
        self.process = subprocess.Popen([TOOLS / "bench_raw", str(self.port), self.redis.socket, self.stream], stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.pid = self.process.pid
        pin(self.pid, SERVER_CORE)

    def settle(self):
        pass

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Nchan:
    name, stream = "nchan", "-"
    CONFIG = """
load_module {module};
user root;
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 16000; multi_accept on; }}
http {{
	access_log off;
	keepalive_requests 1000000000;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	nchan_message_buffer_length 10000;
	nchan_message_timeout 10m;
	server {{
		listen 127.0.0.1:{port} backlog=4096;
		location ~ ^/pub/(.+)$ {{ nchan_publisher; nchan_channel_id $1; }}
		location ~ ^/sub/(.+)$ {{ nchan_subscriber eventsource; nchan_subscriber_first_message newest; nchan_channel_id $1; }}
	}}
}}
"""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "nchan"
        self.folder.mkdir()

    @staticmethod
    def is_installed():
        return os.path.exists(NCHAN) and os.path.exists("/usr/sbin/nginx")

    def start(self):
        self.port = free_port()
        config = self.folder / "nginx.conf"
        config.write_text(self.CONFIG.format(module=NCHAN, folder=self.folder, port=self.port))
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-e", self.folder / "error.log", "-c", config])
        self.pid = int(until(self.worker, "nginx's worker"))
        pin(self.pid, SERVER_CORE)

    def worker(self):
        """The pid of the worker, once it is one: before that it is a copy of the master."""
        assert self.process.poll() is None, (self.folder / "error.log").read_text()
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            for pid in children.read().split():
                with open(f"/proc/{pid}/cmdline") as line:
                    if "worker" in line.read():
                        return pid
        return None

    def settle(self):
        pass

    def stop(self):
        self.process.terminate()
        self.process.wait()
