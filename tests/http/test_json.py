# SPDX-License-Identifier: Apache-2.0
"""The corpus of JSON texts as bodies: y_ is read, n_ is 400, i_ is as its README says."""
import fnmatch
import pathlib
import re

import pytest

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "corpus" / "json"
FILES = sorted(p for p in CORPUS.iterdir() if p.name[:2] in ("y_", "n_", "i_"))
PATTERNS = re.findall(r"^\| `(i_[^`]+)` \| (accepted|refused) \|", (CORPUS / "README.md").read_text(), re.M)


def outcome_of(name):
    if name.startswith("y_"):
        return "accepted"
    if name.startswith("n_"):
        return "refused"
    return next(outcome for pattern, outcome in PATTERNS if fnmatch.fnmatch(name, pattern))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_body(annals, path):
    reply = annals.post(path.read_bytes())
    if outcome_of(path.name) == "refused":
        assert reply.status == 400 and reply.json()["type"] == "/problems/invalid-json", reply
    else:
        # JSON, but mostly no event: whatever is wrong with it is not its syntax.
        assert reply.status in (200, 201, 422), reply
