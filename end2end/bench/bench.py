#!/usr/bin/env python3
"""Measures what Fermata promises, against nginx where there is something to compare with.

One core serves, another one asks. Rounds are interleaved, ratios are taken within a round and their median is judged,
so that a slow moment of the machine hits both sides. Prints a table, writes target/bench.json, and ends with 1 when a
promise is not kept. FERMATA_BIN names another binary than target/release/fermata; names of parts (page, years,
gate, figures, pings, storm, fan-out) as arguments restrict what is measured; --quick makes every round short.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import sys
import threading
import time
import uuid

import history
from parts import ROOT, WORK, Fermata, Nginx, Postgres, Sink, ask, need, note, wrk

PARTS = ("page", "years", "gate", "figures", "pings", "storm", "fan-out")
# Nodes on one PostgreSQL share it.
SECRET = "a secret key for measurements that nobody uses"
METRICS = "a token for measurements that nobody uses"
GZIP = {"Accept_Encoding": "gzip"}


class Results:
    def __init__(self):
        self.lines, self.kept = [], {}

    def check(self, name, value, target, is_kept, unit=""):
        self.lines.append((name, f"{value:.4g}{unit}", target, "PASS" if is_kept else "FAIL"))
        self.kept[name] = {"value": value, "unit": unit.strip(), "target": target, "pass": bool(is_kept)}

    def at_least(self, name, value, least, unit=""):
        self.check(name, value, f"≥ {least:g}{unit}", value >= least, unit)

    def at_most(self, name, value, most, unit=""):
        self.check(name, value, f"≤ {most:g}{unit}", value <= most, unit)

    def tell(self, name, value, unit=""):
        self.lines.append((name, f"{value:.5g}{unit}", "", ""))
        self.kept[name] = {"value": value, "unit": unit.strip()}

    def failed(self):
        return [line[0] for line in self.lines if line[3] == "FAIL"]

    def table(self):
        widths = [max(len(line[column]) for line in self.lines) for column in range(4)]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                         for line in self.lines)


def now_ms():
    return time.time_ns() // 1_000_000


def median(values):
    return statistics.median(values)


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def interleaved(rounds, first, second):
    """A B, B A, A B, …: (a, b) for each round."""
    found = []
    for n in range(rounds):
        if n % 2 == 0:
            a = first()
            found.append((a, second()))
        else:
            b = second()
            found.append((first(), b))
    return found


def header(reply, name):
    return next((value for key, value in reply.headers if key.lower() == name.lower()), None)


def against_nginx(results, options, server, label, path="/"):
    """A page and its 304 beside nginx with the same bytes."""
    page = server.ask("GET", path, Accept_Encoding="gzip")
    if page.status != 200 or header(page, "content-encoding") != "gzip":
        sys.exit(f"bench: {path} answered {page.status}, {header(page, 'content-encoding')}")

    def tag():
        """Of the page as it is now: one that changes meanwhile would be sent whole."""
        return {"If_None_Match": header(server.ask("GET", path, Accept_Encoding="gzip"), "etag")}

    folder = WORK / "nginx"

    def nginx(sendfile):
        return Nginx(folder / sendfile, page.body, page.headers, sendfile)

    # The faster of nginx's two ways to send a file is the one we compare with.
    speed = {}
    for sendfile in ("on", "off"):
        with nginx(sendfile) as other:
            wrk(other.port, "/index.html", 1, **GZIP)
            speed[sendfile] = wrk(other.port, "/index.html", options.seconds, **GZIP)["rps"]
    sendfile = max(speed, key=speed.get)
    note(f"nginx: sendfile on {speed['on']:.0f}/s, off {speed['off']:.0f}/s")
    with nginx(sendfile) as other:
        theirs = ask(other.port, "GET", "/index.html", headers={"accept-encoding": "gzip"})
        if theirs.body != page.body:
            sys.exit("bench: nginx does not send the same bytes")
        their_tag = header(theirs, "etag")
        for what, mine, its in (
            ("200", dict, {}),
            ("304", tag, {"If_None_Match": their_tag}),
        ):
            wrk(server.port, path, 1, **GZIP, **mine())
            wrk(other.port, "/index.html", 1, **GZIP, **its)
            pairs = interleaved(
                options.rounds,
                lambda: wrk(server.port, path, options.seconds, **GZIP, **mine()),
                lambda: wrk(other.port, "/index.html", options.seconds, **GZIP, **its),
            )
            for ours, its_round in pairs:
                note(
                    f"{label} {what}: ours {ours['rps']:.0f}/s p99 {ours['p99_ms']:.2f} ms,"
                    f" nginx {its_round['rps']:.0f}/s p99 {its_round['p99_ms']:.2f} ms"
                )
            name = f"{label}, {what}"
            results.tell(f"{name}: ours", median([a["rps"] for a, _ in pairs]), " /s")
            results.tell(f"{name}: nginx", median([b["rps"] for _, b in pairs]), " /s")
            results.at_least(f"{name}: requests/s, ours : nginx", median([a["rps"] / b["rps"] for a, b in pairs]), 1.0)
            results.at_most(f"{name}: p99, ours : nginx", median([a["p99_ms"] / b["p99_ms"] for a, b in pairs]), 1.5)
            results.at_most(f"{name}: failed requests of ours", sum(a["failed"] for a, _ in pairs), 0)
    results.tell(f"{label}: page, gzip", len(page.body) / 1024, " KiB")


def page(results, options):
    with Fermata(options.binary, fresh("demo"), demo="true") as server:
        results.tell("start with the demo", server.started_in, " s")
        against_nginx(results, options, server, "/ (demo)")
        for name, value in server.memory().items():
            results.tell(f"after the storm: {name}", value, " MiB")


def fresh(name):
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class Sites:
    """The same site without and with its past, made when first asked for."""

    def __init__(self, options):
        self.options = options
        self.made = None

    def make(self):
        if self.made:
            return self.made
        bare, full = fresh("bare"), fresh("years")
        with Fermata(self.options.binary, bare):
            pass
        began = time.monotonic()
        db = history.open_file(bare / "fermata.db")
        site = history.inventory(db, now_ms())
        site["token"] = history.token(db, now_ms(), ["admin"])
        history.close_file(db)
        shutil.copytree(bare, full, dirs_exist_ok=True)
        db = history.open_file(full / "fermata.db")
        nights = 60 if self.options.quick else history.YEARS * 365
        site["past"] = history.years(db, site, now_ms(), nights=nights)
        site["past"] |= history.troubles(db, site, now_ms(), days=nights)
        history.measured(db, now_ms())
        site["readers"] = history.subscribers(db, self.options.readers, now_ms())
        site["counts"] = history.counts(db)
        history.close_file(db)
        site["size_mib"] = (full / "fermata.db").stat().st_size / 2**20
        note(f"history: {site['counts']}, {site['size_mib']:.0f} MiB, made in {time.monotonic() - began:.0f} s")
        self.made = (bare, full, site)
        return self.made


def first_renders(server):
    """Milliseconds of views that no cache has: the same page for readers in other zones."""
    zones = ("Asia/Tokyo", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Sydney", "Africa/Cairo",
             "America/Santiago", "Europe/London", "Asia/Kolkata", "Pacific/Auckland", "Europe/Kyiv", "America/Denver")
    found = []
    for zone in zones:
        began = time.monotonic()
        reply = server.ask("GET", f"/?tz={zone}", Accept_Encoding="gzip")
        found.append((time.monotonic() - began) * 1000)
        if reply.status != 200:
            sys.exit(f"bench: /?tz={zone} answered {reply.status}")
    return found


def years(results, options, sites):
    bare, full, site = sites.make()
    results.tell("history: runs", site["past"]["runs"])
    results.tell("history: database", site["size_mib"], " MiB")
    with Fermata(options.binary, bare) as empty, Fermata(options.binary, full) as server:
        results.tell("start with the history", server.started_in, " s")
        render = [first_renders(one) for one in (empty, server)]
        results.tell("first render, no history, median", median(render[0]), " ms")
        results.tell("first render, 5 years, median", median(render[1]), " ms")
        for one in (empty, server):
            wrk(one.port, "/", 1, **GZIP)
        pairs = interleaved(
            options.rounds,
            lambda: wrk(server.port, "/", options.seconds, **GZIP),
            lambda: wrk(empty.port, "/", options.seconds, **GZIP),
        )
        for a, b in pairs:
            note(f"5 years {a['rps']:.0f}/s ({a['bytes_each']:.0f} B), none {b['rps']:.0f}/s ({b['bytes_each']:.0f} B)")
        results.at_least("/: requests/s, 5 years : no history", median([a["rps"] / b["rps"] for a, b in pairs]), 0.9)
        coverage(results, server, site)
        against_nginx(results, options, server, "/ (5 years)")
        for name, value in server.memory().items():
            results.tell(f"with 5 years: {name}", value, " MiB")


def metric(server, name):
    """A counter of the server."""
    text = server.ask("GET", "/metrics", token=METRICS).body.decode()
    found = [line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")]
    if not found:
        sys.exit(f"bench: /metrics has no {name}")
    return float(found[0])


def figures(results, options, sites):
    """The pages that show availability, first after a change and from the cache, and the figures themselves."""
    _, full, site = sites.make()
    renders = "fermata_page_cache_renders_total"
    nights = 60 if options.quick else history.YEARS * 365
    today = datetime.datetime.now(datetime.timezone.utc)
    recent, old = (today - datetime.timedelta(days=days) for days in (35, nights - 20))
    pages = {
        "home": "/",
        "a history month": f"/history/{recent:%Y-%m}",
        "an old history month": f"/history/{old:%Y-%m}",
        "a component": "/components/service-1",
        "a plot of a point every 10 s": "/charts/response-time/month",
    }
    results.tell("figures: impacts", site["past"]["impacts"])
    with Fermata(options.binary, full, metrics_token=METRICS) as server:
        wait_until_counted(results, server)
        component = f"/api/v1/components/{uuid.UUID(bytes=site['components'][-1])}"
        version = server.ask("GET", component, token=site["token"]).json()["version"]
        first = {}
        for name, path in pages.items():
            took = []
            for n in range(12):
                change = {"version": version, "description": f"Change {name} {n}"}
                reply = server.ask("PATCH", component, change, token=site["token"])
                if reply.status != 200:
                    sys.exit(f"bench: the change answered {reply.status} {reply.body[:300]}")
                version = reply.json()["version"]
                began = time.monotonic()
                page = server.ask("GET", path, Accept_Encoding="gzip")
                took.append((time.monotonic() - began) * 1000)
                if page.status != 200:
                    sys.exit(f"bench: {path} answered {page.status}")
            first[name] = median(took)
            results.at_most(f"{name}: first render after a change, median", first[name], 50, " ms")
            results.tell(f"{name}: page, gzip", len(page.body) / 1024, " KiB")
            change = {"version": version, "description": f"Change {name} at once"}
            version = server.ask("PATCH", component, change, token=site["token"]).json()["version"]
            before = metric(server, renders)
            crowd = [threading.Thread(target=server.ask, args=("GET", path)) for _ in range(32)]
            for one in crowd:
                one.start()
            for one in crowd:
                one.join()
            results.at_most(f"{name}: renderings for 32 readers at once", metric(server, renders) - before, 1)
        ratio = first["an old history month"] / first["a history month"]
        results.at_most("a history month: time, oldest : newest", ratio, 1.5)
        since = f"{today - datetime.timedelta(days=history.YEARS * 365):%Y-%m-%dT%H:%M:%SZ}"
        took = []
        for _ in range(7):
            began = time.monotonic()
            reply = server.ask("GET", f"/api/v1/availability?from={since}", token=site["token"])
            took.append((time.monotonic() - began) * 1000)
            if reply.status != 200:
                sys.exit(f"bench: the figures answered {reply.status} {reply.body[:300]}")
        counted = sum(len(group["components"]) for group in reply.json()["groups"])
        results.check("figures: components", float(counted), f"{history.COMPONENTS}", counted == history.COMPONENTS)
        results.at_most("figures: 324 components, 5 years, exact, median", median(took), 1000, " ms")
        against_nginx(results, options, server, "a component", pages["a component"])
        against_nginx(results, options, server, "a history month", pages["a history month"])


def wait_until_counted(results, server):
    """The days of five years are counted in the background; says for how long."""
    began = time.monotonic()
    while time.monotonic() - began < 120:
        with contextlib.closing(history.open_file(server.database)) as db:
            done = db.execute("select until_at from counted_days").fetchone()
        if done and done[0] > now_ms() - 2 * history.DAY_MS:
            results.tell("figures: all days counted after the start", time.monotonic() - began, " s")
            return
        time.sleep(0.05)
    sys.exit("bench: the days are not counted")


def gate(results, options):
    """The gate over all hosts, on both databases, and flat while the runs grow."""
    asked = {"SQLite": [], "PostgreSQL": []}
    nights = (20, 40, 60) if options.quick else (200, 1000, history.YEARS * 365)
    with Postgres() as postgres:
        for count in nights:
            folder, name = fresh(f"gate-{count}"), f"gate_{count}"
            with Fermata(options.binary, folder):
                pass
            db = history.open_file(folder / "fermata.db")
            site = history.inventory(db, now_ms())
            token = history.token(db, now_ms(), ["admin"])
            history.years(db, site, now_ms(), nights=count)
            db.execute("analyze")
            postgres.psql("postgres", f"create database {name}")
            address = postgres.address(name)
            with Fermata(options.binary, fresh(name), database=address, secret_key=SECRET):
                pass
            postgres.load(name, db)
            history.close_file(db)
            for engine, where in (("SQLite", {}), ("PostgreSQL", {"database": address, "secret_key": SECRET})):
                with Fermata(options.binary, folder if engine == "SQLite" else fresh(name), **where) as server:
                    took = ask_gate(server, token)
                label = f"gate, {engine}, {count * history.DATA_SETS / 1e6:.1f} million runs"
                results.at_most(f"{label}: median", median(took), 50, " ms")
                asked[engine].append(median(took))
            shutil.rmtree(folder)
    for engine, took in asked.items():
        name = f"gate, {engine}: time, {nights[-1]} nights : {nights[0]}"
        results.at_most(name, took[-1] / took[0], 1.3)


def ask_gate(server, token):
    """Milliseconds of answers about all hosts at once: the machines, and by what runs on them their guests."""
    hosts = "&".join(f"host=bench-vm{n:02}" for n in range(history.HOSTS // 10))
    took = []
    for _ in range(25):
        began = time.monotonic()
        reply = server.ask("GET", f"/api/v1/gate?purpose=start&{hosts}", token=token)
        took.append((time.monotonic() - began) * 1000)
        if reply.status != 200 or reply.json()["confirmed"] is not True:
            sys.exit(f"bench: the gate answered {reply.status} {reply.body[:300]}")
    return took[5:]


def coverage(results, server, site):
    """Every host with its data sets, by how they stand."""
    found = []
    for _ in range(9):
        began = time.monotonic()
        reply = server.ask("GET", "/api/v1/coverage", token=site["token"])
        found.append((time.monotonic() - began) * 1000)
        if reply.status != 200:
            note(f"the coverage matrix was not measured: {reply.status} {reply.body[:300]}")
            return
    answer = reply.json()
    results.at_most("coverage matrix, 300 hosts and 1,000 data sets, median", median(found), 100, " ms")
    all_there = len(answer["hosts"]) == history.HOSTS and sum(answer["counts"].values()) == history.DATA_SETS
    results.check("coverage matrix: nothing forgotten", float(len(answer["hosts"])), f"{history.HOSTS}", all_there)


def local(seconds_from_now):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)
    return at.strftime("%Y-%m-%dT%H:%M")


class Watcher(threading.Thread):
    """Looks at `/` again and again and notes when it first shows a text."""

    def __init__(self, port, text):
        super().__init__(daemon=True)
        self.port, self.text = port, text.encode()
        self.seen_at, self.stopped = None, False

    def run(self):
        while not self.stopped and self.seen_at is None:
            with contextlib.suppress(OSError):
                if self.text in ask(self.port, "GET", "/").body:
                    self.seen_at = time.monotonic()
            time.sleep(0.002)


class Sockets(threading.Thread):
    """Keeps the most connections that the sink had at once."""

    def __init__(self, sink):
        super().__init__(daemon=True)
        self.sink, self.most, self.stopped = sink, 0, False

    def run(self):
        while not self.stopped:
            self.most = max(self.most, self.sink.connections())
            time.sleep(0.01)


def fan_out(results, options, sites):
    _, full, site = sites.make()
    with Sink(WORK / "sink") as sink, Fermata(
        options.binary, full, smtp_host="127.0.0.1", smtp_port=sink.port, smtp_tls="none",
        smtp_from="status@bench.example",
    ) as server:
        title = "Swap the disks of everything"
        component = str(uuid.UUID(bytes=site["components"][0]))
        wanted = {
            "title": title, "message": "We swap **all** disks.", "components": [component], "zone": "UTC",
            "start": local(3600), "end": local(2 * 3600), "schedule": True,
        }
        before = server.memory()
        server.ask("GET", "/")
        watcher, sockets = Watcher(server.port, title), Sockets(sink)
        watcher.start()
        sockets.start()
        began = time.monotonic()
        reply = server.ask("POST", "/api/v1/maintenances", wanted, token=site["token"])
        returned = time.monotonic()
        if reply.status not in (200, 201):
            sys.exit(f"bench: publishing answered {reply.status}: {reply.body.decode()[:3000]}")
        count = len(site["readers"])
        until = time.monotonic() + max(60, count / 50)
        while sink.count < count and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(1.5)
        watcher.stopped = sockets.stopped = True
        memory = server.memory()
        if not sink.count:
            sys.exit("bench: no mail came")
        rate = sink.count / (sink.last_at - sink.first_at)
        to = sink.recipients()
        results.at_most("publish to 10,000: request returns", (returned - began) * 1000, 300, " ms")
        seen = watcher.seen_at or float("inf")
        results.at_most("publish: the page shows it", (seen - began) * 1000, 1000, " ms")
        results.tell("publish: first mail", (sink.first_at - began) * 1000, " ms")
        results.check("publish: page before first mail", (sink.first_at - seen) * 1000, "≥ 0 ms",
                      seen <= sink.first_at, " ms")
        results.at_least("publish: mails", rate, 500, " /s")
        results.tell("publish: all mails after", sink.last_at - began, " s")
        results.at_most("publish: connections at once", sockets.most, 4)
        right = sorted(to) == sorted(site["readers"])
        results.check("publish: recipients reached exactly once", len(set(to)), f"{count}", right and len(to) == count)
        results.tell("publish: RSS before", before["rss_mib"], " MiB")
        results.tell("publish: RSS after", memory["rss_mib"], " MiB")
        results.tell("publish: peak RSS", memory["peak_rss_mib"], " MiB")


def steady(port, pings, rate, seconds):
    """Reports at a steady rate from a few connections; a report's time runs from the instant at which it was due."""
    import http.client

    workers, found, failed = 8, [], []
    begin = time.monotonic() + 0.2

    def work(offset):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for n in range(offset, rate * seconds, workers):
            due = begin + n / rate
            time.sleep(max(0, due - time.monotonic()))
            connection.request("POST", f"/ping/{pings[n % len(pings)]}?rid={uuid.uuid4()}")
            reply = connection.getresponse()
            reply.read()
            found.append((time.monotonic() - due) * 1000)
            if reply.status != 200:
                failed.append(reply.status)
        connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, failed


