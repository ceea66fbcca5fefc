# SPDX-License-Identifier: Apache-2.0
"""Random filters over random events, read in pages: what comes is what a few lines of Python say."""
import os
import random
import urllib.parse
import uuid

import pytest

import search_model as model

ROUNDS = int(os.environ.get("ANNALS_TEST_ROUNDS", "0")) or 150
SEED = int(os.environ.get("ANNALS_TEST_SEED", "0")) or random.SystemRandom().randrange(1 << 32)


class Data:
    def __init__(self, annals):
        self.annals = annals
        self.random = random.Random(SEED)
        self.tenant = "m" + uuid.uuid4().hex[:10]
        self.token = annals.token(self.tenant, "audit:read")
        self.connection = annals.connection()
        self.events = list(model.make_events(self.random, 1500))
        reply = annals.ndjson([model.text_of(e) for e in self.events],
                              token=annals.token(self.tenant, "audit:write")).json()
        assert reply["accepted"] == len(self.events), [r for r in reply["results"] if "problem" in r][:3]
        for event, result in zip(self.events, reply["results"]):
            event["id"] = result["id"]
            event["timestamp"] = result["timestamp"]

    def get(self, path, parameters):
        reply = self.annals.get(path + "?" + urllib.parse.urlencode(parameters), token=self.token,
                                connection=self.connection)
        assert reply.status == 200, (SEED, parameters, reply)
        return reply.json()

    def pages(self, parameters, limit):
        ids, cursor = [], None
        while True:
            where = [("limit", limit)] + ([("cursor", cursor)] if cursor else [])
            body = self.get("/v1/events", parameters + where)
            ids += [e["id"] for e in body["events"]]
            cursor = body["next_cursor"]
            assert len(body["events"]) == limit or cursor is None
            if cursor is None:
                return ids


@pytest.fixture(scope="module")
def data(annals):
    return Data(annals)


def test_pages_hold_what_fits(data):
    empty = 0
    for _ in range(ROUNDS):
        terms = model.random_terms(data.random, data.events)
        ascending = data.random.random() < 0.5
        wanted = model.expected(data.events, terms, ascending)
        got = data.pages(model.parameters_of(terms) + ([("order", "asc")] if ascending else []),
                         data.random.choice([1 + len(wanted) // 7, min(len(wanted) or 1, 1000), 1000]))
        assert got == wanted, f"seed {SEED}: {terms}: {len(got)} came, {len(wanted)} fit"
        empty += not wanted
    assert empty < ROUNDS * 0.8, "hardly any filter found anything: the test proves little"


def test_pages_between_times(data):
    times = sorted(e["timestamp"] for e in data.events)
    for _ in range(20):
        low, high = sorted(data.random.sample(times, 2))
        terms = data.random.choice([[], [("entity", False, "doc:7")], [("action", False, "document.*")],
                                    [("entity_id", False, "7")], [("entity_type", False, "org")],
                                    [("actor_id", False, "u1"), ("actor_id", False, "u2")]])
        wanted = model.expected([e for e in data.events if low <= e["timestamp"] < high], terms)
        got = data.pages(model.parameters_of(terms) + [("from", low), ("to", high)], 100)
        assert got == wanted, (SEED, low, high, terms)


def key_of(event, by):
    if by == "actor":
        return [event["actor"]["type"] + ":" + event["actor"]["id"]]
    if by == "entity_type":
        return {e["type"] for e in event["entities"]}
    return [event["action"] if by == "action" else event.get("outcome", "success")]


CUT = {"minute": 16, "hour": 13, "day": 10, "month": 7}


def start_of(event, interval):
    if interval is None:
        return None
    cut = CUT[interval]
    return event["timestamp"][:cut] + "0000-00-01T00:00:00.000000Z"[cut:]


def test_counts_are_those_of_the_pages(data):
    for _ in range(ROUNDS // 2):
        terms = model.random_terms(data.random, data.events) if data.random.random() < 0.8 else []
        by = data.random.choice([None, "action", "actor", "entity_type", "outcome"])
        interval = data.random.choice([None, "minute", "hour", "day", "month"])
        fit = set(model.expected(data.events, terms))
        wanted = {}
        for event in data.events:
            if event["id"] in fit:
                for key in key_of(event, by) if by else [None]:
                    place = (start_of(event, interval), key)
                    wanted[place] = wanted.get(place, 0) + 1
        parameters = model.parameters_of(terms) + [p for p in (("by", by), ("interval", interval)) if p[1]]
        buckets = data.get("/v1/events/counts", parameters)["buckets"]
        assert {(b["start"], b["key"]): b["count"] for b in buckets} == wanted, (SEED, parameters)
        places = [(b["start"] or "", (b["key"] or "").encode()) for b in buckets]
        assert places == sorted(places), (SEED, parameters)
