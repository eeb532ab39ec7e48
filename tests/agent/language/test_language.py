"""What the tables of cases cannot say: truthiness, sets, limits, time, random templates."""

import contextlib
import time
import tracemalloc
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.language import (
    AMERICAN,
    INVARIANT,
    Culture,
    Environment,
    Filter,
    LanguageError,
    LimitExceeded,
    Limits,
    VariableSet,
    evaluate,
    evaluate_all,
    evaluate_truthy,
    is_template,
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("True", True),
        ("#{Yes}", True),
        ("#{No}", False),
        ("#{Undefined}", False),
        ("#{if Undefined}True#{/if}", False),
        ("#{unless Undefined}True#{/unless}", True),
        ("#{Yes | null}", False),
        ("#{broken$}", False),
        ("", False),
        ("0", False),
        (" no ", False),
    ],
)
def test_evaluate_truthy(expression: str, expected: bool) -> None:
    assert evaluate_truthy(expression, {"Yes": "1", "No": "false"}) is expected


def test_variable_set_ignores_case_and_keeps_first_spelling() -> None:
    variables = VariableSet({"First": "1", "Second": "2", "FIRST": "3"})
    assert list(variables) == ["First", "Second"]
    assert variables["first"] == "3"
    assert "SECOND" in variables
    assert "Third" not in variables


def test_variable_set_takes_new_values_after_use() -> None:
    variables = VariableSet({"A.B": "1"})
    assert evaluate("#{A.B}#{C}", variables).text == "1#{C}"
    variables.set("a.b", "2")
    variables.set("C", "3")
    assert evaluate("#{A.B}#{C}", variables).text == "23"


def test_reserved_names_do_not_stop_an_evaluation() -> None:
    variables = {"a[#{b}]": "1", "$": "2", "Fine": "3"}
    assert evaluate("#{Fine}", variables).text == "3"


def test_evaluate_all_keeps_going_past_a_self_reference() -> None:
    results = evaluate_all({"A": "#{A}", "B": "b", "C": "#{B}c", "D": None, "E": "#{Nope}"})
    assert results["A"].text == "#{A}"
    assert "self referencing" in results["A"].errors[0]
    assert results["C"].text == "bc"
    assert results["D"].is_null
    assert results["E"].missing == ("#{Nope}",)


def test_evaluate_all_ends_when_all_together_take_too_long() -> None:
    rounds = "#{each a in L}#{each b in L}#{a}#{/each}#{/each}"
    slow = {"L": ",".join(map(str, range(400))), **{f"V{n}": rounds for n in range(1000)}}
    began = time.process_time()
    with pytest.raises(LimitExceeded, match=r"together take longer than 0\.3 seconds; the last"):
        evaluate_all(slow, seconds=0.3)
    assert time.process_time() - began < 2
    assert evaluate_all({"A": "#{B}", "B": "b"}, seconds=5)["A"].text == "b"


def test_missing_tokens_of_a_remembered_value_are_reported_each_time() -> None:
    results = evaluate_all({"A": "#{Nope}", "B": "#{A}", "C": "#{A}"})
    assert results["B"].missing == results["C"].missing == ("#{Nope}",)


def test_errors_name_the_missing_tokens() -> None:
    (error,) = evaluate("#{A} #{B}", {}).errors
    assert error == "The following tokens were unable to be evaluated: '#{A}', '#{B}'"


def test_unreadable_template_says_where() -> None:
    result = evaluate("first\nsecond #{A$}", {})
    assert result.error == (
        "Parsing failure: unexpected '#'; expected end of input (Line 2, Column 8); "
        "recently consumed: st\nsecond "
    )


def test_extra_filters_are_found_after_the_built_in_ones() -> None:
    shout = Filter(lambda call: f"{call.text}!")
    environment = Environment(extra_filters=MappingProxyType({"shout": shout, "toupper": shout}))
    result = evaluate("#{A | Shout}#{A | ToUpper}", {"A": "a"}, environment=environment)
    assert result.text == "a!A"