def pings(results, options, sites):
    _, full, site = sites.make()
    ids = WORK / "pings.txt"
    ids.write_text("\n".join(site["pings"]) + "\n")
    with Fermata(options.binary, full) as server:
        steady(server.port, site["pings"], 50, 2)
        seconds = 5 if options.quick else 30
        found, failed = steady(server.port, site["pings"], 100, seconds)
        results.tell("100 reports/s: p50", percentile(found, 0.5), " ms")
        results.at_most("100 reports/s: p99", percentile(found, 0.99), 20, " ms")
        results.at_most("100 reports/s: refused", len(failed), 0)
        rounds = [wrk(server.port, "/", options.seconds, connections=connections, script="ping.lua", arguments=[ids])
                  for connections in (16, 64)]
        best = max(rounds, key=lambda found: found["rps"])
        results.tell("most reports", best["rps"], " /s")
        results.tell("most reports: p99", best["p99_ms"], " ms")
        results.at_most("most reports: refused", sum(found["failed"] for found in rounds), 0)
        for name, value in server.memory().items():
            results.tell(f"after the reports: {name}", value, " MiB")


class Storm(threading.Thread):
    """Alerts at the rate of 1,332 a minute, one in each report: of ten hosts on one machine, from thirty machines."""

    ALERTS, MACHINES, RATE = 1332, 30, 1332 / 60

    def __init__(self, server, token):
        super().__init__(daemon=True)
        self.server, self.token = server, token
        self.took, self.refused = [], 0

    def run(self):
        begin = time.monotonic()
        for n in range(self.ALERTS):
            due = begin + n / self.RATE
            time.sleep(max(0, due - time.monotonic()))
            machine, guest = n % self.MACHINES, n // self.MACHINES % 10
            host = f"bench-guest-{machine * 10 + guest:03}" if guest else f"bench-vm{machine:02}"
            alert = {
                "key": f"storm-{n}", "title": f"{host} does not answer, check {n}", "status": "firing",
                "severity": "critical", "labels": {"alertname": f"Check{n}", "host": host},
            }
            reply = self.server.ask("POST", "/api/v1/alerts/generic", {"alerts": [alert]}, token=self.token)
            self.took.append((time.monotonic() - due) * 1000)
            if reply.status != 200:
                self.refused += 1
                note(f"an alert was refused: {reply.status} {reply.body[:300]}")


