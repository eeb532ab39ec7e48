"""Parse XPath: version 1.0, and of 2.0 what paths to values need (`*:name`, `eq`, `lower-case`)."""

from agent.runtime.documents.xml.xpath_tokens import OPERATORS, BadXPath, Token, tokens_of
from agent.runtime.documents.xml.xpath_tree import Expression, Step

_AXES = {
    "ancestor",
    "ancestor-or-self",
    "attribute",
    "child",
    "descendant",
    "descendant-or-self",
    "following",
    "following-sibling",
    "parent",
    "preceding",
    "preceding-sibling",
    "self",
}
_TYPES = {"node", "text", "comment", "processing-instruction"}
_MAX_LENGTH = 10_000
_MAX_DEPTH = 50
# Each may make the tree one deeper.
_MAX_OPERATORS = 200


_DESCEND = Step("descendant-or-self", "node()")


def parse_xpath(text: str) -> Expression:
    """Return the expression; raise BadXPath."""
    if len(text) > _MAX_LENGTH:
        raise BadXPath("it is too long")
    parser = _Parser(tokens_of(text))
    expression = parser.binary(0)
    if parser.peek.kind != "end":
        raise BadXPath(f"{parser.peek.text} is not expected")
    return expression


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.place = 0
        self.depth = 0
        self.operators = 0

    @property
    def peek(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def take_operator(self) -> Token:
        self.operators += 1
        if self.operators > _MAX_OPERATORS:
            raise BadXPath("it has too many operators")
        return self.take()

    def accept(self, *texts: str) -> bool:
        if self.peek.kind in {"mark", "operator"} and self.peek.text in texts:
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise BadXPath(f"{text} is missing before {self.peek.text}")

    def binary(self, level: int) -> Expression:
        if level == len(OPERATORS):
            return self.unary()
        left = self.binary(level + 1)
        while self.peek.kind == "operator" and self.peek.text in OPERATORS[level]:
            operator = OPERATORS[level][self.take_operator().text]
            right = self.binary(level + 1)
            left = Expression("binary", operator, parts=(left, right))
        return left

    def unary(self) -> Expression:
        if self.peek == Token("operator", "-"):
            self.take_operator()
            return Expression("negative", parts=(self.unary(),))
        parts = [self.path()]
        while self.accept("|"):
            parts.append(self.path())
        return parts[0] if len(parts) == 1 else Expression("union", parts=tuple(parts))

    def path(self) -> Expression:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise BadXPath("it is nested too deep")
        try:
            if self.starts_primary():
                return self.filtered()
            is_absolute, steps = False, []
            if self.accept("/"):
                is_absolute = True
                if self.starts_step():
                    steps = self.steps()
            elif self.accept("//"):
                is_absolute, steps = True, [_DESCEND, *self.steps()]
            else:
                steps = self.steps()
            return Expression("path", steps=tuple(steps), is_absolute=is_absolute)
        finally:
            self.depth -= 1

    def starts_primary(self) -> bool:
        token = self.peek
        if token.kind in {"number", "literal"} or token == Token("mark", "("):
            return True
        follows = self.tokens[min(self.place + 1, len(self.tokens) - 1)]
        is_call = token.kind == "name" and follows == Token("mark", "(")
        return is_call and token.text not in _TYPES

    def starts_step(self) -> bool:
        token = self.peek
        return token.kind in {"name", "axis"} or token.text in {".", "..", "@"}

    def filtered(self) -> Expression:
        primary = self.primary()
        predicates = self.predicates()
        steps = [Step("self", "node()", predicates)] if predicates else []
        if self.accept("/"):
            steps += self.steps()
        elif self.accept("//"):
            steps += [_DESCEND, *self.steps()]
        if not steps:
            return primary
        return Expression("path", parts=(primary,), steps=tuple(steps))

    def primary(self) -> Expression:
        token = self.take()
        if token.kind == "number":
            return Expression("number", number=float(token.text))
        if token.kind == "literal":
            return Expression("literal", token.text[1:-1])
        if token.text == "(":
            inner = self.binary(0)
            self.expect(")")
            return inner
        self.expect("(")
        arguments: list[Expression] = []
        if not self.accept(")"):
            arguments.append(self.binary(0))
            while self.accept(","):
                arguments.append(self.binary(0))
            self.expect(")")
        return Expression("call", token.text.removeprefix("fn:"), parts=tuple(arguments))

    def steps(self) -> list[Step]:
        steps = [self.step()]
        while True:
            if self.accept("/"):
                steps.append(self.step())
            elif self.accept("//"):
                steps += [_DESCEND, self.step()]
            else:
                return steps

    def step(self) -> Step:
        if self.accept("."):
            return Step("self", "node()", self.predicates())
        if self.accept(".."):
            return Step("parent", "node()", self.predicates())
        axis = "child"
        if self.accept("@"):
            axis = "attribute"
        elif self.peek.kind == "axis":
            axis = self.take().text
            if axis not in _AXES:
                raise BadXPath(f"the axis {axis} is not known")
        token = self.take()
        if token.kind != "name":
            raise BadXPath(f"a name is missing before {token.text}")
        test, target = token.text, ""
        if test in _TYPES and self.accept("("):
            if self.peek.kind == "literal" and test == "processing-instruction":
                target = self.take().text[1:-1]
            self.expect(")")
            test = f"{test}()"
        return Step(axis, test, self.predicates(), target)

    def predicates(self) -> tuple[Expression, ...]:
        found: list[Expression] = []
        while self.accept("["):
            found.append(self.binary(0))
            self.expect("]")
        return tuple(found)