def test_cultures_write_numbers_their_way_and_do_not_mix() -> None:
    german = Culture("de", ",", ".", "{} €", "-{} €", patterns={"d": "dd.MM.yyyy"})
    variables = VariableSet(
        {
            "A": "1.234,5",
            "V": "#{A | Format N} #{A | Format C}",
            "I": "1,234.5",
            "W": "#{I | Format N} #{I | Format C}",
            "D": "2030-05-02",
        }
    )

    def evaluated(template: str, culture: Culture) -> str:
        return evaluate(template, variables, environment=Environment(culture=culture)).text

    assert evaluated("#{V}", german) == "1.234,50 1.234,50 €"
    assert evaluated("#{A | Format Double F1}", german) == "1234,5"
    assert evaluated('#{A | Format \\"#,##0.0\\"}', german) == "1.234,5"
    assert evaluated("#{D | Format d}", german) == "02.05.2030"
    assert evaluated("#{W}", INVARIANT) == "1,234.50 ¤1,234.50"
    assert evaluated("#{W}", AMERICAN) == "1,234.500 $1,234.50"
    assert evaluated("#{W}", INVARIANT) == "1,234.50 ¤1,234.50"


def test_what_tells_the_time_is_not_remembered() -> None:
    moments = [datetime(2030, 1, day, tzinfo=UTC) for day in (1, 2)]
    environment = Environment(now=lambda: moments[0])
    variables = VariableSet({"Day": "#{ | NowDate dd}", "Text": "on #{Day}", "Other": "#{Text}"})
    assert evaluate("#{Other}", variables, environment=environment).text == "on 01"
    moments.reverse()
    assert evaluate("#{Other}", variables, environment=environment).text == "on 02"


def test_a_changed_variable_changes_what_mentions_it() -> None:
    variables = VariableSet({"A": "1", "B": "#{A}", "C": "#{B}#{each i in L}#{i}#{/each}"})
    assert evaluate("#{C}", variables).text == "1"
    variables.set("a", "2")
    variables.set("L[x]", "y")
    assert evaluate("#{C}", variables).text == "2y"


def test_is_template() -> None:
    assert is_template("a#{b}")
    assert not is_template("a # b {c}")


@pytest.mark.parametrize(
    ("template", "variables"),
    [
        ("#{A30}", {"A0": "xxxx"} | {f"A{i}": f"#{{A{i - 1}}}" * 2 for i in range(1, 31)}),
        ("#{A80}", {"A0": "x"} | {f"A{i}": f"#{{A{i - 1}}}" for i in range(1, 81)}),
        (
            "#{each a in L}#{each b in L}#{each c in L}x#{/each}#{/each}#{/each}",
            {"L": "," * 200},
        ),
        ("#{A | Indent 255}", {"A": "\n" * 1_000_000}),
        ('#{A | Replace "." "$_"}', {"A": "x" * 100_000}),
        ('#{A | Match "(?=.*y)."}', {"A": "x" * 20_000}),
    ],
    ids=["doubling", "deep", "loops", "indent", "replacement", "pattern"],
)
def test_costly_templates_are_ended(template: str, variables: dict[str, str]) -> None:
    environment = Environment(limits=Limits(characters=5_000_000, loops=20_000))
    started = time.monotonic()
    with pytest.raises(LimitExceeded):
        evaluate(template, variables, environment=environment)
    assert time.monotonic() - started < 50


@pytest.mark.parametrize(
    ("template", "variables"),
    [
        ("#{J.a}" * 20_000, {"J": '{"a":1,"b":"' + "x" * 200_000 + '"}'}),
        ("#{J[0]}" * 20_000, {"J": "[" + "{a:1}," * 60_000 + "]"}),
        ("#{A | Sha512}" * 20_000, {"A": "x" * 400_000}),
    ],
    ids=["members", "elements", "digests"],
)
def test_much_work_on_long_values_is_ended(template: str, variables: dict[str, str]) -> None:
    environment = Environment(limits=Limits(seconds=0.3))
    started = time.process_time()
    with pytest.raises(LimitExceeded, match="seconds"):
        evaluate(template, variables, environment=environment)
    assert time.process_time() - started < 4