def storm(results, options, sites):
    """Alerts of one night within a minute: readers notice nothing, and each cause becomes one draft."""
    _, full, site = sites.make()
    with Fermata(options.binary, full) as server:
        def load():
            return wrk(server.port, "/", options.seconds, **GZIP)

        load()
        quiet = [load() for _ in range(4)]
        alerts = Storm(server, site["token"])
        alerts.start()
        during = []
        while alerts.is_alive() and len(during) < 10:
            during.append(load())
        alerts.join()
        quiet += [load() for _ in range(4)]
        results.tell("1,332 alerts in 60 s: answered, p50", percentile(alerts.took, 0.5), " ms")
        results.tell("1,332 alerts in 60 s: answered, p99", percentile(alerts.took, 0.99), " ms")
        results.at_most("1,332 alerts in 60 s: refused", alerts.refused, 0)
        for what, rounds in (("before and after", quiet), ("in the storm", during)):
            note("; ".join(f"{one['rps']:.0f}/s p99 {one['p99_ms']:.2f} ms" for one in rounds) + f" {what}")
        ratio = {key: median([one[key] for one in during]) / median([one[key] for one in quiet])
                 for key in ("rps", "p50_ms", "p99_ms")}
        # Both share one core: what the alerts take is not there for readers.
        results.at_least("/: requests/s, in the storm : before and after", ratio["rps"], 0.8)
        results.at_most("/: p50, in the storm : before and after", ratio["p50_ms"], 1.5)
        # At full load the slowest wait for their turn on the core: some milliseconds, which no reader notices.
        results.tell("/: p99, in the storm : before and after", ratio["p99_ms"])
        results.at_most("/: p99 in the storm", median([one["p99_ms"] for one in during]), 10, " ms")
        results.at_most("/: failed requests in the storm", sum(one["failed"] for one in during), 0)
        for name, value in server.memory().items():
            results.tell(f"after the alerts: {name}", value, " MiB")
    with contextlib.closing(history.open_file(server.database)) as db:
        (kept,) = db.execute("select count(*) from alerts").fetchone()
        (drafts,) = db.execute("select count(*) from incidents where state = 'draft'").fetchone()
    results.check("1,332 alerts: kept", float(kept), f"{Storm.ALERTS}", kept == Storm.ALERTS)
    results.check("1,332 alerts: drafts, one a cause", float(drafts), f"{Storm.MACHINES}", drafts == Storm.MACHINES)


