"""Fills the SQLite file of a stopped server with the sizes that Fermata is measured for.

The rows are those that the server itself would have written: ids are UUIDs of version 7 made at the time of the row,
instants are Unix milliseconds. `inventory` writes what a site protects and shows, `years` its past, `troubles` what
broke in it and how that left the components, `subscribers` who reads it.
"""

import datetime
import hashlib
import json
import random
import sqlite3
import uuid

DAY_MS = 24 * 3600 * 1000
HOSTS = 300
DATA_SETS = 1000
GROUPS = 30
COMPONENTS = 324
WINDOWS = 1000
INCIDENTS = 2000
YEARS = 5


class Ids:
    """UUIDs of version 7 for given instants, always growing within one instant."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.last = (0, 0)

    def at(self, ms):
        at, count = self.last
        count = count + 1 if at == ms else 0
        self.last = (ms, count)
        bits = (ms << 80) | (7 << 76) | ((count & 0xFFF) << 64) | (2 << 62) | self.random.getrandbits(62)
        return bits.to_bytes(16, "big")


def open_file(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = off")
    db.execute("pragma cache_size = -200000")
    db.execute("pragma temp_store = memory")
    return db


def close_file(db):
    db.execute("analyze")
    db.execute("pragma wal_checkpoint(truncate)")
    db.close()


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def inventory(db, now_ms, seed=7208):
    """Hosts with what runs on them, data sets, one job each, groups and components. Returns the jobs' ping ids."""
    ids = Ids(seed)
    chance = random.Random(seed)
    born = now_ms - (YEARS * 365 + 30) * DAY_MS
    pings = []
    db.execute("begin immediate")
    hosts = []
    for n in range(HOSTS):
        host = ids.at(born)
        # Every tenth is a machine of its own, the nine after it are its guests.
        runs_on = hosts[n - n % 10] if n % 10 else None
        hosts.append(host)
        name = f"bench-vm{n // 10:02}" if n % 10 == 0 else f"bench-guest-{n:03}"
        db.execute(
            "insert into hosts (id, name, name_key, runs_on, created_at) values (?, ?, ?, ?, ?)",
            (host, name, name, runs_on, born),
        )
    jobs = []
    for n in range(DATA_SETS):
        data_set, job = ids.at(born), ids.at(born)
        kind = ("files", "database", "image", "other")[n % 4]
        db.execute(
            "insert into data_sets (id, host_id, name, name_key, kind, created_at) values (?, ?, ?, ?, ?, ?)",
            (data_set, hosts[n % HOSTS], f"data {n // HOSTS}", f"data {n // HOSTS}", kind, born),
        )
        ping = uuid.UUID(int=chance.getrandbits(128), version=4)
        pings.append(str(ping))
        jobs.append(job)
        db.execute(
            "insert into jobs (id, data_set_id, name, name_key, tool, every_s, max_duration_s, ping_hash, created_at)"
            " values (?, ?, 'nightly', 'nightly', 'borgmatic', 86400, 21600, ?, ?)",
            (job, data_set, sha256(str(ping)), born),
        )
    groups = []
    for n in range(GROUPS):
        group = ids.at(born)
        groups.append(group)
        db.execute(
            "insert into component_groups (id, name, name_key, position) values (?, ?, ?, ?)",
            (group, f"Region {n + 1:02}", f"region {n + 1:02}", 100 + n),
        )
    components = []
    for n in range(COMPONENTS):
        component = ids.at(born)
        components.append(component)
        db.execute(
            "insert into components (id, group_id, name, name_key, slug, position, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (component, groups[n % GROUPS], f"Service {n + 1}", f"service {n + 1}", f"service-{n + 1}", 100 + n, born),
        )
        db.execute("insert into component_hosts (component_id, host_id) values (?, ?)", (component, hosts[n % HOSTS]))
    db.execute("commit")
    return {"hosts": hosts, "jobs": jobs, "components": components, "pings": pings}


