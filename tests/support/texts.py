"""What several test files share."""

from __future__ import annotations

HOSTILE = [
    "<script>document.title='run'</script>",
    "<img src=x onerror=\"document.title='run'\">",
    "</pre></details><script src='http://127.0.0.1:9/x.js'></script>",
    "[x](javascript:alert(1)) <a href='javascript:alert(1)'>B</a>",
    "\x1b[2J\x1b]0;title\x07 \u202eright to left\u202c \x00 null",
    "{{ 7 * 7 }} {% raw %}",
    "x" * 300_000,
    "\ud800 lone surrogate",
]
