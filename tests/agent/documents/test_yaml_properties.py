"""Values in random YAML: another reader finds the new value there, and all else as it was."""

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent.runtime.documents.common import BrokenDocument
from agent.runtime.documents.yaml.reader import read_yaml
from agent.runtime.documents.yaml_editor import replace_in_yaml

WORDS = st.sampled_from(["a", "b c", "x:y", "it's", "- d", "#e", "f #g", "", " h", "é\n i", "1.5"])
KEYS = st.sampled_from(["k", "l", "m n", "o-p", "Q"])
DATA = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
STYLES = st.sampled_from([None, "'", '"', "|", ">"])


def leaves(data: Any, path: str = "") -> dict[str, Any]:
    items = data.items() if isinstance(data, dict) else enumerate(data)
    found: dict[str, Any] = {}
    for name, value in items:
        below = f"{path}:{name}" if path else str(name)
        if isinstance(value, dict | list) and value:
            found |= leaves(value, below)
        else:
            found[below] = value
    return found


@given(
    data=st.dictionaries(KEYS, DATA, min_size=1, max_size=4),
    style=STYLES,
    flow=st.sampled_from([None, True, False]),
    indent=st.integers(2, 6),
    value=st.text(st.sampled_from("ab :#'\"\\\n-,{}[]&*!|>%@é\t"), max_size=8),
    draw=st.data(),
)
def test_one_value_changes_and_nothing_else(
    data: dict[str, Any], style: Any, flow: Any, indent: int, value: str, draw: st.DataObject
) -> None:
    text = yaml.dump(
        data, default_style=style, default_flow_style=flow, indent=indent, allow_unicode=True
    )
    before = leaves(yaml.load(text, yaml.BaseLoader))
    scalars = [path for path, found in before.items() if isinstance(found, str)]
    if not scalars:
        return
    path = draw.draw(st.sampled_from(scalars))
    outcome = replace_in_yaml(text, {path: value})
    assert outcome.replaced == [path]
    after = leaves(yaml.load(outcome.text, yaml.BaseLoader))
    assert after == before | {path: value}
    assert replace_in_yaml(outcome.text, {path: value}).text == outcome.text


@given(st.text(st.sampled_from("ab:- \n#'\"[]{},&*!|>?%.\t\r"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        roots = read_yaml(text)
    except BrokenDocument:
        return
    for root in roots:
        assert 0 <= root.start <= root.end <= len(text)
