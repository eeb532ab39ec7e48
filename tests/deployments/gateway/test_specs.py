"""A spec is sealed as the contract between server and agent has it, whatever is in it."""

import hashlib
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from agent.contracts.spec import canonical_json, spec_hash
from deployments.base.secrets import secret_box
from deployments.execution.services.mailbox import seal_spec, spec_place

MESSAGE = UUID(int=7)
TEXTS = st.text(st.characters(codec="utf-8"))
VARIABLES = st.lists(st.tuples(TEXTS, TEXTS, st.booleans()).map(list), max_size=5)
MORE = st.dictionaries(TEXTS, st.none() | st.integers(0, 2**70) | TEXTS, max_size=4)


@given(VARIABLES, MORE)
def test_sealed_specs_are_canonical(variables: list[object], more: dict[str, object]) -> None:
    spec = {**more, "variables": variables}
    sealed, digest = seal_spec(MESSAGE, spec)
    body = secret_box().open(sealed, place=spec_place(MESSAGE)).reveal().encode()
    assert body == canonical_json(spec)
    assert digest == spec_hash(spec) == hashlib.sha256(body).hexdigest()