def binary():
    found = pathlib.Path(os.environ.get("FERMATA_BIN") or ROOT / "target" / "release" / "fermata").resolve()
    if not found.is_file():
        sys.exit(f"bench: {found} is not there: `make bench` builds it")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all without")
    parser.add_argument("--quick", action="store_true", help="short rounds and 60 nights: to try the bench itself")
    options = parser.parse_args()
    if wrong := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(wrong))}")
    need("nginx", "wrk", "smtp-sink", "taskset")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("bench: needs two cores, one to serve and one to ask")
    options.rounds, options.seconds = (2, 1) if options.quick else (7, 4)
    options.readers = 10_000
    options.binary = binary()
    WORK.mkdir(parents=True, exist_ok=True)
    busy = os.getloadavg()[0]
    if busy > 1:
        note(f"others use this machine (load {busy:.1f}): the numbers will be worse than they are")
    results, sites = Results(), Sites(options)
    wanted = options.parts or PARTS
    if "page" in wanted:
        page(results, options)
    if "years" in wanted:
        years(results, options, sites)
    if "gate" in wanted:
        gate(results, options)
    if "figures" in wanted:
        figures(results, options, sites)
    if "pings" in wanted:
        pings(results, options, sites)
    if "storm" in wanted:
        storm(results, options, sites)
    if "fan-out" in wanted:
        fan_out(results, options, sites)
    failed = results.failed()
    report = {
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "load_before": busy},
        "binary_mib": options.binary.stat().st_size / 2**20,
        "results": results.kept,
        "failed": failed,
    }
    (ROOT / "target" / "bench.json").write_text(history.as_text(report) + "\n")
    print(results.table())
    print(f"\n{len(failed)} of {sum(1 for line in results.lines if line[3])} promises not kept" if failed
          else "\nAll promises kept")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