@pytest.mark.parametrize(
    "text",
    [
        *("[" * 1_000_000, "{a:" * 100_000, "[" + "'\\n" * 100_000, "/*" * 190_000),
        *("{" + "/**/" * 90_000, "[" + "," * 390_000, "[" + "0x" * 190_000),
        *("{a:new " * 150_000, '{"a":"' + "\\ud83d" * 150_000 + '"}', "[" + "[]," * 100_000 + "]"),
        *("//" + "x" * 1_000_000, "[" + "1," * 190_000 + "'"),
    ],
    ids=lambda text: text[:8],
)
def test_hostile_json_is_read_quickly(text: str) -> None:
    started = time.process_time()
    evaluate("#{J.a}", {"J": text})
    assert time.process_time() - started < 5


def test_a_loop_that_is_too_long_makes_nothing() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded, match="loops"):
            evaluate("#{each i in A}x#{/each}", {"A": "," * 3_000_000})
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_time_is_limited() -> None:
    environment = Environment(limits=Limits(seconds=0))
    with pytest.raises(LimitExceeded, match="seconds"):
        evaluate("#{A}" * 1000, {"A": "x"}, environment=environment)


@pytest.mark.parametrize(
    "template",
    [
        "#{if A}" * 5000,
        "#{each a in A}" * 5000,
        "#{a[" * 5000,
        "#{a[#{b" * 5000,
        "#{a | F #{b | F " * 5000,
        "#{calc " + "(" * 5000,
        "[" * 5000 + "#{a[" + "[" * 5000,
        "#{if A}x#{else}y" * 5000,
        "#{" + " " * 50_000,
        "#" * 50_000 + "{",
        "#{a" + "|F" * 5000 + "}",
        '#{a | F "' * 5000,
        "#{a[" * 5000 + "]",
    ],
    ids=lambda template: template[:12],
)
@pytest.mark.parametrize("halt", [True, False])
def test_hostile_templates_are_read_quickly(template: str, halt: bool) -> None:
    started = time.process_time()
    with contextlib.suppress(LanguageError):
        evaluate(template, {"A": "1"}, halt_on_error=halt)
    assert time.process_time() - started < 5


PIECES = [
    *("#{", "}", "#{/if}", "#{/each}", "#{/unless}", "#{else}", "#{if A}", "#{unless B}"),
    *("#{each x in L}", "#{x}", "#{A}", "#{J.k}", "#{L[0]}", "#{A[#{B}]}", "##{", "#", "#{calc "),
    *(" | ", "ToUpper", "Replace ", '"', '\\"', "==", "!=", "in", " ", ".", "[", "]", "[*]", "1"),
    *("+", "-", "*", "(", ")", "{", "A", "B", "é", "\n", "Format ", "0.00", "null", "é😀", ","),
]
templates = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
values = st.fixed_dictionaries(
    {"A": templates, "B": templates, "L": templates, "J": st.just('{"k":"#{A}"}')}
)


@settings(max_examples=400)
@given(template=templates, variables=values, halt=st.booleans())
def test_random_templates_end_in_a_result_or_a_language_error(
    template: str, variables: dict[str, str], halt: bool
) -> None:
    environment = Environment(limits=Limits(characters=1_000_000, loops=5_000, seconds=1.5))
    try:
        result = evaluate(template, variables, halt_on_error=halt, environment=environment)
    except LanguageError:
        return
    if result.error is not None:
        assert result.text == template


@settings(max_examples=200)
@given(text=st.text().filter(lambda text: "#{" not in text))
def test_text_without_tokens_is_untouched(text: str) -> None:
    assert evaluate(text, {}).text == text


@settings(max_examples=200)
@given(text=st.text())
def test_continuing_never_reports_an_unreadable_template(text: str) -> None:
    assert evaluate("#{" + text, {}, halt_on_error=False).error is None


def test_three_hundred_variables_take_milliseconds() -> None:
    base = {"Base.Url": "https://#{Host}/#{Env.Name}", "Host": "example.org", "Env.Name": "Prod"}
    names = [f"App.Setting{number}" for number in range(300)]
    values = {name: f"{name} #{{Base.Url}} #{{Env.Name | ToLower}}" for name in names}
    variables = VariableSet(base | values)
    evaluate_all(variables)
    started = time.process_time()
    evaluate_all(variables)
    assert time.process_time() - started < 0.25
