"""The template language beside Jinja2, on work that says the same in both; they take turns."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, Template

from agent.language import VariableSet, evaluate, evaluate_all
from agent.language.names import path_of
from agent.language.parser import forget_parsed
from benchmarks.results import Section, grid, number

_ROUNDS, _SHORT_ROUNDS = 9, 3
_RATE_GOAL = 25_000.0
_TIMES = 2_000
_MANY, _CHAIN = 5_000, 10
_TOKENS, _FILE_LENGTH = 1_000, 1_040_000
_DOUBLINGS = 40
_HEAD = ["work", "ours, ms", "Jinja2, ms", "ratio"]

_VALUES = {"Name": "Shop", "Host": "web-01", "Port": "443", "User": "ana", "Region": "north"}
_OTHERS = {f"Setting{each}": f"value {each}" for each in range(13)}
_SMALL = (
    "#{Name} on #{Host}:#{Port} by #{User} in #{Region}: #{if Debug}debug#{else}quiet#{/if}"
    "#{each d in Disks}[#{d}]#{/each}"
)
_SMALL_OF_JINJA = (
    "{{ Name }} on {{ Host }}:{{ Port }} by {{ User }} in {{ Region }}: "
    "{% if Debug %}debug{% else %}quiet{% endif %}{% for d in Disks %}[{{ d }}]{% endfor %}"
)


@dataclass(frozen=True)
class Work:
    """The same for both. `before` is not counted; `goal_ms` is ours."""

    name: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any] | None = None
    before: Callable[[], Any] = lambda: None
    times: int = 1
    goal_ms: float | None = None


def run(*, short: bool) -> Section:
    """Measure all of it; the numbers are the medians of the rounds."""
    section, rows = Section(), []
    for work in (*_small(), *_file(), *_chains(), *_doublings()):
        ours, theirs = _measured(work, _SHORT_ROUNDS if short else _ROUNDS)
        if work.times > 1:
            section.add(f"{work.name}, a second", 1000 / ours, at_least=_RATE_GOAL)
        else:
            section.add(work.name, ours, "ms", at_most=work.goal_ms)
        compared = ["", ""] if theirs is None else [number(theirs), f"{ours / theirs:.2f}"]
        rows.append([work.name, number(ours), *compared])
    section.remarks.append(grid(_HEAD, rows))
    return section


def _measured(work: Work, rounds: int) -> tuple[float, float | None]:
    ours, theirs = [], []
    for _ in range(rounds):
        work.before()
        ours.append(_timed(work.ours, work.times))
        if work.theirs is not None:
            theirs.append(_timed(work.theirs, work.times))
    return statistics.median(ours), statistics.median(theirs) if theirs else None


def _timed(work: Callable[[], Any], times: int) -> float:
    # Of the processor: nothing waits here, and who else is at work must not count.
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) * 1000 / times


def _forget() -> None:
    forget_parsed()
    path_of.cache_clear()


def _small() -> Iterator[Work]:
    """A template of five substitutions, a choice and a loop of three, read before."""
    variables = VariableSet({**_VALUES, **_OTHERS, "Debug": "False", "Disks": "c,d,e"})
    context = {**_VALUES, **_OTHERS, "Debug": False, "Disks": ["c", "d", "e"]}
    compiled = Environment(autoescape=False).from_string(_SMALL_OF_JINJA)
    _same(evaluate(_SMALL, variables).text, compiled.render(context))
    yield Work(
        "small template",
        lambda: evaluate(_SMALL, variables),
        lambda: compiled.render(context),
        times=_TIMES,
    )


def _file() -> Iterator[Work]:
    """A file of a megabyte that mentions a variable a thousand times, as in a deployment."""
    rest = "x" * (_FILE_LENGTH // _TOKENS - len("#{Setting00}\n"))
    lines = [f"{rest}#{{Setting{each % 13:02d}}}\n" for each in range(_TOKENS)]
    ours, theirs = "".join(lines), "".join(lines).replace("#{", "{{").replace("}\n", "}}\n")
    values = {f"Setting{each:02d}": f"value {each}" for each in range(13)}
    variables = VariableSet(values)
    environment = Environment(autoescape=False, keep_trailing_newline=True)
    compiled = environment.from_string(theirs)

    def substituted() -> str:
        return evaluate(ours, variables, halt_on_error=False).text

    _same(substituted(), compiled.render(values))
    yield Work(
        "file of 1 MB with 1,000 tokens, cold",
        substituted,
        lambda: environment.from_string(theirs).render(values),
        before=_forget,
        goal_ms=100,
    )
    yield Work(
        "file of 1 MB with 1,000 tokens, read before",
        substituted,
        lambda: compiled.render(values),
        goal_ms=10,
    )


def _chains() -> Iterator[Work]:
    """Values of which each mentions the one before it, ten in a chain."""
    pairs = [
        (f"V{each}", f"{each}" if each % _CHAIN == 0 else f"#{{V{each - 1}}}.{each}")
        for each in range(_MANY)
    ]
    values, last = dict(pairs), f"V{_CHAIN - 1}"
    warm = VariableSet(values)
    _same(evaluate(f"#{{{last}}}", warm).text, _lazy(values)(last))

    def changed() -> None:
        warm.set("V0", "0")
        evaluate(f"#{{{last}}}", warm)

    evaluate_all(warm)
    yield Work(
        "5,000 variables in chains of ten, cold",
        lambda: evaluate_all(VariableSet(values)),
        lambda: [found(name) for found in (_lazy(values),) for name in values],
        before=_forget,
        goal_ms=400,
    )
    yield Work("5,000 variables in chains of ten, again", lambda: evaluate_all(warm))
    yield Work("one of 5,000 changed, and the end of its chain", changed)


def _lazy(values: dict[str, str]) -> Callable[[str], str]:
    """Return what gives a value by Jinja2, each compiled when it is first asked for."""
    environment = Environment(autoescape=False)
    compiled: dict[str, Template] = {}

    def value(name: str) -> str:
        if name not in compiled:
            text = values[name].replace("#{", '{{ value("').replace("}", '") }}')
            compiled[name] = environment.from_string(text)
        return compiled[name].render(value=value)

    return value


def _doublings() -> Iterator[Work]:
    """Each value mentions the one before it twice; without memory this doubles every time."""
    values = {f"A{each}": f"#{{A{each - 1}}}#{{A{each - 1}}}" for each in range(1, _DOUBLINGS + 1)}
    values["A0"] = ""

    def last() -> str:
        return evaluate(f"#{{A{_DOUBLINGS}}}", VariableSet(values)).text

    _same(last(), "")
    yield Work(f"{_DOUBLINGS} values that mention the one before twice", last, goal_ms=10)


def _same(ours: str, theirs: str) -> None:
    if ours != theirs:
        raise AssertionError(f"ours wrote {ours[:200]!r}, Jinja2 {theirs[:200]!r}")
