"""No file, function or folder grows into a lump."""

import ast
from collections import Counter

from tests.architecture.tree import Module, code_modules, modules

MOST_LINES = 400
MOST_LINES_OF_A_TEST = 600
MOST_LINES_AT_P90 = 200
MOST_LINES_OF_MODELS = 250
MOST_LINES_OF_A_FUNCTION = 50
MOST_MODULES_OF_A_FOLDER = 20


def test_files_stay_readable() -> None:
    too_long = {module.path: module.lines for module in modules() if module.lines > limit(module)}
    assert not too_long


def limit(module: Module) -> int:
    if module.is_test:
        return MOST_LINES_OF_A_TEST
    return MOST_LINES_OF_MODELS if "/models/" in module.path else MOST_LINES


def test_nine_files_of_ten_are_short() -> None:
    lengths = sorted(module.lines for module in code_modules())
    assert lengths[int(len(lengths) * 0.9)] <= MOST_LINES_AT_P90


def test_functions_fit_on_a_screen() -> None:
    too_long = {
        f"{module.path}:{node.lineno} {node.name}": length(node)
        for module in code_modules()
        for node in ast.walk(module.tree())
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and length(node) > MOST_LINES_OF_A_FUNCTION
    }
    assert not too_long


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_folders_hold_few_modules() -> None:
    count = Counter(
        module.folder for module in modules() if not module.path.endswith("/__init__.py")
    )
    too_full = {folder: n for folder, n in count.items() if n > MOST_MODULES_OF_A_FOLDER}
    assert not too_full
