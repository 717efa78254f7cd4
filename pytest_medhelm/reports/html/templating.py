"""The templates of all pages, and the scripts that a page may run.

A page names its scripts in ``{% set scripts = ["table.js"] %}``. They are written into it, and its content security
policy allows these alone, by their hash, and what they load themselves: nothing that a model wrote can run, and no
request leaves the page.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from pytest_medhelm.gates.explanation import explained
from pytest_medhelm.gates.ledger.attempts import sentences
from pytest_medhelm.reports.html.charts import distribution
from pytest_medhelm.reports.html.heat_map import shade
from pytest_medhelm.reports.html.metric_words import absences, words_of
from pytest_medhelm.reports.html.overview import LOST, UNUSABLE
from pytest_medhelm.results.leaderboard.spending import money


@cache
def template(name: str) -> Template:
    """A page's template; everything put into it is escaped."""
    environment = Environment(
        loader=PackageLoader("pytest_medhelm", "reports/html/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"money": money, "asset": asset, "script_hash": script_hash}
    environment.globals |= {"shade": shade, "words_of": words_of, "absences": absences, "distribution": distribution}
    environment.globals |= {"unusable": UNUSABLE, "lost": LOST, "sentences": sentences, "explained": explained}
    return environment.get_template(name)


@cache
def asset(name: str) -> Markup:
    """A style sheet or script of ours, to be written into a page as it stands."""
    return Markup((files("pytest_medhelm") / "reports" / "html" / "assets" / name).read_text("utf-8"))


@cache
def script_hash(name: str) -> Markup:
    """The source expression that lets a content security policy allow a script (CSP Level 3, section 2.3.1)."""
    digest = hashlib.sha256(asset(name).encode()).digest()
    return Markup(f"'sha256-{base64.b64encode(digest).decode()}'")
