"""Our modules as one script, and a second of those that are loaded when they are needed.

A browser asks a server for only six files at a time. Each module keeps its own scope and runs when
another one first imports it, as in a browser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ENTRY = "main.js"
"""The module that imports all others, and whose `call` is what the script exports."""

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"\./([\w/]+\.js)";', re.MULTILINE)
_LATER = re.compile(r'\bimport\("\./([\w/]+\.js)"\)')
_EXPORT = re.compile(r"^export (?=(?:const|class|(?:async )?function\*?) (\w+))", re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export \{([^}]*)\};", re.MULTILINE)
_UNKNOWN = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_COMMENT = re.compile(r"^ *(?:/\*\*(?:[^*]|\*(?!/))*\*/|//.*)\n", re.MULTILINE)

# A module that imports one which is still running gets what that exports once it has run.
_AT_ONCE = """const made = {}, waiting = {}, modules = {
%s};
const useModule = (name, take = () => {}) => {
  if (!(name in waiting)) {
    waiting[name] = [];
    made[name] = modules[name]();
    for (const give of waiting[name]) give(made[name]);
  }
  if (made[name]) take(made[name]);
  else waiting[name].push(take);
  return made[name];
};
const useLater = async (name) => {
  if (!(name in modules)) {
    Object.assign(modules, (await import("./later.js")).modules(useModule, useLater));
  }
  return useModule(name);
};
export const { call } = useModule("%s");
"""
_ON_DEMAND = """export const modules = (useModule, useLater) => ({
%s});
"""


def join_modules(sources: Mapping[str, str]) -> tuple[str, str]:
    """Return two modules, without comments: what is needed at once, and what is loaded later.

    Raises: ValueError for an import or export that is written in a form not known here.
    """
    wrapped = {name: _wrap(name, text) for name, text in sources.items()}
    at_once = _needed_at_once(sources)
    first = "".join(text for name, text in wrapped.items() if name in at_once)
    later = "".join(text for name, text in wrapped.items() if name not in at_once)
    return _AT_ONCE % (first, ENTRY), _ON_DEMAND % later


def _needed_at_once(sources: Mapping[str, str]) -> frozenset[str]:
    """Return the entry and all that it imports, directly or not."""
    found = [ENTRY]
    for name in found:
        names = (imported[2] for imported in _IMPORT.finditer(sources[name]))
        found.extend(dict.fromkeys(each for each in names if each not in found))
    return frozenset(found)


def _wrap(name: str, source: str) -> str:
    text = _COMMENT.sub("", source)
    text = _LATER.sub(r'useLater("\1")', _IMPORT.sub(_use, text))
    exported = [found[1] for found in _EXPORT.finditer(text)]
    for found in _EXPORT_LIST.finditer(text):
        exported += [f"{shown}: {own}" for own, shown in _names(found[1])]
    text = _EXPORT_LIST.sub("", _EXPORT.sub("", text))
    unknown = _UNKNOWN.search(text)
    if unknown:
        raise ValueError(f"{name}: {unknown[0]}")
    return f'"{name}": () => {{\n{text}return {{ {", ".join(exported)} }};\n}},\n'


def _use(found: re.Match[str]) -> str:
    """Return what an import becomes."""
    names = _names(found[1] or "")
    if not names:
        return f'useModule("{found[2]}");'
    own, taken = ", ".join(own for _, own in names), ", ".join(map(": ".join, names))
    return f'let {own};\nuseModule("{found[2]}", (given) => {{ ({{ {taken} }} = given); }});'


def _names(listed: str) -> list[tuple[str, str]]:
    """Return each name of a list in braces, and the name that it is given there."""
    pairs = [name.split(" as ") for name in map(str.strip, listed.split(",")) if name]
    return [(pair[0].strip(), pair[-1].strip()) for pair in pairs]