def years(db, site, now_ms, seed=7209, nights=YEARS * 365):
    """One run for each data set and night, and past windows with their timelines and verdicts."""
    ids = Ids(seed)
    chance = random.Random(seed)
    db.execute("begin immediate")
    # Made anew at the end, which is quicker than to keep them right row by row.
    indexes = db.execute("select name, sql from sqlite_master where tbl_name = 'runs' and type = 'index' and sql <> ''")
    indexes = indexes.fetchall()
    for name, _ in indexes:
        db.execute(f"drop index {name}")
    for night in range(nights, 0, -1):
        # All of last night ended an hour ago, so that the gate has something good to find.
        base = now_ms - night * DAY_MS + DAY_MS - 3 * 3600 * 1000

        def runs(base=base, night=night):
            for n, job in enumerate(site["jobs"]):
                started = base + n * 3000
                finished = started + 1_800_000 + chance.randrange(1_200_000)
                dice = chance.random() if night > 1 else 1
                state, worth = ("failed", "") if dice < 0.01 else ("succeeded", "good")
                size = chance.randrange(10**8, 10**11)
                yield (
                    ids.at(finished), job, f"{started}-{n}", state, worth, started, finished, finished, size,
                    chance.randrange(10**6), 1 if state == "failed" else 0,
                )

        db.executemany(
            "insert into runs (id, job_id, run_key, state, worth, started_at, start_assumed, finished_at, dry_run,"
            " partial, clock_fault, received_at, bytes, files, exit_code)"
            " values (?, ?, ?, ?, ?, ?, 0, ?, 0, 0, 0, ?, ?, ?, ?)",
            runs(),
        )
    for _, text in indexes:
        db.execute(text)
    (number,) = db.execute("select maintenance_number from site").fetchone()
    length = nights * DAY_MS
    windows = WINDOWS * nights // (YEARS * 365)
    for n in range(windows):
        number += 1
        published = now_ms - length + n * (length - 10 * DAY_MS) // windows
        start = (published + 3 * DAY_MS) // 60_000 * 60_000
        end = start + 2 * 3600 * 1000
        window = ids.at(published)
        local = datetime.datetime.fromtimestamp(start / 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        state = "cancelled" if n % 20 == 7 else "completed"
        ended = start - DAY_MS if state == "cancelled" else end
        db.execute(
            "insert into maintenances (id, number, title, message, state, zone, local_start, starts_at, ends_at,"
            " latest_end_at, auto_start, auto_complete, sequence, published_at, started_at, ended_at, created_at,"
            " updated_at) values (?, ?, ?, ?, ?, 'UTC', ?, ?, ?, ?, 1, 1, 2, ?, ?, ?, ?, ?)",
            (
                window, number, f"Change disks, round {n + 1}", "We change **disks**. Expect a short break.", state,
                local, start, end, end + 4 * 3600 * 1000, published, None if state == "cancelled" else start, ended,
                published, ended,
            ),
        )
        for component in chance.sample(site["components"], 3):
            db.execute("insert into maintenance_components values (?, ?)", (window, component))
        told = [("scheduled", published)]
        told += [("cancelled", ended)] if state == "cancelled" else [("started", start), ("completed", end)]
        for kind, at in told:
            db.execute(
                "insert into maintenance_updates (id, maintenance_id, kind, body, at, starts_at, ends_at)"
                " values (?, ?, ?, '', ?, ?, ?)",
                (ids.at(at), window, kind, at, start, end),
            )
    db.execute("update site set maintenance_number = ?", (number,))
    db.execute("commit")
    return {"runs": nights * len(site["jobs"]), "windows": windows}


def troubles(db, site, now_ms, seed=7212, days=YEARS * 365):
    """Incidents with their updates, and what they and the windows did to components. None is open now."""
    ids = Ids(seed)
    chance = random.Random(seed)
    db.execute("begin immediate")
    (number,) = db.execute("select incident_number from site").fetchone()
    impacts = []
    for window, component, start, end in db.execute(
        "select m.id, c.component_id, m.started_at, m.ended_at from maintenances m"
        " join maintenance_components c on c.maintenance_id = m.id where m.started_at is not null order by m.started_at"
    ).fetchall():
        impacts.append((ids.at(start), component, "under_maintenance", "maintenance", window, start, end))
    length = days * DAY_MS
    states = ("degraded_performance", "partial_outage", "major_outage")
    incidents = INCIDENTS * days // (YEARS * 365)
    for n in range(incidents):
        number += 1
        start = now_ms - length + n * (length - DAY_MS) // incidents
        end = start + chance.randrange(5, 600) * 60_000
        incident, worst = ids.at(start), chance.choice(states)
        db.execute(
            "insert into incidents (id, number, title, state, started_at, published_at, resolved_at, created_at,"
            " updated_at) values (?, ?, ?, 'resolved', ?, ?, ?, ?, ?)",
            (incident, number, f"Sites answer slowly, case {n + 1}", start, start + 300_000, end, start, end),
        )
        for component in chance.sample(site["components"], chance.randrange(1, 6)):
            db.execute("insert into incident_components values (?, ?, ?)", (incident, component, worst))
            impacts.append((ids.at(start), component, worst, "incident", incident, start, end))
        for state, at in (("investigating", start + 300_000), ("resolved", end)):
            db.execute(
                "insert into incident_updates (id, incident_id, state, body, at, author_role, told)"
                " values (?, ?, ?, 'We look **into** it.', ?, 'operator', 1)",
                (ids.at(at), incident, state, at),
            )
    db.executemany(
        "insert into impacts (id, component_id, state, source, source_id, from_at, to_at) values (?, ?, ?, ?, ?, ?, ?)",
        impacts,
    )
    db.execute("update site set incident_number = ?", (number,))
    db.execute("commit")
    return {"incidents": incidents, "impacts": len(impacts)}


def measured(db, now_ms, seed=7213):
    """A metric with a point every ten seconds for a year: of that is kept what plots need."""
    metric = Ids(seed).at(now_ms)
    db.execute("begin immediate")
    db.execute(
        "insert into metrics (id, slug, name, unit, decimals, aggregate, is_public, position, pushed_at, created_at)"
        " values (?, 'response-time', 'Response time', 'ms', 0, 'mean', 1, 0, ?, ?)",
        (metric, now_ms, now_ms - 365 * DAY_MS),
    )
    begin = (now_ms - 8 * DAY_MS) // 10_000 * 10_000
    points = ((metric, at, 150.0 + at // 10_000 % 40) for at in range(begin, now_ms, 10_000))
    db.executemany("insert into metric_points values (?, ?, ?)", points)
    for step_s, days in ((300, 9), (3600, 10), (14_400, 40)):
        step, count = step_s * 1000, step_s // 10
        begin = (now_ms - days * DAY_MS) // step * step
        buckets = ((metric, step_s, at, count, 170.0 * count, 150.0, 189.0, 170.0, min(at + step - 10_000, now_ms))
                   for at in range(begin, now_ms, step))
        db.executemany("insert into metric_buckets values (?, ?, ?, ?, ?, ?, ?, ?, ?)", buckets)
    db.execute("commit")


def subscribers(db, count, now_ms, seed=7210):
    """Confirmed subscribers who follow everything."""
    ids = Ids(seed)
    zones = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")
    (number,) = db.execute("select coalesce(max(number), 0) from subscribers").fetchone()
    at = now_ms - DAY_MS
    rows = []
    for n in range(count):
        email = f"reader{n}@bench.example"
        rows.append((ids.at(at), number + n + 1, email, email, zones[n % len(zones)], at, at))
    db.execute("begin immediate")
    db.executemany(
        "insert into subscribers (id, number, email, email_key, state, zone, created_at, confirmed_at)"
        " values (?, ?, ?, ?, 'confirmed', ?, ?, ?)",
        rows,
    )
    db.execute("commit")
    return [row[2] for row in rows]


def token(db, now_ms, scopes, seed=7211):
    """A bearer token; returns its text."""
    identity = Ids(seed).at(now_ms)
    secret = f"{random.SystemRandom().getrandbits(256):064x}"
    db.execute(
        "insert into api_tokens (id, name, scopes, secret_hash, created_at) values (?, 'bench', ?, ?, ?)",
        (identity, " ".join(scopes), sha256(secret), now_ms),
    )
    return f"fmt_{identity.hex()}_{secret}"


def counts(db):
    tables = ("hosts", "data_sets", "components", "component_groups", "runs", "maintenances", "incidents", "impacts",
              "subscribers")
    return {table: db.execute(f"select count(*) from {table}").fetchone()[0] for table in tables}


def as_text(value):
    return json.dumps(value, indent=2, sort_keys=True)
