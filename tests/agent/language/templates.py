"""Random templates and values: grown from the grammar, then broken a little or not at all."""

from random import Random

NAMES = ["A", "B", "L", "J", "Nope", "Foo Bar", "Octopus", "é-x", "if", "in", "me@b", "2", "😀"]
MEMBERS = ["a", "Key", "Value", "Template", "0", " "]
INDEXES = ["x", "0", "*", "", "y z", " 1", "-1", "n[0].m", "é"]
FILTERS = [
    *("ToUpper", "ToLower", "Trim", "Trim start", "null", "Nope", "Substring 1", "Substring 0 2"),
    *("Truncate 2", 'Replace "[a-z]" "<$0>"', 'Match "^a"', "Append x", 'Prepend "y z"', "Indent"),
    *("Indent 2/4", "ToBase64", "FromBase64", "Md5", "Sha256 4", "HtmlEscape", "XmlEscape"),
    *("JsonEscape", "YamlSingleQuoteEscape", "PropertiesKeyEscape", "UriEscape", "UriPart Host"),
    *("VersionMajor", "VersionPreRelease", 'Format "0.00"', "Format Date yyyy", "AddDays 1"),
    *("NowDate", "Contains #{A}", "StartsWith #{if A}a#{/if}", 'Append \\"q"r\\"', "Format N2"),
]
TEXTS = [
    "",
    "a",
    " ",
    "\n",
    "é😀",
    "#",
    "##",
    "##{",
    "###{",
    "{",
    "}",
    '"',
    "\\",
    "a,b",
    "x\r\ny",
    "|",
]
VALUES = [
    *("", "0", "no", "False", "True", "a", "a,b,,c", "5", "2.5", "-1", "1,234.5", "x y", "é😀"),
    *("https://me@host:81/a/../b?q#f", "1.2.3-beta.4+m", "2020-01-02T03:04:05Z", "QUJD", "a\nb"),
    *(
        '{"a":1,"Key":[1,{"a":"z"}],"b":null}',
        "[1,2,[3]]",
        "{'a':.5,/*c*/b:0x1F,}",
        "{bad",
        "[",
        "#",
    ),
    *("##{A},x", "#{", "#{A$}", '{"a":"#{J.Key}"}', "[1e400]", "{a:99999999999999999999}"),
]
BLANKS = ["", "", "", "", " ", "\n", "\t ", "\u00a0"]
BITS = [
    "#{",
    "}",
    "#",
    "{",
    "[",
    "]",
    ".",
    "|",
    '"',
    '\\"',
    " ",
    "==",
    "/if",
    "#{else}",
    "in",
    "(",
    ")",
    "+",
]


def random_values(random: Random) -> dict[str, str]:
    """Return values for some names, of which some are templates and some mention one another."""
    values: dict[str, str] = {}
    for _ in range(random.randint(0, 7)):
        name = _symbol(random, 0)
        is_template = random.random() < 0.4
        values[name] = random_template(random, 2) if is_template else random.choice(VALUES)
    return values


def random_template(random: Random, depth: int = 3) -> str:
    """Return a template; half of them are broken somewhere."""
    template = _template(random, depth)
    for _ in range(random.choice((0, 0, 0, 1, 1, 2))):
        template = _broken(random, template)
    return template


def _broken(random: Random, text: str) -> str:
    at, other = sorted(random.randint(0, len(text)) for _ in range(2))
    match random.randint(0, 4):
        case 0:
            return text[:at] + text[at + 1 :]
        case 1:
            return text[:at] + random.choice(BITS) + text[at:]
        case 2:
            return text[:at] + text[other:]
        case 3:
            return text[:at]
        case _:
            return text[:other] + text[at:]


def _template(random: Random, depth: int) -> str:
    return "".join(_token(random, depth) for _ in range(random.randint(0, 3)))


def _token(random: Random, depth: int) -> str:
    kind = random.randint(0, 9)
    blank = random.choice(BLANKS)
    if kind < 2 or depth <= 0:
        return random.choice(TEXTS)
    if kind < 6:
        return f"#{{{blank}{_expression(random, depth)}{random.choice(BLANKS)}}}"
    inner = _template(random, depth - 1)
    if kind == 6:
        name = random.choice((*NAMES, "i", "item"))
        return f"#{{{blank}each {name} in{blank or ' '}{_symbol(random, depth)}}}{inner}#{{/each}}"
    if kind == 7:
        return f"#{{{blank}calc {_sum(random, depth)}{blank}}}"
    word = random.choice(("if", "unless", "IF"))
    middle = ""
    for _ in range(random.choice((0, 0, 1, 2))):
        middle += f"#{{elseif {_condition(random, depth)}}}{_template(random, depth - 1)}"
    if random.random() < 0.5:
        middle += "#{else}" + _template(random, depth - 1)
    opening = f"#{{{blank}{word} {_condition(random, depth)}{random.choice(BLANKS)}}}"
    return f"{opening}{inner}{middle}#{{/{word.lower()}}}"


def _condition(random: Random, depth: int) -> str:
    left = _side(random, depth)
    if random.random() < 0.5:
        return left
    blank = random.choice(BLANKS)
    return (
        f"{left}{blank}{random.choice(('==', '!='))}{random.choice(BLANKS)}{_side(random, depth)}"
    )


def _side(random: Random, depth: int) -> str:
    if random.random() < 0.3:
        return random.choice(('"a"', '""', '\\"a b"c\\"', '"x y" '))
    return _expression(random, depth)


def _expression(random: Random, depth: int) -> str:
    expression = "" if random.random() < 0.05 else _symbol(random, depth)
    for _ in range(random.choice((0, 0, 0, 1, 1, 2))):
        blank = random.choice(BLANKS)
        expression += f"{blank}|{random.choice(BLANKS)}{random.choice(FILTERS)}"
    return expression


def _symbol(random: Random, depth: int) -> str:
    symbol = random.choice((*NAMES, "i", "item"))
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        kind = random.randint(0, 3)
        if kind == 0:
            symbol += "." + random.choice((*MEMBERS, "Template.Each.Index"))
        elif kind == 1 and depth > 0:
            symbol += f"[#{{{_symbol(random, depth - 1)}}}]"
        else:
            symbol += f"[{random.choice(INDEXES)}]"
    return symbol


def _sum(random: Random, depth: int) -> str:
    kinds = ("1", "2.5", ".5", "5.", "{%s}", "%s", "(%s)", "( 1+2 )", "(1*3)-1")
    parts = []
    for _ in range(random.randint(1, 3)):
        part = random.choice(kinds)
        parts.append(part % _symbol(random, 0) if "%s" in part else part)
        parts.append(random.choice(("+", " - ", "*", " / ", "-", "%")))
    return "".join(parts[:-1])
