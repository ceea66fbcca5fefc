# SPDX-License-Identifier: Apache-2.0
"""What a search should find, in Python: events to search in, random filters, and which events fit one."""
import ipaddress
import json
from datetime import datetime, timedelta, timezone

# Text that quoting, patterns and escapes could trip over; all of it is literal.
ODD = ["100%", "1000", "a_b", "axb", "back\\slash", "\\", "\\\\", "!bang", "!", "co:lon", "a\"b", "{a,b}",
       "it's", "Zoë 雪", "$1", "--", "null", "NULL", " blank ", "a+b", "a&b=c", "[1]"]
ACTIONS = ["document.read", "document.write", "document.write.all", "documents.list", "document",
           "user.login", "user.logout", "billing:pay", "x-y_z.1"]
OUTCOMES = ["success", "failure", "denied", "unknown"]
TYPES = ["user", "service", "a:b"]
ENTITY_TYPES = ["doc", "dir", "org", "a:b"]
ADDRESSES = ["10.1.2.3", "10.1.200.3", "192.0.2.99", "2001:db8::1", "2001:db8:ffff::1"]
NETWORKS = ["10.0.0.0/8", "10.1.2.0/24", "10.1.2.3", "0.0.0.0/0", "::/0", "2001:db8::/48", "198.51.100.0/24"]
NUMBERS = ["1", "1.10", "1.1", "1e2", "-0", "12345678901234567890.12"]
PATHS = [["n"], ["s"], ["deep", "er"], ["list", "1"], ["a.b"], ["absent"]]


def raw(number):
    """Stands for a number that goes out as it is spelled."""
    return f"@@{number}@@"


def text_of(event):
    text = json.dumps(event, ensure_ascii=False)
    for number in NUMBERS:
        text = text.replace(f'"{raw(number)}"', number)
    return text


def make_events(random, count):
    """Many share an instant, so that the id decides their order."""
    start = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=20)
    for _ in range(count):
        at = start + timedelta(hours=random.randrange(400), microseconds=random.choice([0, 1, 999]))
        entities = [{"type": random.choice(ENTITY_TYPES), "id": random.choice(ODD + ["7", "8"])}
                    for _ in range(random.choice([0, 1, 1, 2, 3]))]
        event = {"action": random.choice(ACTIONS),
                 "actor": {"type": random.choice(TYPES), "id": random.choice(ODD + ["u1", "u2"])},
                 "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                 "entities": [e for n, e in enumerate(entities) if e not in entities[:n]]}
        if random.random() < 0.7:
            event["outcome"] = random.choice(OUTCOMES)
        if random.random() < 0.7:
            event["context"] = {"ip": random.choice(ADDRESSES)}
        if random.random() < 0.8:
            others = [True, False, None, {"x": 1}, [1]]
            event["metadata"] = {"n": random.choice([raw(n) for n in NUMBERS] + others),
                                 "s": random.choice(ODD + NUMBERS + ["true", '{"x": 1}']),
                                 "deep": {"er": random.choice(ODD)},
                                 "list": ["zero", random.choice(ODD)], "a.b": random.choice(["dot", "ted"])}
        yield event


# --- one condition ---
def metadata_value(event, path):
    """As text, or None where there is no string, number or boolean."""
    at = event.get("metadata")
    for name in path:
        if isinstance(at, dict):
            at = at.get(name)
        elif isinstance(at, list) and name.isdigit() and int(name) < len(at):
            at = at[int(name)]
        else:
            return None
    if isinstance(at, bool):
        return "true" if at else "false"
    if not isinstance(at, str):
        return None
    return at.strip("@") if at.startswith("@@") else at


def split_path(text):
    """At the dots that have no backslash in front."""
    return [name.replace("\0", ".") for name in text.replace("\\.", "\0").split(".")]


def in_network(event, network):
    ip = event.get("context", {}).get("ip")
    if ip is None:
        return False
    net, address = ipaddress.ip_network(network, strict=False), ipaddress.ip_address(ip)
    return address.version == net.version and address in net


def fits(event, name, value):
    actor, entities = event["actor"], event["entities"]
    left, colon, right = value.partition(":")
    if name == "action":
        return event["action"].startswith(value[:-1]) if value.endswith(".*") else event["action"] == value
    if name == "actor":
        return (actor["type"] == left and actor["id"] == right) if colon else actor["id"] == value
    if name in ("actor_id", "actor_type"):
        return actor[name[6:]] == value
    if name == "entity":
        return any(e["type"] == left and (not colon or e["id"] == right) for e in entities)
    if name in ("entity_id", "entity_type"):
        return any(e[name[7:]] == value for e in entities)
    if name == "outcome":
        return event.get("outcome", "success") == value
    if name == "ip":
        return in_network(event, value)
    if name == "id":
        return event["id"] == value
    return metadata_value(event, split_path(name.split(".", 1)[1])) == value


def expected(events, terms, ascending=False):
    """terms: (name, negative, value). Ids in the order of a page."""
    def holds(event):
        for name in {t[0] for t in terms}:
            wanted = [v for n, negative, v in terms if n == name and not negative]
            if wanted and not any(fits(event, name, v) for v in wanted):
                return False
            if any(fits(event, name, v) for n, negative, v in terms if n == name and negative):
                return False
        return True

    found = sorted((e["timestamp"], e["id"]) for e in events if holds(e))
    return [i for _, i in (found if ascending else reversed(found))]


# --- random filters ---
def random_value(random, name, events):
    event = random.choice(events)
    if name == "action":
        return random.choice(ACTIONS + ["document.*", "user.*", "document.write.*", "billing.*", "absent.*"])
    if name == "actor":
        both = random.random() < 0.5
        actor_type = random.choice([t for t in TYPES if ":" not in t])
        plain = [t for t in ODD + ["u1", "u2"] if ":" not in t]
        return f"{actor_type}:{random.choice(ODD)}" if both else random.choice(plain)
    if name == "actor_id":
        return random.choice(ODD + ["u1", "u2", "absent"])
    if name in ("actor_type", "entity_type"):
        return random.choice(TYPES + ENTITY_TYPES)
    if name == "entity":
        entity_type = random.choice([t for t in ENTITY_TYPES if ":" not in t])
        return entity_type if random.random() < 0.3 else f"{entity_type}:{random.choice(ODD + ['7', '8'])}"
    if name == "entity_id":
        return random.choice(ODD + ["7", "8"])
    if name == "outcome":
        return random.choice(OUTCOMES)
    if name == "ip":
        return random.choice(NETWORKS)
    if name == "id":
        return event["id"]
    return random.choice(ODD + NUMBERS + ["true", "false", '{"x": 1}', "dot"])


def random_terms(random, events):
    names = ["action", "actor", "actor_id", "actor_type", "entity", "entity_id", "entity_type", "outcome",
             "ip",
             "id"]
    names += ["metadata." + ".".join(p.replace(".", "\\.") for p in path) for path in PATHS]
    terms = []
    for name in random.sample(names, random.choice([1, 1, 1, 2, 2, 3])):
        for _ in range(random.choice([1, 1, 2, 3])):
            terms.append((name, random.random() < 0.25, random_value(random, name, events)))
    return terms


def parameters_of(terms):
    def escaped(value):
        return "\\" + value if value[0] in "!\\" else value

    return [(name, ("!" if negative else "") + escaped(value)) for name, negative, value in terms]
